"""From counts on the canonical grid to the share of each voxel that is wall."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from CardioScarLib.perfusion.canonical import SIZE
from CardioScarLib.perfusion.samples import MOST, WALL_LEVEL, first_level, min_max
from CardioScarLib.segmentation.validation import half_precision

if TYPE_CHECKING:
    import torch

    from CardioScarLib.perfusion.weights import SpectNetwork

MIRRORS = ((), (2,), (1,), (0,), (1, 2), (0, 2), (0, 1), (0, 1, 2))
"""Axes along which the volume is mirrored, for each view."""
OVERLAP = 0.25
LEAST_WALL = 20
"""Voxels that must look like wall for their level of counts to be taken."""


def shares(trained: SpectNetwork, counts: np.ndarray, views: int, device: torch.device) -> np.ndarray:
    """(k, j, i) float32. counts: (k, j, i), at least the network's size along each axis."""
    return view_shares(trained, counts, views, device).mean(axis=0)


def view_shares(trained: SpectNetwork, counts: np.ndarray, views: int, device: torch.device) -> np.ndarray:
    """(v, k, j, i) float32, for each mirror image apart.

    The level of the wall's counts is first guessed from all counts and then taken from what looks like wall.
    """
    if trained.name == "original":
        return np.stack([_mirrored(trained, min_max(counts), axes, device) for axes in MIRRORS[:views]])
    level = first_level(counts)
    guess = _mirrored(trained, counts / level, (), device)
    wall = counts[guess >= 0.5]
    if len(wall) >= LEAST_WALL and np.percentile(wall, WALL_LEVEL) > 0:
        level = float(np.percentile(wall, WALL_LEVEL))
    return np.stack([_mirrored(trained, counts / level, axes, device) for axes in MIRRORS[:views]])


def _mirrored(trained: SpectNetwork, counts: np.ndarray, axes: tuple[int, ...], device: torch.device) -> np.ndarray:
    import torch
    from monai.inferers import sliding_window_inference

    volume = torch.from_numpy(np.flip(counts, axes).clip(-MOST, MOST).astype(np.float32).copy())[None, None].to(device)
    with torch.inference_mode(), half_precision(device):
        found = sliding_window_inference(volume, SIZE[::-1], 1, trained.network.to(device), OVERLAP, mode="gaussian")
        assert isinstance(found, torch.Tensor)  # for one output
    return np.flip(found.float().sigmoid()[0, 0].cpu().numpy(), axes)
