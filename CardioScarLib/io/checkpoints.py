"""Trained coordinate networks: our own container (safetensors) and the original cardioscar's `.pth`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from CardioScarLib.core.errors import UnreadableFile, UnwritableOutput
from CardioScarLib.io.files import atomic_path, check_readable
from CardioScarLib.io.json_files import check_json, record_of, refused_as
from CardioScarLib.io.tensor_files import plain, read_tensors, write_tensors
from CardioScarLib.io.torch_files import read_torch, write_torch

CHECKPOINT_SUFFIXES = (".safetensors", ".pth")
KIND = "coordinate network"
PARTS = ("model_state_dict", "hyperparameters", "dataset_info")
OF_THE_ORIGINAL = ("mc_samples", "batch_size", "base_lr", "max_lr")
FRAME = {"origin": (3,), "matrix": (3, 3), "low": (3,), "high": (3,)}

WHOLE, WORD = {"type": "integer", "minimum": 0}, {"type": ["string", "null"]}
HEADER = record_of(
    {
        "dropout": {"type": "number"},
        "frame": record_of(dict.fromkeys(FRAME, {"type": "array"})),
        **dict.fromkeys(("nodes", "groups", "freeze_stages"), WHOLE),
        **dict.fromkeys(("training_data_sha256", "fine_tuned_from"), WORD),
        "history": record_of({}, {"losses": {"type": "array"}, "best_epoch": {"type": "integer"}, "converged_epoch": {"type": "integer"}}),
        "settings": record_of({}, {"recipe": WORD}),
    }
)
"""Schema of our header in a safetensors file."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A trained network as it is stored.

    state: tensors by name, float32; the names are the original's ("network.0.weight").
    dropout: rate, which is not in the tensors.
    origin, matrix, low, high: where its coordinates lie: matrix @ (p - origin) of a point p in LPS mm; low and high are the
        corners of the training points' box in these coordinates.
    nodes, groups: how many it was trained on.
    history: losses, lrs (one per epoch), best_loss, best_epoch (from 0), converged_epoch, training_time (s), as far as known.
    settings: how it was trained, plain values. training_data: SHA-256 of what it was trained on, None where unknown.
    fine_tuned_from: name of the checkpoint it started from, None if it was trained from scratch.
    freeze_stages: hidden layers, from the first, that kept their weights then.
    """

    state: dict[str, np.ndarray]
    dropout: float
    origin: np.ndarray
    matrix: np.ndarray
    low: np.ndarray
    high: np.ndarray
    nodes: int
    groups: int
    history: dict = field(default_factory=dict)
    settings: dict = field(default_factory=dict)
    training_data: str | None = None
    fine_tuned_from: str | None = None
    freeze_stages: int = 0


def is_pth(path: Path) -> bool:
    return Path(path).suffix.lower() == ".pth"


def check_checkpoint_name(path: Path) -> None:
    if Path(path).suffix.lower() not in CHECKPOINT_SUFFIXES:
        raise UnwritableOutput(f"{Path(path).name} is not a name for a trained network; use .safetensors, or .pth for the original's kind.")


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a trained network; nothing in the file is executed. Raises UnreadableFile for anything else.

    Whether the tensors make a network is checked by the network.
    """
    path = check_readable(path)
    with refused_as(f"{path.name} cannot be read as a trained network; the file is damaged."):
        found = _read_container(path) if path.suffix.lower() == ".safetensors" else _read_pth(path)
        if not 0 <= found.dropout < 1:
            raise UnreadableFile(f"The dropout rate in {path.name} is {found.dropout:.4g}; it must be at least 0 and less than 1.")
        if abs(np.linalg.det(found.matrix)) < 1e-18:  # a box of 1000 km
            raise UnreadableFile(f"The box in {path.name} has no inverse; the file is damaged.")
    return found


def write_checkpoint(checkpoint: Checkpoint, path: Path, overwrite: bool = False) -> Path:
    """Write `.safetensors` (ours), or `.pth`, which the original cardioscar loads.

    Raises UnwritableOutput where a `.pth` has no place for what the network needs.
    """
    path = Path(path)
    check_checkpoint_name(path)
    with atomic_path(path, overwrite) as temporary:
        if is_pth(path):
            write_torch(as_original(checkpoint), temporary)
        else:
            _write_container(checkpoint, temporary)
    return path


