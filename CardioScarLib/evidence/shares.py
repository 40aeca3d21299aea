"""Evidence from a network's probabilities of scar."""

from __future__ import annotations

import numpy as np

from CardioScarLib.core.case import ScarShares
from CardioScarLib.core.errors import BadEvidence
from CardioScarLib.core.evidence import SEGMENTATION, Evidence
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall_pixels import WallPixels

DRAWS = 256
SURE = 1e-4
"""The share is taken to be this far from 0 and 1 at least, so that its log-odds can be moved."""


def share_evidence(stack: SliceStack, pixels: WallPixels, shares: ScarShares, pixel_support: str = "wall") -> Evidence:
    """The probability of scar in each pixel of the wall, with a weight: how sure it is that there is wall, times the wall's share.

    stack: the slices as they lie now, whose pixels are the probabilities. What the network has wrong in all pixels alike, such as how
    far a scar reaches, becomes draws of the share of scar: its log-odds are moved by a normal error of standard deviation
    `shares.spread`.
    Raises BadEvidence where no pixel counts.
    """
    values = np.clip(np.nan_to_num(pixels.values(stack)), 0, 1)
    weights = np.clip(pixels.values(shares.weights), 0, 1) * pixels.cover ** (2 if pixel_support == "prism" else 1)
    if not weights.any():
        raise BadEvidence("The segmentation shows no myocardium where the LV model lies.")
    sizes = pixels.cover * np.array([np.prod(one.spacing) * one.thickness for one in stack])[pixels.slices]
    share = float(np.average(values, weights=sizes))
    kept = np.clip(share, SURE, 1 - SURE)
    moves = shares.spread * np.random.default_rng(0).standard_normal(DRAWS)
    draws = 1 / (1 + (1 - kept) / kept * np.exp(-moves))
    numbers = {
        "method": SEGMENTATION,
        "pixels": len(pixels),
        "pixels_used": int(np.count_nonzero(weights)),
        "scar_share": share,
        "network": shares.description,
    }
    return Evidence(values, weights, numbers, share_draws=draws + share - kept)
