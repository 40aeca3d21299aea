"""Reading LV models, and writing them with the arrays of a map."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonCore import vtkPoints, vtkStringArray
from vtkmodules.vtkCommonDataModel import (
    VTK_POLYHEDRON,
    VTK_QUADRATIC_TETRA,
    VTK_TETRA,
    VTK_TRIANGLE,
    VTK_VERTEX,
    vtkDataSet,
    vtkFieldData,
    vtkGenericCell,
    vtkImageData,
    vtkPolyData,
    vtkUnstructuredGrid,
)
from vtkmodules.vtkFiltersGeneral import vtkDataSetTriangleFilter
from vtkmodules.vtkIOLegacy import vtkDataSetWriter
from vtkmodules.vtkIOXML import vtkXMLPolyDataWriter, vtkXMLUnstructuredGridWriter

from CardioScarLib.core.errors import BadSettings, BadWall, UnreadableFile, UnwritableOutput
from CardioScarLib.core.rows import first_equal
from CardioScarLib.core.wall import Wall
from CardioScarLib.geometry.closing import closed_triangles
from CardioScarLib.io.cell_choice import GHOSTS, cell_regions, chosen_cells, owned_cells, regions_in_words
from CardioScarLib.io.files import atomic_path, atomic_paths
from CardioScarLib.io.names import openable
from CardioScarLib.io.opencarp import opencarp_pair, read_opencarp, write_dat
from CardioScarLib.io.vtk_files import READERS, as_grid, captured_vtk_messages, cells_of, grid_from, points_of, read_vtk
from CardioScarLib.wall.surfaces import triangle_surface

FRAMES = ("auto", "lps", "ras")
UNITS = {"mm": 1.0, "um": 1e-3, "cm": 10.0, "m": 1e3}
OUTPUT_SUFFIXES = (".vtk", ".vtu", ".vtp", ".dat")
# An LV is about a decimeter long, whatever it is written in.
LARGEST_IN_MM, SMALLEST_IN_MM = 1000.0, 1.0
# A 10-node tetrahedron as eight: one at each corner, four around a diagonal of the octahedron between them. Faces
# are always split at the middles of their edges, so that neighbors fit.
TEN_NODES_TO_EIGHT = np.array(
    [[0, 4, 6, 7], [1, 5, 4, 8], [2, 6, 5, 9], [3, 8, 7, 9], [4, 9, 5, 6], [4, 9, 6, 7], [4, 9, 7, 8], [4, 9, 8, 5]]
)


@dataclass(frozen=True, eq=False)
class MeshFile:
    """A model as it stands in its file, and the wall it means.

    path: the file (the .pts of an openCARP mesh). dataset: as read, in the file's own frame and unit.
    wall: the same points in the same order, LPS mm. frame: "lps" or "ras". unit: "mm", "um", "cm" or "m".
    regions: (k,) of the cells that could make the wall; None where they have none.
    """

    path: Path
    dataset: vtkDataSet
    wall: Wall
    frame: str
    unit: str
    regions: np.ndarray | None = None


def read_mesh(path: Path) -> vtkDataSet:
    """The model as stored in a .vtk, .vtu, .vtp, .ply, .stl, .obj or openCARP file (.pts, .elem or their stem)."""
    return _read(path)[0]


def read_wall(path: Path, frame: str = "auto", unit: str = "auto", regions: Sequence[int] | None = None) -> MeshFile:
    """Read an LV model and bring it into LPS mm.

    frame: "auto" uses a SPACE header, and LPS without one, as 3D Slicer does.
    unit: "auto" takes a model longer than a meter to be in micrometers, and one shorter than a millimeter in meters.
    regions: of the cells that make the wall; None takes all.
    Assumptions are in the notes of the wall.
    """
    path = openable(path)
    if frame not in FRAMES:
        raise BadSettings(f"The frame of the model is '{frame}'; it must be one of {', '.join(FRAMES)}.")
    if unit not in ("auto", *UNITS):
        raise BadSettings(f"The unit of the model is '{unit}'; it must be one of auto, {', '.join(UNITS)}.")
    dataset, space = _read(path)
    pair = opencarp_pair(path)
    path = pair[0] if pair else path
    notes = []
    if frame == "auto":
        frame = space or "lps"
        if space is None:
            notes.append(f"{path.name} does not state its frame; its points were read as LPS, not RAS (--mesh-frame).")
    if unit == "auto":
        unit, note = _guess_unit(points_of(dataset), path.name)
        notes += note
    to_lps = UNITS[unit] * np.diag([-1.0, -1.0, 1.0] if frame == "ras" else [1.0, 1.0, 1.0])
    matrix = np.eye(4)
    matrix[:3, :3] = to_lps
    return MeshFile(path, dataset, wall_from_dataset(dataset, matrix, notes, regions), frame, unit, _regions(dataset))


def mesh_of_wall(wall: Wall, path: Path) -> MeshFile:
    """A mesh in LPS mm for a wall that did not come from a file. path: the name it will have."""
    cells = wall.tetrahedra if wall.kind == "volume" else wall.triangles
    if wall.kind == "points":
        cells = np.arange(len(wall.nodes)).reshape(-1, 1)
    kind = {"volume": VTK_TETRA, "points": VTK_VERTEX}.get(wall.kind, VTK_TRIANGLE)
    corners = cells.shape[1]
    offsets = np.arange(0, cells.size + 1, corners)
    grid = grid_from(wall.nodes, np.full(len(cells), kind, dtype=np.uint8), offsets, cells.ravel())
    return MeshFile(path, grid, wall, "lps", "mm")


def mesh_of_surface(points: np.ndarray, triangles: np.ndarray, path: Path) -> MeshFile:
    """A surface of triangles, LPS mm, that did not come from a file. path: the name it will have."""
    wall = Wall(points, np.empty((0, 4)), triangles, "shell")
    return MeshFile(path, triangle_surface(wall.nodes, wall.triangles), wall, "lps", "mm")


def bare_mesh(mesh_file: MeshFile) -> MeshFile:
    """The same mesh in its own frame and unit, without arrays."""
    dataset = mesh_file.dataset.NewInstance()
    dataset.CopyStructure(mesh_file.dataset)
    return replace(mesh_file, dataset=dataset)


def without_arrays(mesh_file: MeshFile, names: Iterable[str]) -> MeshFile:
    """The same mesh without these point arrays; the mesh that is given keeps them."""
    dataset = mesh_file.dataset.NewInstance()
    dataset.ShallowCopy(mesh_file.dataset)
    for name in names:
        dataset.GetPointData().RemoveArray(name)
    return replace(mesh_file, dataset=dataset)


def write_mesh(mesh_file: MeshFile, arrays: Mapping[str, np.ndarray], path: Path, overwrite: bool = False) -> list[Path]:
    """Write the model as it was read, in its own frame and unit, with `arrays` added to its points.

    The suffix chooses the format: .vtk (binary legacy), .vtu, .vtp, or .dat for openCARP, which makes one file
    `<stem>_<array>.dat` per array. Arrays of the same name, from an earlier run, are replaced; all others are kept.
    Points and cells keep their order. Returns the files written.
    """
    path = Path(path)
    suffix = check_output_name(mesh_file, path)
    count = mesh_file.dataset.GetNumberOfPoints()
    for name, values in arrays.items():
        if len(values) != count:
            raise UnwritableOutput(f"The array {name} has {len(values)} values for {count} points of {mesh_file.path.name}.")
    if suffix == ".dat":
        targets = [path.with_name(f"{path.stem}_{name}.dat") for name in arrays]
        with atomic_paths(targets, overwrite) as temporary:
            for values, target in zip(arrays.values(), temporary, strict=True):
                write_dat(values, target)
        return targets
    dataset = mesh_file.dataset.NewInstance()
    dataset.ShallowCopy(mesh_file.dataset)
    if suffix == ".vtu":
        grid = vtkUnstructuredGrid()
        grid.ShallowCopy(as_grid(dataset))
        dataset = grid
    for name, values in arrays.items():
        array = numpy_to_vtk(np.ascontiguousarray(values), deep=True)
        array.SetName(name)
        dataset.GetPointData().AddArray(array)
    _set_space(dataset, mesh_file.frame.upper())
    writers: dict[str, Any] = {".vtk": vtkDataSetWriter, ".vtu": vtkXMLUnstructuredGridWriter, ".vtp": vtkXMLPolyDataWriter}
    writer = writers[suffix]()
    writer.SetInputData(dataset)
    if suffix == ".vtk":
        writer.SetFileTypeToBinary()
        writer.SetHeader(f"CardioScar output. SPACE={mesh_file.frame.upper()}")
    with atomic_path(path, overwrite) as temporary, captured_vtk_messages() as messages:
        writer.SetFileName(str(temporary))
        written = writer.Write()
        if not written or "ERROR" in (messages.GetOutput() or ""):
            raise UnwritableOutput(f"{path.name} could not be written; is the disk full?")
    return [path]


def check_output_name(mesh_file: MeshFile, path: Path) -> str:
    """The suffix of an output for this model, if it can hold it; ask before long work."""
    suffix = Path(path).suffix.lower()
    if suffix not in OUTPUT_SUFFIXES:
        reason = "cannot carry arrays" if suffix in READERS else "is not a format for results"
        raise UnwritableOutput(f"{Path(path).name}: {suffix or 'a name without suffix'} {reason}; use one of {', '.join(OUTPUT_SUFFIXES)}.")
    if suffix == ".vtp" and not isinstance(mesh_file.dataset, vtkPolyData):
        raise UnwritableOutput(f"{Path(path).name}: .vtp holds surfaces only, and {mesh_file.path.name} is a grid; use .vtu or .vtk.")
    return suffix


def wall_from_dataset(
    dataset: vtkDataSet, to_lps: np.ndarray | None = None, notes: Sequence[str] = (), regions: Sequence[int] | None = None
) -> Wall:
    """The wall that a data set means.

    Cells of the highest dimension make the wall: volume cells (split into tetrahedra that fit together, all on the
    given points), else surface cells (split into triangles), else bare points. Nodes are the points in their order.
    Copies of cells that another piece owns, and cells that are given twice, count once.
    to_lps: 4x4 from the data set's coordinates to LPS mm; None if they are LPS mm. regions: of the cells that make the wall; None
        takes all.
    """
    if dataset is None or dataset.GetNumberOfPoints() == 0:
        raise BadWall("The LV model has no points.")
    if isinstance(dataset, vtkImageData):
        raise BadWall("The LV model is an image, not a mesh; make a mesh or a surface from it first.")
    notes = list(notes)
    nodes = points_of(dataset)
    if not np.all(np.isfinite(nodes)):
        raise BadWall(f"{np.count_nonzero(~np.isfinite(nodes).all(axis=1))} points of the LV model are not finite numbers.")
    if to_lps is not None:
        nodes = nodes @ to_lps[:3, :3].T + to_lps[:3, 3]
    place = first_equal(nodes)
    coincide = np.count_nonzero(place != np.arange(len(nodes)))
    if coincide:
        notes.append(f"{coincide} points of the LV model coincide with others; all were kept.")
    grid = as_grid(dataset)
    types, offsets, connectivity = cells_of(grid)
    if len(connectivity) and (connectivity.min() < 0 or connectivity.max() >= len(nodes)):
        raise BadWall(f"A cell of the LV model refers to point {connectivity.max()}, but there are {len(nodes)} points.")
    dimension = np.where(_cells_of_wall(dataset, regions, notes), _cell_dimensions(types), -1)
    highest = int(dimension.max(initial=0))
    if highest == 0:
        return Wall(nodes, np.empty((0, 4)), np.empty((0, 3)), "points", tuple(notes))
    if highest == 1:
        raise BadWall("The LV model has only lines; volume cells, a surface or bare points are needed.")
    ignored, used = np.count_nonzero((dimension >= 0) & (dimension < highest)), np.count_nonzero(dimension == highest)
    if ignored:
        kind = "volume" if highest == 3 else "surface"
        notes.append(f"{ignored} cells of lower dimension in the LV model were ignored; its {used} {kind} cells make the wall.")
    simple = VTK_TETRA if highest == 3 else VTK_TRIANGLE
    cells = _simplices(grid.GetPoints(), types, offsets, connectivity, dimension == highest, simple)
    if highest == 3:
        return Wall.from_tetrahedra(nodes, _given_once(place, cells, notes), tuple(notes))
    return _surface_wall(nodes, cells, notes)


def _cells_of_wall(dataset: vtkDataSet, wanted: Sequence[int] | None, notes: list[str]) -> np.ndarray:
    """(m,) bool: cells that count, of the wanted regions."""
    owned = owned_cells(dataset)
    if not owned.all():
        notes.append(f"{np.count_nonzero(~owned)} cells of the LV model are copies, or switched off ({GHOSTS}), and were left out.")
    if wanted is not None:
        return owned & chosen_cells(cell_regions(dataset), wanted)
    regions = _regions(dataset)
    if regions is not None and len(np.unique(regions)) > 1:
        notes.append(f"The LV model has cells of the regions {regions_in_words(regions)}; all were taken for the LV wall.")
    return owned


def _regions(dataset: vtkDataSet) -> np.ndarray | None:
    """(k,) the regions of the cells of the highest dimension that count; None without regions."""
    regions = cell_regions(dataset)
    if regions is None:
        return None
    dimension = np.where(owned_cells(dataset), _cell_dimensions(cells_of(as_grid(dataset))[0]), -1)
    return regions[dimension == dimension.max(initial=0)]


def _given_once(place: np.ndarray, cells: np.ndarray, notes: list[str]) -> np.ndarray:
    """The cells without copies. place: (n,) the first node at the place of each node; nodes at one place count as one."""
    coincide = np.any(place != np.arange(len(place)))
    first = first_equal(place[cells] if coincide else cells, any_order=True) == np.arange(len(cells))
    if first.all():
        return cells
    notes.append(f"{np.count_nonzero(~first)} cells of the LV model were given twice and were left out.")
    return cells[first]


def _read(path: Path) -> tuple[vtkDataSet, str | None]:
    if opencarp_pair(path):
        return read_opencarp(path), None
    try:
        dataset, space = read_vtk(path)
    except UnreadableFile as problem:
        if Path(path).exists() and Path(path).suffix.lower() not in READERS and Path(path).is_file():
            raise UnreadableFile(f"{Path(path).name} is not a model; use one of {', '.join(READERS)}, .pts or .elem.") from problem
        raise
    if isinstance(dataset, vtkImageData):
        raise UnreadableFile(f"{Path(path).name} is an image, not a mesh.")
    return dataset, space


def _guess_unit(points: np.ndarray, name: str) -> tuple[str, list[str]]:
    finite = points[np.isfinite(points).all(axis=1)]
    diagonal = float(np.linalg.norm(np.ptp(finite, axis=0))) if len(finite) else 0.0
    if diagonal > LARGEST_IN_MM:
        return "um", [f"{name} is {diagonal:.0f} units across; they were read as micrometers and converted to mm (--mesh-unit)."]
    if 0 < diagonal < SMALLEST_IN_MM:
        return "m", [f"{name} is {diagonal:.3g} units across; they were read as meters and converted to mm (--mesh-unit)."]
    return "mm", []


def _cell_dimensions(types: np.ndarray) -> np.ndarray:
    """(m,) 0 for vertices and empty cells, 1 for lines, 2 for faces, 3 for volumes."""
    table = np.zeros(256, dtype=np.int8)
    for kind in np.unique(types):
        cell = vtkGenericCell.InstantiateCell(int(kind))
        table[kind] = cell.GetCellDimension() if cell is not None else 0
    return table[types]


def _simplices(
    points: vtkPoints, types: np.ndarray, offsets: np.ndarray, connectivity: np.ndarray, chosen: np.ndarray, simple: int
) -> np.ndarray:
    """The chosen cells as tetrahedra or triangles on the same points, (m, 4) or (m, 3)."""
    corners = 4 if simple == VTK_TETRA else 3
    ready = chosen & (types == simple)
    if ready.all():
        return connectivity.reshape(-1, corners)  # without a copy, which would be the largest array of a fine mesh
    result = [connectivity[offsets[:-1][ready][:, None] + np.arange(corners)]]
    ten = chosen & (types == VTK_QUADRATIC_TETRA)
    if ten.any():
        nodes = connectivity[offsets[:-1][ten][:, None] + np.arange(10)]
        result.append(nodes[:, TEN_NODES_TO_EIGHT].reshape(-1, 4))
    others = np.flatnonzero(chosen & ~ready & ~ten)
    if len(others):
        _refuse_cells(types[others])
        sizes = np.diff(offsets)[others]
        new_offsets = np.concatenate([[0], np.cumsum(sizes)])
        picked = np.repeat(offsets[others] - new_offsets[:-1], sizes) + np.arange(new_offsets[-1])
        part = grid_from(points, types[others], new_offsets, connectivity[picked])
        # Neighbors split the face between them the same way, because the filter orders by point number.
        split = vtkDataSetTriangleFilter()
        split.SetInputData(part)
        with captured_vtk_messages():
            split.Update()
        split_types, split_offsets, split_connectivity = cells_of(split.GetOutput())
        if split.GetOutput().GetNumberOfPoints() != points.GetNumberOfPoints():
            raise BadWall("The cells of the LV model cannot be split without moving its points; convert them to tetrahedra first.")
        result.append(split_connectivity[split_offsets[:-1][split_types == simple][:, None] + np.arange(corners)])
    return np.vstack(result)


def _refuse_cells(types: np.ndarray) -> None:
    """Cells that cannot be split on their own points so that neighbors fit together."""
    for kind in np.unique(types):
        cell = vtkGenericCell.InstantiateCell(int(kind))
        if kind == VTK_POLYHEDRON or (cell.GetCellDimension() == 3 and not cell.IsLinear()):
            name = cell.GetClassName().removeprefix("vtk")
            raise BadWall(f"The LV model has {np.count_nonzero(types == kind)} cells of the kind {name}; convert them to tetrahedra first.")


def _surface_wall(nodes: np.ndarray, triangles: np.ndarray, notes: list[str]) -> Wall:
    """A closed surface when every edge has two triangles, or all but a few; else a shell."""
    wall = Wall(nodes, np.empty((0, 4)), triangles, "shell")
    good = wall.areas > 1e-12 * wall.areas.max(initial=0.0)
    if not good.any():
        raise BadWall("The LV model has surface cells, but none of them has an area.")
    if not good.all():
        notes.append(f"{np.count_nonzero(~good)} cells of the LV model have no area and were left out.")
    triangles, closed, more = closed_triangles(nodes, triangles[good])
    return Wall(nodes, np.empty((0, 4)), triangles, "closed_surface" if closed else "shell", (*notes, *more))


def _set_space(dataset: vtkDataSet, space: str) -> None:
    array = vtkStringArray()
    array.SetName("SPACE")
    array.InsertNextValue(space)
    fields = vtkFieldData()
    fields.ShallowCopy(dataset.GetFieldData())
    fields.AddArray(array)
    dataset.SetFieldData(fields)
