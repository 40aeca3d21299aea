"""The surface of an LV wall, and its regions: endocardium, epicardium and base."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
from vtkmodules.vtkFiltersCore import vtkPolyDataNormals
from vtkmodules.vtkImagingStencil import vtkImageStencilToImage, vtkPolyDataToImageStencil

from CardioScarLib.core.errors import BadWall
from CardioScarLib.core.wall import Wall

ENDO, EPI, BASE = 1, 2, 3

LOOKED_FROM = 96
"""Voxels along the longest side of the wall's box when it is asked what a place on its skin can see; about 1 mm."""
ENCLOSED = 0.4
"""Share of the view that the wall itself fills. On the endocardium it is above 0.6 up to the rim of a flat base, on the
epicardium and the base it is 0 unless they are hollow."""
LEVEL = 0.6
"""Cosine between a place's normal and the opening's, above which the skin next to an opening is base: 53 degrees."""
BASE_REACH = 3.0
"""How far the base may reach from an opening's rim, in usual wall thicknesses; on a slanted base that is not flat."""
LEAST_OPENING = 0.25
"""Share of the largest opening's width that another one has at least; what is smaller is a notch."""
SECOND_CAVITY = 0.3
"""Share of the endocardium's area that another place facing the wall must have to be a second cavity."""
LEAST_SHARE = 0.05
"""Of the skin's area, for endocardium and epicardium each."""
DIRECTIONS = np.array([step for step in product((-1, 0, 1), repeat=3) if any(step)])


@dataclass(frozen=True, eq=False)
class WallSurfaces:
    """The skin of a wall in regions.

    nodes: (n, 3) LPS mm, those of the wall. triangles: (k, 3) node numbers; normals point out of the wall, so those of
    the endocardium point into the cavity. region: (k,) ENDO, EPI or BASE; 0 around voids inside the wall.
    """

    nodes: np.ndarray
    triangles: np.ndarray
    region: np.ndarray

    def part(self, region: int) -> np.ndarray:
        """(m, 3) triangles of a region."""
        return self.triangles[self.region == region]

    def part_nodes(self, region: int) -> np.ndarray:
        """Sorted numbers of the nodes of a region; nodes on a rim belong to both sides."""
        return np.unique(self.part(region))

    @cached_property
    def area_vectors(self) -> np.ndarray:
        """(k, 3) outward normals times area, mm^2."""
        return area_vectors(self.nodes, self.triangles)

    def area(self, region: int) -> float:
        """mm^2."""
        return float(np.linalg.norm(self.area_vectors[self.region == region], axis=1).sum())


def skin(wall: Wall) -> np.ndarray:
    """(k, 3) node numbers of the wall's outer triangles, normals outward.

    Raises BadWall for shells and bare points, which have no inside.
    """
    if wall.kind == "closed_surface":
        return _turned_outward(wall.nodes, wall.triangles)
    if wall.kind != "volume":
        kind = {"shell": "an open surface", "points": "bare points"}[wall.kind]
        raise BadWall(f"The LV model is {kind} that encloses no volume, so it has no endocardium and epicardium; make a closed wall first.")
    cells = wall.tetrahedra
    faces = np.vstack([cells[:, [1, 2, 3]], cells[:, [0, 3, 2]], cells[:, [0, 1, 3]], cells[:, [0, 2, 1]]])
    opposite = cells.T.ravel()
    _, first, count = np.unique(row_numbers(np.sort(faces, axis=1)), return_index=True, return_counts=True)
    outer = np.sort(first[count == 1])
    faces, opposite = faces[outer], opposite[outer]
    inward = wall.nodes[opposite] - wall.nodes[faces[:, 0]]
    wrong = np.einsum("ij,ij->i", area_vectors(wall.nodes, faces), inward) > 0
    faces[wrong] = faces[wrong][:, ::-1]
    return faces


