"""From pixels to scar evidence."""

from __future__ import annotations

import numpy as np

from CardioScarLib.core.case import LabelMap
from CardioScarLib.core.errors import BadEvidence
from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.settings import EvidenceSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall_pixels import WallPixels
from CardioScarLib.evidence.intensity import intensity_method
from CardioScarLib.evidence.labels import distinct_labels, label_evidence, listed
from CardioScarLib.evidence.lge_type import estimate_null_level, guess_lge_type
from CardioScarLib.evidence.regions import SMALLEST_COVER, cavity_values, find_regions

OVERSHOOT = 1e-3
"""Tolerance for values outside [0, 1], by interpolation and rounding."""
BRIGHT_CAVITY = 0.1
"""Scar values are near zero in the cavity; LGE intensities scaled to [0, 1] are not."""


def derive_evidence(
    stack: SliceStack,
    pixels: WallPixels,
    settings: EvidenceSettings,
    pixel_support: str = "wall",
    myocardium: LabelMap | None = None,
) -> Evidence:
    """Scar evidence in [0, 1], with a weight, of the pixels that see the wall.

    values: pixels are scar fractions of the wall already, weight 1; with pixel_support "prism" they are fractions of
        the whole prism, then value = pixel / cover and weight = cover^2 (its noise grows as 1 / cover).
    labels: 1 for scar labels, 0 for those of myocardium, weight = cover, with "prism" cover^2; other labels say nothing
        about scar, weight 0: see `labels`. myocardium: a label map that tells where myocardium is; None leaves it to the
        image itself.
    intensity methods: see `intensity`; weight = cover^2, and 0 below a cover of 0.3, where blood and fat prevail.

    Raises BadEvidence.
    """
    if len(pixels) == 0:
        raise BadEvidence("No pixel of the slices lies on the myocardium, so no scar evidence can be derived.")
    raw = pixels.values(stack)
    _check_finite(stack, pixels, raw)
    method, notes = settings.method, []
    if method == "auto":
        method, note = _guess_method(stack, pixels, raw, settings.lge_type)
        notes.append(note)
    if method == "values":
        evidence = _from_values(pixels, raw, pixel_support)
    elif method == "labels":
        evidence = label_evidence(stack, pixels, settings.scar_labels, pixel_support, myocardium)
    else:
        evidence = _from_intensity(stack, pixels, method, settings)
    numbers = {"method": method, "pixels": len(pixels), "pixels_used": int(np.count_nonzero(evidence.weights)), **evidence.description}
    return Evidence(evidence.values, evidence.weights, numbers, (*notes, *evidence.notes), evidence.regions)


def _check_finite(stack: SliceStack, pixels: WallPixels, raw: np.ndarray) -> None:
    bad = ~np.isfinite(raw)
    if bad.any():
        where, counts = np.unique(pixels.slices[bad], return_counts=True)
        listed = ", ".join(f"{count} in {stack.slices[number].label}" for number, count in zip(where, counts, strict=True))
        raise BadEvidence(
            f"{np.count_nonzero(bad)} pixels on the myocardium are NaN or infinite ({listed}); repair the image or leave these slices out."
        )


def _guess_method(stack: SliceStack, pixels: WallPixels, raw: np.ndarray, lge_type: str) -> tuple[str, str]:
    if lge_type != "auto":
        return "weighted", f"The image was read as LGE intensities ({lge_type}), by the weighted method."
    labels = distinct_labels(stack)
    if labels is not None and (len(labels) > 1 or labels[0] in (0, 1)):
        return "labels", f"The image was read as a label map: it contains only {listed(labels)}."
    if raw.min() < -OVERSHOOT or raw.max() > 1 + OVERSHOOT:
        return "weighted", "The image was read as LGE intensities, by the weighted method."
    note = "The image was read as scar values: on the myocardium they lie between 0 and 1."
    cavity = cavity_values(stack, pixels)
    if len(cavity) and np.median(cavity) > BRIGHT_CAVITY:
        note += f" But the cavity is bright too ({np.median(cavity):.2f}): for LGE scaled to 0..1 choose the evidence method weighted."
    return "values", note


def _from_values(pixels: WallPixels, raw: np.ndarray, pixel_support: str) -> Evidence:
    low, high = raw.min(), raw.max()
    if low < -OVERSHOOT or high > 1 + OVERSHOOT:
        raise BadEvidence(
            f"The pixels on the myocardium range from {low:.4g} to {high:.4g}, but scar values lie between 0 and 1; "
            f"for LGE intensities use the evidence method weighted (or nsd, fwhm, otsu, gmm), for a segmentation labels."
        )
    if pixel_support == "prism":
        return Evidence(np.clip(raw / pixels.cover, 0, 1), pixels.cover**2)
    return Evidence(np.clip(raw, 0, 1), np.ones(len(pixels)))


def _from_intensity(stack: SliceStack, pixels: WallPixels, method: str, settings: EvidenceSettings) -> Evidence:
    regions = find_regions(stack, pixels)
    notes = []
    lge_type = settings.lge_type
    if lge_type == "auto":
        lge_type, note = guess_lge_type(stack)
        notes.append(note)
    null_level, null_source = None, None
    if lge_type == "psir":
        null_level, null_source = (settings.null_level, "given") if settings.null_level is not None else estimate_null_level(stack)
    result = intensity_method(method, settings.n_sd, null_level)(regions)
    weights = np.where(pixels.cover >= SMALLEST_COVER, pixels.cover**2, 0.0)
    description = {
        "lge_type": lge_type,
        "null_level": null_level,
        "null_level_from": null_source,
        "remote_mean": regions.remote_mean,
        "remote_sd": regions.remote_sd,
        "noise_sd": regions.noise_sd,
        "noise_sd_evidence": regions.noise_sd / (regions.full_scale - regions.remote_mean),
        "core_intensity": regions.core,
        "peak_intensity": regions.peak,
        "blood_intensity": regions.blood,
        "interior_pixels": int(np.count_nonzero(regions.interior)),
        "remote_pixels": int(np.count_nonzero(regions.remote)),
        "bright_pixels": int(np.count_nonzero(regions.bright)),
        "blood_pixels": regions.blood_pixels,
        **{name: float(value) for name, value in result.numbers.items()},
    }
    if method == "nsd":
        description["n_sd"] = settings.n_sd
    return Evidence(result.values, weights, description, (*notes, *regions.notes, *result.notes), regions)
