"""Trained coordinate networks: our own container (safetensors) and the original cardioscar's `.pth`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from CardioScarLib import __version__
from CardioScarLib.errors import MissingPackage, UnreadableFile, UnwritableOutput
from CardioScarLib.io.files import atomic_path, check_readable
from CardioScarLib.io.torch_files import read_torch, write_torch

CHECKPOINT_SUFFIXES = (".safetensors", ".pth")
HEADER = "cardioscar"
"""Key of our JSON header in a safetensors file's metadata, whose values are text."""
KIND = "coordinate network"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A trained network as it is stored.

    state: tensors by name, float32; the names are the original's ("network.0.weight").
    dropout: rate, which is not in the tensors.
    origin, matrix, low, high: where its coordinates lie: matrix @ (p - origin) of a point p in LPS mm; low and high are the
        corners of the training points' box in these coordinates.
    nodes, groups: how many it was trained on.
    history: losses, lrs (one per epoch), best_loss, best_epoch (from 0), converged_epoch, training_time (s), as known.
    settings: how it was trained, plain values. training_data: SHA-256 of what it was trained on, None where unknown.
    fine_tuned_from: name of the checkpoint it started from, None if it was trained from scratch. freeze_stages: see there.
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


def check_checkpoint_name(path: Path) -> None:
    if Path(path).suffix.lower() not in CHECKPOINT_SUFFIXES:
        raise UnwritableOutput(f"{Path(path).name} is not a name for a trained network; use .safetensors, or .pth for the original.")


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a trained network; nothing in the file is executed. Raises UnreadableFile for anything else.

    Whether the tensors make a network is for the network to say.
    """
    path = check_readable(path)
    found = _read_container(path) if path.suffix.lower() == ".safetensors" else _read_pth(path)
    if not 0 <= found.dropout < 1:
        raise UnreadableFile(f"The dropout rate in {path.name} is {found.dropout:.4g}; it has to be less than 1 and not negative.")
    if abs(np.linalg.det(found.matrix)) < 1e-18:  # a box of 1000 km
        raise UnreadableFile(f"The box in {path.name} has no inverse, so no point has coordinates in it; the file is damaged.")
    return found


def write_checkpoint(checkpoint: Checkpoint, path: Path, overwrite: bool = False) -> Path:
    """Write `.safetensors` (ours), or `.pth`, which the original cardioscar loads.

    Raises UnwritableOutput where a `.pth` has no place for what the network needs.
    """
    path = Path(path)
    check_checkpoint_name(path)
    write = _write_container if path.suffix.lower() == ".safetensors" else _write_pth
    with atomic_path(path, overwrite) as temporary:
        write(checkpoint, temporary)
    return path


def pth_box(checkpoint: Checkpoint) -> tuple[np.ndarray, np.ndarray] | None:
    """The corners (LPS mm) between which a `.pth` scales coordinates to 0..1; None if this network works otherwise."""
    scale = np.diag(checkpoint.matrix)
    plain = all(name.startswith("network.") for name in checkpoint.state)
    if not plain or np.any(checkpoint.matrix != np.diag(scale)) or np.any(scale <= 0):
        return None
    return checkpoint.origin, checkpoint.origin + 1 / scale


# --- our own container


def _read_container(path: Path) -> Checkpoint:
    safe_open = _safetensors().safe_open
    try:
        with safe_open(str(path), framework="numpy") as file:
            header = json.loads((file.metadata() or {}).get(HEADER, "null"))
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a dictionary)
    except Exception as problem:  # whatever a damaged file makes the parsers raise
        raise UnreadableFile(
            f"{path.name} cannot be read as a .safetensors file; it is truncated, damaged or of another kind."
        ) from problem
    if not isinstance(header, dict) or header.get("kind") != KIND:
        raise UnreadableFile(f"{path.name} is not a network of CardioScar: its header does not say so.")
    if header.get("tensors_sha256") != _hash(state):
        raise UnreadableFile(f"The tensors in {path.name} are not those its header was written for; the file is damaged.")
    try:
        frame = header["frame"]
        return Checkpoint(
            {name: state[name] for name in header["shapes"]},  # safetensors keeps no order
            float(header["dropout"]),
            *(_corner(frame[key], key, path.name, shape) for key, shape in (("origin", 3), ("matrix", (3, 3)), ("low", 3), ("high", 3))),
            int(header["nodes"]),
            int(header["groups"]),
            dict(header["history"]),
            dict(header["settings"]),
            header["training_data_sha256"],
            header["fine_tuned_from"],
            int(header["freeze_stages"]),
        )
    except (KeyError, TypeError, ValueError) as problem:
        if isinstance(problem, UnreadableFile):
            raise
        raise UnreadableFile(f"The header of {path.name} is incomplete ({problem}); the file is damaged.") from problem


def _write_container(checkpoint: Checkpoint, path: Path) -> None:
    from safetensors.numpy import save_file

    state = {name: np.ascontiguousarray(values, dtype=np.float32) for name, values in checkpoint.state.items()}
    header = {
        "kind": KIND,
        "version": 1,
        "written_by": f"CardioScar {__version__}",
        "dropout": checkpoint.dropout,
        "shapes": {name: list(values.shape) for name, values in state.items()},
        "frame": {
            "space": "LPS",
            "unit": "mm",
            "coordinates": "matrix @ (point - origin)",
            **{name: np.asarray(getattr(checkpoint, name), np.float64).tolist() for name in ("origin", "matrix", "low", "high")},
        },
        "nodes": checkpoint.nodes,
        "groups": checkpoint.groups,
        "settings": checkpoint.settings,
        "history": checkpoint.history,
        "tensors_sha256": _hash(state),
        "training_data_sha256": checkpoint.training_data,
        "fine_tuned_from": checkpoint.fine_tuned_from,
        "freeze_stages": checkpoint.freeze_stages,
    }
    save_file(state, str(path), {HEADER: json.dumps(_plain(header), allow_nan=False)})


def _safetensors():
    try:
        import safetensors
    except ImportError as error:
        raise MissingPackage(
            'Files of the kind .safetensors need the package safetensors, which is not installed here: `pip install "cardioscar[network]"`.'
        ) from error
    return safetensors


def _hash(state: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(state):
        values = np.ascontiguousarray(state[name])
        digest.update(f"{name} {values.dtype.str} {values.shape}".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


# --- the original's .pth


def _read_pth(path: Path) -> Checkpoint:
    content = read_torch(path)
    missing = [key for key in ("model_state_dict", "hyperparameters", "dataset_info") if key not in content]
    if missing:
        raise UnreadableFile(f"{path.name} is not a checkpoint of cardioscar: it lacks {', '.join(missing)}.")
    tensors, hyper, info = (content[key] for key in ("model_state_dict", "hyperparameters", "dataset_info"))
    if not all(isinstance(part, Mapping) for part in (tensors, hyper, info)) or not all(
        isinstance(name, str) and isinstance(values, np.ndarray) for name, values in tensors.items()
    ):
        raise UnreadableFile(f"{path.name} is not a checkpoint of cardioscar: its parts are not what they should be.")
    for key, part in (("dropout_rate", hyper), ("scaler_min", info), ("scaler_max", info)):
        if key not in part:
            raise UnreadableFile(f"{path.name} is not a complete checkpoint of cardioscar: it lacks {key}.")
    low, high = (_corner(info[key], key, path.name) for key in ("scaler_min", "scaler_max"))
    if np.any(high < low):
        raise UnreadableFile(f"The box in {path.name} (scaler_min, scaler_max) is upside down.")
    extent = np.where(high > low, high - low, 1.0)
    history = content.get("history")
    origin = content.get("fine_tuned_from")
    return Checkpoint(
        dict(tensors),
        _number(hyper["dropout_rate"], "dropout_rate", path.name),
        low,
        np.diag(1 / extent),
        np.zeros(3),
        (high - low) / extent,
        int(_number(info.get("n_nodes", 0), "n_nodes", path.name)),
        int(_number(info.get("n_groups", 0), "n_groups", path.name)),
        _plain(dict(history)) if isinstance(history, Mapping) else {},
        _plain(dict(hyper)),
        fine_tuned_from=None if origin is None else Path(str(origin)).name,
        freeze_stages=int(_number(content.get("freeze_stages", 0), "freeze_stages", path.name)),
    )


def _write_pth(checkpoint: Checkpoint, path: Path) -> None:
    box = pth_box(checkpoint)
    if box is None:
        raise UnwritableOutput(
            "A .pth of the original has no place for the Fourier features or the coordinates of the modern recipe; "
            "write .safetensors, or train with --recipe original."
        )
    weights = [values for name, values in checkpoint.state.items() if name.endswith("weight")]
    losses = checkpoint.history.get("losses", [])
    best = checkpoint.history.get("best_loss", min(losses, default=0.0))
    settings = {
        name: checkpoint.settings[name] for name in ("mc_samples", "batch_size", "base_lr", "max_lr") if name in checkpoint.settings
    }
    content = {
        "model_state_dict": checkpoint.state,
        "history": {"losses": [], "lrs": [], "best_epoch": 0, "converged_epoch": len(losses), **checkpoint.history, "best_loss": best},
        "hyperparameters": {
            "dropout_rate": checkpoint.dropout,
            "hidden_size": int(weights[0].shape[0]),
            "n_hidden_layers": len(weights) - 1,
            **settings,
        },
        "dataset_info": {
            "n_nodes": checkpoint.nodes,
            "n_groups": checkpoint.groups,
            "scaler_min": np.array(box[0], dtype=np.float64),
            "scaler_max": np.array(box[1], dtype=np.float64),
        },
    }
    if checkpoint.fine_tuned_from is not None:
        content |= {"fine_tuned_from": checkpoint.fine_tuned_from, "freeze_stages": checkpoint.freeze_stages}
    write_torch(content, path)


# --- both


def _corner(value, key: str, name: str, shape=3) -> np.ndarray:
    try:
        corner = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as problem:
        raise UnreadableFile(f"The {key} in {name} is not made of numbers.") from problem
    if corner.shape != (shape if isinstance(shape, tuple) else (shape,)) or not np.all(np.isfinite(corner)):
        raise UnreadableFile(f"The {key} in {name} has the shape {corner.shape} or numbers that are not finite.")
    return corner


def _number(value, key: str, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)) or not np.isfinite(value):
        raise UnreadableFile(f"The {key} in {name} is not a number.")
    return float(value)


def _plain(value):
    """numpy numbers and arrays as JSON knows them; NaN and infinity, which it does not, as None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)
