"""From pixels to scar evidence."""

from __future__ import annotations

import numpy as np

from CardioScarLib.core.case import LabelMap
from CardioScarLib.core.errors import BadEvidence
from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.settings import EvidenceSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall_pixels import WallPixels
from CardioScarLib.evidence.checks import check_finite
from CardioScarLib.evidence.from_intensity import intensity_evidence
from CardioScarLib.evidence.labels import distinct_labels, label_evidence, listed
from CardioScarLib.evidence.regions import cavity_values

OVERSHOOT = 1e-3
"""Tolerance for values outside [0, 1], by interpolation and rounding."""
DARK_CAVITY, BRIGHT_CAVITY = 0.2, 0.4
"""Median of the cavity over the 99th percentile in the wall: scar values are near zero in the cavity, LGE intensities are not."""
RECOMMENDED = "spatial"
"""What reads LGE intensities unless the user chooses another method: it alone leaves healthy hearts without scar."""


def derive_evidence(
    stack: SliceStack,
    pixels: WallPixels,
    settings: EvidenceSettings,
    pixel_support: str = "wall",
    myocardium: LabelMap | None = None,
    draws: bool = True,
) -> Evidence:
    """Scar evidence in [0, 1], with a weight, of the pixels that see the wall.

    values: pixels are scar fractions of the wall already, weight 1; with pixel_support "prism" they are fractions of
        the whole prism, then value = pixel / cover and weight = cover^2 (its noise grows as 1 / cover).
    labels: 1 for scar labels, 0 for those of myocardium, weight = cover, with "prism" cover^2; other labels say nothing
        about scar, weight 0: see `labels`. myocardium: a label map that tells where myocardium is; None leaves it to the
        image itself.
    intensity methods: see `from_intensity` and `methods`. draws: whether to find how much scar the intensities leave open, too, which
        takes most of the time.

    Raises BadEvidence.
    """
    if len(pixels) == 0:
        raise BadEvidence("No pixel of the slices lies on the myocardium, so no scar evidence can be derived.")
    raw = pixels.values(stack)
    check_finite(stack, pixels, raw)
    method, notes = settings.method, []
    if method == "auto":
        method, note = _guess_method(stack, pixels, raw, settings.lge_type)
        notes.append(note)
    if method == "values":
        evidence = _from_values(pixels, raw, pixel_support)
    elif method == "labels":
        evidence = label_evidence(stack, pixels, settings.scar_labels, pixel_support, myocardium)
    else:
        evidence = intensity_evidence(stack, pixels, method, settings, draws)
    numbers = {"method": method, "pixels": len(pixels), "pixels_used": int(np.count_nonzero(evidence.weights)), **evidence.description}
    return Evidence(evidence.values, evidence.weights, numbers, (*notes, *evidence.notes), evidence.regions, evidence.share_draws)


def _guess_method(stack: SliceStack, pixels: WallPixels, raw: np.ndarray, lge_type: str) -> tuple[str, str]:
    read = f"by the method {RECOMMENDED}"
    if lge_type != "auto":
        return RECOMMENDED, f"The image was read as LGE intensities ({lge_type}), {read}."
    labels = distinct_labels(stack)
    if labels is not None and len(labels) == 1:
        raise BadEvidence(
            f"The image is {labels[0]:g} everywhere: it shows nothing. If it is a label map of a heart without scar, choose the evidence "
            "method labels, or give it as --mask beside the image."
        )
    if labels is not None:
        return "labels", f"The image was read as a label map: it contains only {listed(labels)}."
    if raw.min() < -OVERSHOOT or raw.max() > 1 + OVERSHOOT:
        return RECOMMENDED, f"The image was read as LGE intensities, {read}."
    cavity, bright = cavity_values(stack, pixels), float(np.percentile(raw, 99))
    share = float(np.median(cavity)) / bright if len(cavity) and bright > 0 else 0.0
    if share > BRIGHT_CAVITY:
        return RECOMMENDED, (
            f"The image was read as LGE intensities, {read}: it lies between 0 and 1 on the myocardium, but blood is bright, as in an "
            "image scaled by its maximum."
        )
    if share > DARK_CAVITY:
        raise BadEvidence(
            f"The pixels on the myocardium lie between 0 and 1, and the cavity is {share:.0%} as bright as the brightest of them: these "
            "may be scar values or LGE intensities scaled by their maximum; choose the evidence method values or spatial."
        )
    return "values", "The image was read as scar values: on the myocardium they lie between 0 and 1, and the cavity is dark."


def _from_values(pixels: WallPixels, raw: np.ndarray, pixel_support: str) -> Evidence:
    low, high = raw.min(), raw.max()
    if low < -OVERSHOOT or high > 1 + OVERSHOOT:
        raise BadEvidence(
            f"The pixels on the myocardium range from {low:.4g} to {high:.4g}, but scar values lie between 0 and 1; "
            f"for LGE intensities use the evidence method spatial (or another one), for a segmentation labels."
        )
    if pixel_support == "prism":
        return Evidence(np.clip(raw / pixels.cover, 0, 1), pixels.cover**2)
    return Evidence(np.clip(raw, 0, 1), np.ones(len(pixels)))
