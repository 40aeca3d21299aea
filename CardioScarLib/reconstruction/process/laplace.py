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

from CardioScarLib.core.jobs import side_by_side
from CardioScarLib.reconstruction.arrays import Array, space_of

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
    each stands for. matrix: (p, q) averages; None where every pixel is one point. All in one space."""

    features: Array
    values: Array
    counts: Array
    matrix: Array | None = None

    @classmethod
    def on(cls, features: Array, values: np.ndarray, counts: np.ndarray, matrix: sparse.csr_array | None = None) -> Observed:
        """With the others in the space of the features."""
        space = space_of(features)
        return cls(features, space.array(values), space.array(counts), None if matrix is None else space.sparse(matrix))

    def look(self, weights: Array) -> tuple[Array, Array]:
        """(p,) averages for the weights, and the probabilities at the points."""
        field = space_of(weights).expit(self.features @ weights)
        return (field if self.matrix is None else self.matrix @ field).clip(LOWEST, 1 - LOWEST), field

    def loss(self, weights: Array) -> float:
        """Minus the log of likelihood times prior."""
        space = space_of(weights)
        if self.matrix is None:
            logit = self.features @ weights
            fit = self.values * space.log_expit(logit) + (1 - self.values) * space.log_expit(-logit)
        else:
            average, _ = self.look(weights)
            fit = space.xlogy(self.values, average) + space.xlogy(1 - self.values, 1 - average)
        return float(0.5 * weights @ weights - self.counts @ fit)

    def slopes(self, weights: Array) -> tuple[Array, Array, Array]:
        """(p, m) derivatives of the averages divided by their binomial variance, that variance, and residuals."""
        average, field = self.look(weights)
        variance = average * (1 - average)
        if self.matrix is None:
            return self.features, variance, self.values - average
        jacobian = self.matrix @ (self.features * (field * (1 - field))[:, None])
        return jacobian / variance[:, None], variance, self.values - average


@dataclass(frozen=True, eq=False)
class Laplace:
    """weights: (m,) most probable. factor: (m, m) lower Cholesky factor of their inverse covariance.

    Tensors during a fit by PyTorch; what is kept in files is numpy's.
    """

    weights: np.ndarray
    factor: np.ndarray

    def in_numpy(self) -> Laplace:
        space = space_of(self.weights)
        return Laplace(space.numpy(self.weights), space.numpy(self.factor))

    def variance(self, features: Array) -> Array:
        """(n,) of the logit."""
        return (_solved(self.factor, features) ** 2).sum(axis=0)

    def spread(self, features: Array, last: int) -> tuple[Array, Array]:
        """(m, n) whose squares sum to the variance of the logit; and (last, n), what the last features alone give to its last rows, as
        they give nothing to the others."""
        return _solved(self.factor, features), _solved(self.factor[-last:, -last:], features[:, -last:])

    def drawn(self, standard: np.ndarray) -> np.ndarray:
        """(m, d) weights for (m, d) standard normal numbers."""
        return self.weights[:, None] + space_of(self.factor).solve_lower(self.factor, standard, transposed=True)


def _solved(factor: Array, features: Array) -> Array:
    """(m, n) the inverse of a lower triangular (m, m) factor times (n, m) features."""
    return space_of(factor).solve_lower(factor, features.T)


def fit_laplace(observed: Observed, start: Array | None = None, jobs: int = 1) -> Laplace:
    """Fisher scoring with halved steps: the loss falls at every one. jobs: strips of a curvature at a time."""
    space = space_of(observed.features)
    weights = space.zeros(observed.features.shape[1]) if start is None else start
    loss = observed.loss(weights)
    for _ in range(STEPS):
        slopes, variance, residual = observed.slopes(weights)
        factor = curvature(slopes, observed.counts * variance, jobs)
        step = -space.solve_factored(factor, weights - slopes.T @ (observed.counts * residual))
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


def curvature(slopes: Array, counts: Array, jobs: int = 1) -> Array:
    """(m, m) lower Cholesky factor of the curvature of the loss."""
    space, counted, size = space_of(slopes), (slopes * counts[:, None]).T, slopes.shape[1]
    matrix = space.zeros((size, size))

    def strip(start: int, tick: Callable[..., None]) -> None:
        stop = min(start + STRIP, size)
        matrix[start:stop, :stop] = counted[start:stop] @ slopes[:, :stop]  # only the lower triangle is needed

    side_by_side([partial(strip, start) for start in reversed(range(0, size, STRIP))], jobs, lambda: None)
    matrix.ravel()[:: size + 1] += 1
    return space.cholesky(matrix)


def expected(logit: Array, variance: Array) -> Array:
    """(n,) mean of the logistic function of a normal variable (MacKay 1992)."""
    space = space_of(logit)
    return space.expit(logit / space.sqrt(1 + np.pi / 8 * variance))


def expected_slope(mean: Array, variance: Array) -> Array:
    """(n,) derivative of `expected` by the logit, where it is `mean`: the less is known, the less a probability follows the logit."""
    return mean * (1 - mean) / space_of(mean).sqrt(1 + np.pi / 8 * variance)
