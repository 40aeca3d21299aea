"""Steps after the network that make one clean wall, as in the program of Nemati 2025; each can be left out."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from CardioScarLib.core.perfusion_settings import TidySettings


def tidied(wall: np.ndarray, settings: TidySettings) -> np.ndarray:
    """(k, j, i) bool of a wall after the steps. Holes are filled only if they are small, so that the cavity stays open."""
    wall = np.asarray(wall, dtype=bool)
    if settings.smallest:
        wall = _pieces(wall, settings.smallest)
    if settings.largest_only and wall.any():
        labels, _ = ndimage.label(wall)
        wall = labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    if settings.largest_hole:
        holes = ndimage.binary_fill_holes(wall) & ~wall
        wall = wall | (holes & ~_pieces(holes, settings.largest_hole + 1))
    if settings.closing:
        wall = wall | ndimage.binary_closing(wall, _ball(settings.closing))
    if settings.median:
        wall = ndimage.median_filter(wall.astype(np.uint8), settings.median).astype(bool)
    if settings.gaussian:
        wall = ndimage.gaussian_filter(wall.astype(np.float32), settings.gaussian) > 0.5
    return wall


def tidied_shares(shares: np.ndarray, threshold: float, settings: TidySettings) -> np.ndarray:
    """Shares that give the tidy wall at the threshold, and are the network's own where it agrees."""
    wall = tidied(shares >= threshold, settings)
    just_below = np.nextafter(np.float32(threshold), np.float32(0))
    return np.where(wall, np.maximum(shares, threshold), np.minimum(shares, just_below)) * _near(wall)


def _near(wall: np.ndarray) -> np.ndarray:
    """Voxels of the wall and beside it: shares of pieces that were left out are no wall either."""
    return ndimage.binary_dilation(wall, iterations=2)


def _pieces(mask: np.ndarray, smallest: int) -> np.ndarray:
    labels, _ = ndimage.label(mask)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return (sizes >= smallest)[labels]


def _ball(radius: int) -> np.ndarray:
    grid = np.mgrid[(slice(-radius, radius + 1),) * 3]
    return (grid**2).sum(axis=0) <= radius**2
