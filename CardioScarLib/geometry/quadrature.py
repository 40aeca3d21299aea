"""Integrals over the part of the wall inside each pixel's prism."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.special import erf
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonCore import VTK_ID_TYPE, vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
from vtkmodules.vtkImagingStencil import vtkImageStencilToImage, vtkPolyDataToImageStencil

from CardioScarLib.core.rows import blocks
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.core.wall_pixels import WallPixels
from CardioScarLib.geometry.frame import CanonicalFrame, canonical_frame

SUB_POINT_VOLUME = 0.1
"""mm^3 of wall that one sub-point stands for; a pixel prism of 1.4 x 1.4 x 8 mm holds about 160."""
SMALLEST_COVER = 0.01
"""Prisms that the wall fills less than this are left out: a sliver is not reliable."""
ANCHOR_SPACING = 5.0
"""mm between anchors."""
TIE = 1e-6
"""Points this close to a pixel's edge (in pixels) belong to the canonical upper side."""


@dataclass(frozen=True, eq=False)
class PixelQuadrature:
    """Quadrature points of every pixel that sees the wall.

    points: (q, 3) in the canonical frame, to 1e-4 mm; sorted by pixel. pixel: (q,) row of `pixels` each belongs to.
    volume: (q,) mm^3 (mm^2 on shells) of wall behind the point, times the slice profile.
    pixels: the pixel table. frame: canonical frame. unseen: numbers of slices that miss the wall.
    anchors: (k, 3) points about ANCHOR_SPACING apart over the whole wall, in the canonical frame.
    """

    points: np.ndarray
    pixel: np.ndarray
    volume: np.ndarray
    pixels: WallPixels
    frame: CanonicalFrame
    unseen: tuple[int, ...]
    anchors: np.ndarray


def pixel_quadrature(wall: Wall, stack: SliceStack, slice_profile: str = "box", frame: CanonicalFrame | None = None) -> PixelQuadrature:
    """Cut the wall by the pixels' prisms.

    frame: to work in; found from wall and stack if None.

    Cells are replaced by sub-points small against a pixel; those that fall into the same fraction of a
    prism are merged into one quadrature point at their center of mass. Volume and first moments of the
    wall inside each prism are kept, the number of points does not depend on the mesh, and nothing is drawn
    at random.
    """
    points, measure = sub_points(wall, stack)
    frame = frame or canonical_frame(stack, points, measure)
    local = points  # in the same memory: there may be more points than the wall has cells
    for where in blocks(len(points)):
        local[where] = frame.to_frame(points[where])
    parts, tables, unseen = [], [], []
    offset = 0
    order = sorted(range(len(stack)), key=lambda number: tuple(np.round(frame.to_frame(stack.slices[number].center[None])[0, ::-1], 6)))
    for number in order:
        part = _cut(stack.slices[number], frame, local, measure, slice_profile, has_volume=wall.has_thickness)
        if part is None:
            unseen.append(number)
            continue
        center, volume, pixel, rows, columns, cover = part
        parts.append((center, volume, pixel + offset))
        tables.append((np.full(len(rows), number), rows, columns, stack.slices[number].to_points(rows, columns), cover))
        offset += len(rows)
    if not parts:
        empty = np.empty(0, dtype=int)
        nothing = WallPixels(empty, empty, empty, np.empty((0, 3)), np.empty(0))
        return PixelQuadrature(np.empty((0, 3)), empty, np.empty(0), nothing, frame, tuple(unseen), _anchors(local, measure))
    center, volume, pixel = (np.concatenate(column) for column in zip(*parts, strict=True))
    columns = [np.concatenate(column) for column in zip(*tables, strict=True)]
    # Sorted by place and rounded above the noise of moving a case into its frame, so that a fit starts from the same
    # bits wherever the patient lay and whichever way the file is kept: from the last bit on, fits wander apart by 0.01.
    center, columns[4] = np.round(center, 4), np.round(columns[4], 6)
    by_place = _order(frame.to_frame(columns[3]))
    rank = np.argsort(by_place)
    pixels = WallPixels(*(column[by_place] for column in columns))
    by_center = _order(np.column_stack([center, rank[pixel]]))
    return PixelQuadrature(
        center[by_center], rank[pixel][by_center], volume[by_center], pixels, frame, tuple(sorted(unseen)), _anchors(local, measure)
    )


def _anchors(points: np.ndarray, measure: np.ndarray) -> np.ndarray:
    """(k, 3) centers of mass of the wall in the cubes of a grid."""
    return in_cubes(points, measure, ANCHOR_SPACING)[0]


