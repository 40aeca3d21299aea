"""Which pixels are left out together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from CardioScarLib.benchmark.real.cases import RealCase

SECTOR_FOLDS = 5
TURN = (3 - np.sqrt(5)) / 2
"""Share of a turn from the sector of one slice to that of the next: the golden section spreads any number of them evenly."""
WIDEST = 2 * np.pi / 3
"""Radians: near the apex a sector as wide as the gap would be most of the ring."""


@dataclass(frozen=True, eq=False)
class Fold:
    """left: (p,) bool, the pixels that are left out together; those of one slice are scored as one unit."""

    name: str
    left: np.ndarray


def one_slice(case: RealCase) -> list[Fold]:
    """Each slice but the two at the ends, one at a time."""
    return [Fold(f"slice {number}", case.operator.pixels.slices == number) for number in case.slices[1:-1]]


def every_second_slice(case: RealCase) -> list[Fold]:
    """Two halves: the slices of odd places in the stack, and those of even places."""
    return [
        Fold(name, np.isin(case.operator.pixels.slices, case.slices[first::2]))
        for first, name in enumerate(("first, third, ... slice", "second, fourth, ... slice"))
    ]


def sectors(case: RealCase) -> list[Fold]:
    """In every slice a sector as wide at the middle of the wall as the gap between slices, elsewhere in each slice and fold."""
    angle = case.places.at(pixel_centers(case))[:, 0]
    numbers = case.operator.pixels.slices
    folds = []
    for fold in range(SECTOR_FOLDS):
        left = np.zeros(len(numbers), dtype=bool)
        for place, number in enumerate(case.slices):
            here = numbers == number
            middle = 2 * np.pi * (fold / SECTOR_FOLDS + place * TURN)
            away = np.abs(np.angle(np.exp(1j * (angle[here] - middle))))
            left[here] = away < 0.5 * min(case.gap / _radius(case, here), WIDEST)
        folds.append(Fold(f"sectors {fold + 1}", left))
    return folds


def pixel_centers(case: RealCase) -> np.ndarray:
    """(p, 3) middle of the wall in each pixel's prism, LPS mm."""
    return case.operator.frame.from_frame(case.operator.matrix @ case.operator.points)


def _radius(case: RealCase, here: np.ndarray) -> float:
    """mm, of the middle of the wall in a slice."""
    centers = case.operator.pixels.centers[here]
    return float(np.linalg.norm(centers - centers.mean(axis=0), axis=1).mean())


PLANS: dict[str, Callable[[RealCase], list[Fold]]] = {"slice": one_slice, "halves": every_second_slice, "sectors": sectors}
PLANS_IN_WORDS = {
    "slice": "each inner slice, one at a time",
    "halves": "every second slice, both halves",
    "sectors": "a sector of every slice, as wide as the gap between slices",
}
