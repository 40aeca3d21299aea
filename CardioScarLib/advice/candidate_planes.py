"""Planes in which a further slice could be taken: across the LV, and through its long axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from CardioScarLib.core.errors import BadWall
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.geometry.frame import CanonicalFrame
from CardioScarLib.wall.coordinates import wall_axis

SHORT, LONG = "short axis", "long axis"
STEP = 2.0
"""mm between short-axis candidates."""
TURN = 15.0
"""Degrees between long-axis candidates."""
MARGIN = 5.0
"""mm of image around the wall."""
ROUNDING = 1e-3
"""mm: a plane midway between slices that touch lies half a thickness from both."""
ACROSS = 45.0
"""Degrees between the normal of slices and the long axis up to which they count as short-axis."""


@dataclass(frozen=True, eq=False)
class LongAxis:
    """The long axis of an LV, LPS mm.

    center: (3,) the point on it at the height of the wall's center of mass. direction: (3,) unit vector towards the apex.
    """

    center: np.ndarray
    direction: np.ndarray


@dataclass(frozen=True, eq=False)
class Candidate:
    """A candidate plane. plane: its pixels are zeros. kind: SHORT or LONG.

    place: mm along the plane's normal, towards the apex, from the center of the wall (SHORT); or degrees around the long
    axis (LONG). Only differences between candidates mean something.
    """

    plane: Slice
    kind: str
    place: float


def long_axis(wall: Wall, points: np.ndarray, measure: np.ndarray) -> LongAxis:
    """The line from the middle of the base to the apex; where they cannot be found, the wall's axis of rotation.

    points: (n, 3) LPS mm and measure: (n,) spread over the wall.
    """
    try:
        apex, base = wall_axis(wall)
    except BadWall:  # no cells, or endocardium and epicardium cannot be distinguished
        return axis_of_rotation(points, measure)
    direction = (apex - base) / np.linalg.norm(apex - base)
    return LongAxis(base + (measure @ (points - base) / measure.sum() @ direction) * direction, direction)


def axis_of_rotation(points: np.ndarray, measure: np.ndarray) -> LongAxis:
    """The principal axis whose spread differs most from the others'; the longer tail is the apex."""
    center = measure @ points / measure.sum()
    offset = points - center
    spreads, axes = np.linalg.eigh((offset * measure[:, None]).T @ offset / measure.sum())
    direction = axes[:, 2] if spreads[2] * spreads[0] > spreads[1] ** 2 else axes[:, 0]
    height = offset @ direction
    return LongAxis(center, -direction if measure @ height**3 < 0 else direction)


def short_axis_group(stack: SliceStack, axis: LongAxis) -> list[int]:
    """Numbers of the largest set of parallel slices across the long axis, in order along their normal; may be empty."""
    least = np.cos(np.radians(ACROSS))
    across = [group for group in stack.parallel_groups() if abs(stack.slices[group[0]].normal @ axis.direction) >= least]
    return across[0] if across else []


def repeats(plane: Slice, stack: SliceStack, points: np.ndarray) -> bool:
    """Whether a slice of the stack exists already where this one would be.

    points: (n, 3) LPS mm, all over the wall. It does if the wall in the plane lies within half a thickness of the middle of
    that slice, RMS: planes that are parallel and so close, or turned so little that it makes no difference on the wall.
    """
    height = plane.to_index(points)[:, 2]
    near = np.abs(height) <= 0.5 * plane.thickness
    shown = points[near] - height[near, None] * plane.normal
    if not len(shown):
        return False
    for one in stack:
        row, column, apart = one.to_index(shown).T
        rows, columns = one.pixels.shape
        over = (row >= -0.5) & (row <= rows - 0.5) & (column >= -0.5) & (column <= columns - 0.5)
        if np.mean(over) > 0.5 and np.sqrt(np.mean(apart[over] ** 2)) <= 0.5 * one.thickness + ROUNDING:
            return True
    return False


