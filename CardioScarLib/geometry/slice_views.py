"""What each slice sees of the wall, at a glance: for a list to choose from, not for a fit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from CardioScarLib.geometry.quadrature import sub_points
from CardioScarLib.geometry.slices import Slice, SliceStack
from CardioScarLib.geometry.wall import Wall

COARSE_POINT_VOLUME = 1.0
"""mm^3 of wall that one point stands for here; a fit takes ten times as many."""


@dataclass(frozen=True, eq=False)
class SliceView:
    """One slice of a stack and the part of the wall in it.

    number: in the stack. position: mm along its normal from the first slice of its direction. thickness: mm.
    share: of the wall's volume (of its area for surfaces, of its points for bare points) inside the slice.
    center: (3,) LPS mm, the middle of that part; of the image where there is none.
    reason: why the slice misses the wall, as a sentence; None where it does not.
    """

    number: int
    position: float
    thickness: float
    share: float
    center: np.ndarray
    reason: str | None


def slice_views(stack: SliceStack, wall: Wall) -> tuple[SliceView, ...]:
    """What every slice sees, in the order of the stack. LPS mm."""
    # The lattice inside a closed surface takes seconds; its surface tells well enough where it is.
    points, measure = sub_points(replace(wall, kind="shell") if wall.kind == "closed_surface" else wall, stack, COARSE_POINT_VOLUME)
    total = measure.sum()
    views: dict[int, SliceView] = {}
    for group in stack.parallel_groups():
        first = stack.slices[min(group)]
        for number in group:
            one = stack.slices[number]
            row, column, height = one.to_index(points).T
            slab = np.abs(height) <= 0.5 * one.thickness
            rows, columns = one.pixels.shape
            within = np.flatnonzero(slab)
            within = within[
                (np.abs(row[within] - 0.5 * (rows - 1)) <= 0.5 * rows) & (np.abs(column[within] - 0.5 * (columns - 1)) <= 0.5 * columns)
            ]
            seen = len(within) > 0
            views[number] = SliceView(
                number=number,
                position=float((one.center - first.center) @ first.normal),
                thickness=float(one.thickness),
                share=float(measure[within].sum() / total),
                center=measure[within] @ points[within] / measure[within].sum() if seen else one.center,
                reason=None if seen else _reason(one, bool(slab.any()), height),
            )
    return tuple(views[number] for number in range(len(stack)))


def _reason(one: Slice, in_its_plane: bool, height: np.ndarray) -> str:
    if in_its_plane:
        return "The LV model lies beside this image."
    return f"The LV model ends {np.abs(height).min() - 0.5 * one.thickness:.3g} mm before this slice."
