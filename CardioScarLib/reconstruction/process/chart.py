"""The space in which scar is alike: places on an unrolled wall, in mm around, along and through the myocardium."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial import cKDTree

from CardioScarLib.core.errors import BadWall
from CardioScarLib.core.wall import Wall
from CardioScarLib.geometry.frame import CanonicalFrame
from CardioScarLib.wall.coarser import coarser
from CardioScarLib.wall.coordinates import WallCoordinates, wall_coordinates

NEIGHBORS = 8
LEVELS = 20
"""Parts of the way from apex to base whose radius is measured."""
MIDDLE = 0.25
"""Nodes whose transmural coordinate is this close to 0.5 are in the middle of the wall."""
MOST_CELLS = 2_000_000
"""Finer walls are charted on a coarser mesh: wall coordinates take a kilobyte of memory per cell, and vary slowly."""
COARSE_EDGE = 1.25
"""mm."""
PLACES = 3
"""Digits after the decimal point of mm: a heart that is moved has the same chart."""


@dataclass(frozen=True, eq=False)
class WallChart:
    """Where points of the wall lie on it.

    nodes: (n, 3) of the wall, or of a coarser mesh of it, in the canonical frame, mm; (0, 3) without wall coordinates.
    embedded: (n, 4) mm: east and north on a circle that has the wall's circumference, height along the normal of the slices, and
    depth below the endocardium. The circle shrinks towards the apex, where all angles meet. Distances between rows are distances
    along the wall: opposite walls are far apart, and so are endocardium and epicardium of a thin one.
    note: why there are no wall coordinates, for the user.
    """

    nodes: np.ndarray
    embedded: np.ndarray
    note: str = ""

    @property
    def follows_wall(self) -> bool:
        return len(self.nodes) > 0

    def at(self, points: np.ndarray) -> np.ndarray:
        """(n, 4) mm for (n, 3) points in the canonical frame; without wall coordinates their own three, and a 0."""
        points = np.asarray(points, dtype=np.float64)
        if not self.follows_wall:
            return np.column_stack([points, np.zeros(len(points))])
        count = min(NEIGHBORS, len(self.nodes))
        distance, nearest = self._tree.query(points, count)
        distance, nearest = distance.reshape(-1, count), nearest.reshape(-1, count)
        weight = np.exp(-2 * (distance / np.maximum(distance[:, -1:], 1e-9)) ** 2)
        weight /= weight.sum(axis=1, keepdims=True)
        offset = self.nodes[nearest] - points[:, None]
        values = self.embedded[nearest]
        middle, mean = np.einsum("nk,nki->ni", weight, offset), np.einsum("nk,nkc->nc", weight, values)
        around = offset - middle[:, None]
        spread = np.einsum("nk,nki,nkj->nij", weight, around, around)
        # Neighbors in one plane have no slope across it.
        spread += (1e-2 * np.trace(spread, axis1=1, axis2=2) + 1e-9)[:, None, None] * np.eye(3)
        slope = np.linalg.solve(spread, np.einsum("nk,nki,nkc->nic", weight, around, values))
        found = mean - np.einsum("ni,nic->nc", middle, slope)
        found[:, 2] = points[:, 2]
        return np.round(found, PLACES)

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.nodes)


@dataclass(frozen=True, eq=False)
class Unrolled:
    """What a chart is made of. nodes: (n, 3) LPS, mm, of the wall or of a coarser mesh of it. coordinates: at them."""

    nodes: np.ndarray
    coordinates: WallCoordinates


def unrolled(wall: Wall) -> Unrolled | str:
    """A wall with its coordinates, or a sentence for the user on why there are none.

    A wall of more than MOST_CELLS cells is charted on a coarser mesh of the same body.
    """
    if wall.kind != "volume":
        return "The LV model has no volume cells, so there are no wall coordinates: scar is continued through space."
    try:
        if len(wall.tetrahedra) > MOST_CELLS:
            wall = coarser(wall, COARSE_EDGE)
        return Unrolled(wall.nodes, wall_coordinates(wall))
    except BadWall as problem:
        return f"Scar is continued through space, not along the wall: {problem}"


def wall_chart(wall: Wall, frame: CanonicalFrame, given: Unrolled | str | None = None) -> WallChart:
    """The chart of a wall; of one without volume cells, or whose coordinates cannot be found, it is plain space.

    given: see `unrolled`; None finds them.
    """
    given = given or unrolled(wall)
    if isinstance(given, str):
        return plain_chart(given)
    found, nodes = given.coordinates, frame.to_frame(given.nodes)
    radius, whole = _radii(nodes, frame.to_frame(found.axis), found)
    # The angle starts where the canonical frame has its first axis, so that it turns with the patient.
    plain = np.arctan2(nodes[:, 1] - nodes[:, 1].mean(), nodes[:, 0] - nodes[:, 0].mean())
    turns = [np.mean(np.exp(1j * (plain - sense * found.circumferential))) for sense in (1, -1)]
    sense = 1 if abs(turns[0]) > abs(turns[1]) else -1
    turned = sense * found.circumferential + np.angle(turns[0 if sense > 0 else 1])
    ring = whole * np.clip(2 * radius / whole, 0, 1)
    depth = float(np.median(found.thickness)) * found.transmural
    embedded = np.column_stack([ring * np.cos(turned), ring * np.sin(turned), nodes[:, 2], depth])
    return WallChart(np.round(nodes, PLACES), np.round(embedded, PLACES))


def plain_chart(note: str = "") -> WallChart:
    return WallChart(np.empty((0, 3)), np.empty((0, 4)), note)


def _radii(nodes: np.ndarray, axis: np.ndarray, found: WallCoordinates) -> tuple[np.ndarray, float]:
    """(n,) mm from the long axis to the middle of the wall at each node's level, and that of the whole wall."""
    along = (axis[1] - axis[0]) / np.linalg.norm(axis[1] - axis[0])
    offset = nodes - axis[0]
    distance = np.linalg.norm(offset - (offset @ along)[:, None] * along, axis=1)
    middle = np.abs(found.transmural - 0.5) < MIDDLE
    level = np.minimum((found.apicobasal[middle] * LEVELS).astype(int), LEVELS - 1)
    filled = np.unique(level)
    radius = [float(np.median(distance[middle][level == one])) for one in filled]
    return np.interp(found.apicobasal, (filled + 0.5) / LEVELS, radius), float(np.median(distance[middle]))