def middle_of_largest_gap(stack: SliceStack, axis: LongAxis, points: np.ndarray, thickness: float) -> Candidate | None:
    """The short-axis plane midway between the two neighbors that lie farthest apart; None without two, or if slices touch.

    axis: of the wall. points: (n, 3) LPS mm, all over the wall. thickness: of the new slice, mm.
    """
    group = [stack.slices[number] for number in short_axis_group(stack, axis)]
    if len(group) < 2:
        return None
    normal = group[0].normal * np.sign(group[0].normal @ axis.direction)
    heights = np.sort([(one.center - axis.center) @ normal for one in group])
    inside = (points - axis.center) @ normal
    seen = heights[(heights >= inside.min() - thickness) & (heights <= inside.max() + thickness)]
    if len(seen) < 2:
        return None
    widest = int(np.argmax(np.round(np.diff(seen), 3)))
    place = float(seen[widest : widest + 2].mean())
    plane = _plane(axis.center + place * normal, group[0].column_step, normal, points, min(group[0].spacing), thickness)
    return None if repeats(plane, stack, points) else Candidate(plane, SHORT, place)


def candidate_planes(
    stack: SliceStack,
    axis: LongAxis,
    frame: CanonicalFrame,
    points: np.ndarray,
    thickness: float,
    kinds: tuple[str, ...] = (SHORT, LONG),
) -> tuple[Candidate, ...]:
    """Short-axis planes from one end of the wall to the other, parallel to the stack, and long-axis planes all around.

    axis: of the wall. points: (n, 3) LPS mm, all over the wall. thickness: of the new slice, mm; its pixels are as large as
    the stack's. frame: of the case, so that a turned case has the same candidates, turned.
    """
    group = short_axis_group(stack, axis)
    normal = stack.slices[group[0]].normal if group else axis.direction
    normal = normal * np.sign(normal @ axis.direction)
    pixel = min(stack.slices[group[0]].spacing if group else stack.slices[0].spacing)
    candidates = []
    if SHORT in kinds:
        first = frame.axes[0] - (frame.axes[0] @ normal) * normal
        if group:  # rows and columns as in the stack
            first = stack.slices[group[0]].column_step
        height = (points - axis.center) @ normal
        inside = np.arange(np.ceil(height.min() / STEP), np.floor(height.max() / STEP) + 1) * STEP
        for place in inside:
            plane = _plane(axis.center + place * normal, first, normal, points, pixel, thickness)
            candidates.append(Candidate(plane, SHORT, float(place)))
    if LONG in kinds:
        start = frame.axes[0] - (frame.axes[0] @ axis.direction) * axis.direction
        if np.linalg.norm(start) < 0.1:  # slices along the long axis: their normal lies across it
            start = frame.axes[2] - (frame.axes[2] @ axis.direction) * axis.direction
        start /= np.linalg.norm(start)
        other = np.cross(axis.direction, start)
        for angle in np.arange(0, 180, TURN):
            across = np.cos(np.radians(angle)) * start + np.sin(np.radians(angle)) * other
            plane = _plane(axis.center, across, np.cross(axis.direction, across), points, pixel, thickness)
            candidates.append(Candidate(plane, LONG, float(angle)))
    return tuple(candidates)


def _plane(center: np.ndarray, across: np.ndarray, normal: np.ndarray, points: np.ndarray, pixel: float, thickness: float) -> Slice:
    """A slice through `center` whose columns run along `across`, large enough for the whole wall."""
    across = across / np.linalg.norm(across)
    down = np.cross(normal, across)
    offset = points - center
    low, high = (np.array([getattr(offset @ direction, name)() for direction in (down, across)]) for name in ("min", "max"))
    shape = np.ceil((high - low + 2 * MARGIN) / pixel).astype(int) + 1
    middle = 0.5 * (low + high) - 0.5 * (shape - 1) * pixel
    origin = center + middle[0] * down + middle[1] * across
    return Slice(np.zeros(tuple(shape)), origin, pixel * down, pixel * across, thickness, "next slice")
