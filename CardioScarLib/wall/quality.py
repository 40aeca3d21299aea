"""The quality of a wall's cells, and the distance of its surfaces to the contours it was made from."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkDoubleArray
from vtkmodules.vtkFiltersCore import vtkImplicitPolyDataDistance

from CardioScarLib.core.errors import BadWall
from CardioScarLib.core.wall import Wall, tetrahedron_volumes
from CardioScarLib.wall.surfaces import ENDO, EPI, WallSurfaces, edges_of, row_numbers, skin, triangle_surface

SLIVER = 5.0
"""Degrees: cells with a smaller dihedral angle spoil the solution of equations on the mesh."""


@dataclass(frozen=True)
class MeshQuality:
    """Numbers about a tetrahedral wall.

    edge_length: mean over all edges, mm. smallest_dihedral: degrees, over all cells; per_mille_dihedral: 0.1 % of the
    cells have a smaller one. slivers: cells with an angle below 5 degrees. inverted: cells that are turned inside out, in
    whatever order their corners are stored. pieces: of cells that share no node. closed: every edge of the skin has an even number of
    triangles. manifold: it has exactly two, and the triangles at each node make one ring.
    """

    nodes: int
    tetrahedra: int
    edge_length: float
    smallest_dihedral: float
    per_mille_dihedral: float
    slivers: int
    inverted: int
    pieces: int
    closed: bool
    manifold: bool

    def __str__(self) -> str:
        """One line for the user."""
        slivers = f"{self.slivers:,} cells below {SLIVER:.0f}" if self.slivers else f"none below {SLIVER:.0f}"
        inverted = f"{self.inverted:,} inverted cells" if self.inverted else "no inverted cell"
        surface = ("closed" if self.closed else "not closed") + (" and manifold" if self.manifold else " and not manifold")
        pieces = f"; {self.pieces} separate pieces" if self.pieces > 1 else ""
        return (
            f"{self.nodes:,} nodes, {self.tetrahedra:,} tetrahedra, edges of {self.edge_length:.2g} mm; "
            f"smallest dihedral angle {self.smallest_dihedral:.1f} degrees, {slivers}; {inverted}; surface {surface}{pieces}."
        )


@dataclass(frozen=True)
class ContourDistance:
    """mm from contour points to the surface they were drawn for: mean, 95th percentile and largest; means per surface."""

    mean: float
    most: float
    largest: float
    endo: float
    epi: float

    def __str__(self) -> str:
        """One line for the user."""
        return (
            f"Contours to the wall's surface: mean {self.mean:.2f} mm (endocardium {self.endo:.2f}, epicardium {self.epi:.2f}), "
            f"95 % within {self.most:.2f} mm, largest {self.largest:.2f} mm."
        )


def mesh_quality(wall: Wall) -> MeshQuality:
    """Quality of a tetrahedral wall; raises BadWall without tetrahedra."""
    if wall.kind != "volume":
        raise BadWall("The quality of cells is defined for volume meshes; the LV model has no volume cells.")
    cells, count = wall.tetrahedra, len(wall.nodes)
    smallest = dihedral_angles(wall.nodes, cells).min(axis=1)
    edges = np.sort(np.vstack([cells[:, pair] for pair in combinations(range(4), 2)]), axis=1)
    edges = edges[np.unique(row_numbers(edges), return_index=True)[1]]
    graph = sparse.csr_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), (count, count))
    label = connected_components(graph, directed=False)[1]
    closed, manifold = closed_and_manifold(skin(wall))
    return MeshQuality(
        nodes=count,
        tetrahedra=len(cells),
        edge_length=float(np.linalg.norm(wall.nodes[edges[:, 0]] - wall.nodes[edges[:, 1]], axis=1).mean()),
        smallest_dihedral=float(smallest.min()),
        per_mille_dihedral=float(np.quantile(smallest, 1e-3)),
        slivers=int(np.count_nonzero(smallest < SLIVER)),
        inverted=_inverted(wall.nodes, cells),
        pieces=len(np.unique(label[cells[:, 0]])),
        closed=closed,
        manifold=manifold,
    )


def dihedral_angles(nodes: np.ndarray, tetrahedra: np.ndarray) -> np.ndarray:
    """(m, 6) angles between the faces of each tetrahedron, degrees; 70.5 all round in a regular one, 0 in a flat one."""
    corner = [nodes[tetrahedra[:, number]] for number in range(4)]
    normals = []
    for apex in range(4):
        a, b, c = (corner[number] for number in range(4) if number != apex)
        normal = np.cross(b - a, c - a)
        normal *= np.sign(np.einsum("ij,ij->i", normal, a - corner[apex]))[:, None]  # away from the apex, so outward
        normals.append(normal / np.maximum(np.linalg.norm(normal, axis=1), 1e-300)[:, None])
    cosines = [np.einsum("ij,ij->i", normals[first], normals[second]) for first, second in combinations(range(4), 2)]
    return 180 - np.degrees(np.arccos(np.clip(np.column_stack(cosines), -1, 1)))


def _inverted(nodes: np.ndarray, tetrahedra: np.ndarray) -> int:
    """Cells whose volume has the other sign than most, after all are brought into one orientation.

    Neighbors have one orientation when they run around their common face in opposite ways, wherever their nodes lie.
    """
    count = len(tetrahedra)
    faces = np.vstack([np.delete(tetrahedra, corner, axis=1) for corner in range(4)])
    a, b, c = faces.T
    way = np.repeat([1, -1, 1, -1], count) * np.sign((b - a) * (c - a) * (c - b))
    number = row_numbers(np.sort(faces, axis=1))
    order = np.argsort(number, kind="stable")
    shared = np.flatnonzero(number[order][1:] == number[order][:-1])
    first, second = order[shared], order[shared + 1]
    turned = np.where(way[first] == way[second], count, 0)
    one, other = first % count, second % count
    # Each cell twice, as it is and turned over: what is connected then has one orientation.
    ends = np.column_stack([np.concatenate([one, one + count]), np.concatenate([other + turned, other + count - turned])])
    label = connected_components(sparse.csr_matrix((np.ones(len(ends)), ends.T), (2 * count, 2 * count)), directed=False)[1]
    piece = np.minimum(label[:count], label[count:])
    sign = np.sign(tetrahedron_volumes(nodes, tetrahedra)) * np.where(label[:count] == piece, 1, -1)
    sizes = np.bincount(piece)
    right = np.maximum(np.bincount(piece, sign > 0), np.bincount(piece, sign < 0))
    return int(round(float((sizes - right).sum())))


def closed_and_manifold(triangles: np.ndarray) -> tuple[bool, bool]:
    """Whether a surface has no rim, and whether it is everywhere like a sheet."""
    edges = edges_of(triangles)
    owner = np.tile(np.arange(len(triangles)), 3)
    _, number, count = np.unique(row_numbers(edges), return_inverse=True, return_counts=True)
    number = number.ravel()
    closed = bool(np.all(count % 2 == 0))
    if np.any(count > 2):
        return closed, False
    # Each corner of each triangle is tied to the same node's corner of the neighbors across edges: one ring per node.
    order = np.argsort(number, kind="stable")
    shared = np.flatnonzero(number[order][1:] == number[order][:-1])
    first, second = order[shared], order[shared + 1]
    by_end = []
    for end in range(2):
        node = edges[first, end]
        by_end.append([owner[one] * 3 + np.argmax(triangles[owner[one]] == node[:, None], axis=1) for one in (first, second)])
    ties = np.hstack(by_end)
    corners = triangles.size
    graph = sparse.csr_matrix((np.ones(ties.shape[1]), (ties[0], ties[1])), (corners, corners))
    rings = connected_components(graph, directed=False)[0]
    return closed, bool(np.all(count == 2)) and rings == len(np.unique(triangles))


def contour_distance(surfaces: WallSurfaces, endo: np.ndarray, epi: np.ndarray) -> ContourDistance:
    """How far contours lie from the surfaces of a wall.

    endo, epi: (k, 3) points of all contours, LPS mm; one of the two may be empty. Raises BadWall where a surface has no part for
    its contours.
    """
    distances = []
    for contours, region, name in ((endo, ENDO, "endocardium"), (epi, EPI, "epicardium")):
        triangles = surfaces.part(region)
        if len(contours) and not len(triangles):
            raise BadWall(f"There are contours of the {name}, but no part of the wall's surface is {name}.")
        distances.append(surface_distance(surfaces.nodes, triangles, contours) if len(contours) else np.empty(0))
    together = np.concatenate(distances)
    if not len(together):
        raise BadWall("There are no contours to measure the wall against.")
    means = [float(part.mean()) if len(part) else float("nan") for part in distances]
    return ContourDistance(float(together.mean()), float(np.quantile(together, 0.95)), float(together.max()), *means)


def surface_distance(nodes: np.ndarray, triangles: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(n,) mm from points to the closest place on a surface."""
    used, triangles = np.unique(triangles, return_inverse=True)  # nodes of other parts are no part of this surface
    distance = vtkImplicitPolyDataDistance()
    distance.SetInput(triangle_surface(nodes[used], triangles.reshape(-1, 3)))
    result = vtkDoubleArray()
    distance.FunctionValue(numpy_to_vtk(np.ascontiguousarray(points, dtype=np.float64), deep=True), result)
    return np.abs(vtk_to_numpy(result))
