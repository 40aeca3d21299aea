"""A map on the pixels of the slices that it was made from."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from CardioScarLib.core.case import Case
from CardioScarLib.core.errors import BadWall, StackMissesWall
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.io.volumes import are_in_wall

EVEN = 0.01
"""mm by which slices of one volume may lie beside an even row of planes."""


@dataclass(frozen=True, eq=False)
class SlicePixels:
    """Which pixels of the slices lie in the wall, and where.

    inside: (rows, columns) bool per slice. points: (n, 3) LPS mm of these pixels, slice by slice, where the map lives: slices that an
    alignment moved are looked at in their moved place, so that a value lies on the tissue that its pixel shows.
    """

    inside: tuple[np.ndarray, ...]
    points: np.ndarray

    @classmethod
    def of(cls, case: Case) -> SlicePixels:
        """Raises BadWall for a wall without volume, StackMissesWall where no pixel lies in it."""
        if not case.wall.has_thickness:
            raise BadWall("The LV model encloses no volume (it is an open surface or points), so there are no pixels to fill.")
        found = [_in_wall(one, case.wall) for one in (case.stack if case.alignment is None else case.alignment.applied(case.stack))]
        points = np.concatenate([each for _, each in found])
        if not len(points):
            raise StackMissesWall("No pixel of the slices has its center in the LV wall, so there is nothing to write on them.")
        return cls(tuple(mask for mask, _ in found), points)

    def images(self, values: np.ndarray) -> list[np.ndarray]:
        """(rows, columns) per slice: (n,) values at the points, and 0 outside the wall, in their type."""
        ends = np.cumsum([0, *(np.count_nonzero(one) for one in self.inside)])
        found = []
        for mask, (start, end) in zip(self.inside, pairwise(ends), strict=True):
            image = np.zeros(mask.shape, dtype=values.dtype)
            image[mask] = values[start:end]
            found.append(image)
        return found


def even_groups(stack: SliceStack) -> list[tuple[int, ...]]:
    """Numbers of slices that make one volume, in their order in space: evenly spaced, the same pixels above each other.

    Slices that make none with others stand alone.
    """
    groups: list[tuple[int, ...]] = []
    for parallel in stack.parallel_groups():
        members = [stack.slices[number] for number in parallel]
        groups += [tuple(parallel)] if _make_volume(members) else [(number,) for number in parallel]
    return groups


def _make_volume(members: list[Slice]) -> bool:
    first = members[0]
    if len(members) == 1:
        return True
    step = (members[-1].origin - first.origin) / (len(members) - 1)
    if np.linalg.norm(np.cross(step, first.normal)) > EVEN:
        return False
    far = max(first.pixels.shape)
    return all(
        one.pixels.shape == first.pixels.shape
        and np.linalg.norm(one.origin - first.origin - place * step) <= EVEN
        and far * max(np.linalg.norm(one.row_step - first.row_step), np.linalg.norm(one.column_step - first.column_step)) <= EVEN
        for place, one in enumerate(members)
    )


def _in_wall(one: Slice, wall: Wall) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = (each.ravel() for each in np.indices(one.pixels.shape))
    points = one.to_points(rows, columns)
    near = np.flatnonzero(np.all((points >= wall.bounds[0]) & (points <= wall.bounds[1]), axis=1))
    inside = np.zeros(one.pixels.size, dtype=bool)
    if len(near):
        inside[near[are_in_wall(wall, points[near])]] = True
    return inside.reshape(one.pixels.shape), points[inside]
