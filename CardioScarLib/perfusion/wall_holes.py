"""Gaps in a wall that was found: a network does not see wall that takes up nothing, and yet the wall is there."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

WIDTHS = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Rows and columns, standard deviation of the means that fill a gap: the narrowest that reaches it."""
ENOUGH = 0.05
"""Share of such a mean that must come from wall."""


def holes(hit: np.ndarray, rows: np.ndarray, columns: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """(n,) bool, rays of the kept rows that miss the wall although a ray of their column meets it nearer to the base.

    hit, kept: (n,) bool. rows, columns: (n,) of the rays. Above the highest ray that meets it the wall may end.
    """
    top = np.full(columns.max() + 1, -1)
    np.maximum.at(top, columns[kept & hit], rows[kept & hit])
    return kept & ~hit & (rows < top[columns])


def filled(values: np.ndarray, known: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(n,) values, those that are not known from the ones around them. values: (n,). known: (n,) bool."""
    shape = (rows.max() + 1, columns.max() + 1)
    grid, weight = np.zeros(shape), np.zeros(shape)
    grid[rows, columns], weight[rows, columns] = np.where(known, values, 0.0), known
    made, missing = grid.copy(), weight == 0
    for width in WIDTHS:
        total, share = (ndimage.gaussian_filter(one, width, mode=("nearest", "wrap")) for one in (grid, weight))
        reached = missing & (share > ENOUGH)
        made[reached] = total[reached] / share[reached]
        missing &= ~reached
    made[missing] = values[known].mean()
    return made[rows, columns]
