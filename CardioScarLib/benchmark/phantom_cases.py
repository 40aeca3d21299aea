"""The library's own phantoms as cases of the benchmark, with the images they come with."""

from __future__ import annotations

import numpy as np

from CardioScarLib.benchmark.case import BenchmarkCase, described
from CardioScarLib.benchmark.hearts import BLOOD, OUTSIDE, WALL, EllipsoidHeart
from CardioScarLib.benchmark.scanner import Scan
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.phantom import Phantom, phantom_case

IN_PLANE, THROUGH = 3, 9
"""Points of a prism along each side of its pixel, and across the slice, that a painted label is decided by."""


def phantom_as_case(kind: str, seed: int, nodes: int = 20_000, **changes) -> BenchmarkCase:
    """A phantom as `phantom_case` makes it.

    Its shifts are not known, so true_shifts are NaN where slices are shifted, and the myocardium is painted where the
    slices say that they are.
    """
    made = phantom_case(kind, seed, nodes, **changes)
    heart = EllipsoidHeart(made.heart, made.scar, made.center, made.pose, made.wall)
    scan = Scan(**vars(made.acquisition))
    shifts = np.full((len(made.stack), 2), np.nan if scan.shift else 0.0)
    about = {**described(heart, scan, made.truth), "slices": len(made.stack), "shifted_slice": None}
    return BenchmarkCase(kind, seed, seed, made.wall, made.stack, made.truth, made.settings, about, painted(made), shifts, heart, scan)


def painted(case: Phantom) -> SliceStack:
    """The planes of a phantom with what fills most of each pixel's prism, WALL, BLOOD or OUTSIDE, as an observer would paint it."""
    heart, pictures = case.heart, []
    for one in case.stack:
        rows, columns = one.pixels.shape
        fine = (np.arange(IN_PLANE) + 0.5) / IN_PLANE - 0.5
        places = [(np.arange(count)[:, None] + fine).ravel() for count in (rows, columns)]
        row, column = np.meshgrid(*places, indexing="ij")
        share = np.zeros((3, rows, columns))
        for level in (np.arange(THROUGH) + 0.5) / THROUGH - 0.5:
            points = one.to_points(row.ravel(), column.ravel()) + level * one.thickness * one.normal
            points = (points - case.pose[:3, 3]) @ case.pose[:3, :3]
            ring, z = points[:, 0] ** 2 + points[:, 1] ** 2, points[:, 2]
            blood = (z <= heart.cut) & (ring / heart.endo[0] ** 2 + z**2 / heart.endo[1] ** 2 < 1)
            for place, mask in ((1, blood), (2, heart.contains(points))):
                share[place] += mask.reshape(rows, IN_PLANE, columns, IN_PLANE).mean(axis=(1, 3)) / THROUGH
        share[0] = 1 - share[1:].sum(axis=0)
        pictures.append(np.array([OUTSIDE, BLOOD, WALL], dtype=float)[share.argmax(axis=0)])
    return case.stack.with_pixels(pictures)
