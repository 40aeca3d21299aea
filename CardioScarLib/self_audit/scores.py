"""How good the predictions of left-out slices are, as distributions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.optimize import brentq

from CardioScarLib.reconstruction.field.fit import FittedField
from CardioScarLib.self_audit.left_out import LeftOutSlice

BAND = 4.0
"""mm from a border: elsewhere evidence and prediction are both 0 or both 1 and covering it is nearly free."""
TOLERANCE = 0.01
"""Added to both ends of an interval, as for the nodes of a map."""
ROUNDING = 1e-6
"""mm: a pixel just BAND away stays outside however a file rounds the spacing."""
LEVEL = 0.95
WIDEST = 8.0
"""Largest factor that is looked for, and one over the smallest."""


@dataclass(frozen=True)
class SliceScores:
    """coverage_95: share of the pixels near borders of scar within their 95 % intervals; None where there is no border.
    crps: mean over all pixels of the slice."""

    coverage_95: float | None
    crps: float


def score(one: LeftOutSlice, noise: float) -> SliceScores:
    """Of draws of the pixels, with their noise."""
    draws = _Draws(one, noise)
    pixels = draws.of(one.posterior)
    near = border_pixels(one)
    inside = _inside(pixels[:, near], one.values[near])
    coverage = float(np.average(inside, weights=one.weights[near])) if one.weights[near].any() else None
    return SliceScores(coverage, float(np.average(_crps(pixels, one.values), weights=one.weights)))


def recalibration(slices: Sequence[LeftOutSlice], noise: float) -> float | None:
    """The factor on the posterior's spread with which 95 % intervals hold 95 % of the pixels near borders, over all slices;
    None where no slice has a border."""
    parts = [(one, _Draws(one, noise), border_pixels(one)) for one in slices]
    parts = [(one, draws, near) for one, draws, near in parts if one.weights[near].any()]
    if not parts:
        return None
    weights = np.concatenate([one.weights[near] for one, _, near in parts])

    def missing(log_factor: float) -> float:
        factor = float(np.exp(log_factor))
        inside = [_inside(draws.of(one.posterior.rescaled(factor))[:, near], one.values[near]) for one, draws, near in parts]
        return float(np.average(np.concatenate(inside), weights=weights)) - LEVEL

    end = np.log(WIDEST)
    if missing(end) <= 0:
        return WIDEST
    return 1 / WIDEST if missing(-end) >= 0 else float(np.exp(brentq(missing, -end, end, xtol=0.03)))


def border_pixels(one: LeftOutSlice) -> np.ndarray:
    """(p,) bool: within BAND of a border of scar, seen or predicted."""
    stack, pixels = one.operator.stack, one.operator.pixels
    near = np.zeros(len(one.values), dtype=bool)
    for values in (one.values, one.predicted):
        wall = pixels.image(stack, one.number, one.weights > 0, outside=False)
        scar = pixels.image(stack, one.number, (values > 0.5) & (one.weights > 0), outside=False)
        border = (scar & ndimage.binary_dilation(wall & ~scar)) | (wall & ~scar & ndimage.binary_dilation(scar))
        if border.any():
            distance = ndimage.distance_transform_edt(~border, sampling=stack.slices[one.number].spacing)
            near |= distance[pixels.rows, pixels.columns] < BAND - ROUNDING
    return near


class _Draws:
    """Draws of a slice's pixels, with the same noise for every posterior."""

    def __init__(self, one: LeftOutSlice, noise: float):
        self.points, self.matrix = one.operator.frame.from_frame(one.operator.points), one.operator.matrix
        random = np.random.default_rng([one.posterior.seed, 6, one.number])
        deviation = noise / np.sqrt(np.where(one.weights > 0, one.weights, 1.0))
        self.noise = random.normal(size=(one.posterior.count, len(one.values))) * deviation
        self.count = one.posterior.count

    def of(self, posterior: FittedField) -> np.ndarray:
        """(draws, pixels) evidence as it may look."""
        return np.clip((self.matrix @ posterior.samples(self.count, self.points).T).T + self.noise, 0, 1)


def _inside(draws: np.ndarray, values: np.ndarray) -> np.ndarray:
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return (values >= low - TOLERANCE) & (values <= high + TOLERANCE)


def _crps(draws: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(p,) continuous ranked probability score of equally likely draws (d, p); Gneiting & Raftery 2007."""
    count = len(draws)
    rank = 2 * np.arange(count) - count + 1
    return np.abs(draws - values).mean(axis=0) - rank @ np.sort(draws, axis=0) / count**2
