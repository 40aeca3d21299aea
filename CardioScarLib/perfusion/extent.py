"""How much of the wall has low perfusion."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

NEIGHBORS = 6.5
"""mm: places no farther apart belong together."""
LEAST_AREA = 100.0
"""mm^2: a smaller low place is noise; it keeps its own area and does not grow."""
GROWS = 12.0
"""mm by which a low place can grow, about the width of the blur."""
HIGHEST = 0.8
"""Of the reference: the border of a defect is sought no higher, where normal perfusion varies, too."""
HALFWAY = 0.5
FLOOR = 10.0
"""Percentile of the perfusion in a low place that is its floor."""


@dataclass(frozen=True, eq=False)
class Neighborhood:
    """Which places of the wall are beside each other."""

    points: np.ndarray
    area: np.ndarray
    one: np.ndarray = field(repr=False)
    other: np.ndarray = field(repr=False)

    @classmethod
    def of(cls, points: np.ndarray, area: np.ndarray) -> Neighborhood:
        pairs = cKDTree(points).query_pairs(NEIGHBORS, output_type="ndarray")
        return cls(points, area, pairs[:, 0], pairs[:, 1])

    def pieces(self, inside: np.ndarray) -> np.ndarray:
        """(n,) number of the piece that each place inside belongs to, -1 outside."""
        both = inside[self.one] & inside[self.other]
        graph = coo_matrix((np.ones(np.count_nonzero(both)), (self.one[both], self.other[both])), shape=(len(inside),) * 2)
        return np.where(inside, connected_components(graph, directed=False)[1], -1)


def defects(
    perfusion: np.ndarray, low: np.ndarray | float, around: Neighborhood, highest: float = HIGHEST, border: float = HALFWAY
) -> np.ndarray:
    """(n,) bool of the places that are in a defect.

    Where perfusion is below `low` there is a defect. Its border is where perfusion is halfway between its floor and normal: blur makes
    a sharp border a slope, whose middle is where the border was. perfusion: (n,) of the reference. low: of it, one or (n,).
    border: how far the border is on the way from the floor to normal.
    """
    below = perfusion < low
    inside = below.copy()
    pieces = around.pieces(below)
    for number in np.unique(pieces[below]):
        piece = pieces == number
        if around.area[piece].sum() < LEAST_AREA:
            continue
        floor = float(np.percentile(perfusion[piece], FLOOR))
        halfway = min(floor + border * (1 - floor), highest)
        near = cKDTree(around.points[piece]).query(around.points, distance_upper_bound=GROWS)[0] < GROWS
        inside |= near & (perfusion < halfway)
    return inside


def extent_percent(inside: np.ndarray, area: np.ndarray) -> float:
    """% of the wall's area."""
    return float(100 * area[inside].sum() / area.sum())
