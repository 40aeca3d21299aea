"""Evidence from a network's probabilities of scar."""

from __future__ import annotations

import numpy as np

from CardioScarLib.core.case import ScarShares
from CardioScarLib.core.errors import BadEvidence
from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall_pixels import WallPixels

DRAWS = 256
SURE = 1e-4
"""Probabilities are taken to be this far from 0 and 1 at least, so that a common error can move them."""


def share_evidence(stack: SliceStack, pixels: WallPixels, shares: ScarShares, pixel_support: str = "wall") -> Evidence:
    """The probability of scar in each pixel of the wall, with a weight: how sure it is that there is wall, times the wall's share.

    stack: the slices as they lie now, whose pixels are the probabilities. What the network may have wrong in all pixels alike, such as
    where it sees the edge of a scar, becomes draws of the share of scar: their log-odds are moved together, by `shares.spread`.
    Raises BadEvidence where no pixel counts.
    """
    values = np.clip(np.nan_to_num(pixels.values(stack)), 0, 1)
    weights = np.clip(pixels.values(shares.weights), 0, 1) * pixels.cover ** (2 if pixel_support == "prism" else 1)
    if not weights.any():
        raise BadEvidence("The segmentation shows no myocardium where the LV model lies.")
    sizes = pixels.cover * np.array([np.prod(one.spacing) * one.thickness for one in stack])[pixels.slices]
    log_odds = np.log(np.clip(values, SURE, 1 - SURE)) - np.log1p(-np.clip(values, SURE, 1 - SURE))
    moves = shares.spread * np.random.default_rng(0).standard_normal(DRAWS)
    share = float(np.average(values, weights=sizes))
    draws = np.array([np.average(1 / (1 + np.exp(-log_odds - move)), weights=sizes) for move in np.append(moves, 0.0)])
    numbers = {
        "method": "segmentation",
        "pixels": len(pixels),
        "pixels_used": int(np.count_nonzero(weights)),
        "scar_share": share,
        "network": shares.description,
    }
    return Evidence(values, weights, numbers, share_draws=share + draws[:-1] - draws[-1])
