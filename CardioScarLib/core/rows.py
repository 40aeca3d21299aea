"""Rows of large arrays: in blocks, so that what is computed of them is never all in memory, and which of them are equal."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

BLOCK = 1 << 18
"""Rows at a time."""


def blocks(count: int) -> Iterator[slice]:
    """Slices that cover `count` rows in their order."""
    for start in range(0, count, BLOCK):
        yield slice(start, min(start + BLOCK, count))


def first_equal(rows: np.ndarray, any_order: bool = False) -> np.ndarray:
    """(n,) the number of the first row that equals each row.

    rows: (n, k) of float64 without NaN, or whole numbers. any_order: rows are equal if they hold the same numbers in another order, too.

    Sorting whole rows takes several times their memory. So their hashes are sorted, and only rows whose hashes come twice are compared.
    """
    hashes = np.empty(len(rows), dtype=np.uint64)
    for where in blocks(len(rows)):
        hashes[where] = _hashes(rows[where], any_order)
    in_order = np.sort(hashes)
    repeated = np.unique(in_order[1:][in_order[1:] == in_order[:-1]])
    first = np.arange(len(rows))
    if not len(repeated):
        return first
    place = np.minimum(np.searchsorted(repeated, hashes), len(repeated) - 1)
    suspects = np.flatnonzero(repeated[place] == hashes)
    chosen = np.sort(rows[suspects], axis=1) if any_order else rows[suspects]
    _, index, same = np.unique(chosen, axis=0, return_index=True, return_inverse=True)
    first[suspects] = suspects[index[same.ravel()]]
    return first


def _hashes(rows: np.ndarray, any_order: bool) -> np.ndarray:
    """(n,) equal for equal rows."""
    if rows.dtype.kind == "f":
        rows = rows + 0.0  # makes -0.0 the same bits as 0.0
    bits = np.ascontiguousarray(rows).astype(np.float64 if rows.dtype.kind == "f" else np.int64, copy=False).view(np.uint64)
    found = np.zeros(len(rows), dtype=np.uint64)
    for column in bits.T:
        found = found + _mixed(column) if any_order else _mixed(found ^ column)
    return found


def _mixed(values: np.ndarray) -> np.ndarray:
    """splitmix64: every bit of a number changes about half of the bits of its image."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
