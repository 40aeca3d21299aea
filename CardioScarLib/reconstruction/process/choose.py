"""How scar varies along this patient's wall: chosen by what the patient's own slices say of each other.

Every slice is left out and predicted from the others, and so are sectors of slices that are about as wide as the gap they
are then from the next known tissue. Slices say how scar runs along the heart; sectors, of which there are many, how it
runs around it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from scipy.special import expit, xlogy

from CardioScarLib.core.jobs import side_by_side
from CardioScarLib.reconstruction.arrays import NUMPY, Array, Space, space_of
from CardioScarLib.reconstruction.process.blocks import Blocks
from CardioScarLib.reconstruction.process.chart import WallChart
from CardioScarLib.reconstruction.process.constants import PROCESS, ProcessConstants
from CardioScarLib.reconstruction.process.features import Features, Roughness
from CardioScarLib.reconstruction.process.laplace import Laplace, Observed, expected, expected_slope, fit_laplace

TYPICAL = Roughness(PROCESS.around, PROCESS.along, PROCESS.through, PROCESS.amplitude, PROCESS.offset, PROCESS.grain)
TYPICAL_IN_SPACE = replace(TYPICAL, around=PROCESS.around_in_space, along=PROCESS.along_in_space)
"""Of walls without coordinates, where the wall is thinner than the lengths along it."""
CHOICES = {
    "grain": (0.07, 0.25, 1.0),
    "along": (20.0, 40.0, 80.0),
    "around": (14.0, 28.0, 50.0),
    "through": (6.0, 12.0, 24.0),
    "amplitude": (4.0, 9.0, 25.0),
}
OFFSETS = (0.3, 2.0, 6.0)
FINEST, COARSEST = 8.0, 0.05
"""Grains."""
GRAIN_ROUNDS = 4
ROUNDS = 2
"""Times that each number is chosen anew, given the others."""
MOST_BLOCKS = 1000
CENTERS = 180
REFINEMENTS = 3
"""Corrections of a fit after data are taken out of it, with the curvature at the first."""
FARTHEST_MISS, SHARE_NOISE = 4.0, 0.01
"""A miss counts as this many standard deviations at most; and a share is not known better than this."""


@dataclass(frozen=True, eq=False)
class Trial:
    """Part of the blocks, which choices are tried on. centers: (n, 3) in the canonical frame, mm. places: (n, 4) on the chart. numbers:
    (n,) of their slices. folds: numbers of blocks left out together: the slices, then sectors. slices: how many are slices; inner:
    those between others. wall: (k, 4) places all over the wall. space: to compute in."""

    centers: np.ndarray
    places: np.ndarray
    numbers: np.ndarray
    values: np.ndarray
    areas: np.ndarray
    folds: tuple[np.ndarray, ...]
    slices: int
    inner: frozenset[int]
    wall: np.ndarray
    space: Space = NUMPY
    tried: dict[Roughness, LeftOut] = field(default_factory=dict)
    by_lengths: dict[tuple[float, ...], tuple[Features, Array]] = field(default_factory=dict)

    def left_out(self, roughness: Roughness) -> LeftOut:
        """What a choice says of left-out blocks; kept, as it is asked for again."""
        if roughness not in self.tried:
            self.tried[roughness] = LeftOut(self, roughness)
        return self.tried[roughness]

    def functions(self, roughness: Roughness) -> tuple[Array, Array]:
        """`Features.with_rest` at the places; most choices share their lengths, and with them the larger part of it."""
        lengths, places = tuple(roughness.scale), self.space.array(self.places)
        if lengths not in self.by_lengths:
            features = Features.made(self.wall, roughness, CENTERS)
            self.by_lengths[lengths] = features, features.process(places)
        features, process = self.by_lengths[lengths]
        return replace(features, roughness=roughness).with_rest(places, process)


@dataclass(frozen=True)
class Choice:
    """roughness: of the patient. widening: factor on the spread of the process, from how far left-out slices missed.
    scatter: of blocks about the process, see `scatter_of`. trial: on which it was made; None for a choice that was not tried."""

    roughness: Roughness
    widening: float
    scatter: float
    trial: Trial | None = None


def choose_roughness(
    blocks: Blocks,
    chart: WallChart,
    anchors: np.ndarray,
    smooth: float,
    step: Callable[..., None] = lambda: None,
    jobs: int = 1,
    space: Space = NUMPY,
) -> Choice:
    """The choice with which left-out blocks are predicted best.

    anchors: (k, 3) all over the wall, canonical frame. smooth: a scatter below which nothing is chosen, as another model is better.
    step: called at every trial; may raise to end the work. jobs: trials at a time. space: to compute in.
    """
    finest, scatter = grain_of(blocks, chart, anchors, TYPICAL, space)
    if scatter < smooth:
        return Choice(replace(TYPICAL, grain=finest), 1.0, scatter)
    trial = trial_of(blocks, chart, anchors, space)
    start = replace(TYPICAL, grain=TYPICAL.grain * finest)
    unit = trial.left_out(start).entropy

    def left_out_with(one: Roughness, step: Callable[..., None]) -> LeftOut:
        return trial.left_out(one)

    def cost(one: Roughness, step: Callable[..., None]) -> float:
        step()
        unusual = PROCESS.unusual_grain * np.log(one.grain / start.grain) ** 2 + sum(
            np.log(getattr(one, name) / getattr(TYPICAL, name)) ** 2 for name in ("around", "along", "through", "amplitude")
        )
        return trial.left_out(one).entropy / unit + PROCESS.unusual * unusual

    best, tried = start, {start: 1.0}
    for _ in range(ROUNDS):
        before = best
        for name, values in CHOICES.items():
            others = [replace(best, **{name: value * (finest if name == "grain" else 1.0)}) for value in values]
            new = [one for one in others if one not in tried]
            tried.update(zip(new, side_by_side([partial(cost, one) for one in new], jobs, step), strict=True))
            best = min(tried, key=tried.__getitem__)
        if best == before:
            break
    of_offset = [replace(best, offset=offset) for offset in OFFSETS]
    of_slices = dict(zip(of_offset, side_by_side([partial(left_out_with, one) for one in of_offset], jobs, step), strict=True))
    best = min(of_slices, key=lambda one: of_slices[one].surprise)
    return Choice(best, of_slices[best].widening, scatter, trial)


def usual_choice(blocks: Blocks, chart: WallChart, anchors: np.ndarray, space: Space = NUMPY) -> Choice:
    """What is usual for rough scars, for a first look: only the grain is this patient's."""
    usual = TYPICAL if chart.follows_wall else TYPICAL_IN_SPACE
    finest, scatter = grain_of(blocks, chart, anchors, usual, space)
    return Choice(replace(usual, grain=usual.grain * finest), PROCESS.usual_miss, scatter)


