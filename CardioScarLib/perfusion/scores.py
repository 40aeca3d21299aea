"""Scores of the 17 segments from 0 to 4, and their sums.

They are like summed stress, rest and difference scores (SSS, SRS, SDS), and no more than that: those come from comparison with normal
limits or from readers, these from shares of the highest counts.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np

T = TypeVar("T", float, np.ndarray)
SEGMENTS = 17
HIGHEST = 4
MAXIMUM = HIGHEST * SEGMENTS
"""68."""
BOUNDS = np.array([0.7, 0.5, 0.3, 0.1])
"""Shares of the highest perfusion below which a segment has score 1, 2, 3, 4: the usual words normal, mildly, moderately and severely
reduced, absent."""


def segment_name(number: int) -> str:
    """Of the quantity with the perfusion of a segment."""
    return f"segment_{number:02}_percent"


def segment_means(perfusion: np.ndarray, segment: np.ndarray, area: np.ndarray) -> np.ndarray:
    """(17,) mean by area of each segment; NaN where the wall has none of it. perfusion: (n,). segment: (n,) 1 to 17."""
    total = np.bincount(segment, area, SEGMENTS + 1)[1:]
    return np.divide(np.bincount(segment, area * perfusion, SEGMENTS + 1)[1:], total, out=np.full(SEGMENTS, np.nan), where=total > 0)


def segment_scores(means: np.ndarray) -> np.ndarray:
    """(..., 17) scores 0 to 4 of means in shares of the highest perfusion; a segment that the scan does not show scores 0."""
    return (np.nan_to_num(means, nan=1.0)[..., None] < BOUNDS).sum(axis=-1)


def myocardium_percent(summed: T) -> T:
    """% of the myocardium of a summed score, or of many: score / 68 x 100 (LOINC 82648-7 and 82647-9)."""
    return 100 * summed / MAXIMUM


def summed_difference(stress: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """(...,) of (..., 17) scores: sum over segments of what is worse at stress; segments that are worse at rest count 0."""
    return np.maximum(stress - rest, 0).sum(axis=-1)
