"""What is known about a field that a few networks agree on, and where they may be wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from CardioScarLib.geometry.frame import CanonicalFrame
from CardioScarLib.reconstruction.fit_network import FittedNetwork
from CardioScarLib.reconstruction.network import SINGLE, FourierNetwork, sigmoid

CHUNK = 16_384
BOUND = 4.0
"""Logits are compared as BOUND tanh(logit / BOUND): those of remote tissue differ by 3 to 5 between seeds and mean nothing."""
DISPLACEMENT_LENGTH = 8.0
"""mm: how far apart two places move independently in a draw."""
DISPLACEMENT_FREQUENCIES = 32
TAIL_FREEDOM = 4
"""Degrees of freedom of the Student-t scale of a draw, so that 50, 80 and 95 % intervals are consistent."""


@dataclass(frozen=True, eq=False)
class FieldPosterior:
    """The mean of a few networks; draws around it spread as the networks differ and as borders may be displaced.

    members: fitted networks. shares: (m,) of each in the mean, summing to 1. frame: canonical frame they live in.
    displacement: mm, standard deviation per direction of where the true field may lie against the mean.
    count: draws behind `sd`. seed: of the draws.

    A draw is one function of space: center + members' deviations with random weights + gradient x smooth random
    displacement, the spread scaled by one Student-t factor per draw, in bounded logits.
    """

    members: tuple[FittedNetwork, ...]
    shares: np.ndarray
    frame: CanonicalFrame
    displacement: float
    count: int
    seed: int
    summary: dict = field(default_factory=dict)
    has_spread: bool = True

    def mean(self, points: np.ndarray) -> np.ndarray:
        mean = np.empty(len(points))
        for where, local in self._chunks(points):
            mean[where] = sum(share * one.network.field(one.weights, local) for share, one in zip(self.shares, self.members, strict=True))
        return mean

    def sd(self, points: np.ndarray) -> np.ndarray:
        sd = np.empty(len(points))
        for where, local in self._chunks(points):
            sd[where] = self._draws(self.count, local).std(axis=0)
        return sd

    def samples(self, n: int, points: np.ndarray) -> np.ndarray:
        samples = np.empty((n, len(points)), dtype=SINGLE)
        for where, local in self._chunks(points):
            samples[:, where] = self._draws(n, local)
        return samples

    def _chunks(self, points: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        for start in range(0, len(points), CHUNK):
            where = slice(start, start + CHUNK)
            yield where, self.frame.to_frame(points[where])

    def _draws(self, n: int, local: np.ndarray) -> np.ndarray:
        """(n, len(local)) draws at points in the canonical frame."""
        bounded, slope, center = [], np.zeros((len(local), 3), dtype=SINGLE), np.zeros(len(local), dtype=SINGLE)
        for share, one in zip(self.shares.astype(SINGLE), self.members, strict=True):
            logit, gradient = one.network.spatial_gradient(one.weights, one.network.features(local))
            probability = sigmoid(logit)
            center += share * probability
            slope += share * (probability * (1 - probability))[:, None] * gradient
            bounded.append(BOUND * np.tanh(logit / BOUND))
        center = np.clip(center, 1e-6, 1 - 1e-6)
        middle = BOUND * np.tanh(np.log(center / (1 - center)) / BOUND)
        slope *= ((1 - (middle / BOUND) ** 2) / (center * (1 - center)))[:, None]
        deviations = np.sqrt(self.shares).astype(SINGLE)[:, None] * (np.array(bounded) - middle)

        waves = FourierNetwork.drawn(DISPLACEMENT_FREQUENCIES, DISPLACEMENT_LENGTH, (), self.seed)
        basis = waves.features(local) / SINGLE(np.sqrt(2 * DISPLACEMENT_FREQUENCIES))
        draws = np.empty((n, len(local)), dtype=SINGLE)
        for number in range(n):  # one generator per draw: draw i is the same field in every call
            random = np.random.default_rng([self.seed, 3, number])
            scale = np.sqrt(TAIL_FREEDOM / random.chisquare(TAIL_FREEDOM))
            mixing = random.normal(size=len(self.members)).astype(SINGLE)
            shift = basis @ random.normal(scale=self.displacement, size=(basis.shape[1], 3)).astype(SINGLE)
            moved = middle + SINGLE(scale) * (mixing @ deviations + np.einsum("nx,nx->n", slope, shift))
            draws[number] = sigmoid(BOUND * np.arctanh(np.clip(moved / BOUND, -0.9999, 0.9999)))
        return draws
