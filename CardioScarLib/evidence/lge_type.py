"""Magnitude or phase-sensitive LGE, and where the signal is null."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from CardioScarLib.core.slices import SliceStack

OFFSET_SHARE = 0.25
"""Above this share of the brightest percentile, the darkest percentile of an image is an offset, not air."""
PADDING_SHARE = 0.01
NEGATIVE_SHARE = 0.01
MOST_PIXELS = 4_000_000
"""Of larger stacks every second, third, ... pixel is looked at: sorting 200 million takes minutes and gigabytes."""
SIGNED = "zero of a signed image"
"""Where a null level of 0 comes from."""


def guess_lge_type(stack: SliceStack) -> tuple[str, str]:
    """("magnitude" or "psir", a sentence with the reason).

    Phase-sensitive images (Kellman et al. 2002) are signed, or stored with an offset: air and lung then scatter
    around the middle of the range, while in magnitude images they lie at its lower end.
    """
    values = _finite(stack)
    negative = np.count_nonzero(values < 0) / len(values)
    if negative > NEGATIVE_SHARE:
        return "psir", f"The images were read as PSIR, because {negative:.0%} of their pixels are negative."
    padding = _padding(values)
    if padding is not None:
        values = values[values != padding]
    dark, bright = np.percentile(values, [1, 99])
    if dark > OFFSET_SHARE * bright:
        return "psir", f"The images were read as PSIR, because their darkest pixels ({dark:.4g}) are far from zero."
    return "magnitude", "The images were read as magnitude LGE, because their darkest pixels are near zero."


def estimate_null_level(stack: SliceStack) -> tuple[float, str]:
    """Intensity of no signal in a PSIR image, and how it was found.

    Signed images have it at zero. With an offset it is the value that fills the image's border (padding), or the
    median where the image is noisiest (air and lung, whose phase is random).
    """
    values = _finite(stack)
    if np.count_nonzero(values < 0) / len(values) > NEGATIVE_SHARE:
        return 0.0, SIGNED
    padding = _padding(values)
    if padding is not None and np.percentile(values, 5) < padding < np.percentile(values, 95):
        return padding, "padding around the image"
    noisy, middle = [], np.median(values)
    for one in stack:
        # A shifted image keeps the difference of squares below from losing its digits.
        image = np.where(np.isfinite(one.pixels), one.pixels, middle) - middle
        variance = ndimage.uniform_filter(image**2, 5) - ndimage.uniform_filter(image, 5) ** 2
        noisy.append(image[variance >= np.percentile(variance, 80)] + middle)
    return float(np.median(np.concatenate(noisy))), "median of air and lung"


def _finite(stack: SliceStack) -> np.ndarray:
    step = 1 + sum(one.pixels.size for one in stack) // MOST_PIXELS
    looked_at = [one.pixels.ravel()[::step] for one in stack]
    return np.concatenate([values[np.isfinite(values)] for values in looked_at])


def _padding(values: np.ndarray) -> float | None:
    """The value of a large part of the image, if there is such a one."""
    distinct, counts = np.unique(values, return_counts=True)
    most = int(np.argmax(counts))
    # An image of few gray levels has them all often; padding stands out against the next most frequent value.
    runner_up = np.partition(counts, -2)[-2] if len(counts) > 1 else 0
    return float(distinct[most]) if counts[most] > max(PADDING_SHARE * len(values), 3 * runner_up) else None
