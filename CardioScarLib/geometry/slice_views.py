"""What each slice shows of the wall, quickly: for a list to choose from, not for a fit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.geometry.quadrature import sub_points

COARSE_POINT_VOLUME = 1.0
"""mm^3 of wall that one point stands for here; a fit takes ten times as many."""
MOST_POINTS = 200_000
"""Of a wall that is far too large, such as one in micrometers, a point stands for more."""


@dataclass(frozen=True, eq=False)
class SliceView:
    """One slice of a stack and the part of the wall in it.

    number: in the stack. position: mm along its normal from the first slice of its direction. thickness: mm.
    share: of the wall's volume (of its area for surfaces, of its points for bare points) inside the slice; None without a wall.
    center: (3,) LPS mm in the slice's plane, the middle of that part; of the image where there is none.
    reason: why the slice misses the wall, as a sentence; None where it does not.
    """

    number: int
    position: float
    thickness: float
    share: float | None
    center: np.ndarray
    reason: str | None


def slice_views(stack: SliceStack, wall: Wall | None) -> tuple[SliceView, ...]:
    """What every slice sees, in the order of the stack. LPS mm."""
    if wall is None:
        return tuple(
            SliceView(number, position, stack.slices[number].thickness, None, stack.slices[number].center, None)
            for number, position in _positions(stack)
        )
    if wall.kind == "closed_surface":  # the lattice inside takes seconds; the surface shows well enough where it is
        wall = replace(wall, kind="shell")
    least = float(wall.node_measure.sum()) / MOST_POINTS
    points, measure = sub_points(wall, stack, max(COARSE_POINT_VOLUME, least if wall.kind == "volume" else least**1.5))
    views = []
    for number, position in _positions(stack):
        one = stack.slices[number]
        row, column, height = one.to_index(points).T
        slab = np.flatnonzero(np.abs(height) <= 0.5 * one.thickness)
        rows, columns = one.pixels.shape
        beside = (np.abs(row[slab] - 0.5 * (rows - 1)) > 0.5 * rows) | (np.abs(column[slab] - 0.5 * (columns - 1)) > 0.5 * columns)
        seen = slab[~beside]
        views.append(
            SliceView(
                number=number,
                position=position,
                thickness=one.thickness,
                share=float(measure[seen].sum() / measure.sum()),
                center=_middle(one, points[seen], measure[seen]) if len(seen) else one.center,
                reason=None if len(seen) else _reason(one, len(slab) > 0, height),
            )
        )
    return tuple(views)


def _middle(one: Slice, points: np.ndarray, measure: np.ndarray) -> np.ndarray:
    middle = measure @ points / measure.sum()
    return middle - ((middle - one.origin) @ one.normal) * one.normal


def _positions(stack: SliceStack) -> list[tuple[int, float]]:
    """(number, mm along the normal from the first slice of this direction) in the order of the stack."""
    positions: dict[int, float] = {}
    for group in stack.parallel_groups():
        first = stack.slices[min(group)]
        positions |= {number: float((stack.slices[number].center - first.center) @ first.normal) for number in group}
    return sorted(positions.items())


def _reason(one: Slice, in_its_plane: bool, height: np.ndarray) -> str:
    if in_its_plane:
        return "The LV model lies outside this image."
    return f"The LV model ends {np.abs(height).min() - 0.5 * one.thickness:.3g} mm before this slice."
