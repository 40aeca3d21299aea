"""Laplace problems on tetrahedra, and the lengths of the paths along their gradients."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, cg
from scipy.spatial import cKDTree

from CardioScarLib.core.errors import BadWall

TOLERANCE = 1e-7
MOST_STEPS = 5000
FLAT = 1e-3
"""Share of the usual slope below which a function has no direction."""
BESIDE = 1e-3
"""How far, as a share of a face, a path may miss it by rounding and still go through it."""
PATH_TOLERANCE = 1e-6
"""mm."""


class LinearElements:
    """Linear finite elements on the tetrahedra of a wall.

    nodes: (n, 3) mm. tetrahedra: (m, 4), each with a volume, in one connected piece that uses all the nodes.
    """

    def __init__(self, nodes: np.ndarray, tetrahedra: np.ndarray):
        self.nodes, self.tetrahedra = nodes, tetrahedra
        a, b, c, d = (nodes[tetrahedra[:, corner]] for corner in range(4))
        across = np.stack([np.cross(d - b, c - b), np.cross(c - a, d - a), np.cross(d - a, b - a), np.cross(b - a, c - a)], axis=1)
        six_volumes = np.einsum("ij,ij->i", across[:, 3], d - a)
        self.volumes = np.abs(six_volumes) / 6
        self.slopes = across / six_volumes[:, None, None]
        """(m, 4, 3) gradient of each corner's hat function, 1/mm."""

    def stiffness(self, conductivity: np.ndarray | float = 1.0) -> sparse.csr_matrix:
        """(n, n): integral of conductivity times the product of the gradients; conductivity is (m,) or one number."""
        weight = self.volumes * conductivity
        entries = np.einsum("tid,tjd,t->tij", self.slopes, self.slopes, weight, optimize=True)
        rows, columns = np.repeat(self.tetrahedra, 4, axis=1), np.tile(self.tetrahedra, (1, 4))
        count = len(self.nodes)
        return sparse.coo_matrix((entries.ravel(), (rows.ravel(), columns.ravel())), (count, count)).tocsr()

    @cached_property
    def laplacian(self) -> sparse.csr_matrix:
        return self.stiffness()

    @cached_property
    def _by_node(self) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """For each corner: the cells in the order of their node there, where each node begins, and how many it has."""
        result = []
        for nodes in self.tetrahedra.T:
            order = np.argsort(nodes, kind="stable")
            first = np.flatnonzero(np.append(True, np.diff(nodes[order]) > 0))
            result.append((order, first, np.diff(np.append(first, len(nodes)))))
        return result

    @cached_property
    def node_volumes(self) -> np.ndarray:
        """(n,) each node's share of the volume, mm^3."""
        return np.bincount(self.tetrahedra.ravel(), np.repeat(self.volumes / 4, 4), len(self.nodes))

    def gradients(self, values: np.ndarray) -> np.ndarray:
        """(m, 3) gradient in each tetrahedron of a function given at the nodes."""
        return np.einsum("tid,ti->td", self.slopes, values[self.tetrahedra])

    def at_nodes(self, per_cell: np.ndarray) -> np.ndarray:
        """(n, 3) vectors at the nodes: the mean of those in the tetrahedra around, by volume."""
        weighted = np.repeat(per_cell * self.volumes[:, None] / 4, 4, axis=0)
        sums = [np.bincount(self.tetrahedra.ravel(), weighted[:, axis], len(self.nodes)) for axis in range(3)]
        return np.column_stack(sums) / self.node_volumes[:, None]

    def harmonic(self, fixed: np.ndarray, values: np.ndarray) -> np.ndarray:
        """(n,) the harmonic function with these values at the fixed nodes and no flux through the rest of the surface."""
        return self.solve(self.laplacian, np.zeros(len(self.nodes)), fixed, values)

    def solve(self, matrix: sparse.csr_matrix, load: np.ndarray, fixed: np.ndarray, values: np.ndarray | float) -> np.ndarray:
        """(n,) x with matrix @ x = load but x = values at the fixed nodes; conjugate gradients, scaled by the diagonal.

        Without fixed nodes the load must sum to zero, and x is one of the solutions.
        """
        result = np.zeros(len(load))
        result[fixed] = values
        free = np.ones(len(load), dtype=bool)
        free[fixed] = False
        inner = matrix[free][:, free]
        right = (load - matrix @ result)[free]
        diagonal = inner.diagonal()
        scale = LinearOperator(inner.shape, lambda x: x.ravel() / np.where(diagonal > 0, diagonal, 1.0))
        size = np.linalg.norm(right)
        if size > 0:
            found, status = _conjugate_gradients(inner, right, scale)
            if status != 0:
                raise BadWall("The cells of the LV model are too distorted for its wall coordinates to be solved; mesh it again.")
            result[free] = found
        return result

    def path_lengths(self, towards: np.ndarray, falling: np.ndarray, ends: np.ndarray, lengths: np.ndarray | float = 0.0) -> np.ndarray:
        """(n,) mm from each node along a field of directions to where it ends.

        towards: (n, 3) unit vectors. falling: (n,) a function that falls along them. ends: numbers of the nodes at which
        paths end, having `lengths` still to go.
        A path leaves a node through the opposite face of the tetrahedron that its direction points into, and continues
        from there with the mean of the lengths at that face's corners: the first-order semi-Lagrangian form of the
        transport equations of Yezzi & Prince 2003. One that would leave the wall glides along its surface, or else
        follows the edge down which `falling` falls most; from a node below all its neighbors it is straight.
        """
        count = len(self.nodes)
        best, hop, share, corners = np.full(count, -np.inf), np.zeros(count), np.zeros((count, 3)), np.zeros((count, 3), dtype=np.int64)
        for corner in range(4):
            start, others = self.tetrahedra[:, corner], np.delete(np.arange(4), corner)
            speed = np.einsum("tid,td->ti", self.slopes, towards[start])
            time = 1.0 / np.maximum(-speed[:, corner], 1e-12)
            weights = time[:, None] * speed[:, others]
            fit = np.where(speed[:, corner] < 0, weights.min(axis=1), -np.inf)
            order, first, counts = self._by_node[corner]
            found = fit[order]
            top = order[found == np.repeat(np.maximum.reduceat(found, first), counts)]
            top = top[fit[top] > best[start[top]]]
            node = start[top]
            best[node], hop[node], share[node] = fit[top], time[top], weights[top]
            corners[node] = self.tetrahedra[top][:, others]
        share = np.maximum(share, 0)
        share /= np.maximum(share.sum(axis=1), 1e-300)[:, None]
        leaving = np.flatnonzero(best < -BESIDE)
        landing = np.einsum("ni,nid->nd", share[leaving], self.nodes[corners[leaving]])
        hop[leaving] = np.linalg.norm(landing - self.nodes[leaving], axis=1)
        # Each step goes down, on the mean over its face, so that no path runs in a circle.
        stuck = np.flatnonzero((np.einsum("ni,ni->n", share, falling[corners]) >= falling) | (share.sum(axis=1) == 0))
        down, hop[stuck], falls = self._steepest(falling, stuck)
        corners[stuck], share[stuck] = down[:, None], (1.0, 0.0, 0.0)
        pits = stuck[~falls]
        hop[pits], share[pits] = cKDTree(self.nodes[ends]).query(self.nodes[pits])[0], 0.0
        hop[ends], share[ends] = lengths, 0.0
        step = sparse.csr_matrix((share.ravel(), (np.repeat(np.arange(count), 3), corners.ravel())), (count, count))
        result = hop.copy()
        for _ in range(MOST_STEPS):
            longer = hop + step @ result
            moved = np.abs(longer - result).max()
            result = longer
            if moved < PATH_TOLERANCE:
                return result
        raise BadWall("The paths through the LV wall do not end; check its endocardium and epicardium, or mesh it again.")

    def _steepest(self, falling: np.ndarray, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """For each of some nodes the neighbor to which a function falls most per mm, the distance, and whether it falls."""
        pairs = self.laplacian[nodes].tocoo()
        start, end = nodes[pairs.row], pairs.col
        length = np.linalg.norm(self.nodes[start] - self.nodes[end], axis=1)
        fall = np.where(start == end, -np.inf, (falling[start] - falling[end]) / np.where(start == end, 1.0, length))
        order = np.lexsort((fall, pairs.row))
        last = order[np.append(np.diff(pairs.row[order]) > 0, True)] if len(order) else order
        return end[last], length[last], fall[last] > 0

    def directions(self, values: np.ndarray) -> np.ndarray:
        """(n, 3) unit vectors along the gradient of a function given at the nodes.

        Where it is the same at all nodes around, the direction is that of the neighbors: on coarse meshes there are
        cells with all their nodes on one surface.
        """
        gradient = self.at_nodes(self.gradients(values))
        length = np.linalg.norm(gradient, axis=1)
        result, known = unit(gradient), length > FLAT * np.median(length)
        result[~known] = 0
        near = abs(self.laplacian)
        while not known.all():
            spread = near @ result
            found = ~known & (np.linalg.norm(spread, axis=1) > 0)
            if not found.any():
                raise BadWall("The cells of the LV model are too coarse for its wall coordinates; mesh it again.")
            result[found] = unit(spread[found])
            known |= found
        return result


def unit(vectors: np.ndarray) -> np.ndarray:
    """(n, 3) vectors of length one; zero where there is no direction."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(length > 0, length, 1.0)


def _conjugate_gradients(matrix: sparse.csr_matrix, right: np.ndarray, scale: LinearOperator) -> tuple[np.ndarray, int]:
    try:
        return cg(matrix, right, rtol=TOLERANCE, maxiter=MOST_STEPS, M=scale)
    except TypeError:  # scipy before 1.12
        return cg(matrix, right, tol=TOLERANCE, maxiter=MOST_STEPS, M=scale)
