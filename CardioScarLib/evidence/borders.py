"""How deep each pixel lies in the wall, by the contours and by the image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.core.wall_pixels import WallPixels
from CardioScarLib.evidence.constants import EVIDENCE

SECTORS = 24
FEWEST_CAVITY = 12
"""Pixels: a smaller cavity shows no border."""
STEP, FARTHEST = 0.25, 3.5
"""mm: what offsets of the border are tried."""
BLUR = 0.35
"""Pixels over which the image of a sharp border rises."""
LOOKED_FOR = 0.004
"""Cost of an offset of 1.5 mm, in squares of the contrast: without a border in the image the contour holds."""


@dataclass(frozen=True, eq=False)
class Borders:
    """endocardium, epicardium: (p,) mm from the pixel's center to either border, negative beyond it; the endocardium is infinitely
    far in slices that show no enclosed cavity. pixel: (p,) mm. cavities: of each slice (rows, columns) bool.
    """

    endocardium: np.ndarray
    epicardium: np.ndarray
    pixel: np.ndarray
    cavities: tuple[np.ndarray, ...]

    def inside(self, depth: float) -> np.ndarray:
        """(p,) bool: farther than `depth` pixels from both borders."""
        return (self.endocardium >= depth * self.pixel) & (self.epicardium >= depth * self.pixel)


def find_borders(stack: SliceStack, pixels: WallPixels) -> Borders:
    """Borders of the wall in every slice.

    Contours drawn on other images, or a slice shifted by breathing, put a crescent of blood into the wall on one side. So the
    border between blood and wall is looked for in the image, in 24 sectors, and a circle's shift and widening are fitted to what
    they show, trusting what moves inward more than what moves outward: scar at the endocardium looks like blood. A pixel's
    depth is the smaller one of that by the contour and that by the image.
    """
    count = len(pixels)
    endocardium, epicardium, size = np.full(count, np.inf), np.full(count, np.inf), np.ones(count)
    cavities = []
    for number, one in enumerate(stack):
        here = pixels.slices == number
        rows, columns = pixels.rows[here], pixels.columns[here]
        size[here] = pixel = float(np.mean(one.spacing))
        touched, wall = np.zeros((2, *one.pixels.shape), dtype=bool)
        touched[rows, columns] = True
        wall[rows, columns] = pixels.cover[here] >= 0.5
        cavity = _largest(ndimage.binary_fill_holes(wall) & ~wall & ndimage.binary_fill_holes(touched))
        cavities.append(cavity)
        from_cavity, from_outside = (_distance(mask, one.spacing, pixel) for mask in (cavity, ~wall & ~cavity))
        epicardium[here] = from_outside[rows, columns]
        if not cavity.any():
            continue
        endocardium[here] = from_cavity[rows, columns]
        if np.count_nonzero(cavity) >= FEWEST_CAVITY:
            angle = _angle(cavity, one)
            offset = _offset(one, cavity, from_cavity, from_outside, angle, pixel)
            wider = max(offset[0], 0.0)
            shift = (offset[1] * np.cos(angle) + offset[2] * np.sin(angle))[rows, columns]
            endocardium[here] = np.minimum(endocardium[here], endocardium[here] - wider - shift)
            epicardium[here] = np.minimum(epicardium[here], epicardium[here] + shift)
    return Borders(endocardium, epicardium, size, tuple(cavities))


def _largest(mask: np.ndarray) -> np.ndarray:
    labels, count = ndimage.label(mask)
    if count < 2:
        return mask
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return labels == sizes.argmax()


def _distance(mask: np.ndarray, spacing: tuple[float, float], pixel: float) -> np.ndarray:
    """mm from a mask's edge, negative inside it; infinite where there is no mask."""
    if not mask.any():
        return np.full(mask.shape, np.inf)
    outside, inside = (ndimage.distance_transform_edt(part, sampling=spacing) for part in (~mask, mask))
    return np.where(mask, 0.5 * pixel - inside, outside - 0.5 * pixel)


def _angle(cavity: np.ndarray, one: Slice) -> np.ndarray:
    """(rows, columns) radians around the cavity's middle."""
    indices = np.indices(cavity.shape)
    down, right = indices[0] * one.spacing[0], indices[1] * one.spacing[1]
    return np.arctan2(down - down[cavity].mean(), right - right[cavity].mean())


def _offset(one: Slice, cavity: np.ndarray, depth: np.ndarray, outward: np.ndarray, angle: np.ndarray, pixel: float) -> np.ndarray:
    """(3,) mm by which the image's border of blood lies outside of the contour: all around, and its cosine and sine parts."""
    image = one.pixels
    seen = np.isfinite(image)
    middle = cavity & (depth <= -pixel) & seen
    inner = (depth > 0.8 * pixel) & (outward > 0.8 * pixel) & seen
    if np.count_nonzero(inner) < 20 or np.count_nonzero(middle) < 5:
        return np.zeros(3)
    blood, remote = float(np.median(image[middle])), float(np.percentile(image[inner], 30))
    if blood <= remote:
        return np.zeros(3)
    share = np.clip((np.where(seen, image, remote) - remote) / (blood - remote), -0.3, 1.3)
    near = (np.abs(depth) < EVIDENCE.reach) & (outward > 0.3 * pixel) & seen
    sector = ((angle + np.pi) / (2 * np.pi) * SECTORS).astype(int) % SECTORS
    tried = np.arange(-FARTHEST, FARTHEST + STEP / 2, STEP)
    found, where = [], []
    for number in range(SECTORS):
        chosen = near & (sector == number)
        if np.count_nonzero(chosen) < 4:
            continue
        expected = 1 / (1 + np.exp((depth[chosen] - tried[:, None]) / (BLUR * pixel)))
        cost = np.mean((share[chosen] - expected) ** 2, axis=1) + LOOKED_FOR * (tried / 1.5) ** 2
        found.append(tried[np.argmin(cost)])
        where.append((number + 0.5) / SECTORS * 2 * np.pi - np.pi)
    if len(found) < SECTORS / 3:
        return np.zeros(3)
    return _robust_circle(np.array(found), np.array(where))


def _robust_circle(found: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Ridge regression of offsets on 1, cosine and sine, in which offsets far outward (scar) hardly count."""
    design = np.column_stack([np.ones_like(where), np.cos(where), np.sin(where)])
    solution, weights = np.zeros(3), np.ones(len(found))
    for _ in range(30):
        new = np.linalg.solve(design.T @ (design * weights[:, None]) + np.eye(3), design.T @ (weights * found))
        residual = found - design @ new
        weights = np.where(residual > 0.75, 1 / (1 + (residual / 0.75) ** 4), 1 / np.maximum(np.abs(residual) / 1.5, 1.0))
        settled = np.abs(new - solution).max() < 1e-4
        solution = new
        if settled:
            break
    return solution
