"""Wall coordinates of any point in the wall, in millimeters."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from scipy.interpolate import LinearNDInterpolator
from scipy.spatial import cKDTree

from CardioScarLib.core.wall import Wall
from CardioScarLib.wall.coordinates import WallCoordinates

RADIUS = 28.0
"""mm: of the circle on which the angle around the wall is measured, about that of the middle of a left ventricle's wall."""


class WallPlaces:
    """The place of points along a wall: around, across and along it.

    wall: tetrahedra, LPS mm. coordinates: of its nodes. Between nodes they are linear; outside the wall those of the closest
    node hold. thickness: mean of the wall, mm. length: mm along the axis per unit of the apicobasal coordinate.
    """

    def __init__(self, wall: Wall, coordinates: WallCoordinates):
        self._nodes = wall.nodes
        self._values = np.column_stack([coordinates.circle, coordinates.transmural, coordinates.apicobasal])
        self.thickness = float(np.average(coordinates.thickness, weights=wall.node_measure))
        apex, base = coordinates.axis
        along = wall.nodes @ ((base - apex) / np.linalg.norm(base - apex))
        self.length = float(np.polyfit(coordinates.apicobasal, along, 1, w=np.sqrt(wall.node_measure))[0])

    def at(self, points: np.ndarray) -> np.ndarray:
        """(n, 3) LPS mm -> (n, 3): angle in radians in [0, 2 pi), depth from the endocardium and height above the apex in mm."""
        values = self._interpolated(points)
        angle = np.mod(np.arctan2(values[:, 1], values[:, 0]), 2 * np.pi)
        return np.column_stack([angle, values[:, 2] * self.thickness, values[:, 3] * self.length])

    def embedded(self, points: np.ndarray) -> np.ndarray:
        """(n, 3) LPS mm -> (n, 4) mm, without the jump of the angle: its circle of RADIUS, depth and height."""
        angle, depth, height = self.at(points).T
        return np.column_stack([RADIUS * np.cos(angle), RADIUS * np.sin(angle), depth, height])

    def _interpolated(self, points: np.ndarray) -> np.ndarray:
        values = self._linear(points)
        outside = np.isnan(values[:, 0])
        values[outside] = self._values[self._tree.query(points[outside])[1]]
        return values

    @cached_property
    def _linear(self) -> LinearNDInterpolator:
        return LinearNDInterpolator(self._nodes, self._values)

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self._nodes)
