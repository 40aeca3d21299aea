"""A map as an openCARP mesh: points, tagged elements, and the fibers that the mesh carries."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonDataModel import VTK_TETRA, vtkDataSet

from CardioScarLib.core.errors import BadWall
from CardioScarLib.io.cell_choice import cell_regions, owned_cells
from CardioScarLib.io.meshes import UNITS, MeshFile
from CardioScarLib.io.vtk_files import as_grid, cells_of, points_of

FIBER = re.compile(r"fib(er|re)s?(_?(orientation|direction)s?)?|f0?|lon", re.IGNORECASE)
SHEET = re.compile(r"sheets?(_?(orientation|direction)s?)?|s0?", re.IGNORECASE)
"""Names of cell arrays with three components in which programs keep directions of muscle."""
NOT_OF_MAP = 0
"""Tag of elements that are no wall of the map, such as those of the other ventricle."""


@dataclass(frozen=True, eq=False)
class TaggedMesh:
    """points: (n, 3) micrometers in the frame of the mesh's file, those of the map in their order. elements: (m, 4) or (m, 3).

    tags: (m,). fibers: (m, 3) or, with sheets, (m, 6) unit vectors; None where the mesh carries none. notes: as sentences.
    """

    points: np.ndarray
    elements: np.ndarray
    tags: np.ndarray
    fibers: np.ndarray | None = None
    notes: tuple[str, ...] = ()


def tagged_mesh(
    mesh: MeshFile,
    probability: np.ndarray,
    tissue: Callable[[np.ndarray], np.ndarray],
    observed: np.ndarray | None = None,
    regions: Sequence[int] | None = None,
) -> TaggedMesh:
    """The mesh of a map with tags by the scar fraction in the middle of each element.

    probability: (n,) at the points. tissue: (m,) scar fractions -> (m,) tags. observed: (n,) `scar_observed`, to tell what lies beyond
    the slices. regions: of the cells that make the wall; all others get NOT_OF_MAP; None takes all. Raises BadWall for bare points.
    """
    wall = mesh.wall
    if wall.kind == "points":
        raise BadWall(f"{mesh.path.name} has points only, and an openCARP mesh needs elements.")
    elements, kept = _elements(mesh)
    tags = tissue(probability[elements].mean(axis=1)).astype(np.int64)
    notes = []
    if regions is not None:
        found = None if kept is None else cell_regions(mesh.dataset)
        if found is None or kept is None:
            raise BadWall(
                f"{mesh.path.name} has cells of several kinds or no regions, so those of the wall are not known; convert it first."
            )
        others = ~np.isin(found[kept], regions)
        tags[others] = NOT_OF_MAP
        if others.any():
            notes.append(f"{np.count_nonzero(others)} elements of other regions have the tag {NOT_OF_MAP}.")
    fibers = None if kept is None else _fibers(mesh.dataset, kept)
    if fibers is None and kept is None and wall.kind == "volume":
        notes.append("Cells were split or left out on reading, so fibers, if there are any, were left out, too.")
    if observed is not None:
        beyond = np.all(observed[elements] == 0, axis=1) & (tags != NOT_OF_MAP)
        if beyond.any():
            notes.append(
                f"{np.count_nonzero(beyond)} of {len(elements)} elements lie beyond the slices: their tags are a continuation of the map, "
                "not seen in an image."
            )
    unused = len(wall.nodes) - len(np.unique(elements))
    if unused:
        notes.append(f"{unused} points belong to no element; they were kept, so that the order is that of the map.")
    points = points_of(mesh.dataset) * (UNITS[mesh.unit] / UNITS["um"])
    return TaggedMesh(points, elements, tags, fibers, tuple(notes))


def files_of(mesh: TaggedMesh, stem: Path) -> dict[Path, Callable[[Path], None]]:
    """How to write stem.pts, stem.elem and, with fibers, stem.lon, as the user manual of openCARP describes them: each to a path."""
    kind, count = {4: "Tt", 3: "Tr"}[mesh.elements.shape[1]], len(mesh.elements)
    rows = np.column_stack([mesh.elements, mesh.tags])
    tables = {
        ".pts": (mesh.points, "%.10g", len(mesh.points)),
        ".elem": (rows, f"{kind} " + " ".join(["%d"] * rows.shape[1]), count),
    }
    if mesh.fibers is not None:
        tables[".lon"] = (mesh.fibers, "%.9g", mesh.fibers.shape[1] // 3)
    return {
        stem.with_name(f"{stem.name}{suffix}"): partial(np.savetxt, X=table, fmt=form, header=str(first), comments="")
        for suffix, (table, form, first) in tables.items()
    }


def _elements(mesh: MeshFile) -> tuple[np.ndarray, np.ndarray | None]:
    """The elements, and which cells of the file they are; None where cells had to be split."""
    wall = mesh.wall
    if wall.kind != "volume":
        return wall.triangles, None
    types, offsets, connectivity = cells_of(as_grid(mesh.dataset))
    owned = owned_cells(mesh.dataset)
    kept = np.flatnonzero((types == VTK_TETRA) & owned)
    elements = connectivity[offsets[kept][:, None] + np.arange(4)] if len(kept) else np.empty((0, 4), dtype=np.int64)
    # The wall also has what flat cells, cells given twice and other kinds of cells became.
    if len(kept) != len(wall.tetrahedra):
        elements, kept_or_none = wall.tetrahedra, None
    else:
        kept_or_none = kept
    return _upright(wall.nodes, elements), kept_or_none


def _upright(nodes: np.ndarray, tetrahedra: np.ndarray) -> np.ndarray:
    """The same elements with positive volume, as solvers want them."""
    a, b, c, d = (nodes[tetrahedra[:, corner]] for corner in range(4))
    wrong = np.einsum("ij,ij->i", np.cross(b - a, c - a), d - a) < 0
    found = tetrahedra.copy()
    found[wrong, 2:] = tetrahedra[wrong, :1:-1]
    return found


def _fibers(dataset: vtkDataSet, kept: np.ndarray) -> np.ndarray | None:
    """(m, 3) or (m, 6) unit vectors; a direction of length 0, where there is no muscle, stays so."""
    found = [one for one in (_directions(dataset, name) for name in (FIBER, SHEET)) if one is not None]
    if not found or _directions(dataset, FIBER) is None:
        return None
    both = np.stack(found, axis=1)[kept]
    length = np.linalg.norm(both, axis=2, keepdims=True)
    return np.divide(both, length, out=np.zeros_like(both), where=length > 0).reshape(len(kept), -1)


def _directions(dataset: vtkDataSet, name: re.Pattern[str]) -> np.ndarray | None:
    data = dataset.GetCellData()
    for number in range(data.GetNumberOfArrays()):
        array = data.GetArray(number)
        if array is not None and array.GetNumberOfComponents() == 3 and name.fullmatch(data.GetArrayName(number) or ""):
            return vtk_to_numpy(array).astype(np.float64)
    return None
