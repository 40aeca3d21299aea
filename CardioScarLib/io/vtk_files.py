"""VTK's own file formats, without messages on the terminal, and with errors for broken files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkLogger, vtkOutputWindow, vtkPoints, vtkStringArray, vtkStringOutputWindow
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkDataSet, vtkPointSet, vtkUnstructuredGrid
from vtkmodules.vtkCommonExecutionModel import vtkAlgorithm
from vtkmodules.vtkFiltersCore import vtkAppendFilter
from vtkmodules.vtkIOGeometry import vtkOBJReader, vtkSTLReader
from vtkmodules.vtkIOLegacy import vtkDataSetReader
from vtkmodules.vtkIOPLY import vtkPLYReader
from vtkmodules.vtkIOXML import vtkXMLPolyDataReader, vtkXMLUnstructuredGridReader

from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.core.surroundings import plain_numbers
from CardioScarLib.io.apart import apart
from CardioScarLib.io.files import check_readable
from CardioScarLib.io.vtk_parts import DatasetParts, dataset_of, parts_of, types_of

READERS: dict[str, Any] = {
    ".vtk": vtkDataSetReader,
    ".vtu": vtkXMLUnstructuredGridReader,
    ".vtp": vtkXMLPolyDataReader,
    ".ply": vtkPLYReader,
    ".stl": vtkSTLReader,
    ".obj": vtkOBJReader,
}
UNPACKED = 16
"""Bytes in memory per byte of a file, at most: compressed meshes are a fifth of what they hold."""
PLY_BYTES = {
    "char": 1, "int8": 1, "uchar": 1, "uint8": 1, "short": 2, "int16": 2, "ushort": 2, "uint16": 2,
    "int": 4, "int32": 4, "uint": 4, "uint32": 4, "float": 4, "float32": 4, "double": 8, "float64": 8,
}  # fmt: skip


@contextmanager
def captured_vtk_messages() -> Iterator[vtkStringOutputWindow]:
    """VTK's warnings and errors go into the yielded window (`GetOutput()`) instead of the terminal."""
    window, before = vtkStringOutputWindow(), vtkOutputWindow.GetInstance()
    verbosity = vtkLogger.GetCurrentVerbosityCutoff()
    vtkOutputWindow.SetInstance(window)
    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_OFF)
    try:
        with plain_numbers():
            yield window
    finally:
        vtkLogger.SetStderrVerbosity(verbosity)
        vtkOutputWindow.SetInstance(before)


def read_vtk(path: Path) -> tuple[vtkDataSet, str | None]:
    """The data set in a .vtk, .vtu, .vtp, .ply, .stl or .obj file as stored, and the frame its header names: "lps", "ras" or None.

    The frame is looked for where 3D Slicer writes it: "SPACE=RAS" in the title or a comment, or a string array SPACE in
    the field data.
    """
    path = check_readable(path)
    if path.suffix.lower() not in READERS:
        raise UnreadableFile(f"{path.name} is not one of {', '.join(READERS)}.")
    parts = _read_parts(path)
    return dataset_of(parts), parts.space


@apart(DatasetParts, lambda path: path.stat().st_size * UNPACKED)
def _read_parts(path: Path) -> DatasetParts:
    suffix = path.suffix.lower()
    if suffix == ".ply":
        _check_ply(path)
    reader = READERS[suffix]()
    reader.SetFileName(str(path))
    if suffix == ".vtk":
        # Otherwise only the first array of each kind is kept.
        for kind in ("Scalars", "Vectors", "Normals", "Tensors", "TCoords", "Fields"):
            getattr(reader, f"ReadAll{kind}On")()
    with captured_vtk_messages() as messages:
        reader.Update()
        dataset = reader.GetOutput()
    said = messages.GetOutput() or ""
    if not isinstance(dataset, vtkDataSet) or "ERROR" in said or "Error reading" in said:
        if suffix == ".vtk" and _is_ascii_with_nan(path):
            raise UnreadableFile(f"{path.name} is a text VTK file with NaN in it, which VTK cannot read; save it as binary VTK or as .vtu.")
        raise UnreadableFile(f"{path.name} cannot be read as a {suffix} file; it is truncated, damaged or of another kind.")
    if dataset.GetNumberOfPoints() == 0:
        raise UnreadableFile(f"{path.name} has no points.")
    return parts_of(dataset, _space(reader, dataset), path.name)


