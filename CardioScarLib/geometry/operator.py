"""The slice operator: the average of a field on the wall that each pixel measures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from CardioScarLib.core.settings import OperatorSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.core.wall_pixels import WallPixels
from CardioScarLib.geometry.frame import CanonicalFrame
from CardioScarLib.geometry.quadrature import pixel_quadrature


@dataclass(frozen=True, eq=False)
class SliceOperator:
    """Sparse averages of a field over the wall inside each pixel's prism.

    points: (q, 3) quadrature points in the canonical frame, mm. matrix: (p, q) sparse; rows sum to 1.
    pixels: the p pixels. frame: canonical frame of `points`. stack: the slices. unseen: slices that miss the wall.
    anchors: (k, 3) points some millimeters apart over the whole wall, seen or not, in the canonical frame.
    """

    points: np.ndarray
    matrix: sparse.csr_array
    pixels: WallPixels
    frame: CanonicalFrame
    stack: SliceStack
    unseen: tuple[int, ...]
    anchors: np.ndarray

    @cached_property
    def transpose(self) -> sparse.csr_array:
        return sparse.csr_array(self.matrix.T)

    def rows(self, chosen: np.ndarray) -> SliceOperator:
        """The operator of some of the pixels only; chosen: (p,) bool."""
        chosen = np.asarray(chosen, dtype=bool)
        part = self.matrix[np.flatnonzero(chosen)]
        used = np.flatnonzero(np.bincount(part.indices, minlength=part.shape[1]))
        table = self.pixels
        pixels = WallPixels(*(column[chosen] for column in (table.slices, table.rows, table.columns, table.centers, table.cover)))
        return SliceOperator(self.points[used], sparse.csr_array(part[:, used]), pixels, self.frame, self.stack, self.unseen, self.anchors)


def slice_operator(
    wall: Wall, stack: SliceStack, settings: OperatorSettings | None = None, frame: CanonicalFrame | None = None
) -> SliceOperator:
    """Build the operator; it has no rows where stack and wall do not meet, or where a layer holds no value (NaN).

    frame: to work in; found from wall and stack if None.
    """
    settings = settings or OperatorSettings()
    cut = pixel_quadrature(wall, stack, settings.slice_profile, frame)
    share = np.round(cut.volume / np.bincount(cut.pixel, cut.volume)[cut.pixel], 7)  # see pixel_quadrature on rounding
    share /= np.bincount(cut.pixel, share)[cut.pixel]
    matrix = sparse.csr_array((share, (cut.pixel, np.arange(len(share)))), shape=(len(cut.pixels), len(share)))
    operator = SliceOperator(cut.points, matrix, cut.pixels, cut.frame, stack, cut.unseen, cut.anchors)
    measured = ~np.isnan(cut.pixels.values(stack))
    return operator if measured.all() else operator.rows(measured)
