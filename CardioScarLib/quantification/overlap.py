"""Overlap and distance of scar regions on one wall, by DeepMind's surface-distance (Nikolov et al. 2021, arXiv:1809.04430).

Regions are where a map, interpolated in the tetrahedra, is above 0.5, on a grid of voxels. Their surface is all of their
border, the wall's own surfaces included where scar reaches them.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonDataModel import VTK_TETRA, vtkImageData
from vtkmodules.vtkFiltersCore import vtkProbeFilter

from CardioScarLib.core.errors import MissingPackage
from CardioScarLib.core.wall import Wall
from CardioScarLib.io.vtk_files import grid_from

VOXEL = 1.0
"""mm. The library's borders are a voxel thick, so distances come out up to half a voxel too small, alike for all methods."""
PERCENT = 95


def overlap_scores(wall: Wall, truth: np.ndarray, mean: np.ndarray) -> dict[str, float]:
    """dice; assd and hd95 in mm; {} where there is no true scar, and dice 0 alone where no scar is found.

    truth, mean: (n,) at the wall's nodes. assd: average symmetric surface distance, the mean of both directions by area.
    hd95: the larger of both directions' 95th percentiles by area. Raises MissingPackage without surface-distance.
    """
    surface_distance = _library()
    true, found = regions(wall, [truth, mean])
    if not true.any():
        return {}
    if not found.any():
        return {"dice": 0.0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it names scipy.ndimage's functions as scipy 1 still knows them
        distances = surface_distance.compute_surface_distances(true, found, (VOXEL,) * 3)
    ways = (("gt_to_pred", "gt"), ("pred_to_gt", "pred"))
    both = [(distances[f"distances_{way}"], distances[f"surfel_areas_{side}"]) for way, side in ways]
    area = sum(float(areas.sum()) for _, areas in both)
    return {
        "dice": float(surface_distance.compute_dice_coefficient(true, found)),
        "assd": sum(float(way @ areas) for way, areas in both) / area,
        "hd95": float(surface_distance.compute_robust_hausdorff(distances, PERCENT)),
    }


def regions(wall: Wall, maps: list[np.ndarray]) -> list[np.ndarray]:
    """(i, j, k) bool masks of where each map, (n,) at the wall's nodes, is above 0.5, all on the same voxels."""
    count = len(wall.tetrahedra)
    grid = grid_from(wall.nodes, np.full(count, VTK_TETRA), np.arange(0, 4 * count + 1, 4), wall.tetrahedra.ravel())
    for number, values in enumerate(maps):
        array = numpy_to_vtk(np.ascontiguousarray(values, dtype=np.float64), deep=True)  # type: ignore[no-untyped-call]
        array.SetName(str(number))
        grid.GetPointData().AddArray(array)
    low, high = wall.bounds
    size = np.ceil((high - low) / VOXEL).astype(int) + 3
    image = vtkImageData()
    image.SetOrigin(*(low - VOXEL))
    image.SetSpacing(VOXEL, VOXEL, VOXEL)
    image.SetDimensions(*size.tolist())
    probe = vtkProbeFilter()
    probe.SetInputData(image)
    probe.SetSourceData(grid)
    probe.Update()
    data = probe.GetOutput().GetPointData()
    inside = vtk_to_numpy(data.GetArray(probe.GetValidPointMaskArrayName())) > 0  # type: ignore[no-untyped-call]
    masks = [inside & (vtk_to_numpy(data.GetArray(str(number))) > 0.5) for number in range(len(maps))]  # type: ignore[no-untyped-call]
    return [mask.reshape(size[::-1]).T for mask in masks]


def _library() -> Any:
    try:
        import surface_distance
    except ImportError as problem:
        sentence = "Dice, ASSD and HD95 need surface-distance; install it with: pip install surface-distance."
        raise MissingPackage(sentence) from problem
    return surface_distance
