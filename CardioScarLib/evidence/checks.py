"""What no method can read: pixels that are missing, slices without an image, and saturated images."""

from __future__ import annotations

import numpy as np

from CardioScarLib.core.errors import BadEvidence
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall_pixels import WallPixels

CONSTANT = 1e-6
"""Of the intensity: a smaller range inside the wall is rounding, not tissue."""
FEWEST_LEVELS = 5
MOSTLY = 0.5
SATURATED = 0.02
"""Share of the wall's pixels that may have exactly the highest intensity of all."""
CUT_OFF = 0.1
"""The same for the lowest: nulled myocardium is 0 in some pixels."""


def check_finite(stack: SliceStack, pixels: WallPixels, raw: np.ndarray) -> None:
    bad = ~np.isfinite(raw)
    if bad.any():
        where, counts = np.unique(pixels.slices[bad], return_counts=True)
        listed = ", ".join(f"{count} in {stack.slices[number].label}" for number, count in zip(where, counts, strict=True))
        raise BadEvidence(
            f"{np.count_nonzero(bad)} pixels on the myocardium are NaN or infinite ({listed}); repair the image or leave these slices out."
        )


def is_constant(values: np.ndarray) -> bool:
    return bool(np.ptp(values) <= CONSTANT * np.abs(values).max())


def empty_slices(stack: SliceStack, pixels: WallPixels, raw: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """(p,) bool: pixels in slices that show one intensity all over the wall, as lost or padded slices do; and a sentence about them.

    Raises BadEvidence where all slices do.
    """
    if is_constant(raw):
        raise BadEvidence(f"The image is {raw[0]:g} everywhere in the myocardium; scar cannot be distinguished from it.")
    numbers = [number for number in np.unique(pixels.slices) if is_constant(raw[pixels.slices == number])]
    empty = np.isin(pixels.slices, numbers)
    if empty.all():
        raise BadEvidence("Every slice shows one intensity everywhere in the myocardium; scar cannot be distinguished from it.")
    if not numbers:
        return empty, []
    listed = ", ".join(f"{stack.slices[number].label} ({raw[pixels.slices == number][0]:g})" for number in numbers)
    return empty, [f"These slices show the same intensity everywhere in the wall and were left out: {listed}."]


def saturation(raw: np.ndarray) -> list[str]:
    """A sentence if many pixels have exactly the highest intensity."""
    share = np.count_nonzero(raw == raw.max()) / len(raw)
    if share <= SATURATED:
        return []
    return [
        f"{share:.0%} of the wall's pixels have the highest intensity there is, {raw.max():g}: the image is saturated, and scar "
        "cannot be told from brighter tissue."
    ]


def check_levels(raw: np.ndarray) -> None:
    """Raise BadEvidence for a label map: it has a few values, an image has noise."""
    levels = np.unique(raw)
    if len(levels) < FEWEST_LEVELS:
        listed = ", ".join(f"{level:g}" for level in levels)
        raise BadEvidence(
            f"The wall shows only the values {listed}: these are labels, no LGE intensities; choose the evidence method labels."
        )


def cut_off(raw: np.ndarray) -> list[str]:
    """A sentence if many pixels have exactly the lowest intensity."""
    share = np.count_nonzero(raw == raw.min()) / len(raw)
    if share <= CUT_OFF:
        return []
    return [
        f"{share:.0%} of the wall's pixels have the lowest intensity there is, {raw.min():g}: dark tissue was cut off, or the image has "
        "few gray levels. How much faint scar was lost is not known; use the image as the scanner stored it."
    ]


def check_not_inverted(wall: np.ndarray, remote_mean: float, remote_sd: float, blood: float | None) -> None:
    """Raise BadEvidence where blood is darker than most of the wall and the darker tissue in the wall is the smaller part of it.

    In dark-blood images most of the wall is remote myocardium; in inverted ones it is what is brightest, and scar is dark.

    wall: (k,) intensities of pixels inside the wall.
    """
    dark = np.count_nonzero(wall < remote_mean + 3 * remote_sd) / len(wall)
    if blood is not None and float(np.median(wall)) - blood > 3 * remote_sd and dark < MOSTLY:
        raise BadEvidence(
            f"Blood ({blood:.4g}) is darker than most of the LV wall ({float(np.median(wall)):.4g}), of which {1 - dark:.0%} is bright: "
            "the image may be inverted; multiply its intensities by -1, or check that the wall lies on the myocardium."
        )
