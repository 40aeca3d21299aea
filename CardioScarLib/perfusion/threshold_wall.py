"""The wall by a threshold: what a network must be better than."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

SHARE = 0.4
"""Of the highest counts around the heart."""
MARGIN = 12.0
"""mm around the true wall in which the baseline looks: a help that it would not have without the truth."""


def threshold_wall(counts: np.ndarray, true: np.ndarray, spacing: tuple[float, float, float]) -> np.ndarray:
    """(k, j, i) bool: the largest piece of at least 40 % of the highest counts, in a box around the true wall.

    true: (k, j, i) bool. spacing: mm along k, j, i.
    """
    margin = np.ceil(MARGIN / np.array(spacing)).astype(int)
    box = tuple(slice(max(0, int(one.min()) - side), int(one.max()) + side + 1) for one, side in zip(np.nonzero(true), margin, strict=True))
    inside = np.zeros(true.shape, dtype=bool)
    inside[box] = counts[box] >= SHARE * counts[box].max()
    pieces, count = ndimage.label(inside)
    return pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:])) if count else inside
