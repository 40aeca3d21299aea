"""The pixels that see the wall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from CardioScarLib.core.slices import SliceStack


@dataclass(frozen=True, eq=False)
class WallPixels:
    """The p pixels, over all slices of a stack, whose prism (pixel x slice thickness) meets the wall.

    slices: (p,) number of the slice in the stack. rows, columns: (p,) place in its pixel array.
    centers: (p, 3) pixel centers, LPS mm.
    cover: (p,) share of the prism that the wall fills, in (0, 1]; 1 where the wall has no volume (shells, points).
    """

    slices: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    centers: np.ndarray
    cover: np.ndarray

    def __len__(self) -> int:
        return len(self.slices)

    def select(self, chosen: np.ndarray) -> WallPixels:
        """Only the chosen ones of the pixels, (p,) bool."""
        return WallPixels(*(part[chosen] for part in (self.slices, self.rows, self.columns, self.centers, self.cover)))

    def values(self, stack: SliceStack) -> np.ndarray:
        """(p,) what the stack shows in these pixels."""
        values = np.empty(len(self))
        for number, one in enumerate(stack):
            here = self.slices == number
            values[here] = one.pixels[self.rows[here], self.columns[here]]
        return values

    def image(self, stack: SliceStack, number: int, values: np.ndarray, outside: float = 0.0) -> np.ndarray:
        """(rows, columns) image of slice `number` with (p,) values where it sees the wall."""
        picture = np.full(stack.slices[number].pixels.shape, outside, dtype=np.asarray(values).dtype)
        here = self.slices == number
        picture[self.rows[here], self.columns[here]] = np.asarray(values)[here]
        return picture
