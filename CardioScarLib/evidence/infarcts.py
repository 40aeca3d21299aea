"""Published algorithms that know what infarcts look like: EWA and FACT."""

from __future__ import annotations

import numpy as np

from CardioScarLib.evidence.intensity import IntensityEvidence, nothing, within_percentiles
from CardioScarLib.evidence.lge import LgeImages
from CardioScarLib.evidence.mixtures import fit_two_normals
from CardioScarLib.evidence.no_reflow import find_no_reflow
from CardioScarLib.evidence.regions import SMALLEST_COVER

SMALLEST_INFARCT = 0.5
"""mL: smaller bright regions are taken for noise. The papers name no number that fits every pixel size."""
SUBENDOCARDIAL = 0.5
"""An infarct reaches into this inner share of the wall."""


def ewa(lge: LgeImages) -> IntensityEvidence:
    """Expectation maximization, weighted intensity, a priori information: Engblom et al. 2016 (JCMR 18:27).

    Two normal distributions of intensity are fitted to all pixels of the LV at once; pixels that more likely belong to the brighter
    one are candidates. Candidates that no infarct makes, see `_plausible`, are dropped, dark cores within count as scar, and
    each remaining pixel counts by its intensity between the means of the two distributions, so that partial volumes are kept
    (Heiberg et al. 2008, Radiology 246:581). The authors publish no program; sizes not in the paper are ours.
    """
    regions = lge.regions
    if regions.core is None:
        return nothing(regions)
    share, mean, sd = fit_two_normals(within_percentiles(regions), (regions.remote_mean, regions.core))
    threshold = _equal_odds(share, mean, sd)
    infarct = _plausible(lge, regions.intensity > threshold)
    dark = find_no_reflow(lge.stack, lge.pixels, infarct, lge.borders.cavities)
    near = infarct | (lge.touching @ infarct.astype(float) > 0)
    fraction = np.clip((regions.intensity - mean[0]) / max(mean[1] - mean[0], 1e-300), 0, 1)
    values = np.where(dark, 1.0, np.where(near, fraction, 0.0))
    return IntensityEvidence(values, {"candidate_threshold": threshold, "dark_mean": mean[0], "bright_mean": mean[1]}, no_reflow=dark)


def fact(lge: LgeImages) -> IntensityEvidence:
    """Feature analysis and combined thresholding: Hsu et al. 2006 (JMRI 23:298), 1 for infarct, else 0.

    Half way between remote mean and the brightest infarct is the first threshold; regions that no infarct makes are
    dropped, dark cores count as infarct, and the threshold is set again from the brightest pixels of what remains.
    """
    regions = lge.regions
    if regions.peak is None:
        return nothing(regions)
    threshold = 0.5 * (regions.remote_mean + regions.peak)
    infarct = _plausible(lge, regions.intensity > threshold)
    inside = regions.intensity[infarct & regions.interior]
    if len(inside):
        threshold = 0.5 * (regions.remote_mean + float(np.percentile(inside, 95)))
        infarct = _plausible(lge, regions.intensity > threshold)
    dark = find_no_reflow(lge.stack, lge.pixels, infarct, lge.borders.cavities)
    return IntensityEvidence((infarct | dark).astype(float), {"threshold": threshold}, no_reflow=dark)


def _equal_odds(share: np.ndarray, mean: np.ndarray, sd: np.ndarray) -> float:
    """The intensity between the two means at which both are equally likely."""
    at = np.linspace(mean[0], mean[1], 1001)[:, None]
    density = np.log(share / sd) - 0.5 * ((at - mean) / sd) ** 2
    return float(at[np.argmin(np.abs(density[:, 1] - density[:, 0])), 0])


def _plausible(lge: LgeImages, bright: np.ndarray) -> np.ndarray:
    """(p,) bool: bright pixels in regions of at least SMALLEST_INFARCT that reach into the inner half of the wall."""
    patches = lge.patches(bright & (lge.pixels.cover >= SMALLEST_COVER), lge.excess, np.ones(len(bright)))
    inward = np.isinf(lge.borders.endocardium) | (
        lge.borders.endocardium < SUBENDOCARDIAL * (lge.borders.endocardium + np.maximum(lge.borders.epicardium, 0))
    )
    kept = np.array(
        [volume >= SMALLEST_INFARCT and bool(np.any(inward[patches.number == number])) for number, volume in enumerate(patches.volume)],
        dtype=bool,
    )
    return patches.pixels_of(kept)
