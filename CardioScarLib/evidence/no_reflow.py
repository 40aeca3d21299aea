"""Dark cores without reflow: microvascular obstruction, which is scar although no contrast agent has reached it."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall_pixels import WallPixels
from CardioScarLib.evidence.constants import EVIDENCE

BRIDGE = 3
"""Pixels of margin, so that closing does not stop at the image's edge."""
FEWEST = 2


def find_no_reflow(stack: SliceStack, pixels: WallPixels, scar: np.ndarray, cavities: tuple[np.ndarray, ...]) -> np.ndarray:
    """(p,) bool: pixels of the wall that scar encloses in their slice, or scar and the cavity together.

    After Hsu et al. 2006 (JMRI 23:298) and Heiberg et al. 2008 (Radiology 246:581), who count dark regions that infarct and
    endocardium enclose. Gaps of one pixel in the enclosing scar are closed; most of a core's edge must be scar.

    scar: (p,) bool, bright scar. cavities: of each slice (rows, columns) bool.
    """
    found = np.zeros(len(pixels), dtype=bool)
    for number in np.unique(pixels.slices[scar]):
        here = pixels.slices == number
        rows, columns = pixels.rows[here], pixels.columns[here]
        wall = pixels.image(stack, number, pixels.cover >= 0.5, False)
        bright = pixels.image(stack, number, scar, False)
        closed = ndimage.binary_closing(np.pad(bright | cavities[number], BRIDGE), np.ones((3, 3)))[BRIDGE:-BRIDGE, BRIDGE:-BRIDGE]
        cores, count = ndimage.label(ndimage.binary_fill_holes(closed) & wall & ~bright)
        for core in range(1, count + 1):
            dark = cores == core
            edge = ndimage.binary_dilation(dark, np.ones((3, 3))) & ~dark
            if np.count_nonzero(dark) >= FEWEST and np.count_nonzero(edge & bright) >= EVIDENCE.enclosed * np.count_nonzero(edge):
                found[here] |= dark[rows, columns]
    return found
