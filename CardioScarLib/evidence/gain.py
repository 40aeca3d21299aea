"""Slices of unequal gain brought together, and the bias field of surface coils taken out."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from CardioScarLib.core.errors import BadEvidence
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall_pixels import WallPixels
from CardioScarLib.evidence.regions import INTERIOR_COVER, cavity_values_by_slice, remote_statistics

USUAL, UNSURE = 0.12, 0.04
"""Standard deviations of the logarithm: of the gain between slices, and of what else changes both blood and remote myocardium."""
FEWEST = 20
"""Pixels of blood, and of remote myocardium, without which a slice keeps its gain."""
NEAR, FAR_OFF, SAID = 0.03, 1.6, 0.1
"""A change below NEAR is noise, a factor beyond FAR_OFF is no drift of one scan, and a change of SAID is told."""
AGREEING = 0.6
"""Beyond FAR_OFF the slice was scaled apart, if the smaller one of the two changes is at least this share of the larger one."""
SHRINK = 4
"""N4 works on every fourth pixel: the field is smooth."""


def evened(stack: SliceStack, pixels: WallPixels, intensity: np.ndarray, null_level: float) -> tuple[SliceStack, list[str]]:
    """The stack with the gain of each slice brought to that of all, and sentences about it.

    Gain multiplies the signal above the null level (0 in magnitude images), that of blood and of remote myocardium alike. So a slice's
    factor is the smaller one of the two changes, if both go the same way, shrunk toward 1: blood alone is darker between
    trabeculae, and remote myocardium alone is brighter where there is hardly any of it. A slice that was stored in another scale
    changes both by one large factor; that is taken out entirely.

    intensity: (p,) of the wall's part of each pixel.
    """
    blood = [values - null_level for values in cavity_values_by_slice(stack, pixels)]
    interior = pixels.cover >= INTERIOR_COVER
    wall = [intensity[interior & (pixels.slices == number)] - null_level for number in range(len(stack))]
    enough = [number for number in range(len(stack)) if len(blood[number]) >= FEWEST and len(wall[number]) >= FEWEST]
    if len(enough) < 2:
        return stack, []
    levels = np.array([[float(np.median(blood[number])), remote_statistics(wall[number])[0]] for number in enough])
    if not np.all(levels > 0):
        return stack, []
    change = np.log(levels / np.median(levels, axis=0))
    smaller, larger = np.abs(change).min(axis=1), np.abs(change).max(axis=1)
    together, far = np.prod(change, axis=1) > 0, smaller > np.log(FAR_OFF)
    drift = np.where(together & ~far & (smaller >= NEAR), np.sign(change[:, 0]) * smaller, 0.0) * USUAL**2 / (USUAL**2 + UNSURE**2)
    scale = np.where(together & far & (smaller >= AGREEING * larger), change.mean(axis=1), 0.0)
    if not (drift.any() or scale.any()):
        return stack, []
    gains = np.exp(drift + scale)
    images = [one.pixels for one in stack]
    for number, gain in zip(enough, gains, strict=True):
        images[number] = null_level + (images[number] - null_level) / gain
    changed = [f"{stack.slices[number].label} ({gain:.2f})" for number, gain in zip(enough, gains, strict=True) if abs(gain - 1) > SAID]
    notes = [f"The gain of these slices was brought to that of the others: {', '.join(changed)}."] if changed else []
    return stack.with_pixels(images), notes


def without_bias_field(stack: SliceStack, null_level: float | None) -> SliceStack:
    """The stack after N4 bias field correction (Tustison et al. 2010, IEEE TMI 29:1310) of each slice, by SimpleITK.

    Raises BadEvidence for PSIR: N4 takes logarithms of the intensities, and those of PSIR have a sign.
    """
    if null_level is not None:
        raise BadEvidence("The bias field of PSIR images cannot be corrected by N4, which needs magnitudes; choose the bias field none.")
    images = []
    for one in stack:
        image = sitk.GetImageFromArray(np.maximum(np.nan_to_num(one.pixels), 0).astype(np.float32))
        mask = sitk.OtsuThreshold(image, 0, 1, 200)
        corrector = sitk.N4BiasFieldCorrectionImageFilter()
        corrector.SetMaximumNumberOfIterations([30, 20])
        shrink = [min(SHRINK, max(1, size // 16)) for size in image.GetSize()]
        try:
            corrector.Execute(sitk.Shrink(image, shrink), sitk.Shrink(mask, shrink))
        except RuntimeError:
            images.append(one.pixels)  # nothing but background
            continue
        field = sitk.GetArrayFromImage(corrector.GetLogBiasFieldAsImage(image)).astype(np.float64)
        middle = float(np.median(field[sitk.GetArrayFromImage(mask) > 0]))
        images.append(one.pixels / np.exp(field - middle))
    return stack.with_pixels(images)
