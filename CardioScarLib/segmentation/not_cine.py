"""Whether images look like a cine, in which the network finds a heart as well, and where what it calls scar is none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.segmentation.classes import CAVITY, WALL

EDGE = 1.5
"""mm of wall and cavity that are left out at their borders, where pixels hold both."""
AROUND = (4.0, 25.0)
"""mm from the heart: what is compared with the wall."""
LEAST = 20
"""Pixels of cavity and of wall, without their borders, of a slice that counts."""
BRIGHT = 0.03
"""Share of the wall that is brighter than half way to blood, below which an image may be a cine: in LGE noise and scar are."""
DARKER = 0.35
"""Share of what lies around the heart that is darker than the wall, above which an image may be a cine: LGE nulls the wall, so that
hardly anything is."""


def looks_like_cine(image: SliceStack, labels: Sequence[np.ndarray]) -> str | None:
    """A sentence where the wall is evenly gray and brighter than lung and air, as in a cine; None for LGE, and where nothing can be told.

    labels: (rows, columns) classes of each slice. Medians over slices. The limits lie between the simulated LGE hearts and the cine and
    LGE stacks of patients of docs/measurements/segmentation.md; LGE of a heart without scar and with hardly any noise may look so, too.
    """
    seen = [shares for one, found in zip(image, labels, strict=True) if (shares := _shares(one, found)) is not None]
    if not seen:
        return None
    bright, darker = np.median(seen, axis=0)
    if bright > BRIGHT or darker < DARKER:
        return None
    return (
        f"The images look like a cine, not like LGE: {bright:.0%} of the wall is brighter than half way to blood, and {darker:.0%} of what "
        "lies around the heart is darker than the wall; on a cine, what is labeled scar is none."
    )


def _shares(one: Slice, labels: np.ndarray) -> tuple[float, float] | None:
    """Bright share of the wall, and share of the surroundings that is darker than the wall."""
    pixels = one.pixels.astype(float)
    spacing = one.spacing
    cavity, wall = labels == CAVITY, np.isin(labels, WALL)
    blood, muscle = (pixels[mask & (ndimage.distance_transform_edt(mask, sampling=spacing) > EDGE)] for mask in (cavity, wall))
    if min(len(blood), len(muscle)) < LEAST:
        return None
    away = ndimage.distance_transform_edt(~(cavity | wall), sampling=spacing)
    around = pixels[(away > AROUND[0]) & (away < AROUND[1])]
    gray, level = float(np.median(muscle)), float(np.median(blood))
    if len(around) < LEAST or level <= gray:
        return None
    return float(np.mean(muscle > 0.5 * (gray + level))), float(np.mean(around < gray))
