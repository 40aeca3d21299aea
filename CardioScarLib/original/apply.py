"""Third step: the prediction of a trained network on a mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.settings import ModelSettings
from CardioScarLib.core.wall import Wall
from CardioScarLib.io.checkpoints import Checkpoint
from CardioScarLib.original.box import frame_of, inside_box
from CardioScarLib.reconstruction.dropout.architecture import Architecture
from CardioScarLib.reconstruction.dropout.device import choose_device
from CardioScarLib.reconstruction.dropout.predict import predict

MOST_SAMPLES = 10_000


@dataclass(frozen=True, eq=False)
class Application:
    """arrays: per node, float32: scar_probability, scar_uncertainty, scar_binary (0 or 1, only with a threshold).

    device: sentence on where it was computed. notes: sentences for the user.
    """

    arrays: dict[str, np.ndarray]
    device: str
    notes: tuple[str, ...]


def apply(
    checkpoint: Checkpoint,
    wall: Wall,
    samples: int = 10,
    seed: int = 42,
    device: str = "auto",
    batch_size: int | None = None,
    threshold: float | None = None,
) -> Application:
    """Mean and standard deviation over Monte Carlo dropout samples at the wall's nodes; scar from `threshold` up.

    batch_size: nodes at once, None chooses; it does not change the result, and neither does anything but the seed.
    Raises OutsideTrainingBox for a wall that lies elsewhere.
    """
    ModelSettings(seed=seed)  # checks the seed
    if not 1 <= samples <= MOST_SAMPLES:
        raise BadSettings(f"The number of samples is {samples}; it must be between 1 and {MOST_SAMPLES}.")
    if batch_size is not None and batch_size < 1:
        raise BadSettings(f"The batch size is {batch_size}; it must be at least 1.")
    if threshold is not None and not 0 < threshold < 1:
        raise BadSettings(f"The threshold is {threshold:g}; it must lie between 0 and 1.")
    architecture = Architecture.from_state(checkpoint.state, checkpoint.dropout)
    frame = frame_of(checkpoint)
    notes = (
        *wall.notes,
        *inside_box(frame, wall.nodes, "nodes of the LV model", "check the model's frame and unit, and that it is the right patient"),
    )
    if not architecture.dropout_layers or not architecture.dropout:
        notes += ("The network has no dropout, so its uncertainty is 0 everywhere, which means nothing.",)
    elif samples == 1:
        notes += ("The uncertainty of one sample is 0 everywhere, which means nothing; use more samples.",)
    found = choose_device(device)[1]
    mean, deviation = predict(
        checkpoint.state,
        architecture,
        frame.to_network(wall.nodes),
        samples=samples,
        seed=seed,
        device=device,
        batch_size=batch_size,
    )
    arrays = {"scar_probability": mean.astype(np.float32), "scar_uncertainty": deviation.astype(np.float32)}
    if threshold is not None:
        arrays["scar_binary"] = (arrays["scar_probability"] >= threshold).astype(np.float32)
    return Application(arrays, found, notes)
