"""The borders of the myocardium in an LGE image: where the brightness increases outward."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from CardioScarLib.alignment.outline import BorderPoints, Outline
from CardioScarLib.alignment.outlined import covered
from CardioScarLib.core.errors import BadAlignment
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.geometry.quadrature import sub_points

COARSE = 1.0
"""mm^3 of wall per point."""
BESIDE = 5.0
"""mm around the wall in which the image must not be blank."""
DEEP = 3.0
"""mm from the wall at which the cavity is blood in any breath-hold."""
FEWEST_PIXELS = 50
BLANK = 0.3
"""Share of the surroundings that may be missing or of one value."""
CONTRAST = 2.0
"""Blood is brighter than muscle by at least this many of their joint SDs."""
REACH, STEP = 7.0, 0.5
"""mm to either side of the outline in which an edge is sought, and between samples."""
SIDE = 3.0
"""mm to either side of an edge over which the brightness is averaged."""
LEAST_STEP = 0.35
"""Of the step from muscle to blood: weaker edges are ignored."""
NEAR = 4.0
"""mm: SD of the distance at which an edge is expected; further ones count less."""
SEARCH_STEP = 1.0
HOMESICK = 0.1
"""What the largest shift costs in the search, in steps from muscle to blood."""


@dataclass(frozen=True, eq=False)
class Brightness:
    """An LGE slice on a scale where remote muscle is 0 and blood 1, cut off at -0.5 and 1; NaN where the image has none."""

    one: Slice
    values: np.ndarray

    def at(self, places: np.ndarray) -> np.ndarray:
        """(...,) brightness at (..., 2) mm along rows and columns; NaN outside the image."""
        index = np.moveaxis(places / self.one.spacing, -1, 0)
        return ndimage.map_coordinates(self.values, index, order=1, mode="constant", cval=np.nan)


def brightness(stack: SliceStack, wall: Wall) -> list[Brightness]:
    """Every slice, on the scale of blood and muscle as found with the wall in all slices together.

    Raises BadAlignment if the image is blank around the wall, or has no contrast between blood and muscle.
    """
    points = sub_points(wall, stack, COARSE)[0]
    on_muscle, on_blood, blank, around = [], [], 0, 0
    for one in stack:
        on = covered(one, points)
        if not on.any():
            continue
        apart = ndimage.distance_transform_edt(~on, sampling=one.spacing)
        cavity = ndimage.binary_fill_holes(on) & ~on
        finite = np.isfinite(one.pixels)
        filled = np.where(finite, one.pixels, 0.0)
        flat = ndimage.maximum_filter(filled, 3) == ndimage.minimum_filter(filled, 3)
        beside = (apart > 0) & (apart <= BESIDE)
        around += int(np.count_nonzero(beside))
        blank += int(np.count_nonzero(beside & (flat | ~finite)))
        on_muscle.append(one.pixels[on & finite])
        on_blood.append(one.pixels[cavity & (apart > DEEP) & finite])
    if around == 0 or blank > BLANK * around:
        raise BadAlignment(
            "The image is blank around the myocardium, as scar values and label maps are; alignment by the image needs LGE intensities."
        )
    muscle, blood = np.concatenate(on_muscle), np.concatenate(on_blood)
    if len(blood) < FEWEST_PIXELS:
        raise BadAlignment(
            "No slice shows a cavity enclosed by the LV wall, so blood and myocardium cannot be distinguished; align by contours or a mask."
        )
    remote, spread = _darker(muscle)
    level = float(np.median(blood))
    noise = float(np.hypot(spread, 1.4826 * np.median(np.abs(blood - level))))
    if level - remote <= CONTRAST * noise:
        raise BadAlignment(
            f"Blood ({level:.4g}) is not clearly brighter than myocardium ({remote:.4g}, noise {noise:.3g}) in this image, so the "
            "borders of the myocardium are not visible; align by contours or a mask."
        )
    return [Brightness(one, np.clip((one.pixels - remote) / (level - remote), -0.5, 1.0)) for one in stack]


def _darker(values: np.ndarray) -> tuple[float, float]:
    """Center and SD of the muscle without scar and blood: the lower third lies below it in the mean, whatever lies above."""
    low, middle = np.percentile(values, [10, 35])
    return float(middle), float(middle - low) / 0.9


def edges(image: Brightness, line: Outline, shift: np.ndarray) -> BorderPoints:
    """Border points of a slice, near the outline if the slice were moved by (2,) shift, mm.

    A step to brighter out of the wall is sought across the outline, as for active shape models (Cootes et al. 1995):
    blood, fat and the right ventricle are brighter than nulled muscle. Scar is as bright as blood, so that a scarred border
    shows no step, and the one behind it is outvoted by the rest.
    """
    along = np.arange(-REACH - SIDE, REACH + SIDE + 0.5 * STEP, STEP)
    values = image.at((line.places - shift)[:, None] + along[:, None] * line.normals[:, None])
    wide = round(SIDE / STEP)
    sums = np.cumsum(np.pad(values, [(0, 0), (1, 0)]), axis=1)
    means = (sums[:, wide:] - sums[:, :-wide]) / wide
    step = means[:, wide:] - means[:, :-wide]  # between samples wide - 1 and wide, and so on
    place = along[wide : wide + step.shape[1]] - 0.5 * STEP
    score = np.nan_to_num(step, nan=-1.0) * np.exp(-0.5 * (place / NEAR) ** 2)
    best = np.clip(score.argmax(axis=1), 1, len(place) - 2)
    row = np.arange(len(best))
    before, at, after = (score[row, best + turn] for turn in (-1, 0, 1))
    bend = before - 2 * at + after
    finer = np.where(bend < 0, 0.5 * (before - after) / np.minimum(bend, -1e-9), 0.0)
    offset = place[best] + STEP * np.clip(finer, -1, 1)
    strength = np.nan_to_num(step[row, best])
    seen = strength > LEAST_STEP
    places = (line.places - shift + offset[:, None] * line.normals)[seen]
    return BorderPoints(places, line.normals[seen], line.lengths[seen] * np.minimum(strength[seen], 1.0))


def searched(image: Brightness, line: Outline, largest: float) -> np.ndarray | None:
    """The shift on a grid at which the image is most of all brighter outside the outline than inside."""
    if not len(line):
        return None
    every = -(-len(line) // 150)
    places, normals = line.places[::every], line.normals[::every]
    along = np.arange(-np.floor(largest / SEARCH_STEP), np.floor(largest / SEARCH_STEP) + 1) * SEARCH_STEP
    tried = np.array([(row, column) for row in along for column in along if np.hypot(row, column) <= largest])
    step = 0.0
    for far in (0.5 * SIDE, SIDE):
        outside, inside = (image.at(places + side * far * normals - tried[:, None]) for side in (1, -1))
        step = step + 0.5 * (outside - inside)
    known = np.isfinite(step)
    if not known.any():
        return None
    score = np.where(known, step, 0.0).sum(axis=1) / len(places) - HOMESICK * np.sum(tried**2, axis=1) / largest**2
    return tried[int(np.argmax(score))]
