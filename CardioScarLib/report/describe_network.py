"""Descriptions of trained networks and training data, for `cardioscar info`."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np

from CardioScarLib.io.checkpoints import CHECKPOINT_SUFFIXES, Checkpoint, read_checkpoint
from CardioScarLib.io.training_data import TRAINING_SUFFIXES, TrainingData, read_unchecked
from CardioScarLib.reconstruction.dropout.architecture import Architecture
from CardioScarLib.reconstruction.dropout.coordinates import NetworkFrame

SUFFIXES = (*CHECKPOINT_SUFFIXES, *TRAINING_SUFFIXES)


def read_network_file(path: Path) -> Checkpoint | TrainingData:
    """A checkpoint, or training data whose values may be any numbers; nothing in the file is executed."""
    return read_checkpoint(path) if path.suffix.lower() in CHECKPOINT_SUFFIXES else read_unchecked(path)


def describe_checkpoint(checkpoint: Checkpoint) -> dict:
    """Architecture, training box and how it was trained. Raises UnreadableFile for tensors that are no coordinate network."""
    architecture = Architecture.from_state(checkpoint.state, checkpoint.dropout)
    frame = NetworkFrame(checkpoint.origin, checkpoint.matrix, checkpoint.low, checkpoint.high)
    corners = frame.from_network(np.array(list(product(*zip(checkpoint.low, checkpoint.high, strict=True)))))
    history = checkpoint.history
    losses, best = history.get("losses"), history.get("best_epoch")
    return {
        "kind": "network",
        "frame": "LPS mm",
        "hidden_layers": architecture.depth,
        "hidden_size": architecture.width,
        "fourier_frequencies": architecture.frequencies,
        "weights": int(sum(np.size(values) for values in checkpoint.state.values())),
        "dropout": checkpoint.dropout,
        "dropout_layers": list(architecture.dropout_layers),
        "bounds_lps_mm": _bounds(corners),
        "nodes": checkpoint.nodes,
        "groups": checkpoint.groups,
        "recipe": checkpoint.settings.get("recipe"),
        "epochs": history.get("converged_epoch", len(losses) if isinstance(losses, list) else None),
        "best_epoch": best + 1 if isinstance(best, int) else None,
        "fine_tuned_from": checkpoint.fine_tuned_from,
        "frozen_layers": checkpoint.freeze_stages or None,
        "training_data_sha256": checkpoint.training_data,
        "notes": [],
    }


def describe_training_data(data: TrainingData) -> dict:
    sizes = data.group_sizes
    return {
        "kind": "training data",
        "frame": "LPS mm",
        "nodes": len(data.group),
        "groups": len(sizes),
        "nodes_per_group": _range(sizes),
        "values": _range(data.values),
        "bounds_lps_mm": _bounds(np.array([data.minimum, data.maximum])),
        "notes": list(data.notes),
    }


def _range(values: np.ndarray) -> dict[str, float] | None:
    return {name: float(getattr(values, name)()) for name in ("min", "max", "mean")} if len(values) else None


def _bounds(corners: np.ndarray) -> list:
    return np.round([corners.min(axis=0), corners.max(axis=0)], 2).tolist()
