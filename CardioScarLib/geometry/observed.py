"""Which part of the wall the slices have observed."""

from __future__ import annotations

import numpy as np

from CardioScarLib.core.slices import SliceStack

BEYOND, BETWEEN, INSIDE = 0, 1, 2


def observed(points: np.ndarray, stack: SliceStack) -> np.ndarray:
    """(n,) uint8 for (n, 3) points, LPS mm: 2 inside a slice's slab, 1 between two parallel slices, 0 beyond the stack.

    A slice observes nothing outside its image rectangle.
    """
    points = np.asarray(points, dtype=np.float64)
    seen = np.zeros(len(points), dtype=np.uint8)
    for group in stack.parallel_groups():
        below, above = np.zeros(len(points), dtype=bool), np.zeros(len(points), dtype=bool)
        up = stack.slices[group[0]].normal
        for number in group:
            one = stack.slices[number]
            row, column, height = one.to_index(points).T
            rows, columns = one.pixels.shape
            within = (np.abs(row - 0.5 * (rows - 1)) <= 0.5 * rows) & (np.abs(column - 0.5 * (columns - 1)) <= 0.5 * columns)
            height = height * np.sign(one.normal @ up)
            seen[within & (np.abs(height) <= 0.5 * one.thickness)] = INSIDE
            below |= within & (height >= 0)
            above |= within & (height <= 0)
        seen[(seen == BEYOND) & below & above] = BETWEEN
    return seen
