"""From the probabilities of a segmentation to evidence: the share of scar in the wall, and how much each pixel counts."""

from __future__ import annotations

import numpy as np

from CardioScarLib.core.case import ScarShares
from CardioScarLib.segmentation.classes import NO_REFLOW, SCAR, WALL
from CardioScarLib.segmentation.predict import Segmentation

UNKNOWN_SPREAD = 1.0
"""Of the log-odds of the share, where nobody measured it: wide."""


def shares_of(found: Segmentation) -> ScarShares:
    """On the planes of the image: the probability that the wall in a pixel is scarred, no-reflow included, and that it is wall."""
    walls = [one[list(WALL)].sum(axis=0) for one in found.probabilities]
    scars = [one[SCAR] + one[NO_REFLOW] for one in found.probabilities]
    shares = [np.where(wall > 0, scar / np.maximum(wall, 1e-6), 0.0).clip(0, 1) for scar, wall in zip(scars, walls, strict=True)]
    spread = UNKNOWN_SPREAD if found.share_spread is None else found.share_spread
    return ScarShares(found.image.with_pixels(shares), found.image.with_pixels(walls), spread, found.network)
