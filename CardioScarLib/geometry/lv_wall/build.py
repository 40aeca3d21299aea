"""From a shape to a mesh: the door through which every LV wall is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from CardioScarLib.geometry.lv_wall.shape import ENDO, WallShape
from CardioScarLib.geometry.lv_wall.stuffing import stuffed
from CardioScarLib.geometry.wall import Wall
from CardioScarLib.settings import WallSettings

MOVED = 0.05
"""Edge lengths by which a surface has to be moved to be spoken of."""
THINNEST = 1.6
"""Edge lengths: a thinner wall would have holes where no point of the lattice lies in it."""


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


def build_wall(
    shape: WallShape, settings: WallSettings | None = None, progress: Callable[[str, int, int], None] | None = None
) -> LVWall:
    """Fill a shape with tetrahedra of the edge length in the settings and name the regions of its surface.

    progress: called with (stage, step, steps); may raise `Cancelled`. The same shape and settings give the same mesh.
    Surface nodes lie on the shape; the sharp edges between base, endocardium and epicardium become bevels of about
    half an edge length. Raises BadWall where the wall holds no cell.
    """
    settings = settings or WallSettings()
    progress = progress or (lambda stage, step, steps: None)
    progress("mesh", 0, 2)
    thinnest = THINNEST * settings.edge_length

    def levels(place: np.ndarray) -> np.ndarray:
        return shape.levels(place, thinnest)

    points, cells = stuffed(lambda place: levels(place).max(axis=0), shape.bounds(), settings.edge_length)
    progress("mesh", 1, 2)
    points, cells, left_out = _largest_piece(points, cells)
    notes = list(shape.notes)
    if left_out:
        notes.append(f"{left_out} cells of the wall are not joined to the rest by a face and were left out.")
    triangles = boundary_triangles(cells)
    triangle_region = 1 + levels(points[triangles].mean(axis=1)).argmax(axis=0)
    node_region = np.zeros(len(points), dtype=np.uint8)
    skin = np.unique(triangles)
    node_region[skin] = 1 + levels(points[skin]).argmax(axis=0)
    endocardium = points[node_region == ENDO]
    moved = np.mean(shape.levels(endocardium)[0] > MOVED * settings.edge_length) if len(endocardium) else 0.0
    if moved > 0.001:
        notes.append(
            f"The wall was made {thinnest:.3g} mm thick where it is thinner, on {moved:.1%} of the endocardium; "
            "a smaller edge length keeps it thinner."
        )
    progress("mesh", 2, 2)
    # the shape's axes may be left-handed in LPS
    if np.linalg.det(shape.axes) < 0:
        cells, triangles = cells[:, [0, 2, 1, 3]], triangles[:, [0, 2, 1]]
    wall = Wall.from_tetrahedra(shape.to_lps(points), cells, tuple(notes))
    return LVWall(wall, triangles, triangle_region.astype(np.uint8), node_region, shape.contours, tuple(notes))


def boundary_triangles(cells: np.ndarray) -> np.ndarray:
    """(t, 3) faces of positively oriented (m, 4) tetrahedra that belong to one cell only, counterclockwise from outside."""
    faces = np.vstack([cells[:, [1, 2, 3]], cells[:, [0, 3, 2]], cells[:, [0, 1, 3]], cells[:, [0, 2, 1]]])
    same, count = _face_numbers(faces)
    return faces[count[same] == 1]


def _face_numbers(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(f,) the number of each face, the same for the same three nodes, and how often each number occurs."""
    ordered = np.sort(faces, axis=1)
    size = int(faces.max()) + 1
    pair = np.unique(ordered[:, 0] * size + ordered[:, 1], return_inverse=True)[1]
    _, same, count = np.unique(pair.astype(np.int64) * size + ordered[:, 2], return_inverse=True, return_counts=True)
    return same, count


def _largest_piece(points: np.ndarray, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """The largest set of cells that are joined by faces, and how many cells lie outside it."""
    faces = np.vstack([np.delete(cells, corner, axis=1) for corner in range(4)])
    owner = np.tile(np.arange(len(cells)), 4)
    same, count = _face_numbers(faces)
    order = np.argsort(same, kind="stable")
    shared = order[count[same[order]] == 2].reshape(-1, 2)
    links = coo_matrix((np.ones(len(shared), dtype=bool), (owner[shared[:, 0]], owner[shared[:, 1]])), shape=(len(cells),) * 2)
    piece = connected_components(links, directed=False)[1]
    chosen = piece == np.bincount(piece).argmax()
    used, kept = np.unique(cells[chosen], return_inverse=True)
    return points[used], kept.reshape(-1, 4), int(np.count_nonzero(~chosen))
