"""VTK data sets as plain arrays and back, for their way between processes; what does not fit together is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkPoints, vtkStringArray, vtkVersion
from vtkmodules.vtkCommonDataModel import (
    vtkCellArray,
    vtkDataSet,
    vtkGenericCell,
    vtkImageData,
    vtkPointSet,
    vtkPolyData,
    vtkRectilinearGrid,
    vtkStructuredGrid,
    vtkUnstructuredGrid,
)

from CardioScarLib.core.errors import UnreadableFile

KINDS: dict[str, type] = {
    "image": vtkImageData,
    "rectilinear": vtkRectilinearGrid,
    "structured": vtkStructuredGrid,
    "surface": vtkPolyData,
    "grid": vtkUnstructuredGrid,
}
OF_SURFACE = ("Verts", "Lines", "Polys", "Strips")
AXES = "XYZ"
MOST_WITHOUT_VALUES = 1_000_000
"""Points of a lattice that a few numbers describe: more of them are work that the size of the file does not tell."""
LONGEST_NAME = 200
"""Characters of an array's name."""


@dataclass(frozen=True, eq=False)
class ArrayParts:
    """One array. values: numbers, or None for words. role: VTK's number of an active attribute, or -1."""

    name: str
    values: np.ndarray | None
    words: tuple[str, ...]
    components: tuple[str, ...]
    role: int


@dataclass(frozen=True, eq=False)
class CellParts:
    """offsets: (m + 1,) into the connectivity."""

    offsets: np.ndarray
    connectivity: np.ndarray


@dataclass(frozen=True, eq=False)
class DatasetParts:
    """A data set, and the frame that its file names. kind: a key of KINDS.

    points: (n, 3), of kinds that have them. types: per cell of a grid. cells: of a grid, or the four of a surface.
    lattice: dimensions of an image or a structured grid. frame: origin, spacing and 3x3 directions of an image. axes: coordinates of
    a rectilinear grid. space: "lps", "ras" or None.
    """

    kind: str
    points: np.ndarray | None
    types: np.ndarray | None
    cells: tuple[CellParts, ...]
    lattice: tuple[int, ...]
    frame: tuple[float, ...]
    axes: tuple[np.ndarray, ...]
    point_arrays: tuple[ArrayParts, ...]
    cell_arrays: tuple[ArrayParts, ...]
    field_arrays: tuple[ArrayParts, ...]
    space: str | None


def parts_of(dataset: vtkDataSet, space: str | None, name: str) -> DatasetParts:
    """name: of the file, for messages. Raises UnreadableFile for a data set whose numbers contradict each other."""
    kind = next((key for key, one in KINDS.items() if isinstance(dataset, one)), None)
    if kind is None:
        raise UnreadableFile(f"{name} holds a {dataset.GetClassName().removeprefix('vtk')}, which is no mesh, surface or grid.")
    counts = dataset.GetNumberOfPoints(), dataset.GetNumberOfCells()
    points = vtk_to_numpy(dataset.GetPoints().GetData()) if isinstance(dataset, vtkPointSet) else None
    types, cells = None, []
    if isinstance(dataset, vtkUnstructuredGrid) and counts[1]:
        types, cells = types_of(dataset), [_cells(dataset.GetCells())]
        if len(types) != counts[1] or len(cells[0].offsets) != counts[1] + 1:
            raise UnreadableFile(f"{name} states kinds for {len(types)} cells and has {len(cells[0].offsets) - 1}.")
        _check_sizes(types, cells[0], name)
    elif isinstance(dataset, vtkPolyData):
        cells = [_cells(getattr(dataset, f"Get{one}")()) for one in OF_SURFACE]
    for one in cells:
        _check_cells(one, counts[0], name)
    axes = [vtk_to_numpy(getattr(dataset, f"Get{one}Coordinates")()) for one in AXES] if isinstance(dataset, vtkRectilinearGrid) else []
    frame: list[float] = []
    if isinstance(dataset, vtkImageData):
        direction = dataset.GetDirectionMatrix()
        frame = [*dataset.GetOrigin(), *dataset.GetSpacing(), *(direction.GetElement(i, j) for i in range(3) for j in range(3))]
    lattice = [0, 0, 0]
    if isinstance(dataset, vtkImageData | vtkStructuredGrid | vtkRectilinearGrid):
        dataset.GetDimensions(lattice)
    bare = dataset.GetPointData().GetNumberOfArrays() + dataset.GetCellData().GetNumberOfArrays() == 0
    if isinstance(dataset, vtkImageData | vtkRectilinearGrid) and bare and counts[0] > MOST_WITHOUT_VALUES:
        raise UnreadableFile(f"{name} states {' x '.join(map(str, lattice))} points and holds no values of them.")
    if isinstance(dataset, vtkStructuredGrid) and lattice[0] * lattice[1] * lattice[2] != counts[0]:
        raise UnreadableFile(f"{name} states {' x '.join(map(str, lattice))} points and has {counts[0]}; the file is damaged.")
    return DatasetParts(
        kind,
        points,
        types,
        tuple(cells),
        tuple(lattice),
        tuple(frame),
        tuple(axes),
        _arrays_of(dataset.GetPointData(), counts[0], name),
        _arrays_of(dataset.GetCellData(), counts[1], name),
        _arrays_of(dataset.GetFieldData(), None, name),
        space,
    )


