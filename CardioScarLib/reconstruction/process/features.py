"""A Gaussian process on the wall in low rank: functions of place whose random sums are the process."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from CardioScarLib.reconstruction.arrays import Array, space_of
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
    heights: (k,) mm, knots of the offset; offset_factor: (k, k). All are numpy's; places may be tensors, and functions of them are.
    """

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

    def of(self, places: Array) -> Array:
        """(n, m + 1 + k): functions whose sum with independent standard normal weights is the process, in logits."""
        process = float(np.sqrt(self.roughness.amplitude)) * self.process(places)
        return space_of(places).concatenate([process, self._common(places)], axis=1)

    def with_rest(self, places: Array, process: Array | None = None) -> tuple[Array, Array]:
        """`of`, and (n,) the variance of the process that the centers miss. process: at the places, where it is known."""
        space, process = space_of(places), self.process(places) if process is None else process
        rest = self.roughness.amplitude * (1 - space.einsum("nm,nm->n", process, process)).clip(0, None)
        functions = [float(np.sqrt(self.roughness.amplitude)) * process, self._common(places)]
        return space.concatenate(functions, axis=1), rest

    def process(self, places: Array) -> Array:
        """(n, m) functions of the centers, of variance 1 where they miss nothing; the same for every roughness with these lengths."""
        space = space_of(places)
        alike = matern(space.distances(places * space.array(self.roughness.scale), space.array(self.centers)), 1.0)
        return space.solve_lower(space.array(self.factor), alike.T).T

    def _common(self, places: Array) -> Array:
        """The level and the offsets of the slices."""
        space = space_of(places)
        alike = _alike(space.array(self.heights), places[:, 2])
        offsets = float(np.sqrt(self.roughness.offset)) * space.solve_lower(space.array(self.offset_factor), alike).T
        return space.concatenate([space.full_like(offsets[:, :1], LEVEL_SD), offsets], axis=1)


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


def _alike(first: Array, second: Array) -> Array:
    return space_of(first).exp(-abs(first[:, None] - second) / PROCESS.offset_length)
