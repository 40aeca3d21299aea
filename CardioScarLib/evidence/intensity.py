"""Thresholds and weights: LGE intensities to evidence in [0, 1] by one number for the whole heart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from CardioScarLib.core.evidence import BRIGHT_SD, Regions


@dataclass(frozen=True, eq=False)
class IntensityEvidence:
    """values: (p,) in [0, 1]. numbers: thresholds and the like, by name. notes: sentences.

    no_reflow: (p,) bool, dark cores among the scar; None where a method knows none. silent: (p,) bool, pixels that say nothing.
    """

    values: np.ndarray
    numbers: dict[str, float]
    notes: tuple[str, ...] = ()
    no_reflow: np.ndarray | None = None
    silent: np.ndarray | None = None


def weighted(regions: Regions) -> IntensityEvidence:
    """Scar fraction by partial-volume weighting.

    f = (intensity - remote mean) / (dense scar - remote mean) is the fraction of a pixel that two tissues explain;
    it is used where it stands out of remote: multiplied by 0 below remote + 1 SD, by 1 above remote + 3 SD, by a
    ramp between, then cut to [0, 1]. Without the ramp the noise of healthy tissue, cut at zero, adds up to a burden
    of 0.4 x noise SD (in units of f), with it of 0.08 x noise SD. Dense scar is the median of the bright tissue
    above half of its upper quartile, halves counted from remote. In the spirit of Heiberg et al. 2008 (Radiology
    246:581) and EWA, Engblom et al. 2016 (JCMR 18:27), which weight the pixels of a segmented infarct by intensity.
    """
    above = regions.intensity - regions.remote_mean
    fraction = np.maximum(above, 0) / (regions.full_scale - regions.remote_mean)
    ramp = np.clip((above / regions.remote_sd - 1) / 2, 0, 1)
    return IntensityEvidence(np.minimum(fraction * ramp, 1), {"full_scale": regions.full_scale})


def above_remote(regions: Regions, n_sd: float) -> IntensityEvidence:
    """1 above remote mean + n SD (2 SD: Kim et al. 1999; 5 SD: Bondarenko et al. 2005), else 0."""
    return _above(regions, regions.remote_mean + n_sd * regions.remote_sd)


def half_maximum(regions: Regions, null_level: float | None) -> IntensityEvidence:
    """1 above half of the brightest tissue's intensity (FWHM, Amado et al. 2004), else 0.

    The maximum is the 95th percentile of bright tissue. Half counts from zero in magnitude images. In PSIR images it
    counts from `null_level`, or from remote tissue where that lies below it (the inversion time was short); the
    method is weak there, because the level it starts from is uncertain.
    """
    if regions.peak is None:
        return nothing(regions)
    base = 0.0 if null_level is None else min(null_level, regions.remote_mean)
    result = _above(regions, 0.5 * (base + regions.peak))
    if result.numbers["threshold"] > regions.remote_mean + 2 * regions.remote_sd:
        return result
    note = (
        "Half of the maximum lies within remote myocardium, which was not nulled: the method fwhm classifies healthy tissue as scar here."
    )
    return IntensityEvidence(result.values, result.numbers, (note,))


def otsu(regions: Regions) -> IntensityEvidence:
    """1 above Otsu's threshold (1979) between the pixels inside the wall, else 0.

    The histogram spans the 1st to 99th percentile inside the wall, so single pixels do not stretch it.
    """
    if regions.peak is None:
        return nothing(regions)
    sample = within_percentiles(regions)
    method = sitk.OtsuThresholdImageFilter()
    method.SetNumberOfHistogramBins(256)
    method.Execute(sitk.GetImageFromArray(sample[None]))
    return _above(regions, float(method.GetThreshold()))


def _above(regions: Regions, threshold: float) -> IntensityEvidence:
    return IntensityEvidence((regions.intensity > threshold).astype(float), {"threshold": threshold})


def nothing(regions: Regions) -> IntensityEvidence:
    """Nothing stands out, so there is nothing to halve or to split; a split of noise would call half of it scar."""
    return IntensityEvidence(np.zeros(len(regions.intensity)), {"threshold": regions.remote_mean + BRIGHT_SD * regions.remote_sd})


def within_percentiles(regions: Regions) -> np.ndarray:
    inside = regions.intensity[regions.interior]
    return np.clip(inside, *np.percentile(inside, [1, 99]))
