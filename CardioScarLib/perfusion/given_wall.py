"""A wall of another modality as the wall of the scan, instead of the one that a network finds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from CardioScarLib.core.errors import BadWall
from CardioScarLib.core.wall import Wall
from CardioScarLib.io.volumes import voxels_in_wall
from CardioScarLib.perfusion.canonical import SIZE, SPACING, back, canonical_grid
from CardioScarLib.perfusion.find_wall import SpectWall, on_image
from CardioScarLib.perfusion.registered import moved_points

PARTS = 2
"""Places in a voxel along each edge, at which it is looked whether they are wall."""
DISPLACED, VIEWS = 2.0, 4
"""mm along each axis, standard deviation of what the registration leaves open, and how many walls are drawn by it."""


def given_wall(image: sitk.Image, wall: Wall, matrix: np.ndarray) -> SpectWall:
    """matrix: 4x4 from the wall's LPS mm to those of the scan. The views are the wall displaced a little.

    Raises BadWall for a wall that encloses no volume or does not lie on the scan.
    """
    there = replace(wall, nodes=moved_points(wall.nodes, matrix))
    grid = canonical_grid(there.nodes.mean(axis=0))
    share = _share(there, grid)
    on_scan = back(share, grid, image)
    if on_scan.max() < 0.5:
        raise BadWall("The LV wall does not lie on the SPECT scan; register it first, or check that both are of one patient.")
    random = np.random.default_rng(0)
    moved = [ndimage.shift(share, random.normal(0, DISPLACED / SPACING, 3), order=1) for _ in range(VIEWS)]
    return SpectWall(image, on_scan, (on_scan >= 0.5).astype(np.uint8), grid, np.stack(moved).astype(np.float32))


def _share(wall: Wall, grid: sitk.Image) -> np.ndarray:
    """(k, j, i) float32, of each voxel of a canonical grid that is wall."""
    finer = sitk.Image([PARTS * one for one in SIZE], sitk.sitkUInt8)
    finer.SetSpacing([SPACING / PARTS] * 3)
    finer.SetOrigin(grid.TransformContinuousIndexToPhysicalPoint([0.5 / PARTS - 0.5] * 3))
    inside = on_image(voxels_in_wall(wall, finer)[0].astype(np.float32), finer)
    return sitk.GetArrayFromImage(sitk.BinShrink(inside, [PARTS] * 3))
