"""Contour files: one text file per slice and surface, or a few points of all in one; columns and rows of an image's pixels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.interpolate import CubicSpline

from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.io.cvi42 import BINARY, SUFFIXES, contours_on, read_cvi42
from CardioScarLib.io.files import check_readable
from CardioScarLib.io.images import read_stack
from CardioScarLib.io.json_files import parse_json, record_of, refused_as
from CardioScarLib.io.segment_mat import SUFFIX, drawn_stack, read_segment
from CardioScarLib.io.texts import read_text
from CardioScarLib.wall.contours import SliceContours

KINDS = {"icontour": "endo", "ocontour": "epi", "endo": "endo", "epi": "epi"}
"""What a file name calls the surface. i and o are inner and outer, as in the Sunnybrook collections."""
CURVE_POINTS = 96
"""Of a closed curve through a few points."""
POINTS = {"type": "array", "minItems": 3, "items": {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "number"}}}
DRAWN = record_of(
    {"contours": {"type": "array", "items": record_of({"slice": {"type": "integer", "minimum": 0}, "endo": POINTS, "epi": POINTS})}}
)
"""Schema of a file of drawn contours."""
NAME = re.compile(r"(\d+)\D*?(icontour|ocontour|endo|epi)", re.IGNORECASE)


def read_contours(
    paths: Sequence[Path], images: Sequence[Path], slice_axis: str | None = None, thickness: float | None = None
) -> tuple[list[SliceContours], list[str]]:
    """Contours of slices in LPS mm, and notes about how their slices were found.

    paths: contour files, or folders of them. Each holds column and row per line, in pixels counted from 0; its name
        holds the slice's number and the surface: "IM-0001-0121-icontour-auto.txt", "slice_04_epi.txt". Or files of Segment (.mat),
        which need no images. Or workspaces of cvi42 (.cvi42wsx), whose images are known by their DICOM identifiers.
    images: what the contours were drawn on: DICOM files or folders, where the number is the last one in the file's
        name ("I0121.dcm"); or one volume, where it is that of the slice, counted from 0. Slices between images, whose
        own image is not there, are placed evenly between the neighbors.
    slice_axis, thickness: as for `read_stack`.
    """
    studies = [Path(path) for path in paths if Path(path).suffix.lower() == SUFFIX]
    if studies and len(studies) == len(paths):
        return [one for path in studies for one in drawn_stack(read_segment(check_readable(path)), path.name).contours(path.name)], []
    notes: list[str] = []
    workspaces = [Path(path) for path in paths if Path(path).suffix.lower() in (*SUFFIXES, BINARY)]
    if workspaces and len(workspaces) == len(paths):
        drawn = [curve for path in workspaces for curve in read_cvi42(check_readable(path))]
        stack = read_stack([Path(image) for image in images], slice_axis, None, thickness)
        notes += stack.notes
        return contours_on(drawn, stack, " and ".join(path.name for path in workspaces), notes), notes
    files = _contour_files(paths)
    planes = _numbered_planes([Path(image) for image in images], slice_axis, thickness, notes)
    between = [number for number in sorted({number for number, _ in files}) if number not in planes]
    if between:
        planes |= {number: _plane_between(number, planes) for number in between}
        notes.append(f"{len(between)} contoured slices have no image of their own and were placed evenly between those that have.")
    slices = []
    for number in sorted({number for number, _ in files}):
        plane = planes[number]
        curves = {kind: _curve(files[number, kind], plane) if (number, kind) in files else None for kind in ("endo", "epi")}
        slices.append(SliceContours(curves["endo"], curves["epi"], plane.normal, plane.thickness, plane.center, f"slice {number}"))
    return slices, notes


def read_drawn_contours(path: Path, stack: SliceStack) -> list[SliceContours]:
    """Contours of slices in LPS mm, from a few points each.

    path: JSON file whose "contours" each hold "slice", its number in the stack, and "endo" and "epi", points as column
        and row in pixels counted from 0, which a periodic cubic spline joins.
    """
    sentence = f"{Path(path).name} does not hold contours of this stack of {len(stack)} slices."
    with refused_as(sentence):
        text = read_text(check_readable(Path(path)))
    drawn = parse_json(text, DRAWN, sentence)
    with refused_as(sentence):
        planes = [(stack.slices[one["slice"]], one) for one in drawn["contours"]]
        curves = [[_smooth_curve(one[kind], plane) for kind in ("endo", "epi")] for plane, one in planes]
    return [
        SliceContours(endo, epi, plane.normal, plane.thickness, plane.center, plane.label)
        for (endo, epi), (plane, _) in zip(curves, planes, strict=True)
    ]


def _smooth_curve(points: Sequence[Sequence[float]], plane: Slice) -> np.ndarray:
    """(CURVE_POINTS, 3) LPS mm."""
    closed = np.array([*points, points[0]], dtype=np.float64)
    column, row = CubicSpline(np.arange(len(closed)), closed, bc_type="periodic")(np.linspace(0, len(points), CURVE_POINTS + 1)[:-1]).T
    return plane.to_points(row, column)


def _contour_files(paths: Sequence[Path]) -> dict[tuple[int, str], Path]:
    files: dict[tuple[int, str], Path] = {}
    for path in paths:
        path = Path(path)
        for file in sorted(path.glob("*.txt")) if path.is_dir() else [path]:
            match = NAME.search(file.name)
            if not match and path.is_dir():
                continue
            check_readable(file)
            if not match:
                raise UnreadableFile(
                    f"The name {file.name} does not show which contour it holds; name it by slice number and surface, "
                    'such as "0121-icontour.txt" or "slice_04_epi.txt".'
                )
            key = int(match[1]), KINDS[match[2].lower()]
            if key in files:
                raise UnreadableFile(f"{files[key].name} and {file.name} are both the {key[1]}cardial contour of slice {key[0]}; keep one.")
            files[key] = file
    if not files:
        names = ", ".join(Path(path).name for path in paths)
        raise UnreadableFile(f"There is no contour file in {names}; their names must look like 0121-icontour.txt or slice_04_epi.txt.")
    return files


def _numbered_planes(images: Sequence[Path], slice_axis: str | None, thickness: float | None, notes: list[str]) -> dict[int, Slice]:
    folders = [image for image in images if image.is_dir()]
    files = [image for image in images if not image.is_dir()]
    files += [file for folder in folders for file in sorted(folder.iterdir()) if file.is_file() and not file.name.startswith(".")]
    if len(files) == 1:
        stack = read_stack(files, slice_axis, None, thickness)
        if len(stack) > 1:
            notes += stack.notes
            return dict(enumerate(stack))
    planes = {}
    for file in files:
        number = re.findall(r"\d+", file.stem)
        if not number:
            raise UnreadableFile(f"The name {file.name} contains no number that assigns contours to it.")
        if int(number[-1]) in planes:
            raise UnreadableFile(f"{file.name} has the same number as another image, so contours cannot be assigned to it.")
        planes[int(number[-1])] = read_stack([file], slice_axis, None, thickness).slices[0]
    return planes


def _plane_between(number: int, planes: dict[int, Slice]) -> Slice:
    below, above = [one for one in planes if one < number], [one for one in planes if one > number]
    if not below or not above:
        raise UnreadableFile(f"The contour of slice {number} has no image: the images have the numbers {min(planes)} to {max(planes)}.")
    first, last = max(below), min(above)
    share = (number - first) / (last - first)
    return replace(planes[first], origin=(1 - share) * planes[first].origin + share * planes[last].origin)


def _curve(path: Path, plane: Slice) -> np.ndarray:
    """(n, 3) LPS mm."""
    try:
        lines = read_text(check_readable(path)).replace(",", " ").split("\n")
        values = np.array([[float(word) for word in line.split()] for line in lines if line.strip()])
    except (UnicodeDecodeError, ValueError) as problem:
        raise UnreadableFile(f"{path.name} is not a contour: each line must hold a column and a row, in pixels.") from problem
    if values.ndim != 2 or values.shape[1] != 2 or not np.all(np.isfinite(values)):
        raise UnreadableFile(f"{path.name} is not a contour: each line must hold a column and a row, in pixels.")
    column, row = values.T
    rows, columns = plane.pixels.shape
    if column.min() < -0.5 or row.min() < -0.5 or column.max() > columns - 0.5 or row.max() > rows - 0.5:
        raise UnreadableFile(f"{path.name} extends beyond its image of {columns} x {rows} pixels; are its numbers in mm instead of pixels?")
    return plane.to_points(row, column)
