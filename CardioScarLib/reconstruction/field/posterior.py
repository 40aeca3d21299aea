"""The posterior of the model `field`: the mean of a few members, and draws that spread where they may be wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from scipy.special import ndtr, ndtri

from CardioScarLib.core.posterior import check_constants
from CardioScarLib.geometry.frame import CanonicalFrame
from CardioScarLib.reconstruction.arrays import sigmoid
from CardioScarLib.reconstruction.field.constants import FIELD
from CardioScarLib.reconstruction.field.fourier import SINGLE, FourierField
from CardioScarLib.reconstruction.field.member import Member
from CardioScarLib.reconstruction.field.spread import Spread

CHUNK = 16_384
FREQUENCIES, AMPLITUDE_FREQUENCIES = 128, 48


MIDDLES = (np.arange(64) + 0.5) / 64
QUANTILES = np.quantile(np.outer(ndtri(MIDDLES), MIDDLES**FIELD.amplitude_power), (np.arange(24) + 0.5) / 24).astype(np.float32)
"""Equally likely deviations of a draw at one place, in units of its scale there: a normal variable times an amplitude."""


@dataclass(frozen=True, eq=False)
class FieldPosterior:
    """The mean of a few members; draws around it spread as the members differ and as borders may be displaced.

    members: fitted one by one. shares: (m,) of each in the mean, summing to 1. frame: canonical frame they live in.
    spread: how far the field may be off, and where. count: of draws that are usual. seed: of the draws.
    constants: version of `FieldConstants` that it was fitted with.

    A draw is one function of space: mean + amplitude x (smooth noise of the logit, larger where the members disagree + an
    offset of all logits + gradient x in-plane displacement of whole slices), in bounded logits. The amplitude varies slowly.
    """

    members: tuple[Member, ...]
    shares: np.ndarray
    frame: CanonicalFrame
    spread: Spread
    count: int
    seed: int
    summary: dict[str, Any] = field(default_factory=dict)
    part: ClassVar[int] = CHUNK
    has_spread: bool = True
    constants: int = FIELD.version

    def __post_init__(self) -> None:
        check_constants(self.constants, FIELD.version)

    def mean(self, points: np.ndarray) -> np.ndarray:
        mean = np.empty(len(points))
        for where, local in self._chunks(points):
            mean[where] = sum(share * one.function.field(one.weights, local) for share, one in zip(self.shares, self.members, strict=True))
        return mean

    def sd(self, points: np.ndarray) -> np.ndarray:
        sd = np.empty(len(points))
        for where, local in self._chunks(points):
            sd[where] = self._sd(*self._marginals(local))
        return sd

    def samples(self, n: int, points: np.ndarray) -> np.ndarray:
        samples = np.empty((n, len(points)), dtype=SINGLE)
        for where, local in self._chunks(points):
            samples[:, where] = self._draws(n, local, *self._marginals(local))
        return samples

    def described(self, n: int) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]:
        def at(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            local = self.frame.to_frame(points)
            marginals = self._marginals(local)
            return self.mean(points), self._sd(*marginals), self._draws(n, local, *marginals)

        return at

    def rescaled(self, factor: float) -> FieldPosterior:
        """The same mean and draws of the same shapes, `factor` times as far from it (in logits)."""
        return replace(self, spread=replace(self.spread, factor=factor * self.spread.factor))

    def _chunks(self, points: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        for start in range(0, len(points), CHUNK):
            where = slice(start, start + CHUNK)
            yield where, self.frame.to_frame(points[where])

    def _marginals(self, local: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Of the bounded logit of the mean, each (n,): itself, its derivative by the logit, the scale of its noise; and what
        displaced slices do to it, (n, m), one column per independent displacement."""
        center, slope = np.zeros(len(local), dtype=SINGLE), np.zeros((len(local), 3), dtype=SINGLE)
        for share, one in zip(self.shares.astype(SINGLE), self.members, strict=True):
            logit, gradient = one.function.spatial_gradient(one.weights, one.function.features(local))
            probability = sigmoid(logit)
            center += share * probability
            slope += share * (probability * (1 - probability))[:, None] * gradient
        center = np.clip(center, 1e-6, 1 - 1e-6)
        middle = FIELD.bound * np.tanh(np.log(center / (1 - center)) / FIELD.bound)
        squeeze = 1 - (middle / FIELD.bound) ** 2
        slope *= (squeeze / (center * (1 - center)))[:, None]
        return middle, squeeze, squeeze * self.spread.logit_scale(local).astype(SINGLE), self.spread.moves(local, slope).astype(SINGLE)

    def _sd(self, middle: np.ndarray, squeeze: np.ndarray, scale: np.ndarray, moves: np.ndarray) -> np.ndarray:
        """(n,) standard deviation, of marginals."""
        width = np.sqrt(scale**2 + (self.spread.offset * squeeze) ** 2 + np.sum(moves**2, axis=1))
        return _unbounded(middle[:, None] + width[:, None] * QUANTILES).std(axis=1)

    def _draws(
        self, n: int, local: np.ndarray, middle: np.ndarray, squeeze: np.ndarray, scale: np.ndarray, moves: np.ndarray
    ) -> np.ndarray:
        """(n, len(local)) draws at points in the canonical frame; the rest are their marginals."""
        noises = (
            FourierField.drawn(FREQUENCIES, FIELD.logit_length, (), [self.seed, 3]),
            FourierField.drawn(AMPLITUDE_FREQUENCIES, FIELD.amplitude_length, (), [self.seed, 4]),
        )
        waves, swells = (one.features(local) / SINGLE(np.sqrt(2 * len(one.frequencies))) for one in noises)
        draws = np.empty((n, len(local)), dtype=SINGLE)
        for number in range(n):  # one generator per draw: draw i is the same field in every call
            random = np.random.default_rng([self.seed, 5, number])
            amplitude = ndtr(swells @ random.normal(size=(swells.shape[1],)).astype(SINGLE)) ** FIELD.amplitude_power
            moved = scale * (waves @ random.normal(size=(waves.shape[1],)).astype(SINGLE))
            moved += random.normal(scale=self.spread.offset) * squeeze
            moved += moves @ random.normal(size=(moves.shape[1],)).astype(SINGLE)
            draws[number] = _unbounded(middle + amplitude * moved)
        return draws


def _unbounded(values: np.ndarray) -> np.ndarray:
    """Probability of a bounded logit; noise may lead beyond the bound."""
    return sigmoid(FIELD.bound * np.arctanh(np.clip(values / FIELD.bound, -0.9999, 0.9999)))
