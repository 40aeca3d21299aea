"""Layers of a wall as surfaces of equal depth between endocardium and epicardium."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse
from scipy.spatial import cKDTree
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkFiltersCore import vtkContourFilter, vtkQuadricDecimation, vtkTriangleFilter

from CardioScarLib.core.errors import BadWall
from CardioScarLib.core.wall import Wall
from CardioScarLib.io.meshes import mesh_of_wall
from CardioScarLib.wall.surfaces import edges_of, row_numbers, triangle_surface

DEPTH = "depth"
UNEVEN = 1.3
"""Factor by which edges may be longer or shorter than asked for."""


@dataclass(frozen=True, eq=False)
class Shell:
    """A surface in the wall. depth: 0 endocardium, 1 epicardium. points: (k, 3) LPS mm. triangles: (t, 3) point numbers.

    arrays: by name (k, ...), interpolated from those of the wall's nodes.
    """

    depth: float
    points: np.ndarray
    triangles: np.ndarray
    arrays: dict[str, np.ndarray]

    @cached_property
    def edges(self) -> np.ndarray:
        """(e, 2) point numbers, each edge once."""
        return self._edges[0]

    @cached_property
    def rim(self) -> np.ndarray:
        """Numbers of the points where the surface ends: at the base, and at an opening of the apex."""
        edges, count = self._edges
        return np.unique(edges[count == 1])

    @cached_property
    def area(self) -> np.ndarray:
        """(k,) mm^2 of each point's share."""
        a, b, c = (self.points[self.triangles[:, corner]] for corner in range(3))
        area = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)
        return np.bincount(self.triangles.ravel(), np.repeat(area / 3, 3), len(self.points))

    @cached_property
    def edge_length(self) -> float:
        """mm, the mean."""
        return float(np.linalg.norm(self.points[self.edges[:, 0]] - self.points[self.edges[:, 1]], axis=1).mean())

    @cached_property
    def _edges(self) -> tuple[np.ndarray, np.ndarray]:
        edges = edges_of(self.triangles)
        _, first, count = np.unique(row_numbers(edges), return_index=True, return_counts=True)
        return edges[first], count

    def graph(self) -> sparse.csr_array:
        """(k, k) lengths of the edges, mm, both ways."""
        first, second = self.edges.T
        length = np.linalg.norm(self.points[first] - self.points[second], axis=1)
        both = (np.concatenate([first, second]), np.concatenate([second, first]))
        return sparse.csr_array((np.tile(length, 2), both), shape=(len(self.points),) * 2)


def wall_shell(wall: Wall, transmural: np.ndarray, depth: float, arrays: Mapping[str, np.ndarray], edge: float | None = None) -> Shell:
    """The surface at a depth of a volume wall.

    transmural: (n,) at the nodes. arrays: (n, ...) at the nodes. edge: mm, about how long the edges of the triangles shall be; None
    leaves them as the mesh gives them. Raises BadWall where there is no such surface.
    """
    grid = mesh_of_wall(wall, None).dataset  # type: ignore[arg-type]
    for name, values in {DEPTH: transmural, **arrays}.items():
        array = numpy_to_vtk(np.ascontiguousarray(values, dtype=np.float64), deep=True)  # type: ignore[no-untyped-call]
        array.SetName(name)
        grid.GetPointData().AddArray(array)
    grid.GetPointData().SetActiveScalars(DEPTH)
    contour = vtkContourFilter()
    contour.SetInputData(grid)
    contour.SetValue(0, depth)
    contour.ComputeNormalsOff()
    plain = vtkTriangleFilter()
    plain.SetInputConnection(contour.GetOutputPort())
    plain.PassLinesOff()
    plain.PassVertsOff()
    plain.Update()
    surface = plain.GetOutput()
    if not surface.GetNumberOfPolys():
        raise BadWall(f"The LV model has no surface at {depth:.0%} of its depth.")
    points, triangles, used = _parts(surface)
    found = {name: _values(surface.GetPointData().GetArray(name))[used] for name in arrays}
    shell = Shell(depth, points, triangles, found)
    return shell if edge is None else _evened(shell, edge)


def _evened(shell: Shell, edge: float) -> Shell:
    """About the same surface with edges of about `edge` mm."""
    while shell.edge_length > UNEVEN * edge:
        shell = _cut_in_four(shell)
    if shell.edge_length * UNEVEN > edge:
        return shell
    fewer = vtkQuadricDecimation()
    fewer.SetInputData(triangle_surface(shell.points, shell.triangles))
    fewer.SetTargetReduction(1 - (shell.edge_length / edge) ** 2)
    fewer.Update()
    points, triangles, _ = _parts(fewer.GetOutput())
    nearest = cKDTree(shell.points).query(points)[1]
    return Shell(shell.depth, points, triangles, {name: values[nearest] for name, values in shell.arrays.items()})


def _parts(surface: vtkPolyData) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(k, 3) points that triangles use, (t, 3) their numbers, and (k,) the numbers that they had."""
    used, triangles = np.unique(_values(surface.GetPolys().GetConnectivityArray()).astype(np.int64), return_inverse=True)
    return _values(surface.GetPoints().GetData())[used], triangles.reshape(-1, 3), used


def _values(array: Any) -> np.ndarray:
    """Of a VTK array, as double precision."""
    values: np.ndarray = vtk_to_numpy(array).astype(np.float64)  # type: ignore[no-untyped-call]
    return values


def _cut_in_four(shell: Shell) -> Shell:
    """The same surface with a point in the middle of every edge."""
    all_edges = edges_of(shell.triangles)
    _, first, number = np.unique(row_numbers(all_edges), return_index=True, return_inverse=True)
    ends = all_edges[first]
    middle = len(shell.points) + number.ravel().reshape(3, -1).T
    a, b, c = shell.triangles.T
    ab, bc, ca = middle.T
    triangles = np.vstack([np.column_stack(one) for one in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))])
    arrays = {name: np.concatenate([values, values[ends].mean(axis=1)]) for name, values in shell.arrays.items()}
    return Shell(shell.depth, np.vstack([shell.points, shell.points[ends].mean(axis=1)]), triangles, arrays)
