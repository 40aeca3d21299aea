"""The original cardioscar's training files: mesh nodes in groups, each group with the value of one pixel."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from CardioScarLib.core.errors import BadEvidence, BadSettings, BadTrainingData, UnreadableFile, UnwritableOutput
from CardioScarLib.io.files import PRIVATE, atomic_path, check_readable
from CardioScarLib.io.packed import check_zip

TRAINING_SUFFIXES = (".npz", ".npy")
NORMALIZATIONS = ("none", "minmax")
KEYS = ("coordinates", "intensities", "group_ids", "scaler_min", "scaler_max")
ROUNDING = 1e-5
"""Values this far beyond 0 and 1 are rounding of float32 and are clipped."""


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Nodes of a mesh in groups, as the original cardioscar stores them.

    coordinates: (n, 3) float64, each axis scaled so that `minimum` is 0 and `maximum` is 1.
    values: (n,) float64, 0..1, what the pixel of the node's group shows.
    group: (n,) int64, 0 or more; nodes with the same one lie in one pixel's prism.
    minimum, maximum: (3,) float64 LPS mm, the box of the nodes.
    notes: sentences about what was found or assumed. sha256: of the file it was read from.
    """

    coordinates: np.ndarray
    values: np.ndarray
    group: np.ndarray
    minimum: np.ndarray
    maximum: np.ndarray
    notes: tuple[str, ...] = ()
    sha256: str | None = None

    @classmethod
    def from_points(cls, points: np.ndarray, values: np.ndarray, group: np.ndarray, notes: tuple[str, ...] = ()) -> TrainingData:
        """points: (n, 3) LPS mm; their own box becomes the unit cube. An axis without extent keeps its millimeters."""
        points = np.asarray(points, dtype=np.float64)
        minimum, maximum = points.min(axis=0), points.max(axis=0)
        maximum = np.where(maximum > minimum, maximum, minimum + 1.0)
        return cls((points - minimum) / (maximum - minimum), np.asarray(values, np.float64), np.asarray(group), minimum, maximum, notes)

    @property
    def points(self) -> np.ndarray:
        """(n, 3) LPS mm."""
        return self.coordinates * (self.maximum - self.minimum) + self.minimum

    @property
    def group_sizes(self) -> np.ndarray:
        """(m,) nodes of each group, in ascending order of the groups' numbers."""
        return np.unique(self.group, return_counts=True)[1]


