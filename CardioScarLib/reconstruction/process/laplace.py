"""Fitting the process to slice averages: the most probable weights, and how surely they are known.

A logistic model with a Gaussian prior on its weights, and Laplace's approximation to what is known of them afterwards
(Rasmussen & Williams 2006, ch. 3.4); fractions count as that many scarred and healthy parts of a pixel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import sparse
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.special import expit, log_expit, xlogy

from CardioScarLib.core.jobs import side_by_side

STEPS = 25
ENOUGH = 1e-4
"""Of the objective: a step that gains less is the last."""
HALVINGS = 12
LOWEST = 1e-9
STRIP = 144
"""Rows of a curvature that are computed together."""


@dataclass(frozen=True, eq=False)
class Observed:
    """features: (q, m) at the points that pixels average. values: (p,) fractions. counts: (p,) independent observations that
    each stands for. matrix: (p, q) averages; None where every pixel is one point."""

    features: np.ndarray
    values: np.ndarray
    counts: np.ndarray
    matrix: sparse.csr_array | None = None

    def look(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(p,) averages for the weights, and the probabilities at the points."""
        field = expit(self.features @ weights)
        return np.clip(field if self.matrix is None else self.matrix @ field, LOWEST, 1 - LOWEST), field

    def loss(self, weights: np.ndarray) -> float:
        """Minus the log of likelihood times prior."""
        if self.matrix is None:
            logit = self.features @ weights
            fit = self.values * log_expit(logit) + (1 - self.values) * log_expit(-logit)
        else:
            average, _ = self.look(weights)
            fit = xlogy(self.values, average) + xlogy(1 - self.values, 1 - average)
        return float(0.5 * weights @ weights - self.counts @ fit)

    def slopes(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(p, m) derivatives of the averages divided by their binomial variance, that variance, and residuals."""
        average, field = self.look(weights)
        variance = average * (1 - average)
        if self.matrix is None:
            return self.features, variance, self.values - average
        jacobian = self.matrix @ (self.features * (field * (1 - field))[:, None])
        return jacobian / variance[:, None], variance, self.values - average


@dataclass(frozen=True, eq=False)
class Laplace:
    """weights: (m,) most probable. factor: (m, m) lower Cholesky factor of their inverse covariance."""

    weights: np.ndarray
    factor: np.ndarray

    def variance(self, features: np.ndarray) -> np.ndarray:
        """(n,) of the logit."""
        return np.sum(_solved(self.factor, features) ** 2, axis=0)

    def spread(self, features: np.ndarray, last: int) -> tuple[np.ndarray, np.ndarray]:
        """(m, n) whose squares sum to the variance of the logit; and (last, n), what the last features alone give to its last rows, as
        they give nothing to the others."""
        return _solved(self.factor, features), _solved(self.factor[-last:, -last:], features[:, -last:])

    def drawn(self, standard: np.ndarray) -> np.ndarray:
        """(m, d) weights for (m, d) standard normal numbers."""
        return self.weights[:, None] + solve_triangular(self.factor, standard, lower=True, trans=1, check_finite=False)


def _solved(factor: np.ndarray, features: np.ndarray) -> np.ndarray:
    """(m, n) the inverse of a lower triangular (m, m) factor times (n, m) features."""
    return solve_triangular(factor, features.T, lower=True, check_finite=False)


def fit_laplace(observed: Observed, start: np.ndarray | None = None, jobs: int = 1) -> Laplace:
    """Fisher scoring with halved steps: the loss falls at every one. jobs: strips of a curvature at a time."""
    weights = np.zeros(observed.features.shape[1]) if start is None else start
    loss = observed.loss(weights)
    for _ in range(STEPS):
        slopes, variance, residual = observed.slopes(weights)
        step = -cho_solve((curvature(slopes, observed.counts * variance, jobs), True), weights - slopes.T @ (observed.counts * residual))
        for _ in range(HALVINGS):
            trial = observed.loss(weights + step)
            if trial < loss:
                break
            step = step / 2
        else:
            break
        weights, gain, loss = weights + step, loss - trial, trial
        if gain < ENOUGH:
            break
    slopes, variance, _ = observed.slopes(weights)
    return Laplace(weights, curvature(slopes, observed.counts * variance, jobs))


def curvature(slopes: np.ndarray, counts: np.ndarray, jobs: int = 1) -> np.ndarray:
    """(m, m) lower Cholesky factor of the curvature of the loss."""
    counted, size = (slopes * counts[:, None]).T, slopes.shape[1]
    matrix = np.zeros((size, size))

    def strip(start: int, tick: Callable[..., None]) -> None:
        stop = min(start + STRIP, size)
        matrix[start:stop, :stop] = counted[start:stop] @ slopes[:, :stop]  # only the lower triangle is needed

    side_by_side([partial(strip, start) for start in reversed(range(0, size, STRIP))], jobs, lambda: None)
    matrix[np.diag_indices_from(matrix)] += 1
    return np.tril(cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)[0])


def expected(logit: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """(n,) mean of the logistic function of a normal variable (MacKay 1992)."""
    return expit(logit / np.sqrt(1 + np.pi / 8 * variance))


def expected_slope(mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """(n,) derivative of `expected` by the logit, where it is `mean`: the less is known, the less a probability follows the logit."""
    return mean * (1 - mean) / np.sqrt(1 + np.pi / 8 * variance)