def grain_of(blocks: Blocks, chart: WallChart, anchors: np.ndarray, usual: Roughness, space: Space = NUMPY) -> tuple[float, float]:
    """Independent observations per mm^2 that blocks stand for, and their scatter about the process fitted to them.

    Blocks of n observations scatter by p (1 - p) / n: the dispersion of a quasi-likelihood (McCullagh & Nelder 1989, ch. 9).
    """
    features = Features.made(chart.at(anchors), usual, CENTERS)
    functions = features.of(space.array(chart.at(blocks.centers)))
    grain, scatter, weights = 1.0, 0.0, None
    area = float(np.median(blocks.areas))
    for _ in range(GRAIN_ROUNDS):
        fitted = fit_laplace(Observed.on(functions, blocks.values, grain * blocks.areas), weights)
        weights = fitted.weights
        scatter = scatter_of(expit(space.numpy(functions @ weights)), blocks)
        grain = float(np.clip(1 / (area * max(scatter, 1e-9)), COARSEST, FINEST))
    return grain, scatter


def scatter_of(average: np.ndarray, blocks: Blocks) -> float:
    """Mean square of (b,) values about averages, as a share of that of labels of which the average is the probability."""
    possible = blocks.areas @ (average * (1 - average))
    return float(blocks.areas @ (average - blocks.values) ** 2 / max(possible, 1e-12))


def trial_of(blocks: Blocks, chart: WallChart, anchors: np.ndarray, space: Space = NUMPY) -> Trial:
    every = max(1, round(len(blocks.values) / MOST_BLOCKS))
    centers, numbers = blocks.centers[::every], blocks.slices[::every]
    places = chart.at(centers)
    slices, sectors = _slices(numbers), _sectors(places, numbers)
    by_height = np.argsort([np.median(places[one, 2]) for one in slices])
    areas = blocks.areas[::every] * (blocks.areas.sum() / blocks.areas[::every].sum())
    return Trial(
        centers,
        places,
        numbers,
        blocks.values[::every],
        areas,
        (*slices, *sectors),
        len(slices),
        frozenset(by_height[1:-1].tolist()),
        chart.at(anchors),
        space,
    )


