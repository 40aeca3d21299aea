"""Image slices in: volumes, DICOM folders and grid layers become one stack."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from CardioScarLib.core.errors import BadSettings, BadStack
from CardioScarLib.core.slices import PERPENDICULAR, SliceStack
from CardioScarLib.io.dicom import INDEX, is_dicom, read_dicom_file, read_dicom_folder
from CardioScarLib.io.files import check_readable
from CardioScarLib.io.itk_files import read_pixels, read_series
from CardioScarLib.io.layers import read_layer
from CardioScarLib.io.names import openable
from CardioScarLib.io.nifti import NiftiHeader, read_nifti_header
from CardioScarLib.io.planes import Plane, stack_of_planes, thickness_note
from CardioScarLib.io.segment_mat import SUFFIX as SEGMENT_FILE
from CardioScarLib.io.segment_mat import chosen_stack, read_segment

AXES = {"x": 0, "y": 1, "z": 2}
SMALL_SHEAR = 0.01
"""Cosine between rows and columns up to which they are read as perpendicular."""


def read_stack(
    paths: Sequence[Path],
    slice_axis: str | None = None,
    slice_indices: Sequence[int] | None = None,
    thickness: float | None = None,
    scalar_field: str = "ScalarValue",
    label_map: bool = False,
    series: str | None = None,
) -> SliceStack:
    """Read every slice of a case into one stack, LPS mm.

    paths: NIfTI, NRRD or MHA volumes, files of Segment (.mat), DICOM files of one frame or many, folders of them (also
        DICOMDIR), legacy VTK grid layers, in any mixture. Volumes keep the order of their slices; DICOM files and layers are sorted
        along their normal, the largest parallel group first.
    slice_axis: index axis of volumes that runs across the slices; None is "z". Other files are slices already.
    slice_indices: which slices of the whole stack to keep, counted from 0 in that order.
    thickness: mm; None takes what the files say, else the slice spacing, with a note in the stack.
    scalar_field: array of grid layers.
    label_map: the pixels are labels, and must be whole numbers.
    series: of a DICOM folder, as `io.dicom.list_series` names them, or the number of a stack in a file of Segment; None takes LGE
        where there are several kinds.
    Pixels of grid layers that the layer does not cover are NaN. Everywhere else NaN is refused, and so are two images of
    one place.
    """
    if thickness is not None and not (np.isfinite(thickness) and thickness > 0):
        raise BadSettings(f"The slice thickness is {thickness} mm; it must be greater than zero.")
    if slice_axis is not None and slice_axis not in AXES:
        raise BadSettings(f"The slice axis is '{slice_axis}'; it must be one of {', '.join(AXES)}.")
    paths = [openable(Path(path)) for path in paths]
    paths = [path.parent if path.name.upper() == INDEX and path.is_file() else path for path in paths]
    if not paths:
        raise BadStack("No image was given.")
    layers, files, stacks = [], [], []
    for path in paths:
        if path.is_dir():
            planes, notes = read_dicom_folder(path, series)
            stacks.append(stack_of_planes(planes, path.name, thickness, notes))
        elif check_readable(path).suffix.lower() == ".vtk":
            layers.append(path)
        elif path.suffix.lower() == SEGMENT_FILE:
            stacks.append(_read_segment(path, thickness, label_map, series))
        elif is_dicom(path):
            files.append(path)
        else:
            stacks.append(_read_volume(path, slice_axis, thickness))
    if files:
        planes = [plane for path in files for plane in read_dicom_file(path)]
        stacks.append(stack_of_planes(planes, "the DICOM images", thickness))
    if layers:
        planes = [read_layer(path, scalar_field) for path in layers]
        name = layers[0].name if len(layers) == 1 else "the grid layers"
        stacks.append(stack_of_planes(planes, name, thickness, _cover_note(planes, name)))
    if series is not None and not any(path.is_dir() or path.suffix.lower() == SEGMENT_FILE for path in paths):
        raise BadSettings(f"The series '{series}' was given, but no folder of DICOM images to choose it from; omit it.")
    if slice_axis in ("x", "y") and len(stacks) == bool(files) + bool(layers) + sum(path.is_dir() for path in paths):
        raise BadSettings(f"The slice axis '{slice_axis}' was given, but these files hold single slices; omit it.")
    stack = SliceStack.joined(stacks)
    stack = replace(stack, notes=_each_once(stack.notes, [path.name for path in paths]))
    if label_map:
        _check_labels(stack)
    if slice_indices is not None:
        stack = stack.select(list(slice_indices))
    stack.check_repeated()
    return stack


def read_image(path: Path) -> tuple[sitk.Image, list[str]]:
    """A 3D scalar image file (not DICOM) with finite pixels, and notes about its geometry."""
    image, _, notes = _read_image(path)
    return image, notes


def read_images(path: Path) -> tuple[list[sitk.Image], list[str]]:
    """The volumes of a 3D or 4D scalar image file (not DICOM) with finite pixels, and notes about its geometry."""
    path = check_readable(openable(path))
    header = _finite_header(path)
    images = read_series(path, header is not None and header.is_sheared).images()
    note = header.note(path.name, ijk_to_lps(images[0])) if header is not None else None
    return images, [note] if note else []


def _finite_header(path: Path) -> NiftiHeader | None:
    """Of a NIfTI file; None of others."""
    header = read_nifti_header(path) if path.name.lower().endswith((".nii", ".nii.gz")) else None
    if header is not None and header.not_finite:
        raise not_finite(header.not_finite, path.name)
    return header


def _read_image(path: Path) -> tuple[sitk.Image, np.ndarray, list[str]]:
    """`read_image`, with its 4x4 matrix from voxels to LPS mm, which has the shear of a NIfTI image that ITK's directions leave out."""
    path = check_readable(openable(path))
    name, notes = path.name, []
    header = _finite_header(path)
    image = read_pixels(path, header is not None and header.is_sheared).image()
    matrix = ijk_to_lps(image)
    if header is not None:
        note = header.note(name, matrix)
        notes += [note] if note else []
        if header.is_sheared and header.sform is not None:
            matrix = header.sform
    return image, matrix, notes


