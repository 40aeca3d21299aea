"""Scores of predicted pixels against their labels, and of predicted scar shares.

Sources: Brier 1950; Dice 1945; Gneiting & Raftery 2007 (interval score eq. 43, CRPS eq. 21); Naeini et al. 2015 (ECE);
Wilson 1927 (interval of a share).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from CardioScarLib.benchmark.scores import LEVELS, crps
from CardioScarLib.geometry.operator import SliceOperator

BINS = 10
"""Of a reliability curve, equally wide."""
SCAR = 0.5
"""Probability above which a pixel counts as scar."""
Z_95 = 1.959964


def pixel_scores(mean: np.ndarray, scar: np.ndarray) -> dict:
    """Of a predicted probability (p,) and labels (p,) bool, every pixel counting alike.

    brier: mean squared error. dice: of the pixels above SCAR; None where neither has scar. reliability: see `reliability`.
    ece: expected calibration error.
    """
    found = mean > SCAR
    both = int(found.sum() + scar.sum())
    curve = reliability(mean, scar)
    return {
        "brier": float(np.mean((mean - scar) ** 2)),
        "dice": 2 * int((found & scar).sum()) / both if both else None,
        "ece": calibration_error(curve),
        "reliability": curve,
    }


def reliability(mean: np.ndarray, scar: np.ndarray) -> dict[str, list[float]]:
    """By bin of the predicted probability: number of pixels, sum of their probabilities, number of scar pixels.

    Sums, so that curves of several cases can be added.
    """
    place = np.minimum((mean * BINS).astype(int), BINS - 1)
    sums = {"pixels": None, "predicted": mean, "scar": scar.astype(np.float64)}
    return {name: np.bincount(place, values, BINS).astype(float).tolist() for name, values in sums.items()}


def calibration_error(curve: Mapping[str, Sequence[float]]) -> float:
    """Mean over pixels of |mean probability - share of scar| of their bin."""
    return float(np.abs(np.subtract(curve["predicted"], curve["scar"])).sum() / np.sum(curve["pixels"]))


def share_scores(draws: np.ndarray, true: float) -> dict:
    """Of draws (d,) of the scar share of some pixels, and its true value.

    inside_50, _80, _95: whether it lies in the central interval between sample quantiles, within [0, 1]. interval_score: of
    the 95 % interval. crps: of the draws.
    """
    scores: dict = {}
    for level in LEVELS:
        low, high = np.clip(np.quantile(draws, [0.5 - level / 2, 0.5 + level / 2]), 0, 1)
        scores[f"inside_{level * 100:.0f}"] = bool(low <= true <= high)
    scores["interval_score"] = interval_score(low, high, true, LEVELS[-1])
    scores["crps"] = crps(draws, true)
    return scores


def interval_score(low: float, high: float, true: float, level: float) -> float:
    """Width, and 2 / (1 - level) times what the truth lies outside."""
    return float(high - low + 2 / (1 - level) * max(low - true, true - high, 0.0))


def border_distance(operator: SliceOperator, mean: np.ndarray, scar: np.ndarray) -> float | None:
    """Mean distance between predicted and labeled outline of scar in one slice, both ways, mm; None where one has no scar.

    operator: of the pixels of one slice. An outline is the scar pixels that have a neighbor, up, down, left or right, that is none.
    """
    outlines = [_outline(operator, chosen) for chosen in (mean > SCAR, scar)]
    if not all(len(one) for one in outlines):
        return None
    found, true = outlines
    return float(np.concatenate([cKDTree(true).query(found)[0], cKDTree(found).query(true)[0]]).mean())


def wilson(hits: int, count: int) -> tuple[float, float]:
    """95 % interval of a share."""
    share, z2 = hits / count, Z_95**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    reach = Z_95 / (1 + z2 / count) * np.sqrt(share * (1 - share) / count + z2 / (4 * count**2))
    return float(max(middle - reach, 0.0)), float(min(middle + reach, 1.0))


def _outline(operator: SliceOperator, chosen: np.ndarray) -> np.ndarray:
    """(k, 3) centers of the outline's pixels, LPS mm."""
    pixels, number = operator.pixels, int(operator.pixels.slices[0])
    region = pixels.image(operator.stack, number, chosen, outside=False)
    edge = region & ~ndimage.binary_erosion(region)
    return pixels.centers[edge[pixels.rows, pixels.columns]]
