"""How soft the borders of scar are: no slice shows it, so it is drawn.

The joint samples of a model have borders of one width, which its prior assumes. On phantoms the width of the true borders was found
to be that width times one factor per heart, the same for the bands from 0.1 to 0.9 and from 0.46 to 0.54. A sample with softer or
sharper borders has the logits of its scar fractions divided by such a factor; where the fraction is one half, the border stays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit, ndtri

from CardioScarLib.core.posterior import Posterior


@dataclass(frozen=True)
class Softness:
    """Width of true borders over that of the samples, log-normal. middle: its median. spread: SD of its logarithm. sharp: share of
    samples whose borders have no width at all."""

    middle: float
    spread: float
    sharp: float = 0.0


SMOOTH = Softness(1.0, 0.12)
"""Of 20 phantoms of 17 kinds the factor was 0.83 to 1.04 (mean 0.95), and 0.73 where slices were shifted. The middle is not that mean:
how soft the borders of a patient are is not known from phantoms."""
ROUGH = Softness(1.8, 0.45, sharp=0.1)
"""Where scar is continued along the wall. Of two phantoms with rough scars the factor was 3.2: the samples are too sharp. Others, and
scar as an observer labels it, have borders without width, which slices cannot tell from one of a pixel: an interval of 90 % begins
at no border zone."""


def border_widths(posterior: Posterior | None, count: int) -> np.ndarray:
    """(count,) factors by which borders are wider than in each joint sample; 1 without samples.

    The same for the same count, evenly spread over the distribution, in an order of their own.
    """
    if posterior is None or not posterior.has_spread:
        return np.ones(count)
    softness = SMOOTH if posterior.summary.get("prior", "smooth") == "smooth" else ROUGH
    even = ((np.arange(count) + 0.5) / count - softness.sharp) / (1 - softness.sharp)
    widths = np.where(even > 0, softness.middle * np.exp(softness.spread * ndtri(np.clip(even, 1e-9, None))), 0.0)
    return np.asarray(np.random.default_rng(0).permutation(widths))


def softened(threshold: float, widths: np.ndarray) -> np.ndarray:
    """(d,) scar fraction in each sample that becomes `threshold` where its borders are made wider by these factors."""
    return np.where(widths == 1, threshold, expit(widths * logit(threshold)))  # a fraction at the threshold must not be rounded off it
