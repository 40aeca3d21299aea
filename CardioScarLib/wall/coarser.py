"""A coarser mesh of a fine wall, for what varies slowly along it."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from CardioScarLib.core.rows import blocks
from CardioScarLib.core.wall import Wall
from CardioScarLib.geometry.quadrature import sub_points
from CardioScarLib.wall.stuffing import stuffed

VOXELS = 2.0
"""In an edge length: the wall is first filled into them."""
POINTS = 8
"""In a voxel, at least."""
SMOOTH = 0.7
"""Voxels: standard deviation of the blur that makes a surface of stairs smooth."""


def coarser(wall: Wall, edge_length: float) -> Wall:
    """The body of a wall of volume cells, LPS mm, meshed again with edges of about `edge_length` mm; it shares no nodes with the wall.

    Surfaces lie within a fraction of the edge length of where they were, and sharp edges are rounded off.
    Raises BadWall where the wall is thinner than the edges.
    """
    voxel = edge_length / VOXELS
    low = wall.bounds[0] - 4 * voxel
    shape = tuple(np.ceil((wall.bounds[1] - low) / voxel).astype(int) + 4)
    points, measure = sub_points(wall, None, voxel**3 / POINTS)
    filled = np.zeros(int(np.prod(shape)))
    for where in blocks(len(points)):
        index = ((points[where] - low) / voxel).astype(np.int64)
        filled += np.bincount(np.ravel_multi_index(tuple(index.T), shape), measure[where], len(filled))
    share = ndimage.gaussian_filter(filled.reshape(shape) / voxel**3, SMOOTH)

    def level(places: np.ndarray) -> np.ndarray:
        """Negative inside, about mm near the surface."""
        index = (places - low) / voxel - 0.5  # a voxel's middle has its share
        return voxel * (0.5 - ndimage.map_coordinates(share, index.T, order=1, mode="nearest"))

    nodes, cells = stuffed(level, np.array([wall.bounds[0] - voxel, wall.bounds[1] + voxel]), edge_length)
    return Wall.from_tetrahedra(nodes, cells)
