"""Remote myocardium, bright tissue and blood, located by the mesh instead of by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

from CardioScarLib.core.errors import BadEvidence
from CardioScarLib.core.evidence import BRIGHT_SD, Regions
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall_pixels import WallPixels
from CardioScarLib.evidence.checks import is_constant

INTERIOR_COVER = 0.9
"""Pixels that the wall fills at least this much count as myocardium alone."""
SMALLEST_COVER = 0.3
"""Pixels that the wall fills less are ignored."""
FEWEST_PIXELS = 20
"""Fewest pixels for statistics."""
TRIM, TRIM_SHRINKS = 1.5, 0.7426
"""Mean and SD of remote myocardium are taken within this many SD; what that leaves of a normal distribution's SD.
So near, because border zone reaches far into remote intensities: at 2.5 SD the SD of low-contrast images grows by a third."""
CLIP, CLIP_SHRINKS = 2.5, 0.9546
"""The same for the pixels that are called remote."""
LEAST_SD = 0.01
"""Of the range of intensities in the wall: tissue is never more even. Where dark tissue was cut off or the image was rounded to a few
levels, remote pixels are all alike, and anything else would be endlessly far from them."""
BRIGHT_PIXELS = 5
"""... where at least this many such pixels touch in one slice: noise and a lone fat pixel do not."""


def find_regions(stack: SliceStack, pixels: WallPixels) -> Regions:
    """Find remote myocardium, bright tissue and blood.

    Raises BadEvidence for too few pixels, or a wall that is bright all over.
    """
    intensity = wall_intensity(stack, pixels)
    notes: list[str] = []
    interior = pixels.cover >= INTERIOR_COVER
    if np.count_nonzero(interior) < FEWEST_PIXELS:
        interior = pixels.cover >= 0.5
        notes.append(
            f"Few pixels lie entirely in the myocardium; the statistics use the {np.count_nonzero(interior)} that are at least half in it."
        )
    if np.count_nonzero(interior) < FEWEST_PIXELS:
        raise BadEvidence(
            f"Only {np.count_nonzero(interior)} pixels lie inside the myocardium, too few to distinguish scar from remote tissue "
            f"({FEWEST_PIXELS} are needed); check that wall and slices fit, or give a segmentation."
        )

    if is_constant(intensity[interior]):
        raise BadEvidence(
            f"The image is {intensity[interior][0]:g} everywhere inside the myocardium; dark tissue may have been cut off, and scar "
            "cannot be distinguished from it."
        )
    remote_mean, remote_sd = remote_statistics(intensity[interior])
    remote = interior & (np.abs(intensity - remote_mean) <= CLIP * remote_sd)
    blood_values = cavity_values(stack, pixels)
    blood = float(np.median(blood_values)) if len(blood_values) >= FEWEST_PIXELS else None
    if blood is None:
        notes.append("No slice shows a cavity enclosed by the LV wall, so the brightness of blood is unknown.")
    else:
        notes += _check_remote_is_dark(stack, remote_mean, remote_sd, blood)
    bright = bright_tissue(stack, pixels, interior & (intensity > remote_mean + BRIGHT_SD * remote_sd))
    peak = core = None
    if bright.any():
        peak = float(np.percentile(intensity[bright], 95))
        # The upper quartile is dense scar even where half of the bright pixels are partial volume; the median
        # above half of it leaves those out, and is not moved by one slice of another gain.
        dense = float(np.percentile(intensity[bright], 75))
        core = float(np.median(intensity[bright & (intensity >= 0.5 * (remote_mean + dense))]))
    else:
        notes.append("No bright tissue was found in the myocardium: there seems to be no scar.")
    found = Regions(
        intensity, interior, remote, bright, remote_mean, remote_sd,
        _noise_sd(stack, pixels, intensity, interior, remote, remote_sd),
        blood, len(blood_values), core, peak, tuple(notes),
    )  # fmt: skip
    return replace(found, notes=(*notes, *_uneven_slices(stack, pixels, found)))


def wall_intensity(stack: SliceStack, pixels: WallPixels) -> np.ndarray:
    """(p,) intensity of the wall's part of each pixel.

    A pixel of cover c shows c x wall + (1 - c) x outside; the mean of its neighbors (5x5) outside the wall stands
    for the outside, be it blood, fat or lung. Without it, a healthy subendocardium looks like scar. Pixels below
    SMALLEST_COVER, and those without an outside neighbor, are left as they are.
    """
    values = pixels.values(stack)
    result = values.copy()
    kernel = np.ones((5, 5))
    for number, one in enumerate(stack):
        here = np.flatnonzero(pixels.slices == number)
        if len(here) == 0:
            continue
        outside = np.ones(one.pixels.shape)
        outside[pixels.rows[here], pixels.columns[here]] = 0
        usable = np.isfinite(one.pixels)
        outside *= usable
        at = pixels.rows[here], pixels.columns[here]
        count = ndimage.convolve(outside, kernel, mode="constant")[at]
        total = ndimage.convolve(np.where(usable, one.pixels, 0) * outside, kernel, mode="constant")[at]
        cover = pixels.cover[here]
        mixed = (count > 0.5) & (cover >= SMALLEST_COVER) & (cover < 1)
        chosen = here[mixed]
        result[chosen] = (values[chosen] - (1 - cover[mixed]) * total[mixed] / count[mixed]) / cover[mixed]
    return result


def remote_statistics(intensity: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of the darker mode, by iterated clipping at 1.5 SD.

    Starts from the darker of two classes (Otsu 1979) if they stand well apart, else from all pixels. What the
    clipping takes from the standard deviation of a normal distribution is given back. Dark pixels (no-reflow,
    a wall that reaches into the lung) are clipped as bright ones are. The standard deviation is at least LEAST_SD of the range.
    """
    low, high = np.percentile(intensity, [0.5, 99.5])
    trimmed = intensity[(intensity >= low) & (intensity <= high)]
    start = _darker_class(trimmed)
    center, sd = float(np.median(start)), 1.4826 * float(np.median(np.abs(start - np.median(start))))
    if sd == 0:
        sd = float(start.std()) or 1e-3 * float(np.ptp(intensity))
    for _ in range(50):
        kept = intensity[np.abs(intensity - center) <= TRIM * sd]
        if len(kept) < 2:
            break
        new_center, new_sd = float(kept.mean()), float(kept.std()) / TRIM_SHRINKS
        if new_sd == 0:
            break
        settled = abs(new_center - center) < 1e-6 * sd and abs(new_sd - sd) < 1e-6 * sd
        center, sd = new_center, new_sd
        if settled:
            break
    return center, max(sd, LEAST_SD * float(high - low))


