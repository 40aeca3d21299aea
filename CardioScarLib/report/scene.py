"""The objects of a picture, for VTK: wall, pixels, sections, borders; and the views of a wall."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkLookupTable, vtkPoints
from vtkmodules.vtkCommonDataModel import (
    VTK_QUAD,
    VTK_TETRA,
    VTK_TRIANGLE,
    VTK_VERTEX,
    vtkCellArray,
    vtkDataSet,
    vtkImageData,
    vtkPlane,
    vtkPolyData,
    vtkUnstructuredGrid,
)
from vtkmodules.vtkFiltersCore import vtkContourFilter, vtkCutter, vtkFeatureEdges, vtkPolyDataNormals, vtkTubeFilter
from vtkmodules.vtkFiltersGeometry import vtkGeometryFilter
from vtkmodules.vtkFiltersSources import vtkPlaneSource
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkTexture

from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.report.colors import NOT_OBSERVED, color_table


def wall_grid(wall: Wall, values: np.ndarray, border: np.ndarray | None = None) -> vtkUnstructuredGrid:
    """The wall with (n,) `values` as point array "value", and `border` as a second array."""
    cells, kind = {
        "volume": (wall.tetrahedra, VTK_TETRA),
        "points": (np.arange(len(wall.nodes))[:, None], VTK_VERTEX),
    }.get(wall.kind, (wall.triangles, VTK_TRIANGLE))
    grid = _grid(wall.nodes, cells, kind, values)
    if border is not None:
        _add_array(grid, "border", border)
    return grid


def pixel_quads(stack: SliceStack, images: Sequence[np.ndarray]) -> vtkUnstructuredGrid:
    """One square per finite pixel, where it lies in space."""
    corners, values = [np.empty((0, 3))], [np.empty(0)]
    for one, image in zip(stack, images, strict=True):
        rows, columns = np.nonzero(np.isfinite(image))
        around = [one.to_points(rows + down, columns + right) for down, right in ((-0.5, -0.5), (-0.5, 0.5), (0.5, 0.5), (0.5, -0.5))]
        corners.append(np.stack(around, axis=1).reshape(-1, 3))
        values.append(np.repeat(image[rows, columns], 4))
    points = np.vstack(corners)
    return _grid(points, np.arange(len(points)).reshape(-1, 4), VTK_QUAD, np.concatenate(values))


def colored_surface(
    data: vtkDataSet, limits: tuple[float, float], colors: str, flat: bool = False, lift: np.ndarray | None = None
) -> vtkActor:
    """The surface of `data` colored by "value". flat: without shading. lift: moved by (3,) mm, to lie in front."""
    surface = vtkGeometryFilter()
    surface.SetInputData(data)
    normals = vtkPolyDataNormals()
    normals.SetInputConnection(surface.GetOutputPort())
    normals.SetFeatureAngle(50.0)
    mapper = vtkPolyDataMapper()
    mapper.SetInputConnection((surface if flat else normals).GetOutputPort())
    mapper.SetScalarModeToUsePointFieldData()
    mapper.SelectColorArray("value")
    mapper.SetLookupTable(lookup_table(limits, colors))
    mapper.UseLookupTableScalarRangeOn()
    mapper.InterpolateScalarsBeforeMappingOn()
    actor = vtkActor()
    actor.SetMapper(mapper)
    look = actor.GetProperty()
    look.SetPointSize(8)
    if flat:
        look.LightingOff()
    else:
        look.SetAmbient(0.35)
        look.SetDiffuse(0.7)
        look.SetSpecular(0.08)
        look.SetSpecularPower(20)
    if lift is not None:
        actor.SetPosition(*lift)
    return actor


def border_line(data: vtkDataSet, radius: float, color: tuple[float, float, float]) -> vtkActor:
    """Where "border" is 0.5 on the surface, as a tube."""
    surface = vtkGeometryFilter()
    surface.SetInputData(data)
    surface.Update()
    skin = surface.GetOutput()
    skin.GetPointData().SetActiveScalars("border")
    level = vtkContourFilter()
    level.SetInputData(skin)
    level.SetValue(0, 0.5)
    return _tubes(level, radius, color)


def section(wall: Wall, one: Slice, values: np.ndarray | None = None) -> vtkPolyData:
    """The wall's intersection with the middle plane of a slice, with "value" (zero without values)."""
    plane = vtkPlane()
    plane.SetOrigin(*one.center)
    plane.SetNormal(*one.normal)
    cutter = vtkCutter()
    cutter.SetInputData(wall_grid(wall, np.zeros(len(wall.nodes)) if values is None else values))
    cutter.SetCutFunction(plane)
    cutter.Update()
    return cutter.GetOutput()


def outline(cut: vtkPolyData, lift: np.ndarray, color: tuple[float, float, float] = (1.0, 0.82, 0.25)) -> vtkActor:
    """The edges of a section."""
    edges = vtkFeatureEdges()
    edges.SetInputData(cut)
    edges.BoundaryEdgesOn()
    edges.FeatureEdgesOff()
    edges.ManifoldEdgesOff()
    edges.NonManifoldEdgesOff()
    edges.ColoringOff()
    actor = _tubes(edges, 0.25, color)
    actor.SetPosition(*lift)
    return actor