def read_training_data(path: Path, normalize: str = "none") -> TrainingData:
    """Read `.npz`, or the older (n, 5) `.npy` of x, y, z in mm, value and group.

    normalize: "none" takes the values as they are and refuses any outside 0 to 1; "minmax" stretches them to it.
    Nothing in the file is executed. Raises UnreadableFile for what is no such file, BadTrainingData for what cannot be trained on.
    """
    path = Path(path)
    data = read_unchecked(path)
    return replace(checked(data, path.name, normalize), sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def read_unchecked(path: Path) -> TrainingData:
    """`read_training_data` for a look at the file, with any values, even if it cannot be trained on."""
    path = check_readable(path)
    arrays = _load(path)
    return _legacy(arrays, path.name) if isinstance(arrays, np.ndarray) else _modern(arrays, path.name)


def write_training_data(data: TrainingData, path: Path, overwrite: bool = False) -> Path:
    """Write a `.npz` that the original cardioscar reads as its own."""
    path = Path(path)
    check_training_name(path)
    whole = np.int32 if data.group.max(initial=0) < 2**31 else np.int64
    with atomic_path(path, overwrite) as temporary:
        np.savez_compressed(
            temporary,
            coordinates=data.coordinates.astype(np.float32),
            intensities=data.values.astype(np.float32)[:, None],
            group_ids=data.group.astype(whole),
            group_sizes=data.group_sizes.astype(np.int32),
            scaler_min=data.minimum.astype(np.float64),
            scaler_max=data.maximum.astype(np.float64),
        )
        os.chmod(temporary, PRIVATE)  # the values are those of a patient's image
    return path


def check_training_name(path: Path) -> None:
    if Path(path).suffix.lower() != ".npz":
        raise UnwritableOutput(f"{Path(path).name} is not a name for training data; use .npz.")


def checked(data: TrainingData, name: str, normalize: str = "none") -> TrainingData:
    """The data, ready to train on: values in 0 to 1, more than one group; what was done is in its notes."""
    if normalize not in NORMALIZATIONS:
        raise BadSettings(f"The normalization is '{normalize}'; it must be one of {', '.join(NORMALIZATIONS)}.")
    groups = np.unique(data.group)
    if len(groups) < 2:
        amount = "one node" if len(data.group) == 1 else f"{len(data.group)} nodes in one group" if len(groups) else "no nodes"
        raise BadTrainingData(f"{name} holds {amount}; there is nothing to learn between fewer than two pixels.")
    values, notes = normalized(data.values, name, normalize)
    if np.ptp(values) == 0:
        notes = (*notes, f"All values in {name} are {values[0]:.3g}; the map will be the same everywhere.")
    return replace(data, values=values, notes=(*data.notes, *notes))


def normalized(values: np.ndarray, name: str, normalize: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Values in 0 to 1 and notes. Raises BadEvidence for values beyond them, unless min-max scaling is asked for."""
    low, high = float(values.min()), float(values.max())
    if normalize == "minmax":
        if high == low:
            raise BadEvidence(f"All values in {name} are {low:.4g}; min-max scaling needs at least two different ones.")
        return (values - low) / (high - low), (f"The values of {name} were stretched from {low:.4g}-{high:.4g} to 0-1 (min-max).",)
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise BadEvidence(
            f"The values of {name} run from {low:.4g} to {high:.4g}, but the network learns scar fractions from 0 to 1: convert them "
            "first, use --normalize minmax to stretch them, or let `cardioscar reconstruct` read LGE intensities."
        )
    return np.clip(values, 0.0, 1.0), ()


def _load(path: Path) -> dict[str, np.ndarray] | np.ndarray:
    check_zip(path, path.name)
    try:
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return found
        with found:
            return {key: found[key] for key in found.files}
    except Exception as problem:  # whatever a damaged file makes the parsers raise
        raise UnreadableFile(
            f"{path.name} cannot be read as training data (.npz of number arrays, or .npy); it is damaged, of another kind, or holds "
            "Python objects, which are never loaded."
        ) from problem


def _modern(arrays: dict[str, np.ndarray], name: str) -> TrainingData:
    missing = [key for key in KEYS if key not in arrays]
    if missing:
        there = ", ".join(sorted(arrays)[:6]) or "nothing"
        raise UnreadableFile(f"{name} is not training data: it lacks {', '.join(missing)} (it has {there}).")
    coordinates = _numbers(arrays["coordinates"], "coordinates", name)
    if coordinates.ndim != 2 or coordinates.shape[1] != 3:
        raise BadTrainingData(f"The coordinates in {name} have the shape {coordinates.shape}; (nodes, 3) is needed.")
    if np.any(np.abs(coordinates - 0.5) > 0.5 + ROUNDING):
        raise BadTrainingData(
            f"The coordinates in {name} run from {coordinates.min():.4g} to {coordinates.max():.4g}; they must be scaled to 0-1 "
            "between scaler_min and scaler_max."
        )
    values = _per_node(arrays["intensities"], "intensities", len(coordinates), name)
    group = _group_numbers(_per_node(arrays["group_ids"], "group_ids", len(coordinates), name), name)
    low, high = (_numbers(arrays[key], key, name) for key in ("scaler_min", "scaler_max"))
    if low.shape != (3,) or high.shape != (3,) or np.any(high < low):
        raise BadTrainingData(f"The box of {name} (scaler_min, scaler_max) is not two corners in mm, the lower one first.")
    high = np.where(high > low, high, low + 1.0)
    data = TrainingData(coordinates, values, group, low, high)
    if "group_sizes" in arrays:
        _check_sizes(data, _numbers(arrays["group_sizes"], "group_sizes", name), name)
    return data


def _legacy(array: np.ndarray, name: str) -> TrainingData:
    if array.ndim != 2 or array.shape[1] != 5:
        raise UnreadableFile(f"{name} is not training data: its array has the shape {array.shape}; (nodes, 5) is needed.")
    table = _numbers(array, "table", name)
    if not len(table):
        raise BadTrainingData(f"{name} holds no nodes.")
    note = f"{name} is of the older kind: x, y, z in mm, value and group in one table."
    return TrainingData.from_points(table[:, :3], table[:, 3], _group_numbers(table[:, 4], name), (note,))


def _numbers(array: np.ndarray, key: str, name: str) -> np.ndarray:
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        raise BadTrainingData(f"The {key} in {name} are not numbers.")
    numbers = array.astype(np.float64)
    bad = np.count_nonzero(~np.isfinite(numbers))
    if bad:
        raise BadTrainingData(f"{bad} numbers of the {key} in {name} are not finite (NaN or infinite).")
    return numbers


def _per_node(array: np.ndarray, key: str, count: int, name: str) -> np.ndarray:
    """(n,) from (n,) or (n, 1)."""
    numbers = _numbers(array, key, name)
    if numbers.shape not in ((count,), (count, 1)):
        raise BadTrainingData(f"The {key} in {name} have the shape {numbers.shape} for {count} coordinates; one per node is needed.")
    return numbers.reshape(count)


def _group_numbers(numbers: np.ndarray, name: str) -> np.ndarray:
    if np.any(numbers != np.rint(numbers)) or np.any(numbers < 0) or np.any(numbers > 2**53):
        raise BadTrainingData(f"The group numbers in {name} are not whole numbers from 0 up.")
    return numbers.astype(np.int64)


def _check_sizes(data: TrainingData, stated: np.ndarray, name: str) -> None:
    counted = data.group_sizes
    if stated.shape != counted.shape:
        raise BadTrainingData(f"{name} states the sizes of {stated.size} groups, but its nodes belong to {len(counted)}.")
    wrong = np.flatnonzero(stated != counted)
    if len(wrong):
        first = wrong[0]
        raise BadTrainingData(
            f"The group sizes in {name} do not fit its nodes: group {np.unique(data.group)[first]} has {counted[first]} nodes and "
            f"{stated[first]:.0f} are stated ({len(wrong)} of {len(counted)} groups are wrong)."
        )
