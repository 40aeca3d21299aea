"""Second step: a network trained on groups of nodes, from scratch or from another network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from CardioScarLib.core.choices import keys_of
from CardioScarLib.core.settings import ModelSettings, NetworkSettings
from CardioScarLib.io.checkpoints import Checkpoint
from CardioScarLib.io.training_data import TrainingData
from CardioScarLib.original.box import frame_of, inside_box
from CardioScarLib.original.unfinished import Unfinished
from CardioScarLib.reconstruction.dropout.architecture import Architecture
from CardioScarLib.reconstruction.dropout.coordinates import NetworkFrame
from CardioScarLib.reconstruction.dropout.groups import GroupedPoints
from CardioScarLib.reconstruction.dropout.recipes import architecture_of, recipe_of
from CardioScarLib.reconstruction.dropout.train import State, Trained
from CardioScarLib.reconstruction.dropout.train import train as run

Progress = Callable[[int, int, float, float], None]
"""Called with (epochs done, epochs at most, loss, learning rate)."""
FINE_TUNING = {"modern": {}, "original": {"epochs": 1000, "patience": 200, "half_cycle": 500}}
"""Differences from training from scratch, apart from the learning rates."""
STEPS_PER_EPOCH, SMALLEST_BATCH = 12, 256
"""The modern recipe counts on a dozen steps per epoch, which the slice operator's many points make; a file has fewer nodes."""
SAME = 1e-6
"""Values of one group this close are one value."""


@dataclass(frozen=True, eq=False)
class Training:
    """What came out: the best network so far. interrupted: stopped by Ctrl-C. notes: sentences for the user."""

    checkpoint: Checkpoint
    interrupted: bool
    notes: tuple[str, ...]


def train(
    data: TrainingData,
    settings: NetworkSettings,
    seed: int = 42,
    layout: int = 1,
    progress: Progress = lambda done, epochs, loss, rate: None,
    unfinished: Unfinished | None = None,
) -> Training:
    """Train a network from scratch.

    layout: 1 has two dropout layers among four; 2 has one, and is what the original's command line loads.
    unfinished: where the state is kept every so many epochs, and found again after a kill.
    """
    settings = _with_enough_steps(settings, len(data.group))
    architecture = replace(architecture_of(settings), layout=layout)
    frame = _millimeters(data) if architecture.frequencies else NetworkFrame.unit_box(data.minimum, data.maximum)
    return _run(data, settings, seed, architecture, frame, progress, unfinished)


def fine_tune(
    data: TrainingData,
    parent: Checkpoint,
    parent_path: Path,
    settings: NetworkSettings,
    freeze_stages: int = 0,
    seed: int = 42,
    progress: Progress = lambda done, epochs, loss, rate: None,
    unfinished: Unfinished | None = None,
) -> Training:
    """Continue training another network on this data, in that network's coordinates.

    settings: its architecture is not used; it comes from the parent. freeze_stages: hidden layers, from the first, that keep
    their weights. The nodes are taken to the parent's coordinates by their place in mm, not by their own box, so that both
    hearts must lie in one place; those outside its training box are counted. Raises BadTrainingData if hardly any is inside.
    """
    architecture = Architecture.from_state(parent.state, parent.dropout)
    frame = frame_of(parent)
    notes = inside_box(frame, data.points, "nodes of the training data", "register the patient to the data that it was trained on first")
    settings = _with_enough_steps(settings, len(data.group))
    result = _run(data, settings, seed, architecture, frame, progress, unfinished, parent.state, freeze_stages)
    checkpoint = replace(result.checkpoint, fine_tuned_from=parent_path.name, freeze_stages=freeze_stages)
    return Training(checkpoint, result.interrupted, (*notes, *result.notes))


def fine_tuning_settings(parent: Checkpoint, **given) -> NetworkSettings:
    """Settings to continue with the recipe a network was trained with, which the original's files do not name.

    given: fields of NetworkSettings; where one is None, the original's default for fine-tuning, or the modern recipe's own.
    """
    recipe = parent.settings.get("recipe")
    recipe = str(recipe) if recipe in keys_of(NetworkSettings, "recipe") else "original"
    given = {name: value for name, value in given.items() if value is not None}
    return NetworkSettings(recipe, **{**FINE_TUNING[recipe], **given})


