"""DICOM of nuclear medicine: slices that were reconstructed from projections, gated or not (PS3.3 C.8.4)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from CardioScarLib.core.errors import BadStack, UnreadableFile
from CardioScarLib.io.apart import apart
from CardioScarLib.io.dicom_headers import memory_of_dicom
from CardioScarLib.io.files import check_readable

if TYPE_CHECKING:
    from pydicom import Dataset

NUCLEAR = ("1.2.840.10008.5.1.4.1.1.20",)
"""SOP class of Nuclear Medicine Image Storage."""
RECONSTRUCTED = ("RECON TOMO", "RECON GATED TOMO")


@dataclass(frozen=True, eq=False)
class NuclearVolume:
    """counts: (gates, k, j, i) after rescaling. matrix: 4x4 from voxel (i, j, k) to LPS mm. description: of the series."""

    counts: np.ndarray = field(repr=False)
    matrix: np.ndarray
    description: str
    notes: tuple[str, ...] = ()


def read_nuclear(path: Path) -> NuclearVolume:
    """One multi-frame file. Raises UnreadableFile for another kind of DICOM and BadStack for frames that are no reconstructed slices."""
    return _read(check_readable(path))


@apart(NuclearVolume, memory_of_dicom)
def _read(path: Path) -> NuclearVolume:
    import pydicom

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(path, force=True)
            pixels = np.asarray(dataset.pixel_array, dtype=np.float64)
    except Exception as problem:  # pydicom raises what comes
        raise UnreadableFile(f"{path.name} is a damaged or truncated DICOM image, or of a kind that cannot be read.") from problem
    if dataset.get("SOPClassUID") not in NUCLEAR:
        raise UnreadableFile(f"{path.name} is no DICOM image of nuclear medicine; give reconstructed SPECT slices.")
    kind = _kind(dataset)
    if kind not in RECONSTRUCTED:
        raise BadStack(
            f"{path.name} holds '{kind or 'images of an unnamed kind'}', not reconstructed slices ({' or '.join(RECONSTRUCTED)}); "
            "reconstruct the projections first."
        )
    pixels = pixels[None] if pixels.ndim == 2 else pixels
    if pixels.ndim != 3:
        raise UnreadableFile(f"{path.name} has colors; SPECT slices have one number per pixel.")
    slope, intercept = (_number(dataset.get(name)) for name in ("RescaleSlope", "RescaleIntercept"))
    pixels = pixels * (slope or 1.0) + (intercept or 0.0)
    notes: list[str] = []
    counts = _in_gates(dataset, pixels, path.name)
    matrix = _matrix(dataset, path.name, notes)
    return NuclearVolume(counts, matrix, str(dataset.get("SeriesDescription") or "").strip(), tuple(notes))


def _kind(dataset: Dataset) -> str:
    types = [str(one).strip().upper() for one in dataset.get("ImageType") or ()]
    return types[2] if len(types) > 2 else ""


def _in_gates(dataset: Dataset, pixels: np.ndarray, name: str) -> np.ndarray:
    """(gates, slices, rows, columns), whatever the order of the frames: each frame says its slice and its gate."""
    slices = _vector(dataset.get("SliceVector"), len(pixels)) or list(range(1, len(pixels) + 1))
    gates = _vector(dataset.get("TimeSlotVector"), len(pixels)) or [1] * len(pixels)
    if len(set(slices)) * len(set(gates)) != len(pixels) or len(set(zip(gates, slices, strict=True))) != len(pixels):
        raise BadStack(f"The frames of {name} are not one for each slice and gate; energy windows and detectors must be separate files.")
    order = np.lexsort((slices, gates))
    return pixels[order].reshape(len(set(gates)), len(set(slices)), *pixels.shape[1:])


def _matrix(dataset: Dataset, name: str, notes: list[str]) -> np.ndarray:
    detector = (dataset.get("DetectorInformationSequence") or [{}])[0]
    orientation = _numbers(detector.get("ImageOrientationPatient"), 6)
    position = _numbers(detector.get("ImagePositionPatient"), 3)
    spacing = _numbers(dataset.get("PixelSpacing"), 2)
    between = _number(dataset.get("SpacingBetweenSlices")) or _number(dataset.get("SliceThickness"))
    if spacing is None or between is None or not (spacing > 0).all():
        raise BadStack(f"{name} does not tell the size of its voxels (PixelSpacing and SpacingBetweenSlices).")
    if orientation is None:
        orientation = np.array([1.0, 0, 0, 0, 1, 0])
        notes.append(f"{name} does not tell how its slices lie in the patient; they were read as slices with the front up.")
    if position is None:
        position = np.zeros(3)
        notes.append(f"{name} does not tell where its slices lie in the patient; the first one was placed at the origin.")
    row, column = orientation[:3], orientation[3:]
    if abs(np.linalg.norm(row) - 1) > 0.01 or abs(np.linalg.norm(column) - 1) > 0.01 or abs(row @ column) > 0.01:
        raise BadStack(f"The directions of rows and columns in {name} are no perpendicular unit vectors.")
    matrix = np.eye(4)
    # A positive distance stacks the slices behind the first one, along the normal; a negative one in front of it.
    matrix[:3, :3] = np.column_stack([row * spacing[1], column * spacing[0], np.cross(row, column) * between])
    matrix[:3, 3] = position
    return matrix


def _vector(value: Any, count: int) -> list[int] | None:
    if value is None:
        return None
    numbers = [int(one) for one in np.atleast_1d(value)]
    return numbers if len(numbers) == count else None


def _numbers(value: Any, count: int) -> np.ndarray | None:
    try:
        numbers = np.array(value, dtype=float).reshape(-1)
    except (TypeError, ValueError):
        return None
    return numbers if len(numbers) == count and np.isfinite(numbers).all() else None


def _number(value: Any) -> float | None:
    found = _numbers(value, 1) if value is not None else None
    return None if found is None else float(found[0])
