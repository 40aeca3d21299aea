"""Label maps on the pixels of an image, however their rows, columns and slices are stored."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from CardioScarLib.core.errors import BadStack
from CardioScarLib.core.slices import Slice, SliceStack

SAME_PIXEL = 0.1
"""Of a pixel: a mask whose pixels lie farther than this from the image's is on another grid."""


def on_grid(stack: SliceStack, mask: SliceStack) -> SliceStack:
    """The mask in the order of slices, rows and columns of the stack, with its planes and thickness.

    Programs store one and the same grid in several ways: NIfTI files of dcm2niix have the rows of DICOM the other way round.
    Raises BadStack for pixels in other places.
    """
    if len(mask) != len(stack):
        raise BadStack(f"The mask has {len(mask)} slices and the image {len(stack)}; they must be on the same grid.")
    left = list(mask)
    found = []
    for one in stack:
        away = [round(float(np.linalg.norm(other.center - one.center)), 3) for other in left]
        nearest = left[int(np.argmin(away))]
        left.remove(nearest)
        found.append(turned_like(one, nearest))
    return stack.with_pixels([_pixels_on(one, other) for one, other in zip(stack, found, strict=True)])


def turned_like(one: Slice, other: Slice) -> Slice:
    """`other` with its rows and columns along those of `one`, where they run along its axes at all."""
    if abs(other.row_step @ one.row_step) < abs(other.column_step @ one.row_step):
        other = replace(other, pixels=other.pixels.T, row_step=other.column_step, column_step=other.row_step)
    rows, columns = other.pixels.shape
    if other.row_step @ one.row_step < 0:
        there = other.to_points(np.array([rows - 1]), np.array([0]))[0]
        other = replace(other, pixels=other.pixels[::-1], origin=there, row_step=-other.row_step)
    if other.column_step @ one.column_step < 0:
        there = other.to_points(np.array([0]), np.array([columns - 1]))[0]
        other = replace(other, pixels=other.pixels[:, ::-1], origin=there, column_step=-other.column_step)
    return other


def _pixels_on(one: Slice, other: Slice) -> np.ndarray:
    """The pixels of `other`; BadStack unless they are those of `one`."""
    if other.pixels.shape != one.pixels.shape:
        sizes = [f"{columns} x {rows}" for rows, columns in (other.pixels.shape, one.pixels.shape)]
        raise BadStack(f"The mask has slices of {sizes[0]} pixels and the image of {sizes[1]}; they must be on the same grid.")
    rows, columns = one.pixels.shape
    corners = np.array([0, 0, rows - 1, rows - 1]), np.array([0, columns - 1, 0, columns - 1])
    apart = float(np.linalg.norm(other.to_points(*corners) - one.to_points(*corners), axis=1).max())
    if apart > SAME_PIXEL * min(one.spacing):
        raise BadStack(f"The mask lies up to {apart:.3g} mm from the image's pixels ({one.label}); they must be on the same grid.")
    return other.pixels