def _slices(numbers: np.ndarray) -> list[np.ndarray]:
    return [np.flatnonzero(numbers == number) for number in np.unique(numbers)]


def _sectors(places: np.ndarray, numbers: np.ndarray) -> list[np.ndarray]:
    """Sectors as wide as two gaps between slices; the same share of every slice, turned from slice to slice."""
    seen = np.unique(numbers)
    heights = np.sort([np.median(places[numbers == number, 2]) for number in seen])
    gap = float(np.median(np.diff(heights))) if len(seen) > 1 else 10.0
    ring = 2 * np.pi * np.median(np.hypot(places[:, 0], places[:, 1]))
    count = int(np.clip(round(ring / (2 * max(gap, 1.0))), 4, 12))
    sector = np.floor((np.arctan2(places[:, 1], places[:, 0]) / (2 * np.pi) + 0.5) * count).astype(int) % count
    turn = np.searchsorted(seen, numbers) * (count // 2)
    return [found for fold in range(count) if len(found := np.flatnonzero((sector + turn) % count == fold))]


class LeftOut:
    """What a choice says of data that it has not seen.

    entropy: mean cross-entropy of left-out blocks, nats, of slices plus of sectors. misses: (seen - expected) / sd of the scar share of
    each inner slice; sds: of the shares. predicted: of the blocks of each fold.
    """

    def __init__(self, trial: Trial, roughness: Roughness):
        functions, rest = trial.functions(roughness)
        observed = Observed.on(functions, trial.values, roughness.grain * trial.areas)
        whole = fit_laplace(observed)
        totals, areas, misses, sds = np.zeros(2), np.zeros(2), [], []
        self.predicted: list[np.ndarray] = []
        for number, (fold, without) in enumerate(zip(trial.folds, left_out(observed, whole, trial.folds), strict=True)):
            part = int(number >= trial.slices)
            taken, area, values = functions[fold], trial.areas[fold], trial.values[fold]
            variance = without.variance(taken) + rest[fold]
            mean = expected(taken @ without.weights, variance).clip(1e-6, 1 - 1e-6)
            predicted = trial.space.numpy(mean)
            self.predicted.append(predicted)
            totals[part] -= area @ (xlogy(values, predicted) + xlogy(1 - values, 1 - predicted))
            areas[part] += area.sum()
            if number in trial.inner:
                slope = (trial.space.array(area) * expected_slope(mean, variance)) @ taken / area.sum()
                sd = float(np.sqrt(float(without.variance(slope[None])[0]) + SHARE_NOISE**2))
                misses.append(float(area @ (values - predicted) / area.sum()) / sd)
                sds.append(sd)
        self.entropy = float(np.sum(totals / np.maximum(areas, 1e-9)))
        self.misses, self.sds = np.clip(misses, -FARTHEST_MISS, FARTHEST_MISS), np.array(sds)

    @property
    def surprise(self) -> float:
        """Of the scar shares of left-out slices."""
        return float(np.sum(0.5 * self.misses**2 + np.log(self.sds)))

    @property
    def widening(self) -> float:
        return widened(self.misses, PROCESS)


def widened(misses: np.ndarray, constants: ProcessConstants) -> float:
    """Factor on the spread of the process: the RMS of the (k,) misses of this patient's slices and of those that experience counts as."""
    usual = constants.slices_behind * constants.usual_miss**2
    return float(np.sqrt((usual + misses @ misses) / (constants.slices_behind + len(misses))))


def left_out(observed: Observed, whole: Laplace, folds: Sequence[np.ndarray]) -> Iterator[Laplace]:
    """For each fold, the fit without its pixels, from the one with them."""
    functions, space = observed.features, space_of(observed.features)
    _, variance, _ = observed.slopes(whole.weights)
    matrix = whole.factor @ whole.factor.T
    small = 1e-9 * space.eye(len(matrix))
    for fold in folds:
        taken = functions[fold]
        factor = space.cholesky(matrix - (taken * (observed.counts * variance)[fold][:, None]).T @ taken + small)
        counts = 1 * observed.counts
        counts[fold] = 0
        weights = whole.weights
        for _ in range(REFINEMENTS):
            average, _ = observed.look(weights)
            weights = weights - space.solve_factored(factor, weights - functions.T @ (counts * (observed.values - average)))
        yield Laplace(weights, factor)
