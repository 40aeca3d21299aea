"""Corridors of living tissue in one field on one layer of the wall.

A corridor lies between core and core, or between core and the border of the LV at the base. It is what a closing of the
core (mathematical morphology, Serra 1982) fills, if tissue enters it at two mouths at least: a bay has one, a hole none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import cKDTree

from CardioScarLib.quantification.shells import Shell

WIDEST = 12.0
"""mm: wider tissue between scars is no corridor."""
SHORTEST = 5.0
"""mm between the mouths of a corridor, which is also longer than wide: scar that comes close to the base makes none."""
APART = 4.0
"""mm between two places where tissue enters, that make them two mouths."""
SLACK = 1.0
"""Edge lengths that a point must lie deeper than the closing asks for: along a straight border nothing is a corridor."""


@dataclass(frozen=True, eq=False)
class Corridor:
    """points: numbers of the shell's points in it. path: numbers of those along its middle, from mouth to mouth.

    length: mm of the path. widths: (p,) mm across it at each point of the path. volume: mm^3.
    """

    points: np.ndarray
    path: np.ndarray
    length: float
    widths: np.ndarray
    volume: float


@dataclass(frozen=True, eq=False)
class Layer:
    """A shell and the part of the wall it stands for. thickness: (k,) mm of that part at each point."""

    shell: Shell
    thickness: np.ndarray

    @cached_property
    def graph(self) -> sparse.csr_array:
        return self.shell.graph()

    @cached_property
    def volume(self) -> np.ndarray:
        """(k,) mm^3 of each point's share."""
        return self.shell.area * self.thickness

    def corridors(self, field: np.ndarray, core: float) -> list[Corridor]:
        """The corridors in a field. field: (k,) scar fraction at the shell's points. core: fraction from which on a point is core."""
        living = field < core
        border = self._border(field, core)
        if not len(border) or not living.any():
            return []
        reach = 0.5 * WIDEST
        tree, of_core = cKDTree(np.vstack([border, self.shell.points[self.shell.rim]])), cKDTree(border)
        clearance = np.zeros(len(living))
        clearance[living] = tree.query(self.shell.points[living], distance_upper_bound=reach + 1e-9)[0]
        outside = np.isinf(clearance)
        near = np.flatnonzero(living & ~outside)
        if not outside.any() or not len(near):
            return []
        deeper = reach + SLACK * self.shell.edge_length
        away = cKDTree(self.shell.points[outside]).query(self.shell.points[near], distance_upper_bound=deeper)[0]
        filled = near[np.isinf(away)]
        if not len(filled):
            return []
        inside = np.zeros(len(living), dtype=bool)
        inside[filled] = True
        pieces = connected_components(self.graph[filled][:, filled], directed=False)[1]
        found = []
        for number in range(pieces.max() + 1):
            corridor = self._corridor(filled[pieces == number], inside, living, clearance, tree, of_core)
            if corridor is not None:
                found.append(corridor)
        return found

    def _border(self, field: np.ndarray, core: float) -> np.ndarray:
        """(b, 3) mm where core begins, between points."""
        first, second = self.shell.edges.T
        crossed = (field[first] < core) != (field[second] < core)
        if not crossed.any():
            return np.empty((0, 3))
        first, second = first[crossed], second[crossed]
        share = (core - field[first]) / (field[second] - field[first])
        return self.shell.points[first] + share[:, None] * (self.shell.points[second] - self.shell.points[first])

    def _corridor(
        self, piece: np.ndarray, inside: np.ndarray, living: np.ndarray, clearance: np.ndarray, tree: cKDTree, of_core: cKDTree
    ) -> Corridor | None:
        """The corridor in a connected piece of what the closing fills; None for bays and holes.

        tree: of the borders of core and of the LV. of_core: of those of core alone.
        """
        if len(piece) < 3:
            return None
        rows = self.graph[piece]
        open_to = np.asarray((rows @ (living & ~inside).astype(np.float64)) > 0).ravel()
        mouths = piece[open_to]
        if len(mouths) < 2:
            return None
        points = self.shell.points
        pairs = cKDTree(points[mouths]).query_pairs(APART, output_type="ndarray")
        together = sparse.coo_array((np.ones(len(pairs)), pairs.T), shape=(len(mouths),) * 2)
        count, label = connected_components(together, directed=False)
        if count < 2:
            return None
        middles = np.array([mouths[label == one][np.argmax(clearance[mouths[label == one]])] for one in range(count)])
        within = rows[:, piece].tocoo()
        # Steps along the middle are cheap, so that the path keeps away from the borders.
        cost = within.data / (0.5 * (clearance[piece[within.row]] + clearance[piece[within.col]]) + 0.1 * self.shell.edge_length) ** 2
        places = np.searchsorted(piece, middles)
        costs, before = dijkstra(
            sparse.csr_array((cost, (within.row, within.col)), shape=(len(piece),) * 2), indices=places, return_predecessors=True
        )
        best = None
        for start in range(count):
            for end in range(start + 1, count):
                path = piece[_steps(before[start], places[start], places[end])]
                length = float(np.linalg.norm(np.diff(_smoothed(points[path]), axis=0), axis=1).sum())
                if best is None or length > best[1]:
                    best = (path, length)
        assert best is not None  # count is two or more
        path, length = best
        widths = self._widths(points[path], tree)
        if length < max(SHORTEST, widths.mean()) or widths.mean() < self.shell.edge_length:
            return None
        if of_core.query(points[path])[0].max() > WIDEST:  # along the base alone, without core on either side
            return None
        return Corridor(piece, path, length, widths, float(self.volume[piece].sum()))

    @staticmethod
    def _widths(path: np.ndarray, tree: cKDTree) -> np.ndarray:
        """(p,) mm across the corridor: to the nearest border and on, to the nearest one on the other side."""
        one_side, nearest = tree.query(path)
        toward = tree.data[nearest] - path
        widths = np.empty(len(path))
        for number, (place, way) in enumerate(zip(path, toward, strict=True)):
            around = tree.data[tree.query_ball_point(place, WIDEST)] - place
            opposite = around[around @ way < 0]
            other = np.linalg.norm(opposite, axis=1).min() if len(opposite) else one_side[number]
            widths[number] = one_side[number] + other
        return widths


def _steps(before: np.ndarray, start: int, end: int) -> list[int]:
    """The path from start to end in a table of predecessors."""
    path = [end]
    while path[-1] != start:
        path.append(before[path[-1]])
    return path[::-1]


def _smoothed(path: np.ndarray) -> np.ndarray:
    """A path without the zigzag of the edges it was found on; its ends stay."""
    for _ in range(4):
        path = np.vstack([path[:1], 0.25 * path[:-2] + 0.5 * path[1:-1] + 0.25 * path[2:], path[-1:]]) if len(path) > 2 else path
    return path