def wall_surfaces(wall: Wall) -> WallSurfaces:
    """Distinguish endocardium, epicardium and base on any closed LV wall.

    What looks onto the wall itself is endocardium: from each place on the skin, the share of the view (weighted by the
    cosine to the normal) that the wall fills. What borders an opening of the endocardium and faces out of it is
    base; all else is epicardium. No long axis is assumed. An opening at the apex counts as base, too.

    Raises BadWall where the wall has no cavity that opens to one side.
    """
    triangles = skin(wall)
    vectors = area_vectors(wall.nodes, triangles)
    area = np.linalg.norm(vectors, axis=1)
    normals = vectors / np.maximum(area, 1e-300)[:, None]
    neighbors = _neighbors(triangles)
    outer = _largest_piece(np.ones(len(triangles), dtype=bool), neighbors, area)
    if area[_largest_piece(~outer, neighbors, area)].sum() > LEAST_SHARE * area.sum():
        raise BadWall("The cavity of the LV model is closed on all sides; an LV wall must be open at the base.")
    inside = _view_filled(wall.nodes, triangles, normals)
    row, column = neighbors.nonzero()
    alike = sparse.csr_matrix((np.maximum(np.einsum("ij,ij->i", normals[row], normals[column]), 0) ** 4, (row, column)), neighbors.shape)
    alike = alike + sparse.identity(len(triangles), format="csr")
    for _ in range(3):  # single places look through a gap or onto a bump
        inside = (alike @ inside) / np.asarray(alike.sum(axis=1)).ravel()
    enclosed = outer & (inside > ENCLOSED)
    endo = _largest_piece(enclosed, neighbors, area)
    other = _largest_piece(enclosed & ~endo, neighbors, area)
    if area[other].sum() > SECOND_CAVITY * area[endo].sum():
        raise BadWall(
            f"The LV model has two cavities, with surfaces of {area[endo].sum() / 100:.0f} and {area[other].sum() / 100:.0f} cm2; cut the "
            "right ventricle off, or label the regions of its surface."
        )
    endo = ~_largest_piece(outer & ~endo, neighbors, area)  # islands in it belong to it
    share = area[endo & outer].sum() / area[outer].sum()
    if not LEAST_SHARE < share < 1 - LEAST_SHARE:
        raise BadWall(
            "The endocardium and the epicardium of the LV model cannot be distinguished: "
            f"{share:.0%} of its surface faces the model itself, but the model of an LV wall is a cup around a cavity that is open "
            "at the base."
        )
    region = np.where(endo, ENDO, EPI).astype(np.uint8)
    base = np.zeros(len(triangles), dtype=bool)
    volume = np.einsum("ij,ij->", wall.nodes[triangles].mean(axis=1) - wall.nodes.mean(axis=0), vectors) / 3
    reach = BASE_REACH * 2 * volume / area[outer].sum()
    for rim in _openings(wall.nodes, triangles, endo):
        base |= _beside_opening(wall.nodes, triangles, normals, neighbors, endo, rim, reach)
    # Where the cavity flares, its rim looks out; but the base parts it from the epicardium.
    sides = connected_components(neighbors[~base][:, ~base], directed=False)[1]
    side = np.full(len(triangles), -1)
    side[~base] = sides
    endo_side, epi_side = (np.argmax(np.bincount(side[(region == one) & ~base], area[(region == one) & ~base])) for one in (ENDO, EPI))
    if endo_side != epi_side:
        region[side == endo_side] = ENDO
    region[base] = BASE
    region[~outer] = 0
    return WallSurfaces(wall.nodes, triangles, region)


def labeled_surfaces(wall: Wall, node_region: np.ndarray) -> WallSurfaces:
    """Surfaces of a wall with known regions of its nodes: (n,) ENDO, EPI or BASE, anything else inside.

    A triangle has the region of most of its nodes. One whose nodes are of three kinds, or of none, lies on the rim: base.
    """
    triangles = skin(wall)
    labels = np.asarray(node_region)[triangles]
    votes = np.stack([np.count_nonzero(labels == region, axis=1) for region in (ENDO, EPI, BASE)], axis=1)
    region = np.where(votes.max(axis=1) > 1, 1 + votes.argmax(axis=1), BASE).astype(np.uint8)
    return WallSurfaces(wall.nodes, triangles, region)


