"""The model `network`, fitted as all models are."""

from __future__ import annotations

from collections.abc import Callable

from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.settings import ModelSettings
from CardioScarLib.geometry.operator import SliceOperator
from CardioScarLib.reconstruction.dropout.coordinates import NetworkFrame
from CardioScarLib.reconstruction.dropout.groups import GroupedPoints
from CardioScarLib.reconstruction.dropout.posterior import DropoutPosterior
from CardioScarLib.reconstruction.dropout.recipes import architecture_of
from CardioScarLib.reconstruction.dropout.train import train


def fit_dropout_network(
    operator: SliceOperator, evidence: Evidence, settings: ModelSettings, step: Callable[..., None]
) -> DropoutPosterior:
    """Train the network on the operator's averages.

    step: called with (epochs done, epochs at most, loss=); may raise to end the run.
    """
    architecture = architecture_of(settings.network)
    if architecture.frequencies:
        frame = NetworkFrame.in_millimeters(operator)
        groups = GroupedPoints.from_operator(operator, evidence)
    else:
        points = operator.frame.from_frame(operator.points)
        frame = NetworkFrame.unit_box(points.min(axis=0), points.max(axis=0))
        groups = GroupedPoints.from_operator(operator, evidence, frame)
    trained = train(
        groups, architecture, settings.network, seed=settings.seed, progress=lambda done, epochs, loss, rate: step(done, epochs, loss=loss)
    )
    if trained.interrupted:
        raise KeyboardInterrupt
    import torch

    history = trained.history
    summary = {
        "recipe": settings.network.recipe,
        "device": trained.device,
        "pytorch": torch.__version__,
        "epochs": history["converged_epoch"],
        "best_epoch": history["best_epoch"],
        "held_out_groups": history["held_out_groups"],
        "held_out_rms": history["held_out_errors"][history["best_epoch"] - 1],
        "training_loss": history["best_loss"],
        "training_seconds": history["seconds"],
    }
    step(1, 1)
    return DropoutPosterior(trained.state, architecture, frame, settings.samples, settings.seed, settings.network.device, summary)
