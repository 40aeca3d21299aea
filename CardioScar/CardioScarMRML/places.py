"""Whether slices and wall still lie where they lay, told by a few numbers that are kept with a result."""

from __future__ import annotations

import numpy as np

from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall import Wall

MOVED = 0.1
"""mm: less is the rounding of a saved scene."""


def placeOf(stack: SliceStack, wall: Wall) -> dict:
    """JSON values, LPS mm: centers and labels of the slices, and the corners of the box around the wall."""
    return {
        "slices": [one.label for one in stack],
        "centers": [np.round(one.center, 3).tolist() for one in stack],
        "wall": np.round([wall.nodes.min(axis=0), wall.nodes.max(axis=0)], 3).tolist(),
    }


def isPlace(place: dict, other: dict) -> bool:
    """Whether two are of the same slices and the same wall, in the same place."""
    if place["slices"] != other["slices"]:
        return False
    return all(np.allclose(place[name], other[name], atol=MOVED) for name in ("centers", "wall"))
