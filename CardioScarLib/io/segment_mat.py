"""Files of the program Segment (Medviso): image stacks with their place, contours of the LV, and scar.

A .mat file holds a struct array `setstruct`, one element per stack, and the pixels there or in the cell array `im`. x is the row,
y the column, both counted from 1; arrays run along x, y, time and slice. The place of a point is, as in Segment's own function
xyz2rlapfh, position + x times the second direction + y times the first - z times their cross product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from CardioScarLib.core.errors import BadStack, MissingPackage, UnreadableFile
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.io.apart import apart

if TYPE_CHECKING:
    from CardioScarLib.wall.contours import SliceContours

SUFFIX = ".mat"
LABELS = {1: "myocardium", 2: "scar", 3: "no-reflow"}
"""Values of the label map that is made of the scar of a file."""
UNPACKED = 64
"""Bytes in memory per byte of a file, at most: they are compressed, and become double precision."""
VARIABLES = ("setstruct", "im")
LGE_WORDS = ("lge", "late", "delay", "scar", "viab", "psir", "enhanc")


@dataclass(frozen=True, eq=False)
class SegmentStack:
    """One stack of a file.

    pixels: (slices, rows, columns), of the first time frame; frames: in time. origin: (3,) of the first pixel, row_step, column_step,
    slice_step: (3,) mm, LPS. thickness: mm. endo, epi: (slices, points, 2) rows and columns counted from 0, NaN where nothing was
    drawn, of the time frame with the most contours; None without. labels: (slices, rows, columns), see LABELS; None without scar.
    """

    description: str
    pixels: np.ndarray
    frames: int
    origin: np.ndarray
    row_step: np.ndarray
    column_step: np.ndarray
    slice_step: np.ndarray
    thickness: float
    endo: np.ndarray | None
    epi: np.ndarray | None
    labels: np.ndarray | None

    def stack(self, name: str, label_map: bool) -> SliceStack:
        """Its images, or the labels of its scar. Raises BadStack without scar, or with several frames in time."""
        if label_map and self.labels is None:
            raise BadStack(f"{name} holds no scar; draw it in Segment's viability mode first.")
        if not label_map and self.frames > 1:
            raise BadStack(f"The stack in {name} has {self.frames} frames in time; LGE has one.")
        stack = SliceStack(tuple(self._planes(name)))
        return stack.with_pixels(list(self.labels)) if label_map and self.labels is not None else stack

    def contours(self, name: str) -> list[SliceContours]:
        """The contours of the slices that have some, LPS mm."""
        from CardioScarLib.wall.contours import SliceContours  # here, since every reader of images imports this file

        found = []
        for number, one in enumerate(self._planes(name)):
            curves = [None if drawn is None else self._curve(drawn[number], one) for drawn in (self.endo, self.epi)]
            if any(curve is not None for curve in curves):
                found.append(SliceContours(curves[0], curves[1], one.normal, one.thickness, one.center, one.label))
        return found

    def _planes(self, name: str) -> list[Slice]:
        return [
            Slice(one, self.origin + number * self.slice_step, self.row_step, self.column_step, self.thickness, f"{name} slice {number}")
            for number, one in enumerate(self.pixels)
        ]

    @staticmethod
    def _curve(points: np.ndarray, plane: Slice) -> np.ndarray | None:
        points = points[np.isfinite(points).all(axis=1)]
        if len(points) > 1 and np.allclose(points[0], points[-1]):
            points = points[:-1]
        return plane.to_points(*points.T) if len(points) > 2 else None


def chosen_stack(stacks: Sequence[SegmentStack], wanted: str | None, name: str) -> SegmentStack:
    """The stack with scar, that of LGE by its description, or the only one; wanted: its number, from 1. Raises BadStack."""
    if wanted is not None:
        if not wanted.isdigit() or not 1 <= int(wanted) <= len(stacks):
            raise BadStack(f"{name} has the stacks 1 to {len(stacks)}, but no stack {wanted}.")
        return stacks[int(wanted) - 1]
    with_scar = [one for one in stacks if one.labels is not None]
    late = [one for one in stacks if any(word in one.description.lower() for word in LGE_WORDS)]
    for found in (with_scar, late, list(stacks)):
        if len(found) == 1:
            return found[0]
    raise BadStack(f"{name} holds {len(stacks)} stacks, and it is not clear which is meant; choose one with --series 1 to {len(stacks)}.")


def drawn_stack(stacks: Sequence[SegmentStack], name: str) -> SegmentStack:
    """The stack with contours of the LV; that with scar if several have some. Raises UnreadableFile without contours."""
    drawn = [one for one in stacks if one.epi is not None or one.endo is not None]
    if not drawn:
        raise UnreadableFile(f"{name} holds no contours of the LV.")
    return chosen_stack(drawn, None, name) if len(drawn) > 1 else drawn[0]


@apart(tuple[SegmentStack, ...], lambda path: path.stat().st_size * UNPACKED)
def read_segment(path: Path) -> tuple[SegmentStack, ...]:
    """The stacks of a file of Segment. Raises UnreadableFile for other files, MissingPackage for those of MATLAB 7.3 without mat73."""
    from scipy.io import loadmat

    name = path.name
    try:
        try:
            content = loadmat(path, struct_as_record=False, variable_names=VARIABLES)
        except NotImplementedError:  # MATLAB 7.3 writes HDF5
            content = _content_of_hdf5(path)
        sets = np.ravel(content["setstruct"])
        images = content["im"] if "im" in content else [np.empty(0)] * len(sets)
        images = np.ravel(images) if isinstance(images, np.ndarray) else images
        return tuple(_stack(one, image) for one, image in zip(sets, images, strict=True))
    except MissingPackage:
        raise
    except KeyError as problem:
        raise UnreadableFile(f"{name} is not a file of Segment: it holds no 'setstruct'.") from problem
    except Exception as problem:  # whatever a damaged file makes the reader raise
        raise UnreadableFile(f"{name} is not a file of Segment, or it is damaged.") from problem


def _content_of_hdf5(path: Path) -> dict[str, Any]:
    """As scipy gives it: `setstruct` an array of objects whose attributes are the fields, `im` a list of arrays."""
    try:
        import mat73
    except ImportError as error:
        raise MissingPackage(
            f"{path.name} was saved by MATLAB in version 7.3, which needs the package mat73, and it is not installed here: "
            "`pip install mat73`, or save the file in version 7 (save -v7)."
        ) from error
    content = mat73.loadmat(str(path), verbose=False)  # its only_include empties structs within struct arrays
    fields = content["setstruct"]
    counts = {len(values) if isinstance(values, list) else 1 for values in fields.values()}
    # A struct array of one element comes as its values; an array of several, each field as the list of theirs.
    lists = all(isinstance(values, list) for values in fields.values()) and len(counts) == 1
    found = [dict(zip(fields, values, strict=True)) for values in zip(*fields.values(), strict=True)] if lists else [fields]
    sets = np.empty(len(found), dtype=object)
    for number, one in enumerate(found):
        sets[number] = _as_objects(one)
    images = content.get("im")
    return {"setstruct": sets} if images is None else {"setstruct": sets, "im": images if isinstance(images, list) else [images]}


def _as_objects(fields: dict[str, Any]) -> SimpleNamespace:
    """Nested structs too; what is empty in MATLAB, None of mat73, is an empty array."""
    plain = {
        name: np.array([_as_objects(value)], dtype=object) if isinstance(value, dict) else np.empty(0) if value is None else value
        for name, value in fields.items()
    }
    return SimpleNamespace(**plain)


def _stack(one: Any, image: np.ndarray) -> SegmentStack:
    pixels = np.asarray(one.IM if np.size(getattr(one, "IM", ())) else image, dtype=np.float64)
    pixels = pixels.reshape(*pixels.shape, *(1,) * (4 - pixels.ndim))  # MATLAB drops last dimensions of one
    rows, columns, frames, slices = pixels.shape
    first, second = np.reshape(_row(one.ImageOrientation, 6), (2, 3))
    thickness, gap = _number(one.SliceThickness), _number(one.SliceGap)
    contours = [_contours(one, surface, frames, slices) for surface in ("Endo", "Epi")]
    return SegmentStack(
        description=" ".join(str(word) for name in ("SeriesDescription", "ImageType") for word in np.ravel(getattr(one, name, ""))).strip(),
        pixels=np.moveaxis(pixels[:, :, 0], 2, 0),
        frames=frames,
        origin=_row(one.ImagePosition, 3),
        row_step=second * _number(one.ResolutionX),
        column_step=first * _number(one.ResolutionY),
        slice_step=-np.cross(first, second) * (thickness + gap),
        thickness=thickness,
        endo=contours[0],
        epi=contours[1],
        labels=_labels(one, (rows, columns, slices)),
    )


def _contours(one: Any, surface: str, frames: int, slices: int) -> np.ndarray | None:
    x, y = (np.asarray(getattr(one, surface + axis, ()), dtype=np.float64) for axis in "XY")
    if not x.size or not np.isfinite(x).any():
        return None
    x, y = (values.reshape(-1, frames, slices, order="F") for values in (x, y))
    frame = int(np.isfinite(x).any(axis=0).sum(axis=1).argmax())
    return np.moveaxis(np.stack([x[:, frame], y[:, frame]], axis=-1), 1, 0) - 1


def _labels(one: Any, shape: tuple[int, int, int]) -> np.ndarray | None:
    scar = np.ravel(getattr(one, "Scar", ()))
    if not len(scar) or not np.size(getattr(scar[0], "Result", ())):
        return None
    labels = np.zeros(shape)
    for value, name in ((1, "MyocardMask"), (2, "Result"), (3, "NoReflow")):
        mask = np.asarray(getattr(scar[0], name, ()))
        if mask.size:
            labels[mask.reshape(shape, order="F") != 0] = value
    return np.moveaxis(labels, 2, 0)


def _row(values: Any, count: int) -> np.ndarray:
    return np.asarray(values, dtype=np.float64).reshape(count)


def _number(value: Any) -> float:
    return float(np.ravel(value)[0])
