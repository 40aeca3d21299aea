"""Joint samples of a map, and the intervals that they give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from CardioScarLib.core.jobs import side_by_side
from CardioScarLib.core.posterior import Posterior
from CardioScarLib.core.quantity import Quantity
from CardioScarLib.core.wall import Wall

LEVEL = 0.9
"""Of intervals, unless another one is asked for."""
BETWEEN, OF_EVIDENCE, OF_CONTOURS = SOURCES = ("between slices", "evidence", "contours")
"""What the interval of an amount comes from."""
NO_SAMPLES = "The numbers come without intervals: the map has no joint samples."
CHUNK = 16_384
"""Points at a time: the samples of a fine wall need not fit into memory together."""


def interval(values: np.ndarray, level: float, told: float) -> tuple[float, float]:
    """The quantiles of equally likely values between which the share `level` of them lies, widened to hold the value that is told.

    A mean lies beyond them where a few values are far from all others, and the map's amount where the reading of the images is unstable.
    """
    low, high = np.quantile(values, [0.5 - level / 2, 0.5 + level / 2])
    return min(float(low), told), max(float(high), told)


def drawn_amounts(posterior: Posterior, wall: Wall, count: int) -> np.ndarray | None:
    """(count,) amount of scar in each joint sample: mm^3 (volume), mm^2 (surfaces) or points; None for models without samples."""
    if not posterior.has_spread:
        return None
    amounts = np.zeros(count)
    for start in range(0, len(wall.nodes), CHUNK):
        where = slice(start, start + CHUNK)
        amounts += posterior.samples(count, wall.nodes[where]) @ wall.node_measure[where]
    return amounts


def described_nodes(
    posterior: Posterior, wall: Wall, count: int, jobs: int = 1, tick: Callable[..., None] = lambda: None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n,) mean and (n,) standard deviation at the nodes, and (count,) as `drawn_amounts`, of a model with samples.

    jobs: parts of the wall at a time. tick: called after each of them; may raise to end the work.
    """
    at = posterior.described(count)

    def part(where: slice, tick: Callable[..., None]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        mean, sd, samples = at(wall.nodes[where])
        tick()
        return mean, sd, samples @ wall.node_measure[where]

    parts = [slice(start, start + posterior.part) for start in range(0, len(wall.nodes), posterior.part)]
    means, sds, amounts = zip(*side_by_side([partial(part, where) for where in parts], jobs, tick), strict=True)
    return np.concatenate(means), np.concatenate(sds), np.sum(amounts, axis=0)


def with_evidence(amounts: np.ndarray, whole: float, shifts: np.ndarray | None) -> np.ndarray:
    """(d,) amounts of scar in joint samples, each with a draw of what the images leave open added; from 0 to the whole wall.

    Samples tell what lies between the slices, as if the evidence in them were certain. The two are independent of each other.

    whole: amount of the wall, in the same unit. shifts: (k,) by how much the share of scar may be another, see `Evidence.share_shifts`;
    None adds nothing.
    """
    if shifts is None:
        return amounts
    order = np.random.default_rng(0).integers(len(shifts), size=len(amounts))
    return np.clip(amounts + whole * shifts[order], 0.0, whole)


@dataclass(frozen=True, eq=False)
class Drawn:
    """Amounts of scar in equally likely hearts, in the unit of the wall's measure, and what makes them differ.

    told: amount in the map. whole: amount of the wall. between: (d,) amounts in joint samples, which tell what lies between the slices.
    evidence: (k,) see `Evidence.share_shifts`; None adds nothing. contours: (d, 2) by which scar and wall may be more or less, see
    `contour_shifts`; None adds nothing.
    """

    told: float
    whole: float
    between: np.ndarray
    evidence: np.ndarray | None = None
    contours: np.ndarray | None = None

    @property
    def wholes(self) -> np.ndarray | None:
        """(d,) amounts of the wall; None where it is taken as certain."""
        return None if self.contours is None else np.maximum(self.whole + self.contours[:, 1], 0.0)

    @property
    def amounts(self) -> np.ndarray:
        """(d,) of scar, with all that is open."""
        return self._amounts(self.between, self.evidence, self.contours)

    @property
    def parts(self) -> dict[str, tuple[np.ndarray, np.ndarray | None]]:
        """(d,) amounts of scar, and of the wall, if one source alone were open, by its name; nothing where there is one source only."""
        certain = np.full(len(self.between), self.told)
        parts: dict[str, tuple[np.ndarray, np.ndarray | None]] = {BETWEEN: (self._amounts(self.between, None, None), None)}
        if self.evidence is not None:
            parts[OF_EVIDENCE] = self._amounts(certain, self.evidence, None), None
        if self.contours is not None:
            parts[OF_CONTOURS] = self._amounts(certain, None, self.contours), self.wholes
        return parts if len(parts) > 1 else {}

    def _amounts(self, between: np.ndarray, evidence: np.ndarray | None, contours: np.ndarray | None) -> np.ndarray:
        amounts = with_evidence(between, self.whole, evidence)
        if contours is None:
            return amounts
        return np.clip(amounts + contours[:, 0], 0.0, np.maximum(self.whole + contours[:, 1], 0.0))


def node_interval(posterior: Posterior, points: np.ndarray, count: int, level: float) -> tuple[np.ndarray, np.ndarray]:
    """(n,) lower and upper end of the interval of the scar fraction at each point, float32."""
    ends = np.empty((2, len(points)), dtype=np.float32)
    for start in range(0, len(points), CHUNK):
        where = slice(start, start + CHUNK)
        ends[:, where] = np.quantile(posterior.samples(count, points[where]), [0.5 - level / 2, 0.5 + level / 2], axis=0)
    return ends[0], ends[1]


@dataclass(frozen=True, eq=False)
class Fields:
    """What an amount is computed from: joint samples, or the map alone where its model gives none.

    values: (d, n) scar fraction at n points in d equally likely fields, float32; (1, n) without samples.
    sampled: whether they are samples, and so give an interval. level: of the interval.
    """

    values: np.ndarray
    sampled: bool
    level: float = LEVEL

    @classmethod
    def at(cls, posterior: Posterior, points: np.ndarray, count: int, level: float = LEVEL) -> Fields:
        """points: (n, 3) LPS mm. count: of samples."""
        if posterior.has_spread:
            return cls(posterior.samples(count, points), True, level)
        return cls(posterior.mean(points)[None].astype(np.float32), False, level)

    @property
    def how(self) -> str:
        return f"mean of {len(self.values)} joint samples" if self.sampled else "of the map, without samples"

    def quantity(
        self, name: str, label: str, amounts: np.ndarray, unit: str, method: str, threshold: float | None = None,
        spread: np.ndarray | None = None,
    ) -> Quantity:  # fmt: skip
        """amounts: (d,) of the fields. What bends its fields (a threshold, a maximum) is another number on the mean map than on
        average: the value is the mean over the samples. spread: (d,) amounts that the interval is of, if others."""
        value, method = float(np.mean(amounts)), f"{method}, {self.how}"
        if not self.sampled:
            return Quantity(name, label, value, unit, method, threshold=threshold)
        low, high = interval(amounts if spread is None else spread, self.level, value)
        return Quantity(name, label, value, unit, method, low, high, self.level, threshold)
