"""openCARP meshes: `.pts` (points), `.elem` (cells), `.lon` (directions of muscle), and `.dat` (one value per point and line)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonDataModel import (
    VTK_HEXAHEDRON,
    VTK_LINE,
    VTK_PYRAMID,
    VTK_QUAD,
    VTK_TETRA,
    VTK_TRIANGLE,
    VTK_WEDGE,
    vtkUnstructuredGrid,
)

from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.io.files import check_readable
from CardioScarLib.io.texts import read_text
from CardioScarLib.io.vtk_files import grid_from

MOST_WHOLE = 2.0**53
"""Up to here a float holds every whole number; tags are written as 1.0, too."""
# Two letters in the file: VTK type, number of nodes.
CELLS = {
    "Tt": (VTK_TETRA, 4),
    "Hx": (VTK_HEXAHEDRON, 8),
    "Pr": (VTK_WEDGE, 6),
    "Py": (VTK_PYRAMID, 5),
    "Qd": (VTK_QUAD, 4),
    "Tr": (VTK_TRIANGLE, 3),
    "Ln": (VTK_LINE, 2),
    "Cx": (VTK_LINE, 2),
}


def opencarp_pair(path: Path) -> tuple[Path, Path] | None:
    """The .pts and .elem file of a mesh named by either of them or by their common stem; None if this is something else."""
    path = Path(path)
    if path.suffix.lower() in (".pts", ".elem"):
        return path.with_suffix(".pts"), path.with_suffix(".elem")
    pair = path.with_name(path.name + ".pts"), path.with_name(path.name + ".elem")
    return pair if not path.exists() and pair[0].exists() else None


def read_opencarp(path: Path) -> vtkUnstructuredGrid:
    """The mesh in file coordinates (usually micrometers), with the region of each cell as cell array `region`.

    A .lon file beside it gives the cell arrays `fiber` and, where it has them, `sheet`.
    A .pts file without its .elem file gives bare points.
    """
    pair = opencarp_pair(path)
    if pair is None:
        raise UnreadableFile(f"{Path(path).name} is not an openCARP mesh, which is a .pts and an .elem file.")
    points_path, cells_path = pair
    points = _read_points(check_readable(points_path))
    if not cells_path.exists() and Path(path).suffix.lower() != ".elem":
        return grid_from(points, np.empty(0), np.zeros(1), np.empty(0))
    lines = _lines(check_readable(cells_path))
    kinds = np.array([line[:2] for line in lines])
    unknown = sorted(set(kinds) - set(CELLS))
    if unknown:
        raise UnreadableFile(f"{cells_path.name} has a cell of the kind '{unknown[0]}', which openCARP does not define.")
    sizes = np.zeros(len(lines), dtype=np.int64)
    types = np.zeros(len(lines), dtype=np.uint8)
    for kind, (vtk_type, size) in CELLS.items():
        types[kinds == kind], sizes[kinds == kind] = vtk_type, size
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    connectivity = np.zeros(offsets[-1], dtype=np.int64)
    regions = np.zeros(len(lines), dtype=np.int64)
    for kind, (_, size) in CELLS.items():
        here = np.flatnonzero(kinds == kind)
        if len(here) == 0:
            continue
        table = _table([lines[number] for number in here], 1, size, cells_path, f"a cell of kind {kind} without {size} whole node numbers")
        if not np.all(np.abs(table) < MOST_WHOLE) or np.any(table != np.rint(table)):
            raise UnreadableFile(f"{cells_path.name} has a cell of kind {kind} without {size} whole node numbers and a whole region.")
        table = table.astype(np.int64)
        cells = table[:, :size]
        if cells.min() < 0 or cells.max() >= len(points):
            wrong = cells.min() if cells.min() < 0 else cells.max()
            raise UnreadableFile(f"{cells_path.name} refers to point {wrong}, but {points_path.name} has points 0 to {len(points) - 1}.")
        connectivity[offsets[here][:, None] + np.arange(size)] = _untwisted(cells, points)
        if table.shape[1] > size:
            regions[here] = table[:, size]
    grid = grid_from(points, types, offsets, connectivity)
    region = numpy_to_vtk(regions, deep=True)
    region.SetName("region")
    grid.GetCellData().AddArray(region)
    fibers = cells_path.with_suffix(".lon")
    for name, directions in _read_directions(fibers, len(lines)).items() if fibers.is_file() else ():
        array = numpy_to_vtk(np.ascontiguousarray(directions), deep=True)
        array.SetName(name)
        grid.GetCellData().AddArray(array)
    return grid


def write_dat(values: np.ndarray, path: Path) -> None:
    """One value per line, in the order of the points; as many digits as the type holds."""
    values = np.asarray(values)
    whole = np.issubdtype(values.dtype, np.integer)
    np.savetxt(path, values, fmt="%d" if whole else ("%.9g" if values.dtype == np.float32 else "%.17g"))


def read_dat(path: Path, dtype: np.dtype) -> np.ndarray:
    """(n,) what `write_dat` wrote, to the last bit. Raises UnreadableFile."""
    try:
        return np.loadtxt(check_readable(path), dtype=dtype, ndmin=1)
    except ValueError as problem:
        raise UnreadableFile(f"{path.name} does not hold one number per line.") from problem


def _lines(path: Path) -> list[str]:
    """The lines after the count in the first one, which must agree with them. A byte order mark is passed over."""
    try:
        first, *lines = [line for line in read_text(path).splitlines() if line.strip()]
        count = int(first.split()[0])
    except (UnicodeDecodeError, ValueError) as problem:
        raise UnreadableFile(f"{path.name} does not begin with its number of lines, as an openCARP file must.") from problem
    if len(lines) != count:
        raise UnreadableFile(f"{path.name} announces {count} lines but has {len(lines)}; it is truncated or damaged.")
    return lines


def _read_directions(path: Path, count: int) -> dict[str, np.ndarray]:
    """(count, 3) by name. The first line has the number of directions per cell, except in old files."""
    try:
        lines = [line for line in read_text(check_readable(path)).splitlines() if line.strip()]
        table = np.loadtxt(lines[len(lines[0].split()) == 1 :], dtype=np.float64, ndmin=2, comments=None)
    except (UnicodeDecodeError, ValueError, IndexError) as problem:
        raise UnreadableFile(f"{path.name} does not hold three or six numbers per line, as an openCARP file must.") from problem
    if len(table) != count or table.shape[1] not in (3, 6) or not np.all(np.isfinite(table)):
        raise UnreadableFile(f"{path.name} does not hold three or six finite numbers for each of the {count} cells; it is damaged.")
    return {name: table[:, 3 * place : 3 * place + 3] for place, name in enumerate(("fiber", "sheet")[: table.shape[1] // 3])}


def _read_points(path: Path) -> np.ndarray:
    lines = _lines(path)
    if not lines:
        raise UnreadableFile(f"{path.name} has no points.")
    return _table(lines, 0, 3, path, "a line that is not three numbers")[:, :3]


def _table(lines: list[str], start: int, count: int, path: Path, wrong: str) -> np.ndarray:
    """Numbers from column `start` on: `count` of them, and one more where the lines have it."""
    columns = range(start, min(len(lines[0].split()), start + count + 1))
    try:
        table: np.ndarray = np.loadtxt(lines, dtype=np.float64, usecols=columns, ndmin=2, comments=None)
    except (ValueError, OverflowError) as problem:
        raise UnreadableFile(f"{path.name} has {wrong}.") from problem
    if table.shape[1] < count:
        raise UnreadableFile(f"{path.name} has {wrong}.")
    return table


def _untwisted(cells: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Hexahedra and prisms in VTK's order of nodes.

    Programs that write these files disagree on whether the upper face runs the same way round as the lower one;
    the way that gives the shorter upright edges is the right one.
    """
    swaps = {8: [0, 1, 2, 3, 4, 7, 6, 5], 6: [0, 1, 2, 3, 5, 4]}
    if cells.shape[1] not in swaps:
        return cells
    half = cells.shape[1] // 2
    swapped = cells[:, swaps[cells.shape[1]]]

    def upright(order: np.ndarray) -> np.ndarray:
        return np.linalg.norm(points[order[:, :half]] - points[order[:, half:]], axis=2).sum(axis=1)

    return np.where((upright(swapped) < upright(cells))[:, None], swapped, cells)
