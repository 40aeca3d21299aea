"""Random fields on the wall: what rough scars are cut from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from CardioScarLib.phantom.scars import Place

RADIUS, THICKNESS = 28.0, 9.0
"""mm: lengths around and through the wall are those of a wall of this mid-wall radius and thickness, and scale with it."""
SMOOTH_WAVES, ROUGH_WAVES = 64, 128
FINEST = 1.0
"""mm: no wave is shorter."""
ROUGH_LENGTH = 1 / 3
"""Lengths of the rough part, as a share of those of the smooth one."""
AT_A_TIME = 16_384
"""Points whose waves are held in memory together."""


@dataclass(frozen=True, eq=False)
class WallField:
    """A Gaussian random field of mean 0 and variance 1, as a finite sum of random waves that any place of the wall can be asked for.

    The waves run in four dimensions, (R cos angle, R sin angle, depth, along) in mm with a constant R, so the field closes
    around the heart, and its lengths around shrink toward the apex with the wall. Their frequencies are drawn from the
    spectral density of Matern kernels (Rahimi & Recht 2007; Rasmussen & Williams 2006, eq. 4.15): 5/2 for the smooth
    part, 1/2, which is the exponential kernel, for the rough part.
    waves: (4, k) radians per mm. phases: (k,) radians. heights: (k,).
    """

    waves: np.ndarray
    phases: np.ndarray
    heights: np.ndarray

    @classmethod
    def drawn(cls, random: np.random.Generator, around: float, through: float, along: float, rough: float = 0.5) -> WallField:
        """around, through, along: lengths of the smooth part's kernel, mm. rough: the rough part's share of the variance."""
        lengths = np.array([around, around, through, along])
        parts = [(SMOOTH_WAVES, 5, lengths, 1 - rough), (ROUGH_WAVES, 1, ROUGH_LENGTH * lengths, rough)]
        waves = [_matern_waves(random, count, freedom, one) for count, freedom, one, _ in parts]
        heights = [np.full(count, np.sqrt(2 * share / count)) for count, _, _, share in parts]
        count = SMOOTH_WAVES + ROUGH_WAVES
        return cls(np.concatenate(waves, axis=1), random.uniform(0, 2 * np.pi, count), np.concatenate(heights))

    def __call__(self, place: Place) -> np.ndarray:
        """(n,) values at n places; off the wall those of its surface."""
        angle = angle_of(place)
        depth = THICKNESS * np.clip(place.depth, 0, 1)
        points = np.stack([RADIUS * np.cos(angle), RADIUS * np.sin(angle), depth, place.along], axis=-1).astype(np.float32)
        waves, phases, heights = (part.astype(np.float32) for part in (self.waves, self.phases, self.heights))
        values = np.empty(len(points))
        for start in range(0, len(points), AT_A_TIME):
            some = slice(start, start + AT_A_TIME)
            values[some] = np.cos(points[some] @ waves + phases) @ heights
        return values


def angle_of(place: Place) -> np.ndarray:
    """(n,) radians around the heart; in a body without a long axis those of a wall of the usual radius."""
    return place.around / RADIUS if place.angle is None else place.angle


def _matern_waves(random: np.random.Generator, count: int, freedom: int, lengths: np.ndarray) -> np.ndarray:
    """(d, count) frequencies of a Matern kernel of smoothness freedom / 2: Student's t with so many degrees of freedom."""
    waves = random.normal(size=(len(lengths), count)) / lengths[:, None] * np.sqrt(freedom / random.chisquare(freedom, count))
    return waves * np.minimum(1, 2 * np.pi / FINEST / np.linalg.norm(waves, axis=0))
