"""LGE images of a wall, with what several methods need of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import sparse

from CardioScarLib.core.evidence import Regions
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall_pixels import WallPixels
from CardioScarLib.evidence.borders import Borders, find_borders
from CardioScarLib.evidence.patches import Patches, find_patches, pixel_volumes
from CardioScarLib.evidence.spatial import neighbors

MARGIN = 6
"""Pixels around the wall that are kept: more than borders are looked for in."""


@dataclass(frozen=True, eq=False)
class LgeImages:
    """stack, pixels: the slices and those p pixels that see the wall. regions: reference tissue found in them.
    null_level: intensity without signal; None in magnitude images, where it is 0. remote: mean and standard deviation of remote
    myocardium where a user has marked it.
    """

    stack: SliceStack
    pixels: WallPixels
    regions: Regions
    null_level: float | None = None
    remote: tuple[float, float] | None = None

    @cached_property
    def borders(self) -> Borders:
        return find_borders(self.stack, self.pixels)

    @cached_property
    def touching(self) -> sparse.csr_array:
        return neighbors(self.stack, self.pixels)

    @cached_property
    def volumes(self) -> np.ndarray:
        """(p,) mL of wall in each pixel's prism."""
        return pixel_volumes(self.stack, self.pixels)

    @property
    def excess(self) -> np.ndarray:
        """(p,) standard deviations above remote myocardium."""
        return (self.regions.intensity - self.regions.remote_mean) / self.regions.remote_sd

    def patches(self, bright: np.ndarray, excess: np.ndarray, share: np.ndarray) -> Patches:
        return find_patches(self.stack, self.pixels, self.touching, bright, excess, share, self.volumes)


def cropped(stack: SliceStack, pixels: WallPixels) -> tuple[SliceStack, WallPixels]:
    """The slices around the wall, and its pixels in them: whole images take several times as long."""
    slices, rows, columns = list(stack), pixels.rows.copy(), pixels.columns.copy()
    for number in np.unique(pixels.slices):
        here, one = pixels.slices == number, stack.slices[number]
        top, left = (max(int(part[here].min()) - MARGIN, 0) for part in (rows, columns))
        bottom, right = (int(part[here].max()) + MARGIN + 1 for part in (rows, columns))
        slices[number] = one.window(range(top, bottom), range(left, right))
        rows[here] -= top
        columns[here] -= left
    return SliceStack(tuple(slices), stack.notes), replace(pixels, rows=rows, columns=columns)
