"""The LV wall: where the field lives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from CardioScarLib.core.errors import BadWall
from CardioScarLib.core.rows import blocks

FLAT = 1e-9
"""Volume over cubed size below which a cell is flat; slivers of real meshes stay above 1e-4."""
WALL_KINDS = ("volume", "closed_surface", "shell", "points")


@dataclass(frozen=True, eq=False)
class Wall:
    """An LV wall as a volume mesh, a closed surface around the wall, an open shell, or bare points.

    nodes: (n, 3) LPS mm, in the order of the file; results are given on them.
    tetrahedra: (m, 4) node numbers; other volume cells are split into tetrahedra on reading.
    triangles: (k, 3) node numbers of a surface; empty for volume meshes and points.
    kind: one of WALL_KINDS.
    notes: sentences about what was assumed or repaired when it was read.
    """

    nodes: np.ndarray
    tetrahedra: np.ndarray
    triangles: np.ndarray
    kind: str
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        nodes = np.ascontiguousarray(self.nodes, dtype=np.float64)
        if nodes.ndim != 2 or nodes.shape[1] != 3 or len(nodes) == 0:
            raise BadWall("The LV model has no points.")
        if not np.all(np.isfinite(nodes)):
            raise BadWall(f"{np.count_nonzero(~np.isfinite(nodes).all(axis=1))} points of the LV model are not finite numbers.")
        object.__setattr__(self, "nodes", nodes)
        object.__setattr__(self, "tetrahedra", np.asarray(self.tetrahedra, dtype=np.int64).reshape(-1, 4))
        object.__setattr__(self, "triangles", np.asarray(self.triangles, dtype=np.int64).reshape(-1, 3))

    @classmethod
    def from_tetrahedra(cls, nodes: np.ndarray, tetrahedra: np.ndarray, notes: tuple[str, ...] = ()) -> Wall:
        """A volume wall; cells without volume are dropped with a note; the orientation of cells does not matter."""
        nodes, tetrahedra = np.asarray(nodes, dtype=np.float64), np.asarray(tetrahedra, dtype=np.int64).reshape(-1, 4)
        if len(tetrahedra) and (tetrahedra.min() < 0 or tetrahedra.max() >= len(nodes)):
            raise BadWall(f"A cell of the LV model refers to point {tetrahedra.max()}, but there are {len(nodes)} points.")
        good = np.empty(len(tetrahedra), dtype=bool)
        for where in blocks(len(tetrahedra)):
            cells = tetrahedra[where]
            volume = np.abs(tetrahedron_volumes(nodes, cells))
            if not np.all(np.isfinite(volume)):
                raise BadWall("Some points of the LV model are not finite numbers.")
            # Against the cell's own size: where all cells are flat, none is flat compared with the largest.
            size = np.max([np.abs(nodes[cells[:, corner]] - nodes[cells[:, 0]]).max(axis=1) for corner in (1, 2, 3)], axis=0)
            good[where] = volume > FLAT * size**3
        if not good.any():
            raise BadWall("The LV model has volume cells, but none of them has a volume.")
        if not good.all():
            notes = (*notes, f"{np.count_nonzero(~good)} cells of the LV model have no volume and were left out.")
            tetrahedra = tetrahedra[good]
        return cls(nodes, tetrahedra, np.empty((0, 3)), "volume", notes)

    @property
    def has_thickness(self) -> bool:
        """Whether the model tells where the wall ends on either side; open surfaces and bare points do not."""
        return self.kind in ("volume", "closed_surface")

    @cached_property
    def volumes(self) -> np.ndarray:
        """(m,) volume of each tetrahedron, mm^3, always positive."""
        return np.abs(tetrahedron_volumes(self.nodes, self.tetrahedra))

    @cached_property
    def areas(self) -> np.ndarray:
        """(k,) area of each triangle, mm^2."""
        a, b, c = (self.nodes[self.triangles[:, corner]] for corner in range(3))
        return 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)

    @cached_property
    def node_measure(self) -> np.ndarray:
        """(n,) each node's share: volume in mm^3, area in mm^2 (surfaces), or 1 (points)."""
        if self.kind == "points":
            return np.ones(len(self.nodes))
        cells, measure = (self.tetrahedra, self.volumes) if self.kind == "volume" else (self.triangles, self.areas)
        corners = cells.shape[1]
        return np.bincount(cells.ravel(), np.repeat(measure / corners, corners), len(self.nodes))

    @property
    def bounds(self) -> np.ndarray:
        """(2, 3) lowest and highest corner, LPS mm."""
        return np.array([self.nodes.min(axis=0), self.nodes.max(axis=0)])

    def transformed(self, matrix: np.ndarray) -> Wall:
        """The wall moved by a 4x4 affine transform, LPS to LPS."""
        matrix = np.asarray(matrix, dtype=np.float64)
        return replace(self, nodes=self.nodes @ matrix[:3, :3].T + matrix[:3, 3])


def tetrahedron_volumes(nodes: np.ndarray, tetrahedra: np.ndarray) -> np.ndarray:
    """(m,) signed volumes of tetrahedra, in the cube of the nodes' unit."""
    volumes = np.empty(len(tetrahedra))
    for where in blocks(len(tetrahedra)):
        a, b, c, d = (nodes[tetrahedra[where, corner]] for corner in range(4))
        volumes[where] = np.einsum("ij,ij->i", np.cross(b - a, c - a), d - a) / 6.0
    return volumes
