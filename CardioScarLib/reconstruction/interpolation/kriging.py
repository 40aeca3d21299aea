"""A peer: ordinary kriging of the slice averages, with joint samples.

A Gaussian process with a Matern 3/2 covariance of distance (Rasmussen & Williams 2006, ch. 4; kriging: Matheron 1963).
Length, variance and noise are those of largest likelihood on part of the data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial.distance import cdist

from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.posterior import one_by_one
from CardioScarLib.geometry.operator import SliceOperator
from CardioScarLib.reconstruction.arrays import Array, space_of

LENGTHS = (4.0, 6.0, 9.0, 13.0, 19.0, 28.0)
"""mm, to choose from."""
NOISES = (1e-4, 1e-3, 1e-2, 0.1)
"""Variances of the noise over that of the process, to choose from."""
LIKELIHOOD_DATA = 700
"""Averages that length and noise are chosen by: the cost grows with their cube."""
MOST_DATA = 4000
"""Averages that are kriged; of more than that, every second, third ... is left out."""
WAVES = 1024
"""Random waves that stand for the process in a draw from it (Rahimi & Recht 2007)."""
CHUNK = 1024


@dataclass(frozen=True, eq=False)
class Kriging:
    """The process given the data. centers: (d, k) mm, where distances are measured. weights: (d,) of the mean; level: its constant.
    places: from (n, 3) LPS mm to (n, k) mm there.

    values: (d,) the data. factor: Cholesky factor of their covariance. Draws are draws of the process, corrected by kriging
    what they leave of the data (Matheron's rule), so each is one function of place. The mean is
    clipped to [0, 1]; draws are not: their volumes would all be too large.
    """

    centers: np.ndarray
    values: np.ndarray
    weights: np.ndarray
    level: float
    factor: tuple
    length: float
    variance: float
    noise: float
    places: Callable[[np.ndarray], np.ndarray]
    count: int
    seed: int
    summary: dict[str, Any] = field(default_factory=dict)
    part: ClassVar[int] = 16_384
    has_spread: bool = True

    def mean(self, points: np.ndarray) -> np.ndarray:
        mean = np.empty(len(points))
        for where, local in self._chunks(points):
            mean[where] = self.level + self._covariance(local) @ self.weights
        return np.clip(mean, 0, 1)

    def sd(self, points: np.ndarray) -> np.ndarray:
        return self.samples(self.count, points).std(axis=0)

    def samples(self, n: int, points: np.ndarray) -> np.ndarray:
        draws = [self._draw(number) for number in range(n)]
        frequencies, phases = self._waves()
        amplitudes = np.array([amplitude for amplitude, _ in draws]).T
        noise = np.array([error for _, error in draws]).T
        at_data = self._basis(self.centers, frequencies, phases) @ amplitudes
        corrections = cho_solve(self.factor, (self.values - self.level)[:, None] - at_data - noise)
        samples = np.empty((n, len(points)), dtype=np.float32)
        for where, local in self._chunks(points):
            samples[:, where] = (
                self.level + self._basis(local, frequencies, phases) @ amplitudes + self._covariance(local) @ corrections
            ).T
        return samples

    def described(self, n: int) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]:
        return one_by_one(self, n)

    def _draw(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Amplitudes of the waves and errors of the data of one draw: its own generator, the same in every call."""
        random = np.random.default_rng([self.seed, 1, number])
        return random.normal(size=WAVES), random.normal(scale=np.sqrt(self.noise * self.variance), size=len(self.centers))

    def _waves(self) -> tuple[np.ndarray, np.ndarray]:
        """Frequencies of a Matern 3/2 process: its spectrum is a Student t distribution with 3 degrees of freedom."""
        random = np.random.default_rng([self.seed, 0])
        scale = np.sqrt(3 / random.chisquare(3, WAVES)) / self.length
        return random.normal(size=(self.centers.shape[1], WAVES)) * scale, random.uniform(0, 2 * np.pi, WAVES)

    def _basis(self, points: np.ndarray, frequencies: np.ndarray, phases: np.ndarray) -> np.ndarray:
        return np.sqrt(2 * self.variance / WAVES) * np.cos(points @ frequencies + phases)

    def _covariance(self, points: np.ndarray) -> np.ndarray:
        return self.variance * matern(cdist(points, self.centers), self.length)

    def _chunks(self, points: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        for start in range(0, len(points), CHUNK):
            where = slice(start, start + CHUNK)
            yield where, self.places(points[where])


def matern(distance: Array, length: float) -> Array:
    """Correlation at a distance, mm."""
    scaled = float(np.sqrt(3) / length) * distance
    correlation = space_of(distance).exp(-scaled)
    scaled += 1
    correlation *= scaled
    return correlation


def fit_kriging(
    operator: SliceOperator, evidence: Evidence, samples: int = 64, seed: int = 0, places: Callable[[np.ndarray], np.ndarray] | None = None
) -> Kriging:
    """samples: joint samples behind the standard deviation. seed: of the samples. places: from (n, 3) LPS mm to the (n, k) mm in
    which distances are measured; None is space itself, in the canonical frame."""
    used = np.flatnonzero(evidence.weights > 0)
    used = used[:: 1 + (len(used) - 1) // MOST_DATA]
    centers, values = (operator.matrix @ operator.points)[used], evidence.values[used]
    centers = centers if places is None else places(operator.frame.from_frame(centers))
    length, noise = _most_likely(centers, values)
    factor = cho_factor(matern(cdist(centers, centers), length) + noise * np.eye(len(centers)), lower=True, overwrite_a=True)
    level, variance, weights = _profile(factor, values)
    scaled = (factor[0] * np.sqrt(variance), factor[1])
    summary = {"pixels": len(used), "length_mm": length, "noise_share": noise, "variance": variance}
    places = places or operator.frame.to_frame
    return Kriging(centers, values, weights / variance, level, scaled, length, variance, noise, places, samples, seed, summary)


def _most_likely(centers: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    """Length and noise, on neighborhoods spread over the data, so that short distances are among them."""
    near = np.argsort(cdist(centers, centers[:: max(1, len(centers) // 20)]), axis=0)[: LIKELIHOOD_DATA // 20]
    chosen = np.unique(near)
    distance, values = cdist(centers[chosen], centers[chosen]), values[chosen]
    best = (np.inf, LENGTHS[0], NOISES[0])
    for length in LENGTHS:
        for noise in NOISES:
            factor = cho_factor(matern(distance, length) + noise * np.eye(len(chosen)), lower=True)
            variance = _profile(factor, values)[1]
            cost = len(chosen) * np.log(variance) + 2 * np.sum(np.log(np.diag(factor[0])))
            best = min(best, (float(cost), length, noise))
    return best[1:]


def _profile(factor: tuple, values: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Level (generalized least squares), variance of largest likelihood, and the solved residual, for a correlation matrix."""
    ones = np.ones(len(values))
    solved = cho_solve(factor, np.column_stack([values, ones]))
    level = float(ones @ solved[:, 0] / (ones @ solved[:, 1]))
    weights = solved[:, 0] - level * solved[:, 1]
    return level, max(float((values - level) @ weights) / len(values), 1e-12), weights
