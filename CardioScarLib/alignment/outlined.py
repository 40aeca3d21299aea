"""Which pixels of a slice lie on the wall, quickly."""

from __future__ import annotations

import numpy as np

from CardioScarLib.core.slices import Slice


def covered(one: Slice, points: np.ndarray) -> np.ndarray:
    """(rows, columns) bool: pixels in whose prism one of (n, 3) points lies, LPS mm."""
    slab = points[np.abs((points - one.origin) @ one.normal) <= 0.5 * one.thickness]
    row, column = np.rint(one.to_index(slab)[:, :2].T).astype(int)
    rows, columns = one.pixels.shape
    inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    on = np.zeros((rows, columns), dtype=bool)
    on[row[inside], column[inside]] = True
    return on
