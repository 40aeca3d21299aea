"""How much scar the evidence leaves open: the same images read with every number as wrong as it may be."""

from __future__ import annotations

import numpy as np

from CardioScarLib.evidence.lge import LgeImages
from CardioScarLib.evidence.methods import scar_share
from CardioScarLib.evidence.spatial import Disturbance
from CardioScarLib.evidence.spatial_evidence import ScarSearch, look_for_scar, spatial

COUNT = 48
REMOTE, SPREAD, CONTRAST, PRIOR, RIM, GAIN = 0.2, 0.12, 0.15, 0.8, 0.3, 0.03
"""Standard deviations: of the remote mean in standard deviations of a pixel, of the logarithms of its standard deviation and of the
contrast of scar, of the prior log odds, of the rims in pixels, and of the logarithm of each slice's gain. Chosen so that on simulated
hearts of the hands "formulas" and "random-fields" nine in ten true shares lie within the 90 % interval; see docs/measurements."""


def share_draws(lge: LgeImages, found: ScarSearch, seen: np.ndarray, count: int = COUNT) -> np.ndarray:
    """(count,) draws of the share of scar in the wall that the slices show, in [0, 1]; the same at each call.

    Each draw disturbs remote mean and standard deviation, the intensity of scar, the prior, the rims of the wall, and the gain
    of each slice, and takes patches as scar that are at least as likely as a random number, the same for all of them: in
    a heart with a probability of scar of 10 %, nine of ten draws are zero. found: the search without disturbance.
    """
    random = np.random.default_rng(0)
    above = lge.regions.intensity - lge.regions.remote_mean
    shares = np.empty(count)
    for number in range(count):
        disturbance = Disturbance(
            REMOTE * random.normal(), np.exp(SPREAD * random.normal()), np.exp(CONTRAST * random.normal()),
            PRIOR * random.normal(), RIM * random.normal(),
        )  # fmt: skip
        gain = np.exp(GAIN * random.normal(size=len(lge.stack)))
        search = look_for_scar(lge, disturbance, lge.regions.remote_mean + gain[lge.pixels.slices] * above, found.mixture.scar)
        shares[number] = scar_share(lge, spatial(lge, search, demanded=random.uniform()), seen)
    return shares
