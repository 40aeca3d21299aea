"""From a label map to contours and the plane of the base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import ndimage
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkFiltersCore import vtkFlyingEdges2D, vtkStripper

from CardioScarLib.core.errors import BadContours
from CardioScarLib.core.settings import WallSettings
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.wall.contours import SliceContours, shape_from_contours, upward
from CardioScarLib.wall.labels import SliceMasks, slice_masks
from CardioScarLib.wall.levels import enclosed_area
from CardioScarLib.wall.shape import WallShape

SECTORS = 72
COMPLETE = 0.9
"""Share of the sectors in which a slice must show the wall for its contours to be closed ones."""
LEAST_RING = 0.75
"""The same for the slice that shows most of the ring; with less there is no left ventricle in the labels."""
COVERED = 0.5
"""Share of the usual wall thickness that a sector must show; less is where the base cuts the slice."""
MOST_GROWTH = 1.15
"""An outline that would have to grow more has lost a part of its mask, not its roundness."""
STEEPEST = 35.0
"""Degrees between the base and the slices; what looks steeper is a gap in the labels."""


def shape_from_labels(
    stack: SliceStack, labels: Mapping[str, Sequence[int]] | str | None = None, settings: WallSettings | None = None
) -> WallShape:
    """The smooth wall of a label map.

    stack: slices whose pixels are labels, LPS mm; the largest parallel group is used.
    labels: values by name, {"cavity": (1,), "myocardium": (2, 3)}; or the name of an order in LABEL_ORDERS; None:
        myocardium only, with the value 1. Without a cavity, what the myocardium surrounds is the cavity.
    Raises BadContours with a sentence.
    """
    settings = settings or WallSettings()
    notes: list[str] = []
    masks = slice_masks(stack, labels, settings, notes)
    if not any(one.cavity.any() for one in masks):
        raise BadContours("The labels show no cavity: the myocardium does not surround one anywhere.")
    base, left_out = _base(masks, notes)
    slices = [_traced(one, settings) for number, one in enumerate(masks) if number not in left_out]
    return shape_from_contours(slices, settings, base, notes)


def _traced(masks: SliceMasks, settings: WallSettings) -> SliceContours:
    one = masks.one
    endo, epi = (_outline(mask, one, settings.smoothing) for mask in (masks.cavity, masks.heart))
    return SliceContours(endo if epi is not None else None, epi, one.normal, one.thickness, one.center, one.label)


def _outline(mask: np.ndarray, one: Slice, smoothing: float) -> np.ndarray | None:
    """(n, 3) the longest outline of a mask, LPS mm, where its rounded version is one half; None if there is none.

    Rounding makes convex outlines smaller; it is undone as a whole, by the area of the mask.
    """
    if not mask.any():
        return None
    margin = 3 + int(3 * smoothing)
    wide = np.pad(mask, margin).astype(np.float64)
    if smoothing:
        rounded = ndimage.gaussian_filter(wide, smoothing)
        wide = rounded if (rounded > 0.5).any() else wide
    rows, columns = wide.shape
    image = vtkImageData()
    image.SetDimensions(columns, rows, 1)
    image.GetPointData().SetScalars(numpy_to_vtk(wide.ravel(), deep=1))
    edges = vtkFlyingEdges2D()
    edges.SetInputData(image)
    edges.SetValue(0, 0.5)
    joined = vtkStripper()
    joined.SetInputConnection(edges.GetOutputPort())
    joined.JoinContiguousSegmentsOn()
    joined.SetMaximumLength(10 * wide.size)
    joined.Update()
    output = joined.GetOutput()
    places = vtk_to_numpy(output.GetPoints().GetData())[:, :2].astype(np.float64) - margin
    lines = output.GetLines()
    offsets, numbers = vtk_to_numpy(lines.GetOffsetsArray()), vtk_to_numpy(lines.GetConnectivityArray())
    longest = int(np.argmax(np.diff(offsets)))
    curve = places[numbers[offsets[longest] : offsets[longest + 1]]]
    growth = np.clip(np.sqrt(mask.sum() / max(enclosed_area(curve), 1e-9)), 1.0, MOST_GROWTH)
    column, row = (curve.mean(axis=0) + growth * (curve - curve.mean(axis=0))).T
    return one.to_points(row, column)


def _base(masks: list[SliceMasks], notes: list[str]) -> tuple[tuple[np.ndarray, np.ndarray] | None, set[int]]:
    """The plane (point, normal; LPS mm) through the places where the wall ends, and the slices it cuts.

    Around the center of the highest complete slice the wall is looked for in each sector of the slices above. It ends
    half way between the last slice that shows it and the next. None where no slice is cut.
    """
    ringed = [number for number, one in enumerate(masks) if one.cavity.any()]
    up = 1 if upward([masks[number].cavity.sum() for number in ringed], [_size(masks, number) for number in ringed]) else -1
    start = max(ringed, key=lambda number: (_ring(masks[number], _center(masks[number])) > 0).mean() * _size(masks, number))
    ring = _ring(masks[start], _center(masks[start]))
    around = float((ring > 0).mean())
    if around < LEAST_RING:
        raise BadContours(f"The myocardium does not surround the cavity on any slice: it reaches {around:.0%} of the way around at most.")
    complete, tops = start, np.full(SECTORS, start)
    left_out: set[int] = set()
    ended = np.zeros(SECTORS, dtype=bool)
    usual = max(float(np.median(ring)), 1e-6)
    center = _center(masks[start])
    number = start + up
    while 0 <= number < len(masks) and masks[number].heart.any():
        covered = _ring(masks[number], center) > COVERED * usual
        ended |= ~covered
        if covered.mean() >= COMPLETE and masks[number].cavity.any() and not left_out:
            complete, center = number, _center(masks[number])
            ended[:] = False
            tops[:] = number
        else:
            left_out.add(number)
            tops[covered & ~ended] = number
        number += up
    if not left_out:
        return None, left_out
    return _plane(masks, tops, complete, up, notes, left_out), left_out


def _plane(masks, tops, complete, up, notes, left_out):
    one = masks[complete]
    normal = up * one.one.normal
    heights = np.array([mask.one.center @ normal for mask in masks])
    steps = np.abs(np.diff(heights))
    spacing = float(np.median(steps))
    beyond = [heights[top + up] if 0 <= top + up < len(masks) else heights[top] + spacing for top in tops]
    ends = 0.5 * (heights[tops] + beyond)
    middle = _middle_line(one)
    around = middle - middle.mean(axis=0)
    around -= np.outer(around @ normal, normal)
    design = np.column_stack([np.ones(SECTORS), around])
    found = np.linalg.lstsq(design, ends, rcond=1e-6)[0]
    slope = float(np.degrees(np.arctan(np.linalg.norm(found[1:]))))
    if slope > STEEPEST:
        return None
    notes.append(
        f"Slices at the base that show only a part of the ring: {len(left_out)}. The base is the plane through the places "
        f"where the ring ends, {slope:.0f} degrees from the slices."
    )
    center = middle.mean(axis=0)
    point = center + (found[0] - center @ normal) * normal
    tilted = normal - found[1:]
    return point, tilted / np.linalg.norm(tilted)


def _size(masks: list[SliceMasks], number: int) -> float:
    return float(masks[number].heart.sum())


def _center(masks: SliceMasks) -> np.ndarray:
    """(3,) middle of the cavity, LPS mm."""
    rows, columns = np.nonzero(masks.cavity)
    return masks.one.to_points(rows, columns).mean(axis=0)


def _rays(masks: SliceMasks, center: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(sectors, steps) whether there is wall along rays from a center, and the (steps,) distances, mm."""
    one = masks.one
    row, column, _ = one.to_index(center[None])[0]
    step = 0.5 * min(one.spacing)
    distance = np.arange(step, np.hypot(*(np.array(masks.wall.shape) * one.spacing)), step)
    angle = 2 * np.pi * np.arange(SECTORS) / SECTORS
    rows = row + np.outer(np.sin(angle), distance) / one.spacing[0]
    columns = column + np.outer(np.cos(angle), distance) / one.spacing[1]
    seen = ndimage.map_coordinates((masks.heart & ~masks.cavity).astype(np.uint8), [rows, columns], order=0, mode="constant")
    return seen.astype(bool), distance


def _ring(masks: SliceMasks, center: np.ndarray) -> np.ndarray:
    """(sectors,) wall thickness along rays from a center, mm."""
    seen, distance = _rays(masks, center)
    return seen.sum(axis=1) * (distance[1] - distance[0])


def _middle_line(masks: SliceMasks) -> np.ndarray:
    """(sectors, 3) middle of the wall along rays from the middle of the cavity, LPS mm; between neighbors where it is missing."""
    center = _center(masks)
    seen, distance = _rays(masks, center)
    found = seen.any(axis=1)
    radius = np.where(found, (seen * distance).sum(axis=1) / np.maximum(seen.sum(axis=1), 1), 0.0)
    angle = 2 * np.pi * np.arange(SECTORS) / SECTORS
    radius = np.interp(angle, angle[found], radius[found], period=2 * np.pi)
    one = masks.one
    row, column, _ = one.to_index(center[None])[0]
    return one.to_points(row + radius * np.sin(angle) / one.spacing[0], column + radius * np.cos(angle) / one.spacing[1])
