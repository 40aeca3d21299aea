"""From a shape to a mesh: every LV wall is built here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from CardioScarLib.core.settings import WallSettings
from CardioScarLib.core.threads import one_thread
from CardioScarLib.core.wall import Wall
from CardioScarLib.geometry.plausible import wall_doubts
from CardioScarLib.wall.quality import closed_and_manifold
from CardioScarLib.wall.shape import WallShape
from CardioScarLib.wall.stuffing import stuffed
from CardioScarLib.wall.surfaces import ENDO, edges_of, row_numbers, skin

THINNEST = 1.6
"""Edge lengths: a thinner wall can have holes where no point of the lattice lies in it."""
LATTICES = (0.0, 0.15, 0.25, 0.35)
"""Shifts of the lattice, in cells: where one leaves the surface pinched, the next one rarely does."""
MOVED = 0.05
"""Edge lengths by which a surface must be moved to be reported."""


@dataclass(frozen=True, eq=False)
class LVWall:
    """A closed LV wall with its regions.

    wall: tetrahedra, LPS mm. triangles: (t, 3) node numbers of its surface, counterclockwise seen from outside.
    triangle_region: (t,) and node_region: (n,) uint8, ENDO, EPI or BASE; 0 for nodes inside the wall.
    contours: by "endo" and "epi", (k, 3) LPS mm, what it was made from; empty where it was made from surfaces.
    notes: sentences about what was repaired or assumed.
    """

    wall: Wall
    triangles: np.ndarray
    triangle_region: np.ndarray
    node_region: np.ndarray
    contours: Mapping[str, np.ndarray] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@one_thread()
def build_wall(shape: WallShape, settings: WallSettings | None = None, progress: Callable[[str, int, int], None] | None = None) -> LVWall:
    """Fill a shape with tetrahedra of the edge length in the settings and name the regions of its surface.

    progress: called with (stage, step, steps); may raise `Cancelled`. The same shape and settings give the same mesh.
    Surface nodes lie on the shape; the sharp edges between base, endocardium and epicardium become bevels of about
    half an edge length. Raises BadWall where the wall holds no cell.
    """
    settings = settings or WallSettings()
    progress = progress or (lambda stage, step, steps: None)
    notes = list(shape.notes)
    thinnest = THINNEST * settings.edge_length
    level = _Levels(shape, thinnest)
    for attempt, shift in enumerate(LATTICES):
        progress("mesh", attempt, len(LATTICES))
        points, cells = stuffed(level, shape.bounds(), settings.edge_length, shift)
        points, cells, left_out = _largest_piece(points, cells)
        wall = Wall.from_tetrahedra(points, cells)
        triangles = skin(wall)
        if _is_one_sheet(triangles):
            break
    else:
        notes.append("The surface of the wall is pinched or has a hole where it is thin; choose a smaller edge length.")
    if left_out:
        notes.append(f"{left_out} cells of the wall are not joined to the rest by a face and were left out.")
    node_region = np.zeros(len(points), dtype=np.uint8)
    outside = np.unique(triangles)
    node_region[outside] = level.region(points[outside])
    moved = np.mean(shape.levels(points[node_region == ENDO], 0.0)[0] > MOVED * settings.edge_length)
    if moved > 0.001:
        notes.append(
            f"The wall was made {thinnest:.3g} mm thick where it is thinner, on {moved:.1%} of the endocardium; "
            "a smaller edge length keeps it thinner."
        )
    triangle_region = level.region(points[triangles].mean(axis=1))
    progress("mesh", len(LATTICES), len(LATTICES))
    wall = Wall(shape.to_lps(points), cells, np.empty((0, 3)), "volume")
    notes += wall_doubts(wall)
    return LVWall(replace(wall, notes=tuple(notes)), triangles, triangle_region, node_region, shape.contours, tuple(notes))


class _Levels:
    """The level set of the whole wall, and which surface is closest to a point of its skin."""

    def __init__(self, shape: WallShape, thinnest: float):
        self.shape, self.thinnest = shape, thinnest

    def __call__(self, points: np.ndarray) -> np.ndarray:
        return self.shape.levels(points, self.thinnest).max(axis=0)

    def region(self, points: np.ndarray) -> np.ndarray:
        return (1 + self.shape.levels(points, self.thinnest).argmax(axis=0)).astype(np.uint8)


def _is_one_sheet(triangles: np.ndarray) -> bool:
    """Whether a surface is a bent sphere: closed, nowhere pinched, without a handle (its Euler characteristic is 2)."""
    edges = len(np.unique(row_numbers(edges_of(triangles))))
    return closed_and_manifold(triangles) == (True, True) and len(np.unique(triangles)) - edges + len(triangles) == 2


def _largest_piece(points: np.ndarray, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """The largest set of cells that are joined by faces, and how many cells lie outside it."""
    faces = np.sort(np.vstack([np.delete(cells, corner, axis=1) for corner in range(4)]), axis=1)
    number = row_numbers(faces)
    order = np.argsort(number, kind="stable")
    shared = np.flatnonzero(number[order][1:] == number[order][:-1])
    one, other = order[shared] % len(cells), order[shared + 1] % len(cells)
    links = coo_matrix((np.ones(len(one), dtype=bool), (one, other)), shape=(len(cells),) * 2)
    piece = connected_components(links, directed=False)[1]
    chosen = piece == np.bincount(piece).argmax()
    used, kept = np.unique(cells[chosen], return_inverse=True)
    return points[used], kept.reshape(-1, 4), int(np.count_nonzero(~chosen))