def not_finite(count: int, name: str) -> BadStack:
    return BadStack(f"{count} pixels of {name} are not finite numbers (NaN or infinite); repair the image first.")


def ijk_to_lps(image: sitk.Image) -> np.ndarray:
    """4x4, voxel index (i, j, k) to LPS mm at voxel centers."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    matrix[:3, 3] = image.GetOrigin()
    return matrix


def stated_thickness(path: Path) -> float | None:
    """The slice thickness in the header of an NRRD file (its field `thicknesses`), mm; None where there is none."""
    if not path.name.lower().endswith((".nrrd", ".nhdr")):
        return None
    with path.open("rb") as file:
        header = file.read(1 << 16).split(b"\n\n")[0].replace(b"\r", b"").decode("ascii", "replace")
    found = re.search(r"^thicknesses:(.*)$", header, re.MULTILINE)
    numbers = [float(word) for word in found.group(1).split() if _is_positive(word)] if found else []
    return numbers[0] if len(numbers) == 1 else None


def _is_positive(word: str) -> bool:
    try:
        return np.isfinite(float(word)) and float(word) > 0
    except ValueError:
        return False


def _read_volume(path: Path, slice_axis: str | None, thickness: float | None) -> SliceStack:
    image, matrix, notes = _read_image(path)
    array = sitk.GetArrayFromImage(image).astype(np.float64)
    bad = int(np.count_nonzero(~np.isfinite(array)))
    if bad:
        raise not_finite(bad, path.name)
    spacing = image.GetSpacing()
    axis = AXES[slice_axis or "z"]
    largest = int(np.argmax(spacing))
    if slice_axis is None and spacing[largest] > 1.5 * spacing[axis]:
        letter = "xyz"[largest]
        notes.append(
            f"The slices of {path.name} were taken along z, but its largest spacing ({spacing[largest]:.4g} mm) is along {letter}; "
            f"use --slice-axis {letter} if the slices lie along it."
        )
    if thickness is None:
        thickness = stated_thickness(path) if axis == 2 else None
    if thickness is None:
        thickness = float(spacing[axis])
        notes.append(thickness_note(path.name, thickness))
    matrix = _squared(matrix, array.shape[::-1], axis, path.name, notes)
    return SliceStack.from_volume(array, matrix, thickness, axis, notes, label=f"{path.name} slice")


def _squared(matrix: np.ndarray, size: Sequence[int], slice_axis: int, name: str, notes: list[str]) -> np.ndarray:
    """The matrix with rows and columns perpendicular, if they almost are; the middle of the image stays in its place."""
    first, second = (axis for axis in range(3) if axis != slice_axis)
    lengths = np.linalg.norm(matrix[:3, :3], axis=0)
    one, other = matrix[:3, first] / lengths[first], matrix[:3, second] / lengths[second]
    cosine = float(one @ other)
    if not PERPENDICULAR < abs(cosine) <= SMALL_SHEAR:  # others need no help, or are refused by the slices
        return matrix
    squared = matrix.copy()
    half = 0.5 * cosine  # each gives way by half, to first order
    for axis, direction in ((first, one - half * other), (second, other - half * one)):
        squared[:3, axis] = lengths[axis] * direction / np.linalg.norm(direction)
    middle = 0.5 * (np.array(size) - 1)
    squared[:3, 3] += (matrix[:3, :3] - squared[:3, :3]) @ middle
    reach = (matrix[:3, :3] - squared[:3, :3]) * middle  # along each axis, from the middle to a side
    moved = max(float(np.linalg.norm(reach[:, first] + sign * reach[:, second])) for sign in (-1, 1))
    notes.append(
        f"The rows and columns of {name} are not quite perpendicular (cosine {cosine:.3f}); they were read as perpendicular, "
        f"which moves its corners by up to {moved:.2g} mm."
    )
    return squared


def _read_segment(path: Path, thickness: float | None, label_map: bool, series: str | None) -> SliceStack:
    stack = chosen_stack(read_segment(path), series, path.name).stack(path.name, label_map)
    return stack if thickness is None else stack.with_thickness(thickness)


def _each_once(notes: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """The notes, with those that say the same of several files in one."""
    said: dict[str, list[str]] = {}
    for note in notes:
        name = next((name for name in sorted(names, key=len, reverse=True) if name in note), "")
        said.setdefault(note.replace(name, "\0") if name else note, []).append(name)
    return tuple(
        note.replace("\0", of[0] if len(of) == 1 else f"{of[0]} and {len(of) - 1} other file{'s' if len(of) > 2 else ''}")
        for note, of in said.items()
    )


def _cover_note(planes: Sequence[Plane], name: str) -> list[str]:
    covered = [float(np.isfinite(one.pixels).mean()) for one in planes]
    if min(covered) == 1:
        return []
    share = " to ".join(dict.fromkeys(f"{one:.0%}" for one in (min(covered), max(covered))))
    return [f"{share} of the rectangle of {name} has values; the rest was left out, not set to zero."]


def _check_labels(stack: SliceStack) -> None:
    for one in stack:
        values = one.pixels[np.isfinite(one.pixels)]
        if np.any(values != np.rint(values)) or np.any(values < 0):
            raise BadStack(f"{one.label} is not a label map: its values are not all whole numbers from 0 up.")
