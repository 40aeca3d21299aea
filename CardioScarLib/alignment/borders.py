"""The borders of the myocardium as drawn or segmented."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkFiltersCore import vtkFlyingEdges2D

from CardioScarLib.alignment.outline import BorderPoints
from CardioScarLib.core.errors import BadAlignment
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.wall import SliceContours

STEP = 1.0
"""mm along a contour between its points."""
LEAST_LENGTH = 8.0
"""mm: a shorter contour is a dot."""
SAME_PLANE = 0.5
"""mm: contours whose points leave a slice's plane further were drawn on another slice."""
ROUNDING = 0.7
"""Pixels: width of the Gaussian that takes the steps out of a mask's border."""
NOTHING = BorderPoints(np.empty((0, 2)), np.empty((0, 2)), np.empty(0))


def borders_of_contours(stack: SliceStack, contours: Sequence[SliceContours]) -> list[BorderPoints]:
    """Per slice of the stack, the points of the contours that were drawn on it.

    Raises BadAlignment if no contour lies on a slice.
    """
    borders, closest = [], np.inf
    for one in stack:
        parts = []
        for drawn in contours:
            for curve, outside in ((drawn.endo, -1.0), (drawn.epi, 1.0)):
                if curve is None:
                    continue
                index = one.to_index(curve)
                apart = float(np.abs(index[:, 2]).max())
                closest = min(closest, apart)
                if apart <= SAME_PLANE:
                    parts.append(_along(index[:, :2] * one.spacing, outside))
        borders.append(_joined(parts))
    if not any(len(one) for one in borders):
        if not np.isfinite(closest):
            raise BadAlignment("There are no contours to align the slices with.")
        raise BadAlignment(f"The contours were drawn on other slices: none lies closer than {closest:.2g} mm to a slice of the stack.")
    return borders


def _along(curve: np.ndarray, outside: float) -> BorderPoints:
    """A closed (n, 2) curve at even steps. outside: 1 where the wall lies inside of it, -1 where around it."""
    closed = np.vstack([curve, curve[:1]])
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    if not length[-1] >= LEAST_LENGTH:
        return NOTHING
    count = int(np.ceil(length[-1] / STEP))
    at = np.arange(count) * length[-1] / count
    places = np.column_stack([np.interp(at, length, closed[:, axis]) for axis in (0, 1)])
    # Over 3 mm to either side, so that the steps of a curve along pixels do not turn its normals.
    reach = max(1, round(3.0 * count / length[-1]))
    tangent = np.roll(places, -reach, axis=0) - np.roll(places, reach, axis=0)
    x, y = (places - places.mean(axis=0)).T
    turn = np.sign(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) or 1.0
    normals = outside * turn * np.column_stack([tangent[:, 1], -tangent[:, 0]])
    normals /= np.maximum(np.linalg.norm(normals, axis=1), 1e-9)[:, None]
    return BorderPoints(places, normals, np.full(count, length[-1] / count))


def borders_of_mask(stack: SliceStack, mask: SliceStack, labels: Sequence[int]) -> list[BorderPoints]:
    """Per slice, the border between pixels with one of the labels and others. mask: on the grid of the stack."""
    wall = [np.isin(np.rint(np.nan_to_num(labeled.pixels)), labels) for labeled in mask]
    if not any(one.any() for one in wall):
        raise BadAlignment(f"No pixel of the mask has the label {' or '.join(str(label) for label in labels)}.")
    return [_edge(one, inside) for one, inside in zip(stack, wall, strict=True)]


def _edge(one: Slice, inside: np.ndarray) -> BorderPoints:
    if not inside.any() or inside.all():
        return NOTHING
    rounded = ndimage.gaussian_filter(inside.astype(np.float64), ROUNDING)
    image = vtkImageData()
    image.SetDimensions(inside.shape[1], inside.shape[0], 1)
    image.GetPointData().SetScalars(numpy_to_vtk(rounded.ravel(), deep=1))
    edges = vtkFlyingEdges2D()
    edges.SetInputData(image)
    edges.SetValue(0, 0.5)
    edges.Update()
    output = edges.GetOutput()
    if output.GetNumberOfLines() == 0:
        return NOTHING
    points = vtk_to_numpy(output.GetPoints().GetData())[:, 1::-1].astype(np.float64)  # row, column
    lines = vtk_to_numpy(output.GetLines().GetConnectivityArray()).reshape(-1, 2)
    middle = points[lines].mean(axis=1)
    smooth = ndimage.gaussian_filter(inside.astype(np.float64), 2 * ROUNDING)
    slope = [ndimage.map_coordinates(part / step, middle.T, order=1) for part, step in zip(np.gradient(smooth), one.spacing, strict=True)]
    normals = -np.column_stack(slope)
    normals /= np.maximum(np.linalg.norm(normals, axis=1), 1e-9)[:, None]
    lengths = np.linalg.norm((points[lines[:, 1]] - points[lines[:, 0]]) * one.spacing, axis=1)
    return BorderPoints(middle * one.spacing, normals, lengths)


def _joined(parts: Sequence[BorderPoints]) -> BorderPoints:
    if not parts:
        return NOTHING
    return BorderPoints(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("places", "normals", "lengths")))
