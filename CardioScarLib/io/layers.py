"""Legacy VTK grid layers: one slice per file, as cells or points of a flat rectangle grid with one value each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonDataModel import VTK_PIXEL, VTK_POLYGON, VTK_QUAD, vtkDataSet, vtkUnstructuredGrid

from CardioScarLib.core.errors import BadStack, UnreadableFile
from CardioScarLib.io.planes import Plane
from CardioScarLib.io.vtk_files import as_grid, cells_of, points_of, read_vtk

FALLBACK_FIELD = "intensity"
FARTHEST = 1e9
"""Of a coordinate, in whatever unit."""
# Off the grid by more than this share of a pixel is not rounding anymore.
TOLERANCE = 0.05


def read_layer(path: Path, scalar_field: str) -> Plane:
    """A layer as a plane in LPS mm.

    The array `scalar_field` (or `intensity`, where it is the only one) holds one value per cell, which then is the
    pixel, or one per point, which then is the center of the pixel. Layers often cover only the wall: pixels of the
    rectangle that have no cell are NaN, which means "not measured" and is not evidence of anything.
    """
    dataset, space = read_vtk(path)
    grid = as_grid(dataset)
    quads = _quads(grid, path.name)
    points = points_of(dataset)
    if not np.isfinite(points).all() or np.abs(points).max() > FARTHEST:
        raise UnreadableFile(f"{path.name} has points that are not finite, or farther away than anything; the file is damaged.")
    if space == "ras":
        points = points * [-1.0, -1.0, 1.0]
    values, on_cells = _values(dataset, scalar_field, path.name)
    centers = points[quads].mean(axis=1) if on_cells else points
    if not np.all(np.isfinite(values)):
        raise BadStack(f"{np.count_nonzero(~np.isfinite(values))} values of {path.name} are not finite numbers (NaN or infinite).")
    corner = points[quads[0]]
    column_step, row_step, origin, indices = _lattice(centers, corner[1] - corner[0], corner[3] - corner[0], path.name)
    pixels = np.full(indices.max(axis=0) + 1, np.nan)
    pixels[indices[:, 0], indices[:, 1]] = values
    return Plane(pixels, origin, row_step, column_step, None, path.name)


def _quads(grid: vtkUnstructuredGrid, name: str) -> np.ndarray:
    """(m, 4) corners of the four-sided cells, in turn."""
    types, offsets, connectivity = cells_of(grid)
    four = np.isin(types, (VTK_QUAD, VTK_PIXEL)) | ((types == VTK_POLYGON) & (np.diff(offsets) == 4))
    if len(types) == 0 or not four.all():
        raise UnreadableFile(f"{name} is not a grid layer: it must consist of flat rectangles, one per pixel.")
    quads = connectivity.reshape(-1, 4).copy()
    pixel = types == VTK_PIXEL
    quads[pixel] = quads[pixel][:, [0, 1, 3, 2]]
    return quads


def _values(dataset: vtkDataSet, scalar_field: str, name: str) -> tuple[np.ndarray, bool]:
    """The values, and whether there is one per cell (else one per point); distinguished by their number."""
    places = (dataset.GetCellData(), dataset.GetPointData(), dataset.GetFieldData())
    names = [place.GetArrayName(number) for place in places for number in range(place.GetNumberOfArrays()) if place.GetArray(number)]
    wanted = FALLBACK_FIELD if scalar_field not in names and names == [FALLBACK_FIELD] else scalar_field
    arrays = [place.GetArray(wanted) for place in places if place.GetArray(wanted)]
    if not arrays:
        there = f"it has {', '.join(sorted(names))}" if names else "it has none"
        raise UnreadableFile(f"{name} has no array '{scalar_field}'; {there}. Name the array to read (--vtk-scalar-field).")
    for array in arrays:
        if array.GetNumberOfComponents() == 1 and array.GetNumberOfTuples() == dataset.GetNumberOfCells():
            return vtk_to_numpy(array).astype(np.float64), True
        if array.GetNumberOfComponents() == 1 and array.GetNumberOfTuples() == dataset.GetNumberOfPoints():
            return vtk_to_numpy(array).astype(np.float64), False
    raise UnreadableFile(
        f"The array '{wanted}' of {name} has {arrays[0].GetNumberOfTuples()} values; one per cell ({dataset.GetNumberOfCells()}) "
        f"or one per point ({dataset.GetNumberOfPoints()}) is needed."
    )


def _lattice(
    centers: np.ndarray, column_step: np.ndarray, row_step: np.ndarray, name: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Column step, row step, origin and (n, 2) row and column of pixel centers, if they sit on a rectangle grid."""
    irregular = UnreadableFile(f"{name} is not a regular rectangle grid; a layer needs equal rectangles in one plane.")
    lengths = np.linalg.norm(row_step), np.linalg.norm(column_step)
    if min(lengths) == 0 or abs(row_step @ column_step) > 1e-3 * lengths[0] * lengths[1]:
        raise irregular
    offset = centers - centers[0]
    indices = np.column_stack([offset @ row_step / lengths[0] ** 2, offset @ column_step / lengths[1] ** 2])
    whole = np.rint(indices).astype(np.int64)
    whole -= whole.min(axis=0)
    if len(np.unique(whole, axis=0)) != len(whole) or np.prod(whole.max(axis=0) + 1.0) > 1e8:
        raise irregular
    # The first cell alone would carry its rounding across the grid, so all centers have a say.
    design = np.column_stack([np.ones(len(whole)), whole])
    if np.linalg.matrix_rank(design) == 3:
        origin, row_step, column_step = np.linalg.lstsq(design, centers, rcond=None)[0]
    else:
        origin = (centers - whole @ np.vstack([row_step, column_step])).mean(axis=0)
    error = np.linalg.norm(centers - origin - whole @ np.vstack([row_step, column_step]), axis=1)
    if error.max() > TOLERANCE * min(lengths):
        raise irregular
    return column_step, row_step, origin, whole