def _darker_class(values: np.ndarray) -> np.ndarray:
    """The pixels below the split with the least variance on both sides, or all if no gap shows at the split."""
    ordered = np.sort(values)
    count = np.arange(1, len(ordered))
    cumulative = np.cumsum(ordered)[:-1]
    total = ordered.sum()
    between = (total * count / len(ordered) - cumulative) ** 2 / (count * (len(ordered) - count))
    split = int(np.argmax(between)) + 1
    lower, upper = ordered[:split], ordered[split:]
    spread = np.hypot(lower.std(), upper.std())
    # The halves of one normal distribution stand 1.9 joint SDs apart; two modes stand further.
    return lower if upper.mean() - lower.mean() > 2.5 * spread else ordered


def cavity_values(stack: SliceStack, pixels: WallPixels) -> np.ndarray:
    """Intensities enclosed by the wall in their slice, one pixel away from it (partial volume)."""
    return np.concatenate(cavity_values_by_slice(stack, pixels))


def cavity_values_by_slice(stack: SliceStack, pixels: WallPixels) -> list[np.ndarray]:
    """The same, of each slice."""
    values = []
    for number, one in enumerate(stack):
        wall = pixels.image(stack, number, np.ones(len(pixels), dtype=bool), outside=False)
        cavity = ndimage.binary_fill_holes(wall) & ~wall
        cavity = ndimage.binary_erosion(cavity, np.ones((3, 3)))
        values.append(one.pixels[cavity & np.isfinite(one.pixels)])
    return values


