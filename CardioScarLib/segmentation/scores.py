"""How well a segmentation agrees with the truth: overlap, distances and volumes, by DeepMind's surface-distance (Nikolov et al. 2021)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from CardioScarLib.core.errors import BadStack, MissingPackage
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.segmentation.classes import CAVITY, MYOCARDIUM, NO_REFLOW, SCAR, WALL

STRUCTURES = {
    "cavity": (CAVITY,),
    "wall": WALL,
    "myocardium": (MYOCARDIUM,),
    "scar": (SCAR,),
    "scar with no-reflow": (SCAR, NO_REFLOW),
    "no-reflow": (NO_REFLOW,),
}
"""What is scored, of the classes it is made of; myocardium is that without scar, as in EMIDEC's labels."""
PERCENT = 95
DRAWS, LEVEL = 2000, 95
"""Of the bootstrap over cases, and percent of its intervals."""
LIMITS = 1.96


@dataclass(frozen=True)
class Score:
    """Of one structure of one case. dice: None where neither has it. hd95, assd: mm; None where either lacks it. Volumes in mL."""

    dice: float | None
    hd95: float | None
    assd: float | None
    found_ml: float
    true_ml: float

    @property
    def error_ml(self) -> float:
        return self.found_ml - self.true_ml


@dataclass(frozen=True)
class Mean:
    """mean: over `count` cases; low, high: ends of its bootstrap interval, None for fewer than two cases."""

    mean: float
    low: float | None
    high: float | None
    count: int

    def in_words(self, digits: int) -> str:
        interval = "" if self.low is None else f" ({self.low:.{digits}f}-{self.high:.{digits}f})"
        return f"{self.mean:.{digits}f}{interval}"


@dataclass(frozen=True)
class Agreement:
    """Bland and Altman 1986, of volumes in mL: the mean error, and the limits within which 95 % of errors are expected."""

    bias: Mean
    lower: float | None
    upper: float | None


def scores_of(found: SliceStack, truth: SliceStack) -> dict[str, Score]:
    """Scores by structure. found, truth: pixels are classes, on the same planes. Only slices with labels in the truth count.

    Raises BadStack for slices that make no volume, MissingPackage.
    """
    group = [number for number in truth.parallel_groups()[0] if truth.slices[number].pixels.any()]
    if not group:
        raise BadStack("The true label map is empty on all slices.")
    if len({truth.slices[number].pixels.shape for number in group}) > 1:
        raise BadStack("The slices have different sizes, so distances cannot be measured.")
    seen, true = (np.stack([stack.slices[number].pixels for number in group]).astype(int) for stack in (found, truth))
    spacing = (_gap(truth, group), *truth.slices[group[0]].spacing)
    return {name: score_of(np.isin(seen, values), np.isin(true, values), spacing) for name, values in STRUCTURES.items()}


def mean_of(values: Sequence[float | None], seed: int = 0) -> Mean | None:
    """The mean over cases that have a value, with its interval; None without any."""
    kept = np.array([one for one in values if one is not None], dtype=float)
    if not len(kept):
        return None
    if len(kept) == 1:
        return Mean(float(kept[0]), None, None, 1)
    drawn = kept[np.random.default_rng(seed).integers(0, len(kept), (DRAWS, len(kept)))].mean(axis=1)
    low, high = np.percentile(drawn, [(100 - LEVEL) / 2, (100 + LEVEL) / 2])
    return Mean(float(kept.mean()), float(low), float(high), len(kept))


def agreement_of(errors: Sequence[float]) -> Agreement | None:
    """errors: found minus true volume of each case, mL."""
    bias = mean_of(list(errors))
    if bias is None:
        return None
    if bias.count < 2:
        return Agreement(bias, None, None)
    spread = LIMITS * float(np.std(errors, ddof=1))
    return Agreement(bias, bias.mean - spread, bias.mean + spread)


def score_of(found: np.ndarray, true: np.ndarray, spacing: tuple[float, ...]) -> Score:
    """found, true: (slices, rows, columns) bool. spacing: mm along each. Raises MissingPackage."""
    voxel = float(np.prod(spacing)) * 1e-3
    volumes = float(found.sum()) * voxel, float(true.sum()) * voxel
    if not (found.any() and true.any()):
        return Score(None if not (found.any() or true.any()) else 0.0, None, None, *volumes)
    library = _library()
    if len(found) == 1:
        found, true, spacing = found[0], true[0], spacing[1:]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it names scipy.ndimage's functions as scipy 1 still knows them
        distances = library.compute_surface_distances(true, found, spacing)
    apart = library.compute_average_surface_distance(distances)
    areas = [float(distances[f"surfel_areas_{side}"].sum()) for side in ("gt", "pred")]
    return Score(
        float(library.compute_dice_coefficient(true, found)),
        float(library.compute_robust_hausdorff(distances, PERCENT)),
        float(np.average(apart, weights=areas)),
        *volumes,
    )


def _gap(stack: SliceStack, group: Sequence[int]) -> float:
    first = stack.slices[group[0]]
    if len(group) == 1:
        return first.thickness
    heights = sorted(float(stack.slices[number].center @ first.normal) for number in group)
    return (heights[-1] - heights[0]) / (len(group) - 1)


def _library():
    try:
        import surface_distance
    except ImportError as problem:
        sentence = "Dice, ASSD and HD95 need surface-distance; install it with: pip install surface-distance."
        raise MissingPackage(sentence) from problem
    return surface_distance