def in_cubes(points: np.ndarray, measure: np.ndarray, size: float) -> tuple[np.ndarray, np.ndarray]:
    """(k, 3) centers of mass of (n, 3) points with (n,) measures in the cubes of a grid that hold some, and (k,) their measures."""
    cell = np.empty(points.shape, dtype=np.int32)
    for where in blocks(len(points)):
        cell[where] = np.floor(points[where] / size + 0.37)  # walls made by hand like to end on round numbers
    cell -= cell.min(axis=0)
    cube = np.ravel_multi_index(tuple(cell.T), tuple(cell.max(axis=0) + 1))
    total = np.bincount(cube, measure)
    filled = np.flatnonzero(total > 0)
    centers = np.column_stack([np.bincount(cube, measure * axis)[filled] / total[filled] for axis in points.T])
    return centers, total[filled]


def _order(points: np.ndarray) -> np.ndarray:
    """Sorts rows by their last column, then the one before, and so on; differences below 1e-3 mm do not count."""
    return np.lexsort(np.round(points, 3).T)


def _cut(one: Slice, frame: CanonicalFrame, local: np.ndarray, measure: np.ndarray, slice_profile: str, has_volume: bool):
    """Quadrature points of one slice: centers (q, 3), volumes (q,), pixel numbers (q,), then the table of its pixels."""
    rows, columns = one.pixels.shape
    reach = 0.5 if slice_profile == "box" else 1.0  # of the thickness, to either side
    normal, first = frame.axes @ one.normal, frame.to_frame(one.origin[None])[0]
    height = ((local - first) @ normal) / one.thickness
    near = np.flatnonzero(np.abs(height) <= reach * (1 + 1e-3))
    if len(near) == 0:
        return None
    height, close, part = height[near], local[near], measure[near]

    bins = [max(1, round(spacing / 1.8)) for spacing in one.spacing] + [int(np.clip(round(2 * reach * one.thickness / 2.2), 1, 8))]
    axes = [frame.axes @ one.row_step, frame.axes @ one.column_step]
    index = [(close - first) @ (axis / (axis @ axis)) + 0.5 for axis in axes] + [height / (2 * reach) + 0.5]
    signs = [frame.sign(direction) for direction in (one.row_step, one.column_step, one.normal)]
    fine = [np.floor(value * count + sign * TIE).astype(np.int64) for value, count, sign in zip(index, bins, signs, strict=True)]
    limits = (rows * bins[0], columns * bins[1], bins[2])
    inside = np.all([(value >= 0) & (value < limit) for value, limit in zip(fine, limits, strict=True)], axis=0)
    if not inside.any():
        return None
    fine, close, part, height = [value[inside] for value in fine], close[inside], part[inside], height[inside]
    if slice_profile == "gaussian":
        part = part * np.exp(-4 * np.log(2) * height**2)

    corner = [value.min() // count * count for value, count in zip(fine[:2], bins[:2], strict=True)]
    wide = fine[1].max() // bins[1] * bins[1] + bins[1] - corner[1]
    pixel_row, pixel_column = (fine[0] - corner[0]) // bins[0], (fine[1] - corner[1]) // bins[1]
    pixel = pixel_row * (wide // bins[1]) + pixel_column
    within = ((fine[0] % bins[0]) * bins[1] + fine[1] % bins[1]) * bins[2] + fine[2]
    key = pixel * int(np.prod(bins)) + within
    volume = np.bincount(key, part)
    filled = np.flatnonzero(volume > 0)
    moments = np.column_stack([np.bincount(key, part * close[:, axis])[filled] for axis in range(3)])
    volume = volume[filled]
    number, pixel = np.unique(filled // int(np.prod(bins)), return_inverse=True)

    profile_length = one.thickness * (1.0 if slice_profile == "box" else _gaussian_length())
    prism = one.spacing[0] * one.spacing[1] * profile_length
    cover = np.minimum(np.bincount(pixel, volume) / prism, 1.0) if has_volume else np.ones(len(number))
    keep = cover >= SMALLEST_COVER
    if not keep.any():
        return None
    renumber = np.cumsum(keep) - 1
    point_kept = keep[pixel]
    table_rows = number[keep] // (wide // bins[1]) + corner[0] // bins[0]
    table_columns = number[keep] % (wide // bins[1]) + corner[1] // bins[1]
    return (
        (moments / volume[:, None])[point_kept], volume[point_kept], renumber[pixel[point_kept]],
        table_rows, table_columns, cover[keep],
    )  # fmt: skip


def _gaussian_length() -> float:
    """Integral over [-1, 1] of the Gaussian of unit full width at half maximum."""
    return float(np.sqrt(np.pi / (4 * np.log(2))) * erf(2 * np.sqrt(np.log(2))))


def sub_points(wall: Wall, stack: SliceStack | None, size: float = SUB_POINT_VOLUME) -> tuple[np.ndarray, np.ndarray]:
    """(n, 3) points and (n,) measures spread over the wall, mm and mm^3 (mm^2 on shells, counts on points); both are the caller's own.

    stack: gives the frame of the points inside a closed surface; other walls do without.
    size: mm^3 of wall that a point stands for at most. Cells get 1, 4, 10, 20, ... points by that. The sets have the
    symmetry of the cell, so the order of its corners does not matter; those of several points integrate quadratics exactly.
    """
    if wall.kind == "points":
        return wall.nodes.copy(), np.ones(len(wall.nodes))
    if wall.kind == "closed_surface" and stack is not None:
        return _points_inside(wall, stack)
    cells, measure, size = (wall.tetrahedra, wall.volumes, size) if wall.kind == "volume" else (wall.triangles, wall.areas, size ** (2 / 3))
    corners = cells.shape[1]
    sets = [_symmetric_points(corners, level) for level in range(13)]
    wanted = np.minimum(np.searchsorted([len(one) for one in sets], measure / size), len(sets) - 1).astype(np.int8)
    count = int(np.array([len(one) for one in sets])[wanted].sum())
    points, measures, start = np.empty((count, 3)), np.empty(count), 0
    for level, barycentric in enumerate(sets):
        of_level = np.flatnonzero(wanted == level)
        for where in blocks(len(of_level)):
            here = of_level[where]
            end = start + len(here) * len(barycentric)
            points[start:end] = np.einsum("sc,mcx->msx", barycentric, wall.nodes[cells[here]]).reshape(-1, 3)
            measures[start:end] = np.repeat(measure[here] / len(barycentric), len(barycentric))
            start = end
    return points, measures


def _symmetric_points(corners: int, level: int) -> np.ndarray:
    """(s, corners) barycentric points with equal weights: the lattice of sums `level`, shrunk to the right second moment."""
    bars = np.array(list(combinations(range(level + corners - 1), corners - 1))).reshape(-1, corners - 1)
    edges = np.column_stack([np.full(len(bars), -1), bars, np.full(len(bars), level + corners - 1)])
    lattice = np.diff(edges, axis=1) - 1.0
    # E[b^2] of a simplex is 2 / (n (n+1)) with n corners; (i + s)/(level + n s) has it for the root s below.
    target, second = 2 / (corners * (corners + 1)), np.mean(lattice[:, 0] ** 2)
    a, b, c = 1 - target * corners**2, 2 * level / corners - 2 * target * level * corners, second - target * level**2
    shift = (-b - np.sqrt(b * b - 4 * a * c)) / (2 * a) if level else 1.0
    return (lattice + shift) / (level + corners * shift)


def _points_inside(wall: Wall, stack: SliceStack) -> tuple[np.ndarray, np.ndarray]:
    """A lattice of points inside a closed surface, in the frame of the stack."""
    frame = canonical_frame(stack, wall.nodes[wall.triangles].mean(axis=1), wall.areas)
    local = frame.to_frame(wall.nodes)
    pitch = max(0.5, float(np.prod(np.ptp(local, axis=0)) / 4e6) ** (1 / 3))
    inside = points_within(local, wall.triangles, pitch)
    return frame.from_frame(inside), np.full(len(inside), pitch**3)


def points_within(nodes: np.ndarray, triangles: np.ndarray, pitch: float) -> np.ndarray:
    """(n, 3) points of a cubic lattice along the axes inside a closed surface; pitch: their distance, in the nodes' unit."""
    surface = vtkPolyData()
    vtk_points = vtkPoints()
    vtk_points.SetData(numpy_to_vtk(np.ascontiguousarray(nodes), deep=True))
    surface.SetPoints(vtk_points)
    cells = vtkCellArray()
    cells.SetData(3, numpy_to_vtk(np.ascontiguousarray(triangles.ravel()), deep=True, array_type=VTK_ID_TYPE))
    surface.SetPolys(cells)
    low, high = nodes.min(axis=0), nodes.max(axis=0)
    count = np.ceil((high - low) / pitch).astype(int) + 2
    stencil = vtkPolyDataToImageStencil()
    stencil.SetInputData(surface)
    stencil.SetOutputOrigin(*(low - 0.5 * pitch))
    stencil.SetOutputSpacing(pitch, pitch, pitch)
    stencil.SetOutputWholeExtent(0, count[0] - 1, 0, count[1] - 1, 0, count[2] - 1)
    image = vtkImageStencilToImage()
    image.SetInputConnection(stencil.GetOutputPort())
    image.SetInsideValue(1)
    image.SetOutsideValue(0)
    image.SetOutputScalarTypeToUnsignedChar()
    image.Update()
    filled = vtk_to_numpy(image.GetOutput().GetPointData().GetScalars()).reshape(count[::-1])
    k, j, i = np.nonzero(filled)
    return low - 0.5 * pitch + np.column_stack([i, j, k]) * pitch
