"""How much scar differs over distances around, along and through the wall: as the slices show it, and as the process has it.

Half the mean squared difference of two places (Matheron 1963). It shows whether the lengths that left-out slices chose fit what the
slices look like: they need not, as a length is chosen by what it predicts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, roots_hermitenorm

from CardioScarLib.reconstruction.interpolation.kriging import matern
from CardioScarLib.reconstruction.process.blocks import Blocks
from CardioScarLib.reconstruction.process.chart import WallChart
from CardioScarLib.reconstruction.process.constants import PROCESS
from CardioScarLib.reconstruction.process.features import Roughness

MOST_BLOCKS = 1500
BESIDE = 4.0
"""mm around and along, and half of that through the wall, by which the places of a pair may differ in other directions."""
AROUND, THROUGH = 4.0, 2.0
"""mm, of distances that are counted together; along the heart it is the distance between slices."""
FARTHEST = 50.0
"""mm."""
FEWEST = 30
"""Pairs at a distance that tell something."""
NODES, WEIGHTS = roots_hermitenorm(24)
WEIGHTS = WEIGHTS / WEIGHTS.sum()
HIGHEST = 30.0
"""Logits: the middle of a process is not farther from 0."""


def variogram_of(blocks: Blocks, chart: WallChart, roughness: Roughness, scatter: float) -> dict[str, Any]:
    """Plain values by direction, "around", "along" and "through" (without wall coordinates the latter is left out): mm, distances;
    seen, half of the mean squared difference of blocks of the slices that far apart; pairs, how many; model, of the process.

    scatter: of blocks about the process, as `scatter_of` has it; the model has it as a difference at any distance.
    """
    every = max(1, round(len(blocks.values) / MOST_BLOCKS))
    places, values, slices = chart.at(blocks.centers[::every]), blocks.values[::every], blocks.slices[::every]
    around = np.linalg.norm(places[:, None, :2] - places[None, :, :2], axis=2)
    along, through = (np.abs(places[:, None, column] - places[None, :, column]) for column in (2, 3))
    same = slices[:, None] == slices[None]
    once = np.triu(np.ones_like(same), 1)
    close = {"around": around < BESIDE, "along": same, "through": through < BESIDE / 2}
    apart = {"around": around, "along": along, "through": through}
    squared = 0.5 * (values[:, None] - values[None]) ** 2
    middle = _middle(float(np.average(values, weights=blocks.areas[::every])), roughness)
    heights = np.sort([np.median(places[slices == number, 2]) for number in np.unique(slices)])
    steps = {"around": AROUND, "along": max(float(np.median(np.diff(heights))) if len(heights) > 1 else AROUND, 1.0), "through": THROUGH}
    found = {}
    for direction in steps if chart.follows_wall else ("around", "along"):
        counted = once & (~same if direction == "along" else True)
        for other, near in close.items():
            if other != direction:
                counted = counted & (True if direction == "along" and other == "along" else near)
        distance, difference = apart[direction][counted], squared[counted]
        bins = np.rint(distance / steps[direction]).astype(int)
        bins, distance, difference = (one[distance < FARTHEST] for one in (bins, distance, difference))
        pairs = np.bincount(bins)
        told = np.flatnonzero(pairs >= FEWEST)
        if not len(told):
            continue
        mm, seen = (np.bincount(bins, one)[told] / pairs[told] for one in (distance, difference))
        found[direction] = {
            "mm": np.round(mm, 2).tolist(),
            "seen": np.round(seen, 4).tolist(),
            "pairs": pairs[told].tolist(),
            "model": np.round(_model(mm, direction, middle, roughness, scatter), 4).tolist(),
        }
    return found


def _middle(share: float, roughness: Roughness) -> float:
    """The mean logit of a process whose mean probability is this share."""
    width = np.sqrt(roughness.amplitude + roughness.offset)

    def excess(middle: float) -> float:
        return float(WEIGHTS @ expit(middle + width * NODES)) - share

    return HIGHEST * np.sign(share - 0.5) if excess(-HIGHEST) > 0 or excess(HIGHEST) < 0 else float(brentq(excess, -HIGHEST, HIGHEST))


def _model(mm: np.ndarray, direction: str, middle: float, roughness: Roughness, scatter: float) -> np.ndarray:
    """(n,) half of the mean squared difference of two probabilities of the process, and of the scatter of blocks about them."""
    alike = roughness.amplitude * matern(mm, getattr(roughness, direction))
    alike = alike + roughness.offset * (np.exp(-mm / PROCESS.offset_length) if direction == "along" else 1.0)
    whole = roughness.amplitude + roughness.offset
    common, own = np.sqrt(np.clip(alike, 0, whole)), np.sqrt(np.clip(whole - alike, 0, None))
    probability = expit(middle + common[:, None, None] * NODES[:, None] + own[:, None, None] * NODES)
    given = probability @ WEIGHTS  # (n, k) mean for each value of what both places share
    squared = (probability**2 @ WEIGHTS) @ WEIGHTS
    mean = given @ WEIGHTS
    return squared - given**2 @ WEIGHTS + scatter * (mean - squared)
