"""Small SPECT phantoms for tests, and a network that needs no training."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from CardioScarLib.perfusion.canonical import canonical_grid, onto
from CardioScarLib.perfusion.find_wall import SpectWall
from CardioScarLib.perfusion.phantom_heart import PhantomHeart
from CardioScarLib.perfusion.phantom_images import image_on
from CardioScarLib.perfusion.phantom_scan import Camera, Grid, Scan, Torso, scanned

CLEAR = Camera(fwhm=(9.0, 9.0), filter_fwhm=5.0, attenuation=0.0, scatter=0.0, breathing=0.0, counts=1e6)
"""Without noise, attenuation, scatter and breathing."""


def a_grid(voxel: float = 5.0, size: tuple[int, int, int] = (32, 32, 32), directions: np.ndarray | None = None) -> Grid:
    """Around the equator of a heart at the origin. directions: (3, 3), columns are those of i, j and k."""
    matrix = np.eye(4)
    matrix[:3, :3] = (np.eye(3) if directions is None else directions) * voxel
    matrix[:3, 3] = -matrix[:3, :3] @ (0.5 * (np.array(size) - 1)) + [15.0, -12.0, -12.0]
    return Grid(size, matrix)


def a_scan(heart: PhantomHeart | None = None, grid: Grid | None = None, camera: Camera = CLEAR, seed: int = 0) -> Scan:
    return scanned(heart or PhantomHeart(), Torso(tissue=0.05, blood=0.05, right_wall=0.1), camera, grid or a_grid(), seed)


def true_wall(scan: Scan) -> SpectWall:
    """The wall as a perfect network would find it."""
    share = image_on(scan.fraction, scan.grid)
    inside = np.argwhere(scan.wall)[:, ::-1].mean(axis=0)
    grid = canonical_grid(np.array(share.TransformContinuousIndexToPhysicalPoint([float(one) for one in inside])))
    counts = image_on(scan.counts, scan.grid)
    return SpectWall(counts, scan.fraction, scan.wall.astype(np.uint8), grid, onto(share, grid)[None])


def a_threshold_network():
    """A network whose wall is what has more than half of the wall's counts."""
    from torch import nn

    from CardioScarLib.perfusion.weights import SpectNetwork

    class Threshold(nn.Module):
        def forward(self, counts):
            return 12 * (counts - 0.5)

    return SpectNetwork(Threshold().eval(), "spect-default", {}, "")


def written(scan: Scan, path) -> None:
    sitk.WriteImage(image_on(scan.counts, scan.grid), str(path))
