"""Fewer, larger pixels: the process is smooth over several millimeters, and its cost grows with the pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from CardioScarLib.core.evidence import Evidence
from CardioScarLib.geometry.operator import SliceOperator

SIZE = 2.8
"""mm: pixels are joined in blocks of up to this size."""
HEIGHT = 2.7
"""mm of a block's thickness that one point stands for."""


@dataclass(frozen=True, eq=False)
class Blocks:
    """points: (q, 3) in the canonical frame, mm. matrix: (b, q) averages over the wall in a block. values: (b,) scar fractions.
    areas: (b,) mm^2 of slice behind each, by the weight of its pixels. slices: (b,) number of the slice."""

    points: np.ndarray
    matrix: sparse.csr_array
    values: np.ndarray
    areas: np.ndarray
    slices: np.ndarray

    @property
    def centers(self) -> np.ndarray:
        """(b, 3)"""
        return self.matrix @ self.points

    def part(self, chosen: np.ndarray) -> Blocks:
        """Some of the blocks; chosen: (b,) bool."""
        matrix = self.matrix[np.flatnonzero(chosen)]
        used = np.flatnonzero(np.bincount(matrix.indices, minlength=matrix.shape[1]))
        return Blocks(self.points[used], sparse.csr_array(matrix[:, used]), self.values[chosen], self.areas[chosen], self.slices[chosen])


def joined(operator: SliceOperator, evidence: Evidence) -> Blocks:
    """Blocks of the pixels that count."""
    stack, pixels = operator.stack, operator.pixels
    spacing = np.array([one.spacing for one in stack])[pixels.slices]
    size = np.maximum(1, np.floor(SIZE / spacing + 1e-6)).astype(int)
    # Counted from the end that is canonically low, so that a flipped file has the same blocks.
    signs = np.array([[operator.frame.sign(one.row_step), operator.frame.sign(one.column_step)] for one in stack])[pixels.slices]
    shapes = np.array([one.pixels.shape for one in stack])[pixels.slices]
    index = np.column_stack([pixels.rows, pixels.columns])
    index = np.where(signs < 0, shapes - 1 - index, index) // size
    counted = evidence.weights > 0
    _, block = np.unique(np.column_stack([pixels.slices, index])[counted], axis=0, return_inverse=True)
    block = block.ravel()
    areas = (evidence.weights * np.prod(spacing, axis=1))[counted]
    total = np.bincount(block, areas)
    values = np.bincount(block, areas * evidence.values[counted]) / total
    gather = sparse.csr_array((areas / total[block], (block, np.flatnonzero(counted))), shape=(len(total), len(pixels)))
    numbers = np.zeros(len(total), dtype=int)
    numbers[block] = pixels.slices[counted]
    points, matrix = _merged_points(operator, sparse.csr_array(gather @ operator.matrix), numbers)
    return Blocks(points, matrix, values, total, numbers)


def _merged_points(operator: SliceOperator, matrix: sparse.csr_array, numbers: np.ndarray) -> tuple[np.ndarray, sparse.csr_array]:
    """Points of a block at about the same height become one, at their center of mass."""
    entries = matrix.tocoo()
    planes = [(operator.frame.axes @ one.normal, operator.frame.to_frame(one.center[None])[0], one.thickness) for one in operator.stack]
    height = np.empty(len(entries.data))
    of_slice = numbers[entries.row]
    for number, (normal, center, thickness) in enumerate(planes):
        here = of_slice == number
        parts = max(1, round(thickness / HEIGHT))
        height[here] = np.clip(np.floor(((operator.points[entries.col[here]] - center) @ normal / thickness + 0.5) * parts), 0, parts - 1)
    _, group = np.unique(np.column_stack([entries.row, height]), axis=0, return_inverse=True)
    group = group.ravel()
    share = np.bincount(group, entries.data)
    points = np.column_stack([np.bincount(group, entries.data * axis) / share for axis in operator.points[entries.col].T])
    rows = np.zeros(len(share), dtype=int)
    rows[group] = entries.row
    return points, sparse.csr_array((share, (rows, np.arange(len(share)))), shape=matrix.shape[:1] + (len(share),))
