"""Whether made images are copies of images that were learned from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial.distance import cdist

COARSE = 3.0
"""mm over which pixels are smoothed before they are compared, so that neither grain nor a pixel's shift hides a copy."""


@dataclass(frozen=True)
class Nearest:
    """Distances to the nearest image learned from, in one space.

    made, held_out: median over made images, and over real ones that were not learned from. between: the smallest distance between images
    learned from of different patients; median: of the distances to the nearest image of another patient. copies, held_out_copies: how many
    made, and held-out, images are nearer to one learned from than `between`.
    """

    made: float
    held_out: float
    between: float
    median: float
    copies: int
    held_out_copies: int


def nearest(made: np.ndarray, held_out: np.ndarray, learned: np.ndarray, patients: np.ndarray) -> tuple[Nearest, np.ndarray]:
    """made, held_out, learned: (n, c) each. patients: (n,) of `learned`, two at least. Also returns (made,) whether each is a copy."""
    apart = cdist(learned, learned)
    apart[patients[:, None] == patients[None, :]] = np.inf
    others = apart.min(axis=1)
    between = float(others.min())
    from_made, from_real = (cdist(some, learned).min(axis=1) for some in (made, held_out))
    copies = from_made < between
    found = Nearest(
        float(np.median(from_made)), float(np.median(from_real)), between, float(np.median(others[np.isfinite(others)])),
        int(copies.sum()), int((from_real < between).sum()),
    )  # fmt: skip
    return found, copies


def coarse_pixels(images: np.ndarray, spacing: float) -> np.ndarray:
    """(n, c) of (n, s, s) images: smoothed, thinned out, and each with mean 0 and standard deviation 1; distances are per pixel."""
    width = COARSE / spacing
    step = max(1, round(width))
    thin = ndimage.gaussian_filter(images.astype(np.float32), (0, width, width))[:, step // 2 :: step, step // 2 :: step]
    flat = thin.reshape(len(thin), -1)
    flat = (flat - flat.mean(axis=1, keepdims=True)) / np.maximum(flat.std(axis=1, keepdims=True), 1e-6)
    return flat / np.sqrt(flat.shape[1])