def bright_tissue(stack: SliceStack, pixels: WallPixels, candidates: np.ndarray) -> np.ndarray:
    """(p,) bool: candidates in patches of at least BRIGHT_PIXELS within their slice."""
    result = np.zeros(len(pixels), dtype=bool)
    for number in np.unique(pixels.slices[candidates]):
        patches, _ = ndimage.label(pixels.image(stack, number, candidates, outside=False), np.ones((3, 3)))
        large = np.bincount(patches.ravel()) >= BRIGHT_PIXELS
        large[0] = False
        here = pixels.slices == number
        result[here] = large[patches[pixels.rows[here], pixels.columns[here]]]
    return result


def _check_remote_is_dark(stack: SliceStack, remote_mean: float, remote_sd: float, blood: float) -> list[str]:
    """No note if remote myocardium is darker than blood by its SD; otherwise a note, or BadEvidence."""
    if remote_mean <= blood - remote_sd:
        return []
    everything = np.concatenate([one.pixels[np.isfinite(one.pixels)] for one in stack])
    # Dark-blood LGE nulls both; then neither lies in the upper half of the image's range.
    if remote_mean > float(np.percentile(everything, [1, 99]).mean()):
        raise BadEvidence(
            f"No remote (dark) myocardium was found: the darkest part of the LV wall ({remote_mean:.4g}) is as bright as the blood "
            f"({blood:.4g}); check that the LV model lies on the myocardium, and that these are LGE images and not inverted ones."
        )
    if remote_mean - blood > BRIGHT_SD * remote_sd:
        return [
            f"Blood ({blood:.4g}) is darker than remote myocardium ({remote_mean:.4g}). Dark-blood LGE looks like that, and so does an "
            "inverted image, whose scar is dark and is not found."
        ]
    return [
        f"Remote myocardium ({remote_mean:.4g}, SD {remote_sd:.3g}) is not clearly darker than blood ({blood:.4g}): "
        "unless this is dark-blood LGE, the LV model may not lie on the myocardium."
    ]


def _noise_sd(
    stack: SliceStack, pixels: WallPixels, intensity: np.ndarray, interior: np.ndarray, remote: np.ndarray, remote_sd: float
) -> float:
    """SD of remote pixels against the mean of their 5x5 neighbors in the wall, where all of those are remote.

    Interpolated images have correlated noise, of which this sees only a part; the noise of magnitude images is
    Rician (Gudbjartsson and Patz 1995), normal well above the background, narrower and lifted near it.
    """
    kernel = np.ones((5, 5))
    by_slice = []
    for number in np.unique(pixels.slices[remote]):
        here = (pixels.slices == number) & remote
        inside = pixels.image(stack, number, interior.astype(float))
        calm = pixels.image(stack, number, remote.astype(float))
        centered = pixels.image(stack, number, np.where(remote, intensity - intensity[remote].mean(), 0.0))
        at = pixels.rows[here], pixels.columns[here]
        count = ndimage.convolve(inside, kernel, mode="constant")[at].round()
        agreeing = ndimage.convolve(calm, kernel, mode="constant")[at].round()
        total = ndimage.convolve(centered, kernel, mode="constant")[at]
        whole = (count >= 10) & (agreeing == count)
        residual = centered[at][whole] - total[whole] / count[whole]
        by_slice.append(residual**2 / (1 - 1 / count[whole]))
    squares = np.concatenate(by_slice) if by_slice else np.empty(0)
    return float(np.sqrt(squares.mean())) / CLIP_SHRINKS if len(squares) >= FEWEST_PIXELS else remote_sd


def _uneven_slices(stack: SliceStack, pixels: WallPixels, found: Regions) -> list[str]:
    """Slices whose own remote level is off by more than a quarter of the contrast; one threshold still serves all."""
    contrast = found.full_scale - found.remote_mean
    off = []
    for number, one in enumerate(stack):
        values = found.intensity[found.interior & (pixels.slices == number)]
        if len(values) >= FEWEST_PIXELS and np.ptp(values) > 0:
            level = remote_statistics(values)[0]
            if abs(level - found.remote_mean) > 0.25 * contrast:
                off.append(f"{one.label} ({level:.4g})")
    if not off:
        return []
    return [
        f"Remote myocardium is at {found.remote_mean:.4g} overall, but differs by more than a quarter of the contrast in "
        f"{', '.join(off)}: the gain differs, or there is hardly any remote tissue there; methods with one threshold use it for all slices."
    ]