def grouped(data: TrainingData, frame: NetworkFrame) -> tuple[GroupedPoints, tuple[str, ...]]:
    """The data as the network takes it, and notes. A group whose nodes hold different values gets their mean."""
    _, group, sizes = np.unique(data.group, return_inverse=True, return_counts=True)
    order = np.argsort(group, kind="stable")
    group, values, starts = group[order], data.values[order], np.cumsum(sizes) - sizes
    weight = 1.0 / sizes[group]
    target = np.clip(np.bincount(group, values * weight), 0.0, 1.0)
    spread = np.maximum.reduceat(values, starts) - np.minimum.reduceat(values, starts)
    notes: tuple[str, ...] = ()
    if mixed := np.count_nonzero(spread > SAME):
        notes = (
            f"{mixed} of {len(sizes)} groups hold different values (up to {spread.max():.2g} apart) and were trained on their mean; "
            "data prepared by the original from an image are like that.",
        )
    return GroupedPoints(frame.to_network(data.points[order]), group, weight, target, np.ones(len(target))), notes


def _run(
    data: TrainingData,
    settings: NetworkSettings,
    seed: int,
    architecture: Architecture,
    frame: NetworkFrame,
    progress: Progress,
    unfinished: Unfinished | None,
    start: State | None = None,
    freeze_stages: int = 0,
) -> Training:
    ModelSettings(seed=seed)  # checks the seed
    groups, notes = grouped(data, frame)
    keep: dict[str, Any] = {}
    if unfinished is not None:
        resume, note = unfinished.find((data.sha256, settings, seed, architecture, freeze_stages), start)
        notes += note
        keep = {"resume": resume, "on_checkpoint": unfinished.save, "every_epochs": unfinished.every_epochs}
    trained = run(groups, architecture, settings, seed=seed, start=start, freeze_stages=freeze_stages, progress=progress, **keep)
    if not trained.history["best_epoch"]:
        raise KeyboardInterrupt  # stopped before the first epoch was over: there is nothing to keep
    checkpoint = Checkpoint(
        trained.state,
        architecture.dropout,
        frame.origin,
        frame.matrix,
        frame.low,
        frame.high,
        len(data.group),
        len(groups.target),
        _history(trained),
        _record(settings, seed, architecture, trained),
        data.sha256,
    )
    return Training(checkpoint, trained.interrupted, notes)


def _with_enough_steps(settings: NetworkSettings, nodes: int) -> NetworkSettings:
    if settings.recipe != "modern" or settings.batch_size is not None:
        return settings
    most = recipe_of(settings).batch_size
    return replace(settings, batch_size=min(most, max(SMALLEST_BATCH, nodes // STEPS_PER_EPOCH)))


def _millimeters(data: TrainingData) -> NetworkFrame:
    center, half = 0.5 * (data.minimum + data.maximum), 0.5 * (data.maximum - data.minimum)
    return NetworkFrame(center, np.eye(3), -half, half)


def _history(trained: Trained) -> dict:
    """In the original's words, which count epochs from 0."""
    known = trained.history
    return {
        "losses": known["losses"],
        "lrs": known["rates"],
        "held_out_errors": known["held_out_errors"],
        "held_out_groups": known["held_out_groups"],
        "best_loss": known["best_loss"],
        "best_epoch": known["best_epoch"] - 1,
        "converged_epoch": known["converged_epoch"],
        "training_time": known["seconds"],
    }


def _record(settings: NetworkSettings, seed: int, architecture: Architecture, trained: Trained) -> dict:
    """In the original's words, where it has one."""
    recipe = recipe_of(settings)
    return {
        "recipe": settings.recipe,
        "seed": seed,
        "device": trained.device,
        "hidden_size": architecture.width,
        "n_hidden_layers": architecture.depth,
        "dropout_layers": list(architecture.dropout_layers),
        "max_epochs": recipe.epochs,
        "early_stopping_patience": recipe.patience,
        "batch_size": recipe.batch_size,
        "mc_samples": recipe.training_samples,
        "base_lr": recipe.lowest_rate,
        "max_lr": recipe.highest_rate,
        "lr_step_size": recipe.half_cycle,
    }