def row_numbers(rows: np.ndarray) -> np.ndarray:
    """(m,) whole numbers that are equal where rows of (m, k) node numbers are equal; much faster than sorting rows."""
    numbers, count = rows[:, 0], int(rows.max(initial=0)) + 1
    for column in rows.T[1:]:
        numbers = np.unique(numbers * count + column, return_inverse=True)[1].ravel()
    return numbers


def edges_of(triangles: np.ndarray) -> np.ndarray:
    """(3 k, 2) the edges of triangles, smaller node number first; those of triangle t are t, k + t and 2 k + t."""
    return np.sort(np.vstack([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)


def area_vectors(nodes: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(k, 3) normals of triangles times their area."""
    a, b, c = (nodes[triangles[:, corner]] for corner in range(3))
    return 0.5 * np.cross(b - a, c - a)


def triangle_surface(nodes: np.ndarray, triangles: np.ndarray) -> vtkPolyData:
    """Triangles as a VTK surface on all the given points."""
    points = vtkPoints()
    points.SetData(numpy_to_vtk(np.ascontiguousarray(nodes, dtype=np.float64), deep=True))
    cells = vtkCellArray()
    cells.SetData(
        numpy_to_vtkIdTypeArray(np.arange(0, 3 * len(triangles) + 1, 3, dtype=np.int64), deep=True),
        numpy_to_vtkIdTypeArray(np.ascontiguousarray(triangles, dtype=np.int64).ravel(), deep=True),
    )
    surface = vtkPolyData()
    surface.SetPoints(points)
    surface.SetPolys(cells)
    return surface


def _turned_outward(nodes: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Triangles of a closed surface with normals outward; nodes at one place become one."""
    _, first, same_as = np.unique(nodes, axis=0, return_index=True, return_inverse=True)
    turn = vtkPolyDataNormals()
    turn.SetInputData(triangle_surface(nodes, first[same_as.ravel()][triangles]))
    turn.SplittingOff()
    turn.ConsistencyOn()
    turn.AutoOrientNormalsOn()
    turn.Update()
    return vtk_to_numpy(turn.GetOutput().GetPolys().GetConnectivityArray()).astype(np.int64).reshape(-1, 3)


def _neighbors(triangles: np.ndarray) -> sparse.csr_matrix:
    """(k, k) ones where two triangles share an edge."""
    numbers = row_numbers(edges_of(triangles))
    owner = np.tile(np.arange(len(triangles)), 3)
    has = sparse.csr_matrix((np.ones(len(owner)), (owner, numbers)), (len(triangles), numbers.max() + 1))
    together = has @ has.T - 3 * sparse.identity(len(triangles), format="csr")
    together.eliminate_zeros()
    return together


def _view_filled(nodes: np.ndarray, triangles: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """(k,) share of the view from each triangle that the wall fills."""
    low, high = nodes.min(axis=0), nodes.max(axis=0)
    step = float((high - low).max()) / LOOKED_FROM
    first = low - 3 * step
    size = np.ceil((high - first) / step).astype(int) + 4
    filled = voxels(nodes, triangles, first, step, size)
    seen_from = nodes[triangles].mean(axis=1) + 1.5 * step * normals
    index = tuple(np.clip(np.rint((seen_from - first) / step).astype(int), 0, size - 1).T)
    total, blocked = np.zeros(len(triangles)), np.zeros(len(triangles))
    for direction in DIRECTIONS:
        weight = np.maximum(normals @ direction / np.linalg.norm(direction), 0)
        total += weight
        blocked += weight * (_behind(filled, direction)[index] | filled[index])
    return blocked / total


def voxels(nodes: np.ndarray, triangles: np.ndarray, first: np.ndarray, step: float, size: np.ndarray) -> np.ndarray:
    """Booleans of shape `size`, true at the points first + step * (i, j, k) that lie inside a closed surface."""
    stencil = vtkPolyDataToImageStencil()
    stencil.SetInputData(triangle_surface(nodes, triangles))
    stencil.SetOutputOrigin(*first)
    stencil.SetOutputSpacing(step, step, step)
    stencil.SetOutputWholeExtent(0, int(size[0]) - 1, 0, int(size[1]) - 1, 0, int(size[2]) - 1)
    image = vtkImageStencilToImage()
    image.SetInputConnection(stencil.GetOutputPort())
    image.SetOutputScalarTypeToUnsignedChar()
    image.Update()
    values = vtk_to_numpy(image.GetOutput().GetPointData().GetScalars())
    return values.reshape(size[::-1]).transpose(2, 1, 0) > 0


def _behind(filled: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Whether a filled voxel lies ahead of each voxel in a direction of steps -1, 0 and 1."""
    axis = int(np.flatnonzero(direction)[0])
    filled = np.moveaxis(filled, axis, 0)
    across = tuple(np.delete(direction, axis))
    result = np.zeros_like(filled)
    layers = range(len(filled) - 2, -1, -1) if direction[axis] > 0 else range(1, len(filled))
    for layer in layers:
        ahead = layer + direction[axis]
        # The box has an empty margin, so that rolling over its edge brings nothing in.
        result[layer] = np.roll(filled[ahead] | result[ahead], (-across[0], -across[1]), axis=(0, 1))
        result[layer][[0, -1]] = False
        result[layer][:, [0, -1]] = False
    return np.moveaxis(result, 0, axis)


def _largest_piece(chosen: np.ndarray, neighbors: sparse.csr_matrix, area: np.ndarray) -> np.ndarray:
    """The connected part of the chosen triangles with the largest area."""
    numbers = np.flatnonzero(chosen)
    piece = np.zeros_like(chosen)
    if len(numbers):
        label = connected_components(neighbors[numbers][:, numbers], directed=False)[1]
        piece[numbers[label == np.argmax(np.bincount(label, area[numbers]))]] = True
    return piece


def _openings(nodes: np.ndarray, triangles: np.ndarray, endo: np.ndarray) -> list[np.ndarray]:
    """Numbers of the nodes on each rim of the endocardium; one array per opening."""
    rim = np.intersect1d(triangles[endo], triangles[~endo])
    edges = edges_of(triangles[endo])
    _, first, count = np.unique(row_numbers(edges), return_index=True, return_counts=True)
    ends = np.searchsorted(rim, edges[first[count == 1]])
    graph = sparse.csr_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), (len(rim), len(rim)))
    label = connected_components(graph, directed=False)[1]
    rims = [rim[label == number] for number in range(label.max(initial=-1) + 1)]
    widths = [np.linalg.norm(np.ptp(nodes[one], axis=0)) for one in rims]
    return [one for one, width in zip(rims, widths, strict=True) if len(one) > 2 and width > LEAST_OPENING * max(widths)]


def _beside_opening(
    nodes: np.ndarray,
    triangles: np.ndarray,
    normals: np.ndarray,
    neighbors: sparse.csr_matrix,
    endo: np.ndarray,
    rim: np.ndarray,
    reach: float,
) -> np.ndarray:
    """The triangles that reach from an opening's rim outward, up to `reach` mm, and face the way that the opening does."""
    center = nodes[rim].mean(axis=0)
    out = np.linalg.svd(nodes[rim] - center, full_matrices=False)[2][2]
    out = out * (np.sign(out @ (center - nodes[triangles[endo]].mean(axis=(0, 1)))) or 1.0)
    near = cKDTree(nodes[rim]).query(nodes[triangles].mean(axis=1), distance_upper_bound=reach)[0] < np.inf
    level = np.flatnonzero(~endo & near & (normals @ out > LEVEL))
    label = connected_components(neighbors[level][:, level], directed=False)[1]
    at_rim = np.isin(triangles[level], rim).any(axis=1)
    base = np.zeros(len(triangles), dtype=bool)
    base[level[np.isin(label, label[at_rim])]] = True
    return base