def dataset_of(parts: DatasetParts) -> vtkDataSet:
    """The same data set; its arrays share the memory of the parts."""
    dataset: Any = KINDS[parts.kind]()
    if parts.kind in ("image", "structured", "rectilinear"):
        dataset.SetDimensions(*parts.lattice)
    if parts.kind == "image":
        dataset.SetOrigin(*parts.frame[:3])
        dataset.SetSpacing(*parts.frame[3:6])
        dataset.SetDirectionMatrix(*parts.frame[6:])
    for letter, values in zip(AXES, parts.axes, strict=False):
        getattr(dataset, f"Set{letter}Coordinates")(numpy_to_vtk(values))
    if parts.points is not None:
        points = vtkPoints()
        points.SetData(numpy_to_vtk(parts.points))
        dataset.SetPoints(points)
    if parts.types is not None:
        dataset.SetCells(numpy_to_vtk(parts.types), _cell_array(parts.cells[0]))
    elif parts.kind == "surface":
        for name, one in zip(OF_SURFACE, parts.cells, strict=True):
            getattr(dataset, f"Set{name}")(_cell_array(one))
    for data, arrays in (
        (dataset.GetPointData(), parts.point_arrays),
        (dataset.GetCellData(), parts.cell_arrays),
        (dataset.GetFieldData(), parts.field_arrays),
    ):
        for array in arrays:
            place = data.AddArray(_array_of(array))
            if array.role >= 0:
                data.SetActiveAttribute(place, array.role)
    return dataset


def types_of(grid: vtkUnstructuredGrid) -> np.ndarray:
    """(m,) VTK type of each cell."""
    version = vtkVersion()
    renamed = (version.GetVTKMajorVersion(), version.GetVTKMinorVersion()) >= (9, 6)
    return vtk_to_numpy(grid.GetCellTypes() if renamed else grid.GetCellTypesArray()).astype(np.uint8, copy=False)


def _cells(cells: vtkCellArray) -> CellParts:
    if cells.GetNumberOfCells() == 0:
        return CellParts(np.zeros(1, dtype=np.int64), np.empty(0, dtype=np.int64))
    arrays = (vtk_to_numpy(array).astype(np.int64, copy=False) for array in (cells.GetOffsetsArray(), cells.GetConnectivityArray()))
    return CellParts(*arrays)


def _check_cells(cells: CellParts, points: int, name: str) -> None:
    offsets, connectivity = cells.offsets, cells.connectivity
    if offsets[0] != 0 or offsets[-1] != len(connectivity) or np.any(np.diff(offsets) < 0):
        raise UnreadableFile(f"The cells in {name} do not fit their list of points; the file is damaged.")
    if len(connectivity) and (connectivity.min() < 0 or connectivity.max() >= points):
        wrong = connectivity.min() if connectivity.min() < 0 else connectivity.max()
        raise UnreadableFile(f"A cell in {name} refers to point {wrong}, but there are {points} points.")


def _check_sizes(types: np.ndarray, cells: CellParts, name: str) -> None:
    sizes = np.diff(cells.offsets)
    for kind in np.unique(types):
        cell = vtkGenericCell.InstantiateCell(int(kind))
        if cell is None:
            raise UnreadableFile(f"{name} has cells of the kind {kind}, which VTK does not know.")
        wrong = cell.GetNumberOfPoints() and np.count_nonzero(sizes[types == kind] != cell.GetNumberOfPoints())
        if wrong and cell.IsPrimaryCell() and cell.IsLinear():
            kind_name = cell.GetClassName().removeprefix("vtk")
            raise UnreadableFile(f"{wrong} cells of the kind {kind_name} in {name} do not have {cell.GetNumberOfPoints()} points.")


def _cell_array(cells: CellParts) -> vtkCellArray:
    array = vtkCellArray()
    array.SetData(numpy_to_vtkIdTypeArray(cells.offsets), numpy_to_vtkIdTypeArray(cells.connectivity))
    return array


def _arrays_of(data: Any, count: int | None, name: str) -> tuple[ArrayParts, ...]:
    """data: of points, cells or the field. count: of points or cells, which every array must have; None for the field."""
    found = []
    for number in range(data.GetNumberOfArrays()):
        array = data.GetAbstractArray(number)
        title = _text(array.GetName() or f"array {number}")
        numbers = data.GetArray(number)
        if numbers is None and not isinstance(array, vtkStringArray):
            continue
        if count is not None and array.GetNumberOfTuples() != count:
            raise UnreadableFile(f"The array '{title}' in {name} has {array.GetNumberOfTuples()} values where {count} are needed.")
        named = [array.GetComponentName(one) for one in range(array.GetNumberOfComponents())] if array.HasAComponentName() else []
        words = () if numbers is not None else tuple(_text(array.GetValue(one)) for one in range(array.GetNumberOfValues()))
        role = data.IsArrayAnAttribute(number) if count is not None and numbers is not None else -1
        values = None if numbers is None else vtk_to_numpy(numbers)
        found.append(ArrayParts(title, values, words, tuple(_text(one or "") for one in named), int(role)))
    return tuple(found)


def _array_of(parts: ArrayParts) -> Any:
    if parts.values is None:
        array: Any = vtkStringArray()
        for word in parts.words:
            array.InsertNextValue(word)
    else:
        array = numpy_to_vtk(parts.values)
    array.SetName(parts.name)
    for number, name in enumerate(parts.components):
        array.SetComponentName(number, name)
    return array


def _text(words: str | bytes) -> str:
    """VTK gives bytes for what is not UTF-8."""
    text = words if isinstance(words, str) else words.decode("latin-1")
    return text[:LONGEST_NAME]
