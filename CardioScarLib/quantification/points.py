"""Points all over a wall that do not follow its mesh."""

from __future__ import annotations

import numpy as np

from CardioScarLib.core.wall import Wall
from CardioScarLib.wall.surfaces import skin, voxels

PITCH = 1.25
"""mm between points. A border zone is often thinner than a cell, and layers of nodes lie within it or beside it together."""
FEWEST = 1000
"""Points of a wall; a smaller one has a finer grid."""


def points_within(wall: Wall) -> tuple[np.ndarray, float]:
    """(k, 3) points of a regular grid inside a volume wall, LPS mm, and the mm^3 that each stands for."""
    volume = float(wall.volumes.sum())
    pitch = min(PITCH, (volume / FEWEST) ** (1 / 3))
    low, high = wall.bounds
    first = low - 0.5 * pitch
    inside = voxels(wall.nodes, skin(wall), first, pitch, np.ceil((high - first) / pitch).astype(int) + 2)
    points = first + pitch * np.argwhere(inside)
    return points, volume / max(len(points), 1)