def _space(reader: vtkAlgorithm, dataset: vtkDataSet) -> str | None:
    texts = []
    if hasattr(reader, "GetHeader"):
        texts.append(reader.GetHeader() or "")
    if hasattr(reader, "GetComment"):
        texts.append(reader.GetComment() or "")
    if hasattr(reader, "GetComments"):
        comments = reader.GetComments()
        texts += [comments.GetValue(number) for number in range(comments.GetNumberOfValues())]
    array = dataset.GetFieldData().GetAbstractArray("SPACE")
    if isinstance(array, vtkStringArray) and array.GetNumberOfValues():
        texts.append(f"SPACE={array.GetValue(0)}")
    found = re.search(r"SPACE\s*=\s*(RAS|LPS)\b", "\n".join(texts), re.IGNORECASE)
    return found.group(1).lower() if found else None


def _is_ascii_with_nan(path: Path) -> bool:
    content = path.read_bytes()
    return b"ASCII" in content[:1024] and re.search(rb"\bnan\b", content, re.IGNORECASE) is not None


def _check_ply(path: Path) -> None:
    """VTK's reader crashes on, or makes up the rest of, a PLY file that ends early; so its length is checked first."""
    content = path.read_bytes()
    header, marker, body = content.partition(b"end_header")
    broken = UnreadableFile(f"{path.name} cannot be read as a .ply file; it is truncated, damaged or of another kind.")
    if not header.startswith(b"ply") or not marker:
        raise broken
    body = body.partition(b"\n")[2]
    counts, needed = [], 0
    try:
        for line in header.decode("ascii", "replace").splitlines():
            words = line.split()
            if words[:1] == ["element"]:
                counts.append(int(words[2]))
            elif words[:2] == ["property", "list"]:
                needed += counts[-1] * (PLY_BYTES[words[2]] + 3 * PLY_BYTES[words[3]])
            elif words[:1] == ["property"]:
                needed += counts[-1] * PLY_BYTES[words[1]]
    except (IndexError, KeyError, ValueError) as problem:
        raise broken from problem
    if b"format ascii" in header:
        complete = len(body.split(b"\n")) >= sum(counts) and len(body.split()) >= sum(counts)
    else:
        complete = len(body) >= needed
    if not complete:
        raise broken


def as_grid(dataset: vtkDataSet) -> vtkUnstructuredGrid:
    """Any data set as an unstructured grid with the same points and cells in the same order."""
    if isinstance(dataset, vtkUnstructuredGrid):
        return dataset
    append = vtkAppendFilter()
    append.MergePointsOff()
    append.AddInputData(dataset)
    append.Update()
    return append.GetOutput()


def points_of(dataset: vtkDataSet) -> np.ndarray:
    """(n, 3) coordinates as they stand in the data set, float64."""
    if isinstance(dataset, vtkPointSet):
        return vtk_to_numpy(dataset.GetPoints().GetData()).astype(np.float64)
    return np.array([dataset.GetPoint(number) for number in range(dataset.GetNumberOfPoints())])


def cells_of(grid: vtkUnstructuredGrid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """VTK type per cell (m,), offsets (m + 1,) into the connectivity, and the connectivity itself; in the memory of the grid."""
    if grid.GetNumberOfCells() == 0:
        return np.empty(0, dtype=np.uint8), np.zeros(1, dtype=np.int64), np.empty(0, dtype=np.int64)
    cells = grid.GetCells()
    return (
        types_of(grid),
        vtk_to_numpy(cells.GetOffsetsArray()).astype(np.int64, copy=False),
        vtk_to_numpy(cells.GetConnectivityArray()).astype(np.int64, copy=False),
    )


def grid_from(points: vtkPoints | np.ndarray, types: np.ndarray, offsets: np.ndarray, connectivity: np.ndarray) -> vtkUnstructuredGrid:
    """An unstructured grid of these points and cells (the arrays of `cells_of`)."""
    if not isinstance(points, vtkPoints):
        coordinates, points = points, vtkPoints()
        points.SetData(numpy_to_vtk(np.ascontiguousarray(coordinates, dtype=np.float64), deep=True))
    cells = vtkCellArray()
    cells.SetData(
        numpy_to_vtkIdTypeArray(np.ascontiguousarray(offsets, dtype=np.int64), deep=True),
        numpy_to_vtkIdTypeArray(np.ascontiguousarray(connectivity, dtype=np.int64), deep=True),
    )
    grid = vtkUnstructuredGrid()
    grid.SetPoints(points)
    grid.SetCells(numpy_to_vtk(np.ascontiguousarray(types, dtype=np.uint8), deep=True), cells)
    return grid