def image_plane(one: Slice, window: tuple[float, float]) -> vtkActor:
    """The pixels of a slice in gray, black at window[0] and white at window[1], in place."""
    low, high = window
    gray = np.clip((np.nan_to_num(one.pixels) - low) / (high - low), 0, 1) * 255
    rows, columns = one.pixels.shape
    image = vtkImageData()
    image.SetDimensions(columns, rows, 1)
    image.GetPointData().SetScalars(numpy_to_vtk(gray.astype(np.uint8).ravel(), deep=1))
    texture = vtkTexture()
    texture.SetInputData(image)
    texture.InterpolateOff()
    corner, along_columns, along_rows = one.to_points(np.array([-0.5, -0.5, rows - 0.5]), np.array([-0.5, columns - 0.5, -0.5]))
    plane = vtkPlaneSource()
    plane.SetOrigin(*corner)
    plane.SetPoint1(*along_columns)
    plane.SetPoint2(*along_rows)
    mapper = vtkPolyDataMapper()
    mapper.SetInputConnection(plane.GetOutputPort())
    actor = vtkActor()
    actor.SetMapper(mapper)
    actor.SetTexture(texture)
    actor.GetProperty().LightingOff()
    return actor


def lookup_table(limits: tuple[float, float], colors: str) -> vtkLookupTable:
    table = vtkLookupTable()
    rows = color_table(colors)
    table.SetNumberOfTableValues(len(rows))
    for number, (red, green, blue) in enumerate(rows):
        table.SetTableValue(number, red, green, blue, 1.0)
    table.SetRange(*limits)
    table.SetNanColor(*NOT_OBSERVED, 1.0)
    return table


def long_axis(wall: Wall) -> np.ndarray:
    """(3,) unit vector from apex to base: the longest direction, toward its wider end."""
    offsets = wall.nodes - wall.nodes.mean(axis=0)
    axis = np.linalg.svd(offsets, full_matrices=False)[2][0]
    height = offsets @ axis
    radius = np.linalg.norm(offsets - np.outer(height, axis), axis=1)
    low, high = np.quantile(height, (0.2, 0.8))
    return axis if radius[height >= high].mean() >= radius[height <= low].mean() else -axis


def telling_slices(stack: SliceStack, wall: Wall, values: np.ndarray, count: int) -> list[int]:
    """Numbers of the `count` slices whose slab holds most of the map, in the order of the stack."""
    mass = wall.node_measure * np.nan_to_num(values)
    held = [mass[np.abs(one.to_index(wall.nodes)[:, 2]) <= 0.5 * one.thickness].sum() for one in stack]
    return sorted(np.argsort(held)[::-1][:count].tolist())


def frame_of(cut: vtkPolyData, one: Slice) -> tuple[np.ndarray, float]:
    """The middle of a section in a slice, (3,) LPS mm, and the side of the square around it, mm; of the slice if it is empty."""
    points = vtk_to_numpy(cut.GetPoints().GetData()) if cut.GetNumberOfPoints() else one.corners()
    index = one.to_index(points)
    low, high = index.min(axis=0), index.max(axis=0)
    middle = 0.5 * (low + high)
    return one.to_points(middle[:1], middle[1:2])[0], float(np.max((high - low)[:2] * one.spacing))


def gray_window(stack: SliceStack) -> tuple[float, float]:
    """Intensities to show as black and white: the 1st and 99.5th percentile."""
    pixels = np.concatenate([one.pixels[np.isfinite(one.pixels)] for one in stack])
    low, high = np.percentile(pixels, (1.0, 99.5)) if pixels.size else (0.0, 1.0)
    return float(low), float(high if high > low else low + 1.0)


def _grid(points: np.ndarray, cells: np.ndarray, kind: int, values: np.ndarray) -> vtkUnstructuredGrid:
    grid = vtkUnstructuredGrid()
    places = vtkPoints()
    places.SetData(numpy_to_vtk(np.ascontiguousarray(points, dtype=np.float64), deep=1))
    grid.SetPoints(places)
    corners = cells.shape[1]
    offsets = np.arange(0, cells.size + 1, corners, dtype=np.int64)
    array = vtkCellArray()
    array.SetData(
        numpy_to_vtkIdTypeArray(offsets, deep=1), numpy_to_vtkIdTypeArray(np.ascontiguousarray(cells.ravel(), dtype=np.int64), deep=1)
    )
    grid.SetCells(kind, array)
    _add_array(grid, "value", values)
    return grid


def _add_array(grid: vtkDataSet, name: str, values: np.ndarray) -> None:
    array = numpy_to_vtk(np.ascontiguousarray(values, dtype=np.float32), deep=1)
    array.SetName(name)
    grid.GetPointData().AddArray(array)


def _tubes(lines, radius: float, color: tuple[float, float, float]) -> vtkActor:
    tubes = vtkTubeFilter()
    tubes.SetInputConnection(lines.GetOutputPort())
    tubes.SetRadius(radius)
    tubes.SetNumberOfSides(8)
    mapper = vtkPolyDataMapper()
    mapper.SetInputConnection(tubes.GetOutputPort())
    mapper.ScalarVisibilityOff()
    actor = vtkActor()
    actor.SetMapper(mapper)
    actor.GetProperty().SetColor(*color)
    actor.GetProperty().SetAmbient(1.0)
    actor.GetProperty().SetDiffuse(0.0)
    return actor
