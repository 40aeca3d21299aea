"""The grid that the networks see, and the way back to the grid of the image."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

SIZE = (64, 64, 56)
"""Voxels along the patient's left-right, front-back and foot-head axes, as in the program of Nemati 2025."""
SPACING = 4.0
"""mm, whatever the image has."""


def canonical_grid(center: np.ndarray, size: tuple[int, int, int] = SIZE) -> sitk.Image:
    """An empty image with axes along those of the patient. center: (3,) LPS mm of its middle."""
    grid = sitk.Image(list(size), sitk.sitkFloat32)
    grid.SetSpacing([SPACING] * 3)
    grid.SetOrigin([float(one) for one in np.asarray(center) - 0.5 * SPACING * (np.array(size) - 1)])
    return grid


def covering_grid(image: sitk.Image) -> sitk.Image:
    """A canonical grid that holds all of an image, and the network's size at least."""
    corners = np.array([image.TransformContinuousIndexToPhysicalPoint(one) for one in _corners(image)])
    low, high = corners.min(axis=0), corners.max(axis=0)
    i, j, k = (int(one) for one in np.maximum(np.ceil((high - low) / SPACING), SIZE))
    return canonical_grid(0.5 * (low + high), (i, j, k))


def onto(image: sitk.Image, grid: sitk.Image, nearest: bool = False) -> np.ndarray:
    """(k, j, i) float32 values of an image on another grid, by linear interpolation; 0 outside."""
    method = sitk.sitkNearestNeighbor if nearest else sitk.sitkLinear
    moved = sitk.Resample(sitk.Cast(image, sitk.sitkFloat32), grid, sitk.Transform(), method, 0.0, sitk.sitkFloat32)
    return sitk.GetArrayFromImage(moved)


def back(values: np.ndarray, grid: sitk.Image, image: sitk.Image) -> np.ndarray:
    """(k, j, i) float32 values on the canonical grid, on the grid of the image they belong to; 0 where the canonical one ends.

    Voxels of the image that are larger than canonical ones get the mean over several places in them.
    """
    made = sitk.GetImageFromArray(values.astype(np.float32))
    made.CopyInformation(grid)
    parts = np.maximum(1, np.rint(np.array(image.GetSpacing()) / SPACING)).astype(int)
    if (parts == 1).all():
        return onto(made, image)
    finer = sitk.Image([int(one) for one in parts * image.GetSize()], sitk.sitkFloat32)
    finer.SetSpacing([float(one) for one in np.array(image.GetSpacing()) / parts])
    finer.SetDirection(image.GetDirection())
    finer.SetOrigin(image.TransformContinuousIndexToPhysicalPoint([float(one) for one in 0.5 / parts - 0.5]))
    return sitk.GetArrayFromImage(sitk.BinShrink(_with_values(onto(made, finer), finer), [int(one) for one in parts]))


def _with_values(values: np.ndarray, grid: sitk.Image) -> sitk.Image:
    made = sitk.GetImageFromArray(values)
    made.CopyInformation(grid)
    return made


def _corners(image: sitk.Image) -> list[list[float]]:
    size = image.GetSize()
    return [[-0.5 + take * size[axis] for axis, take in enumerate(bits)] for bits in np.ndindex(2, 2, 2)]
