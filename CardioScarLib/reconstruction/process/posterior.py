"""What is known about scar along the wall: the process given the slices, and draws that look like scars."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from scipy.special import expit, gammaincinv, ndtri

from CardioScarLib.core.posterior import check_constants
from CardioScarLib.geometry.frame import CanonicalFrame
from CardioScarLib.reconstruction.process.beside import Beside
from CardioScarLib.reconstruction.process.chart import WallChart
from CardioScarLib.reconstruction.process.constants import PROCESS
from CardioScarLib.reconstruction.process.detail import Detail
from CardioScarLib.reconstruction.process.even import even_points
from CardioScarLib.reconstruction.process.features import Features
from CardioScarLib.reconstruction.process.laplace import Laplace, expected

CHUNK = 8192
WAVES = 384
"""Random waves that stand for the texture."""
LEAST = 1e-4
"""Probability of scar where the slices show none."""
WHOLE = 0.02
"""Fractions this close to 0 and 1 are 0 and 1 in a draw."""

EVEN = even_points(8)
NORMALS: np.ndarray = ndtri(EVEN[:, 0])
SWELLS, JUMPS = PROCESS.freedom / (2 * gammaincinv(PROCESS.freedom / 2, EVEN[:, 1:].T))
"""What draws are made of at one place, evenly over all they may be: a normal number, the squared swell of a draw, and of a slice, each
the freedom over a chi-squared number."""
FIRST_WAVES, FIRST_DRAW = 7, 8
"""Streams of random numbers, apart from those of other models."""


@dataclass(frozen=True, eq=False)
class _Known:
    """At n points: places (n, 4) on the chart, functions (n, m) of the process, spread (m, n) of which the squares sum to the variance
    of the logit, own (k, n) the part of its last rows that comes from what slices have of their own, probability of scar, rest: the
    variance of the logit that the functions miss, and free: the share of deviations that the detail of the slices leaves possible."""

    places: np.ndarray
    functions: np.ndarray
    spread: np.ndarray
    own: np.ndarray
    probability: np.ndarray
    rest: np.ndarray
    free: np.ndarray

    def variance(self, jump: float) -> np.ndarray:
        """(n,) of the logit by the functions, if what slices have of their own were `jump` times as large."""
        shared, last = self.spread[: -len(self.own)], self.spread[-len(self.own) :]
        return np.sum(shared**2, axis=0) + np.sum((last + (jump - 1) * self.own) ** 2, axis=0)


@dataclass(frozen=True, eq=False)
class _Draws:
    """Of d draws: deviations (m, d) of the weights, amplitudes (w, d) of the waves of the texture. frequencies, phases: of the waves."""

    deviations: np.ndarray
    amplitudes: np.ndarray
    frequencies: np.ndarray
    phases: np.ndarray


@dataclass(frozen=True, eq=False)
class ProcessPosterior:
    """The process along the wall after a fit.

    chart: of the wall. features, fit: the process and its weights. detail: of the slices, that it leaves out.
    frame: canonical frame of the chart.
    steepness: how much steeper borders are in a draw than in the mean, so that draws are patchy, as
    scars in label maps are, with patches at random places. widening: factor on what the slices leave
    open, from how far left-out slices missed, and from `rescaled`.
    count: of draws that are usual. seed: of the draws. constants: version of `ProcessConstants` that it was fitted with.
    beside: interpolation that part of the mean comes from; None leaves the process alone.
    """

    chart: WallChart
    features: Features
    fit: Laplace
    detail: Detail
    frame: CanonicalFrame
    steepness: float
    count: int
    seed: int
    summary: dict[str, Any] = field(default_factory=dict)
    part: ClassVar[int] = 2048
    has_spread: bool = True
    widening: float = 1.0
    constants: int = PROCESS.version
    beside: Beside | None = None

    def __post_init__(self) -> None:
        check_constants(self.constants, PROCESS.version)

    def mean(self, points: np.ndarray) -> np.ndarray:
        mean = np.empty(len(points))
        for where, local in self._chunks(points):
            mean[where] = self._known(local).probability
        return mean

    def sd(self, points: np.ndarray) -> np.ndarray:
        sd = np.empty(len(points))
        for where, local in self._chunks(points):
            sd[where] = self._sd(self._known(local))
        return sd

    def samples(self, n: int, points: np.ndarray) -> np.ndarray:
        draws = self._draws(n)
        samples = np.empty((n, len(points)), dtype=np.float32)
        for where, local in self._chunks(points):
            samples[:, where] = self._drawn(self._known(local), draws)
        return samples

    def described(self, n: int) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]:
        draws = self._draws(n)

        def at(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            known = self._known(self.frame.to_frame(points))
            return known.probability, self._sd(known), self._drawn(known, draws)

        return at

    def field(self, points: np.ndarray) -> np.ndarray:
        """(n,) mean at points in the canonical frame."""
        return self.mean(self.frame.from_frame(points))

    def rescaled(self, factor: float) -> ProcessPosterior:
        """The same mean, and draws `factor` times as far from it (in logits)."""
        return replace(self, widening=factor * self.widening)

    @property
    def _texture(self) -> float:
        """Variance of the texture, in logits: patches at random places have the mean that the process has without them."""
        return 8 / np.pi * max(1 - 1 / self.steepness**2, 0.0)

    def _sd(self, known: _Known) -> np.ndarray:
        """(n,) standard deviation of the scar fraction."""
        without, alone, both = known.variance(0.0), np.sum(known.own**2, axis=0), known.variance(1.0)
        without, alone, both = without[:, None], alone[:, None], both[:, None]
        jumping = without + np.sqrt(JUMPS) * (both - without - alone) + JUMPS * alone  # what a slice has of its own jumps
        variance = self.widening**2 * (known.rest[:, None] + SWELLS * np.maximum(jumping, 0)) + self._texture
        width = known.free[:, None] * np.sqrt(variance)
        return self._fraction(self._center(known)[:, None] + width * NORMALS).std(axis=1)

    def _draws(self, n: int) -> _Draws:
        streams = [self._random(number) for number in range(n)]
        weights = np.column_stack([random.normal(size=len(self.fit.weights)) for random in streams])
        swell = np.array([np.sqrt(PROCESS.freedom / random.chisquare(PROCESS.freedom)) for random in streams])
        deviations = self.widening * swell * (self.fit.drawn(weights) - self.fit.weights[:, None])
        knots = len(self.features.heights)
        jumps = np.column_stack([self._random(number, 2).chisquare(PROCESS.freedom, size=knots) for number in range(n)])
        deviations[-knots:] *= np.sqrt(PROCESS.freedom / jumps)
        amplitudes = np.column_stack([self._random(number, 1).normal(size=WAVES) for number in range(n)]) * np.sqrt(2 / WAVES)
        return _Draws(deviations, amplitudes, *self._waves())

    def _drawn(self, known: _Known, draws: _Draws) -> np.ndarray:
        """(d, n) scar fractions, float32."""
        scatter = known.free * np.sqrt(self.widening**2 * known.rest + self._texture)
        drawn = scatter[:, None] * (np.cos(known.places @ draws.frequencies + draws.phases) @ draws.amplitudes)
        drawn += known.free[:, None] * (known.functions @ draws.deviations)
        return self._fraction(self._center(known)[:, None] + drawn).T.astype(np.float32)

    def _center(self, known: _Known) -> np.ndarray:
        """(n,) logit about which draws scatter so that their mean is the probability (MacKay's approximation, backwards).

        A draw scatters about its center as a normal variable does that is as wide as most draws are.
        """
        variance = known.variance(np.sqrt(PROCESS.heavy)) + known.rest
        spread = known.free**2 * (PROCESS.heavy * self.widening**2 * variance + self._texture)
        logit = np.log(known.probability / (1 - known.probability))
        return logit * np.sqrt(1 / self.steepness**2 + np.pi / 8 * spread)

    def _fraction(self, logit: np.ndarray) -> np.ndarray:
        """Scar fractions of a draw: 0 or 1 but for the borders."""
        return np.clip((expit(self.steepness * logit) - WHOLE) / (1 - 2 * WHOLE), 0, 1)

    def _known(self, local: np.ndarray) -> _Known:
        places = self.chart.at(local)
        functions, rest = self.features.with_rest(places)
        spread, own = self.fit.spread(functions, len(self.features.heights))
        variance = np.sum(spread**2, axis=0) + rest
        detail, explained = self.detail.at(places)
        mean = expected(functions @ self.fit.weights, variance) + detail
        if self.beside is not None:
            mean = mean + self.beside.share * (self.beside.interpolation.mean(self.frame.from_frame(local)) - mean)
        probability = np.clip(mean, LEAST, 1 - LEAST)
        return _Known(places, functions, spread, own, probability, rest, np.sqrt(1 - explained))

    def _random(self, number: int, part: int = 0) -> np.random.Generator:
        """One generator for each draw, so that draw i is the same field in every call."""
        return np.random.default_rng([self.seed, FIRST_DRAW, number, part])

    def _waves(self) -> tuple[np.ndarray, np.ndarray]:
        """(4, w) frequencies of an exponential covariance, 1/mm, and (w,) phases (Rahimi & Recht 2007)."""
        random = np.random.default_rng([self.seed, FIRST_WAVES])
        heavy = 1 / np.sqrt(random.chisquare(1, WAVES))  # its spectrum is a Student t distribution with 1 degree of freedom
        scale = PROCESS.finer * self.features.roughness.scale
        return random.normal(size=(4, WAVES)) * heavy * scale[:, None], random.uniform(0, 2 * np.pi, WAVES)

    def _chunks(self, points: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        for start in range(0, len(points), CHUNK):
            where = slice(start, start + CHUNK)
            yield where, self.frame.to_frame(points[where])
