"""The shape of an LV wall: two smooth level sets and a base plane, before it is cut into cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage


@dataclass(frozen=True, eq=False)
class WallShape:
    """An LV wall as an implicit shape: what is inside and what outside.

    axes: (3, 3) rows are unit vectors in LPS, right-handed: two in the plane of the slices, and their normal. The shape's own frame
        is along them, with `origin` at (3,) LPS mm. first, spacing: of the grid in that frame, mm, x y z.
    endo, epi: (z, y, x) distances from the cavity's and the heart's outer surface on that grid, mm, negative
        inside; true near the surface only. depth: (z, y, x) from points in the cavity to the heart's outer surface, mm.
    base: (3,) unit normal away from the apex and its offset in the shape's frame: the wall is where normal . x < offset.
    apex_below: whether the apex is at the low end of z.
    contours: by "endo" and "epi", (n, 3) LPS mm: what the shape was made from, up to its base, to measure distances to.
    notes: sentences about what was repaired or assumed.
    """

    origin: np.ndarray
    axes: np.ndarray
    first: np.ndarray
    spacing: np.ndarray
    endo: np.ndarray
    epi: np.ndarray
    depth: np.ndarray
    base: tuple[np.ndarray, float]
    contours: Mapping[str, np.ndarray] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def levels(self, points: np.ndarray, thinnest: float = 0.0) -> np.ndarray:
        """(3, n) values at (n, 3) points of the shape's frame: -endo, epi and base, each negative on the wall's side.

        Their largest is negative in the wall; which one it is gives the region of the surface.
        thinnest: the endocardium is moved inward where the wall is thinner, mm.
        """
        index = ((points - self.first) / self.spacing)[:, ::-1].T
        endo, epi, depth = (ndimage.map_coordinates(grid, index, order=1, mode="nearest") for grid in (self.endo, self.epi, self.depth))
        normal, offset = self.base
        endo = np.maximum(endo, thinnest - depth)
        return np.array([-endo, epi, points @ normal - offset])

    def to_lps(self, points: np.ndarray) -> np.ndarray:
        return self.origin + points @ self.axes

    def bounds(self) -> np.ndarray:
        """(2, 3) box around the wall, in the shape's frame."""
        z, y, x = np.nonzero(self.epi < 0)
        place = self.first + np.column_stack([x, y, z]) * self.spacing
        return np.array([place.min(axis=0) - self.spacing, place.max(axis=0) + self.spacing])
