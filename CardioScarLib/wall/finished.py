"""A finished wall: regions, coordinates, quality, distance to its contours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.wall import LVWall
from CardioScarLib.wall.coordinates import wall_coordinates
from CardioScarLib.wall.quality import ContourDistance, MeshQuality, contour_distance, mesh_quality
from CardioScarLib.wall.surfaces import WallSurfaces


@dataclass(frozen=True, eq=False)
class FinishedWall:
    """arrays: per node, by name: wall_region (uint8: 1 endocardium, 2 epicardium, 3 base, 0 inside) and the coordinates
    (float32). distance: None for walls that were not made from contours. notes: sentences about what was assumed.
    """

    wall: Wall
    arrays: dict[str, np.ndarray]
    quality: MeshQuality
    distance: ContourDistance | None
    notes: tuple[str, ...]

    @property
    def description(self) -> str:
        """Quality and distance to the contours in one line."""
        return " ".join(str(one) for one in (self.quality, self.distance) if one is not None)


def finished_wall(
    built: LVWall,
    coordinates: bool = True,
    zero_at: np.ndarray | None = None,
    right_ventricle: np.ndarray | None = None,
    progress: Callable[[str, int, int], None] = lambda stage, step, steps: None,
) -> FinishedWall:
    """Measure a wall and, by default, give it coordinates; see `wall_coordinates` for the points."""
    surfaces = WallSurfaces(built.wall.nodes, built.triangles, built.triangle_region)
    arrays, notes = {"wall_region": built.node_region}, built.notes
    if coordinates:
        found = wall_coordinates(built.wall, surfaces, zero_at, right_ventricle, lambda done, steps: progress("coordinates", done, steps))
        arrays |= found.arrays
        notes = (*notes, *found.notes)
    progress("quality", 0, 1)
    contours = [built.contours.get(name, np.empty((0, 3))) for name in ("endo", "epi")]
    distance = contour_distance(surfaces, *contours) if any(len(one) for one in contours) else None
    return FinishedWall(built.wall, arrays, mesh_quality(built.wall), distance, notes)


def label_points(stack: SliceStack, values: Sequence[int]) -> np.ndarray:
    """(k, 3) centers of the pixels of a label map that have one of these values, LPS mm."""
    places = [one.to_points(*np.nonzero(np.isin(one.pixels, values))) for one in stack]
    return np.vstack(places)
