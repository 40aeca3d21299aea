"""Label maps and contours of hearts by formula that tests of the wall share."""

from __future__ import annotations

from functools import cache

import numpy as np

from CardioScarLib.benchmark.hearts import BLOOD, OUTSIDE, WALL
from CardioScarLib.benchmark.phantom_cases import painted
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.phantom import Phantom, phantom_case
from CardioScarLib.wall import SliceContours

CAVITY, MYOCARDIUM = 1, 2
LABELS = {"cavity": (CAVITY,), "myocardium": (MYOCARDIUM,)}
LABEL_OF = {OUTSIDE: 0, BLOOD: CAVITY, WALL: MYOCARDIUM}


@cache
def a_labeled_phantom(kind: str, seed: int = 1) -> tuple[Phantom, SliceStack]:
    case = phantom_case(kind, seed, nodes=2000, pixel=2.4)  # as coarse as this because painting takes long
    labels = np.array([LABEL_OF[tissue] for tissue in range(3)], dtype=float)
    return case, case.stack.with_pixels([labels[one.pixels.astype(int)] for one in painted(case)])


def rings(count: int = 6, spacing: float = 8.0, radii=(20.0, 30.0), thickness: float = 8.0, taper: float = 2.0) -> list[SliceContours]:
    """Circles around z, the narrowest at the apex (z = 0)."""
    angle = 2 * np.pi * np.arange(100) / 100
    circle = np.column_stack([np.cos(angle), np.sin(angle), np.zeros(100)])
    slices = []
    for number in range(count):
        center = np.array([0.0, 0.0, spacing * number])
        endo, epi = ((radius - taper * (count - 1 - number)) * circle + center for radius in radii)
        slices.append(SliceContours(endo, epi, np.array([0.0, 0.0, 1.0]), thickness, center, f"slice {number}"))
    return slices
