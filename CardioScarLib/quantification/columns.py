"""Columns through the wall, from endocardium to epicardium: what transmurality is measured in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.spatial import cKDTree

from CardioScarLib.core.wall import Wall
from CardioScarLib.wall.coordinates import WallCoordinates

WIDTH = 4.0
"""mm of a column, or as many edges of the mesh as below if that is more."""
EDGES = 2.5
DEPTHS = 5
"""Parts of a column; each counts as much, however many nodes it has."""
LEVELS = 24
"""Parts of the way from apex to base whose radius and height are measured."""
MIDDLE = 0.25
"""Nodes whose transmural coordinate is this close to 0.5 are in the middle of the wall; a quarter of all nodes at least, since coarse
walls may have none between their surfaces."""


@dataclass(frozen=True, eq=False)
class Columns:
    """average: (c, n) sparse; times a field at the n nodes it gives the share of each column that is scar, 0 to 1.

    node: (n,) the column that each node belongs to. area: (c,) mm^2 in the middle of the wall.
    """

    average: sparse.csr_array
    node: np.ndarray
    area: np.ndarray

    def extents(self, fields: np.ndarray) -> np.ndarray:
        """(d, c) transmural extent of scar in (d, n) fields."""
        return np.asarray((self.average @ fields.T).T)


def wall_columns(wall: Wall, coordinates: WallCoordinates) -> Columns:
    """The columns of a volume wall."""
    flat = _flattened(wall, coordinates)
    edge = float(np.median(wall.volumes) * 6 * np.sqrt(2)) ** (1 / 3)
    width = max(WIDTH, EDGES * edge)
    middle = flat[_in_the_middle(coordinates)]
    _, cell = np.unique(np.floor(middle / width), axis=0, return_inverse=True)
    count = np.bincount(cell.ravel())
    centers = np.column_stack([np.bincount(cell.ravel(), middle[:, axis]) / count for axis in range(3)])
    _, node = np.unique(cKDTree(centers).query(flat)[1], return_inverse=True)
    node = node.ravel()
    columns, volume = int(node.max()) + 1, wall.node_measure
    depth = np.minimum((coordinates.transmural * DEPTHS).astype(int), DEPTHS - 1)
    part = node * DEPTHS + depth
    whole = np.bincount(part, volume, columns * DEPTHS)
    filled = np.count_nonzero(whole.reshape(columns, DEPTHS), axis=1)
    weight = volume / (whole[part] * filled[node])
    average = sparse.csr_array((weight, (node, np.arange(len(node)))), shape=(columns, len(node)))
    thickness = np.bincount(node, coordinates.thickness * volume, columns) / np.bincount(node, volume, columns)
    return Columns(average, node, np.bincount(node, volume, columns) / np.maximum(thickness, 1e-9))


def _in_the_middle(coordinates: WallCoordinates) -> np.ndarray:
    """(n,) bool."""
    away = np.abs(coordinates.transmural - 0.5)
    return away <= max(MIDDLE, float(np.quantile(away, 0.25)))


def _flattened(wall: Wall, coordinates: WallCoordinates) -> np.ndarray:
    """(n, 3) mm: each node moved along its column to the middle of a round wall with the same radius and height at each level."""
    apex, base = coordinates.axis
    along = (base - apex) / np.linalg.norm(base - apex)
    height = (wall.nodes - apex) @ along
    radius = np.linalg.norm(wall.nodes - apex - height[:, None] * along, axis=1)
    middle = _in_the_middle(coordinates)
    level = np.minimum((coordinates.apicobasal * LEVELS).astype(int), LEVELS - 1)
    filled = np.unique(level[middle])
    places = (filled + 0.5) / LEVELS
    typical = [[np.median(values[middle & (level == one)]) for one in filled] for values in (radius, height)]
    ring, up = (np.interp(coordinates.apicobasal, places, values) for values in typical)
    angle = coordinates.circumferential
    return np.column_stack([ring * np.cos(angle), ring * np.sin(angle), up])
