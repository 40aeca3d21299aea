"""Square views of slices, turned the same way for every heart, so that the order in which an image stores its axes does not matter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import ndimage

from CardioScarLib.core.grids import turned_like
from CardioScarLib.core.slices import Slice, SliceStack

TOWARD_BASE = np.array([-0.58, 0.61, 0.54])
"""LPS, not quite a unit vector: from the apex to the base of an average heart, right, posterior and superior."""
NEIGHBOR_AT, NEIGHBOR_WITHIN = 10.0, (4.0, 16.0)
"""mm along the normal: the slice nearest to the first distance counts as the neighbor, if its distance is within the two others."""
ROUNDING = 1e-6
"""Pixels: places are rounded to this, as two ways to store one image differ in the last digits of their origins."""


def directions(normal: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unit vectors of the rows' step, the columns' step and the normal of a view of planes with this normal, LPS.

    The normal points to the base of an average heart, columns run to the patient's left as far as the plane allows, and rows follow
    from them right-handed. A sagittal plane, in which nothing runs to the left, has its columns run to posterior.
    """
    toward = float(normal @ TOWARD_BASE)
    normal = normal if toward > 0 else -normal
    first = np.eye(3)[0] if abs(normal[0]) < 0.95 else np.eye(3)[1]
    column = first - (first @ normal) * normal
    column /= np.linalg.norm(column)
    return np.cross(normal, column), column, normal


def view(one: Slice, center: np.ndarray, spacing: float, size: int, order: int = 1) -> Slice:
    """The pixels of a slice on a square of size x size pixels around a point, turned as `directions` says; NaN outside the image, and where
    it was padded.

    center: (3,) LPS mm, which is projected onto the plane. spacing: mm. order: 1 interpolates linearly, after smoothing where the
    pixels of the image are finer than those of the view; 0 takes the nearest pixel, for labels.
    """
    rows, columns, _ = directions(one.normal)
    on_plane = center - ((center - one.origin) @ one.normal) * one.normal
    origin = on_plane - 0.5 * (size - 1) * spacing * (rows + columns)
    square = Slice(np.zeros((size, size)), origin, spacing * rows, spacing * columns, one.thickness, one.label, one.source)
    one = turned_like(square, one)  # so that every storage gives the very same numbers, to the last bit
    pixels = one.pixels
    if order and spacing > max(one.spacing):
        pixels = ndimage.gaussian_filter(pixels, [0.3 * spacing / step for step in one.spacing], mode="nearest")
    index = _index(one, square)
    low, high = _shown(one.pixels) if order else (np.zeros(2), np.array(pixels.shape))
    inside = np.all((index >= low[:, None, None] - 0.5) & (index <= high[:, None, None] - 0.5), axis=0)
    values = ndimage.map_coordinates(pixels, index, order=order, mode="nearest")
    return replace(square, pixels=np.where(inside, values, np.nan))


def back_on(one: Slice, square: Slice, channels: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """(c, rows, columns) of channels, (c, size, size) on a view, at the pixels of the slice; linear.

    outside: (c,) values where the view does not reach.
    """
    index = _index(square, one)
    values = np.stack([ndimage.map_coordinates(channel, index, order=1, mode="nearest") for channel in channels])
    inside = np.all((index >= -0.5) & (index <= np.array(channels.shape[1:])[:, None, None] - 0.5), axis=0)
    return np.where(inside, values, outside[:, None, None])


def neighbors(stack: SliceStack, group: Sequence[int]) -> list[tuple[int | None, int | None]]:
    """For each slice of a group of parallel ones, the numbers of its neighbors toward apex and base; None where there is none."""
    normal = directions(stack.slices[group[0]].normal)[2]
    heights = np.array([stack.slices[number].center @ normal for number in group])
    return [(_neighbor(heights - here, group, -1), _neighbor(heights - here, group, 1)) for here in heights]


def _neighbor(away: np.ndarray, group: Sequence[int], sign: int) -> int | None:
    distance = np.round(sign * away, 3)
    fits = (distance >= NEIGHBOR_WITHIN[0]) & (distance <= NEIGHBOR_WITHIN[1])
    if not fits.any():
        return None
    return group[int(np.where(fits, np.abs(distance - NEIGHBOR_AT), np.inf).argmin())]


def _shown(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(2,) first row and column that show something, and (2,) those after the last: images are padded with rows of one value."""
    ends = []
    for axis in (1, 0):
        telling = np.flatnonzero(np.ptp(pixels, axis=axis) > 0)
        ends.append((telling[0], telling[-1] + 1) if len(telling) else (0, 0))
    return np.array([first for first, _ in ends]), np.array([last for _, last in ends])


def _index(one: Slice, square: Slice) -> np.ndarray:
    """(2, rows, columns) of the second: where its pixels lie in the first, in pixels."""
    shape = square.pixels.shape
    places = np.indices(shape).reshape(2, -1)
    index = one.to_index(square.to_points(*places))[:, :2].T
    return np.round(index / ROUNDING).reshape(2, *shape) * ROUNDING
