"""Fewer, larger pixels for the fit of interpolated images.

Scanners interpolate: an LGE slice acquired at 1.5 mm is often stored at 0.7 mm, with four times the pixels and
the same content. The fit's cost grows with the pixels, and its shortest structures are longer than 1.5 mm.
"""

from __future__ import annotations

import numpy as np

from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.settings import OperatorSettings
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.geometry.operator import SliceOperator, slice_operator

LARGEST = 1.7
"""mm: pixels are joined in blocks of up to this size."""


def coarsened(operator: SliceOperator, evidence: Evidence, wall: Wall, settings: OperatorSettings) -> tuple[SliceOperator, Evidence]:
    """Operator and evidence on blocks of pixels; the same objects where no two pixels fit into a block.

    A block's value is the weighted mean of its pixels, its weight their mean weight (0 for pixels off the wall).
    """
    blocks = [_Blocks(one, operator) for one in operator.stack]
    if all(block.size == (1, 1) for block in blocks):
        return operator, evidence
    coarse = slice_operator(wall, SliceStack(tuple(block.slice for block in blocks)), settings, operator.frame)
    values, weights = np.zeros(len(coarse.pixels)), np.zeros(len(coarse.pixels))
    for number, block in enumerate(blocks):
        fine, here = operator.pixels.slices == number, coarse.pixels.slices == number
        index = block.of(operator.pixels.rows[fine], operator.pixels.columns[fine])
        weight, value = evidence.weights[fine], evidence.values[fine]
        total = np.bincount(index, weight, block.slice.pixels.size)
        summed = np.bincount(index, weight * value, block.slice.pixels.size)
        place = coarse.pixels.rows[here] * block.slice.pixels.shape[1] + coarse.pixels.columns[here]
        weights[here] = total[place] / np.prod(block.size)
        values[here] = summed[place] / np.where(total[place] > 0, total[place], 1.0)
    return coarse, Evidence(values, weights, evidence.description, evidence.notes)


class _Blocks:
    """Blocks of a slice's pixels, counted from the end that is canonically low, so that a flipped file has the same."""

    def __init__(self, one: Slice, operator: SliceOperator):
        self.size = tuple(max(1, int(LARGEST / spacing + 1e-6)) for spacing in one.spacing)
        steps = (one.row_step, one.column_step)
        self.offset = tuple(
            -length % size if operator.frame.sign(step) < 0 else 0
            for length, size, step in zip(one.pixels.shape, self.size, steps, strict=True)
        )
        rows, columns = (
            (offset + length - 1) // size + 1 for length, size, offset in zip(one.pixels.shape, self.size, self.offset, strict=True)
        )
        first = [0.5 * (size - 1) - offset for size, offset in zip(self.size, self.offset, strict=True)]
        origin = one.origin + first[0] * one.row_step + first[1] * one.column_step
        self.slice = Slice(
            np.zeros((rows, columns)), origin, self.size[0] * one.row_step, self.size[1] * one.column_step, one.thickness, one.label
        )  # fmt: skip

    def of(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Flat block number of each pixel."""
        block_rows, block_columns = (rows + self.offset[0]) // self.size[0], (columns + self.offset[1]) // self.size[1]
        return block_rows * self.slice.pixels.shape[1] + block_columns