def as_original(checkpoint: Checkpoint) -> dict:
    """The dictionary that the original cardioscar keeps in a `.pth`; the tensors are arrays here.

    Raises UnwritableOutput for a network that it cannot hold.
    """
    scale = np.diag(checkpoint.matrix)
    unknown = [name for name in checkpoint.state if not name.startswith("network.")]
    if unknown or np.any(checkpoint.matrix != np.diag(scale)) or np.any(scale <= 0):
        raise UnwritableOutput(
            "A .pth of the original has no place for the Fourier features and the coordinates of this network; "
            "write .safetensors, or train with --recipe original."
        )
    weights = [values for name, values in checkpoint.state.items() if name.endswith("weight")]
    losses = checkpoint.history.get("losses", [])
    known = {"losses": losses, "lrs": [], "best_epoch": 0, "converged_epoch": len(losses), "training_time": 0.0, **checkpoint.history}
    if known.get("best_loss") is None:
        known["best_loss"] = min(losses, default=0.0)
    content: dict[str, Any] = {
        "model_state_dict": checkpoint.state,
        "history": known,
        "hyperparameters": {
            "dropout_rate": checkpoint.dropout,
            "hidden_size": int(weights[0].shape[0]),
            "n_hidden_layers": len(weights) - 1,
            **{name: checkpoint.settings[name] for name in OF_THE_ORIGINAL if name in checkpoint.settings},
        },
        "dataset_info": {
            "n_nodes": checkpoint.nodes,
            "n_groups": checkpoint.groups,
            "scaler_min": np.array(checkpoint.origin, dtype=np.float64),
            "scaler_max": np.array(checkpoint.origin + 1 / scale, dtype=np.float64),
        },
    }
    if checkpoint.fine_tuned_from is not None:
        content |= {"fine_tuned_from": checkpoint.fine_tuned_from, "freeze_stages": checkpoint.freeze_stages}
    return content


def from_original(content: Mapping, name: str) -> Checkpoint:
    """The other way round. name: of the file, for messages."""
    missing = [key for key in PARTS if key not in content]
    if missing:
        raise UnreadableFile(f"{name} is not a checkpoint of cardioscar: it lacks {', '.join(missing)}.")
    tensors, hyper, info = (content[key] for key in PARTS)
    if not all(isinstance(part, Mapping) for part in (tensors, hyper, info)) or not all(
        isinstance(key, str) and isinstance(values, np.ndarray) and values.dtype.kind == "f" for key, values in tensors.items()
    ):
        raise UnreadableFile(f"{name} is not a checkpoint of cardioscar: its entries are of the wrong types.")
    for key, part in (("dropout_rate", hyper), ("scaler_min", info), ("scaler_max", info)):
        if key not in part:
            raise UnreadableFile(f"{name} is not a complete checkpoint of cardioscar: it lacks {key}.")
    low, high = (_array(info[key], key, name, (3,)) for key in ("scaler_min", "scaler_max"))
    if np.any(high < low):
        raise UnreadableFile(f"The box in {name} (scaler_min, scaler_max) has a minimum above its maximum.")
    extent = np.where(high > low, high - low, 1.0)
    history, parent = content.get("history"), content.get("fine_tuned_from")
    return Checkpoint(
        {key: values.astype(np.float32) for key, values in tensors.items()},
        _number(hyper["dropout_rate"], "dropout_rate", name),
        low,
        np.diag(1 / extent),
        np.zeros(3),
        (high - low) / extent,
        int(_number(info.get("n_nodes", 0), "n_nodes", name)),
        int(_number(info.get("n_groups", 0), "n_groups", name)),
        plain(history) if isinstance(history, Mapping) else {},
        plain(hyper),
        fine_tuned_from=None if parent is None else Path(str(parent)).name,
        freeze_stages=int(_number(content.get("freeze_stages", 0), "freeze_stages", name)),
    )


def _read_pth(path: Path) -> Checkpoint:
    return from_original(read_torch(path), path.name)


def _read_container(path: Path) -> Checkpoint:
    state, header = read_tensors(path, KIND)
    sentence = f"The header of {path.name} is incomplete; the file is damaged."
    check_json(header, HEADER, sentence)
    with refused_as(sentence):
        frame = {key: _array(header["frame"][key], key, path.name, shape) for key, shape in FRAME.items()}
        return Checkpoint(
            state,
            _number(header["dropout"], "dropout", path.name),
            **frame,
            nodes=int(header["nodes"]),
            groups=int(header["groups"]),
            history=dict(header["history"]),
            settings=dict(header["settings"]),
            training_data=header["training_data_sha256"],
            fine_tuned_from=header["fine_tuned_from"],
            freeze_stages=int(header["freeze_stages"]),
        )


def _write_container(checkpoint: Checkpoint, path: Path) -> None:
    place = {"space": "LPS", "unit": "mm", "coordinates": "matrix @ (point - origin)"}
    header = {
        "version": 1,
        "dropout": checkpoint.dropout,
        "frame": {**place, **{name: np.asarray(getattr(checkpoint, name), dtype=np.float64) for name in FRAME}},
        "nodes": checkpoint.nodes,
        "groups": checkpoint.groups,
        "settings": checkpoint.settings,
        "history": checkpoint.history,
        "training_data_sha256": checkpoint.training_data,
        "fine_tuned_from": checkpoint.fine_tuned_from,
        "freeze_stages": checkpoint.freeze_stages,
    }
    write_tensors({name: np.asarray(values, dtype=np.float32) for name, values in checkpoint.state.items()}, header, KIND, path)


def _array(value, key: str, name: str, shape: tuple[int, ...]) -> np.ndarray:
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as problem:
        raise UnreadableFile(f"The {key} in {name} is not made of numbers.") from problem
    if array.shape != shape or not np.all(np.isfinite(array)):
        raise UnreadableFile(f"The {key} in {name} has the shape {array.shape} instead of {shape}, or numbers that are not finite.")
    return array


def _number(value, key: str, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)) or not np.isfinite(value):
        raise UnreadableFile(f"The {key} in {name} is not a number.")
    return float(value)
