"""A Gaussian process on the wall in low rank: functions of place whose random sums are the process."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular
from scipy.spatial.distance import cdist

from CardioScarLib.reconstruction.interpolation.kriging import matern
from CardioScarLib.reconstruction.process.constants import PROCESS

LEVEL_SD = 2.0
"""Of the level that all of the wall has in common, in logits: from .02 to .98."""
KNOTS = 4.0
"""mm between heights at which the offset of a slice is a number of its own."""
JITTER = 1e-6


@dataclass(frozen=True)
class Roughness:
    """How scar varies along the wall.

    around, along, through: correlation lengths in mm (Matern 3/2). amplitude: variance of the logit. offset: variance of
    what a whole slice has in common beyond that. grain: independent observations per mm^2 of slice: neighboring pixels
    of a label map repeat each other.
    """

    around: float
    along: float
    through: float
    amplitude: float
    offset: float
    grain: float

    @property
    def scale(self) -> np.ndarray:
        """(4,) 1/mm, of the columns of a chart."""
        return 1 / np.array([self.around, self.around, self.along, self.through])


@dataclass(frozen=True, eq=False)
class Features:
    """centers: (m, 4) places on a chart, in units of the lengths. factor: (m, m) lower Cholesky factor of their covariance.
    heights: (k,) mm, knots of the offset; offset_factor: (k, k)."""

    roughness: Roughness
    centers: np.ndarray
    factor: np.ndarray
    heights: np.ndarray
    offset_factor: np.ndarray

    @classmethod
    def made(cls, places: np.ndarray, roughness: Roughness, count: int) -> Features:
        """places: (n, 4) on the chart, all over the wall. count: of centers; they are spread over the places."""
        centers = spread_out(places * roughness.scale, count)
        factor = np.linalg.cholesky(matern(cdist(centers, centers), 1.0) + JITTER * np.eye(len(centers)))
        heights = np.arange(places[:, 2].min() - KNOTS, places[:, 2].max() + 2 * KNOTS, KNOTS)
        return cls(roughness, centers, factor, heights, np.linalg.cholesky(_alike(heights, heights) + JITTER * np.eye(len(heights))))

    def of(self, places: np.ndarray) -> np.ndarray:
        """(n, m + 1 + k): functions whose sum with independent standard normal weights is the process, in logits."""
        return np.hstack([np.sqrt(self.roughness.amplitude) * self.process(places), self._common(places)])

    def with_rest(self, places: np.ndarray, process: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """`of`, and (n,) the variance of the process that the centers miss. process: at the places, where it is known."""
        process = self.process(places) if process is None else process
        rest = self.roughness.amplitude * np.maximum(1 - np.einsum("nm,nm->n", process, process), 0)
        return np.hstack([np.sqrt(self.roughness.amplitude) * process, self._common(places)]), rest

    def process(self, places: np.ndarray) -> np.ndarray:
        """(n, m) functions of the centers, of variance 1 where they miss nothing; the same for every roughness with these lengths."""
        alike = matern(cdist(places * self.roughness.scale, self.centers), 1.0).T
        return solve_triangular(self.factor, alike, lower=True, overwrite_b=True, check_finite=False).T

    def _common(self, places: np.ndarray) -> np.ndarray:
        """The level and the offsets of the slices."""
        offsets = solve_triangular(self.offset_factor, _alike(self.heights, places[:, 2]), lower=True, check_finite=False).T
        return np.column_stack([np.full(len(places), LEVEL_SD), np.sqrt(self.roughness.offset) * offsets])


def spread_out(places: np.ndarray, count: int) -> np.ndarray:
    """`count` of the places, each the farthest from those before it, from the one farthest from their middle on."""
    if len(places) <= count:
        return places
    squared = np.sum((places - places.mean(axis=0)) ** 2, axis=1)
    chosen = [int(np.argmax(squared))]
    squared = np.sum((places - places[chosen[0]]) ** 2, axis=1)
    while len(chosen) < count:
        chosen.append(int(np.argmax(squared)))
        squared = np.minimum(squared, np.sum((places - places[chosen[-1]]) ** 2, axis=1))
    return places[np.sort(chosen)]


def _alike(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.exp(-np.abs(first[:, None] - second) / PROCESS.offset_length)
