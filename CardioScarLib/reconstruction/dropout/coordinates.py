"""Where the network's coordinates lie in the patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from CardioScarLib.geometry.operator import SliceOperator


@dataclass(frozen=True, eq=False)
class NetworkFrame:
    """Coordinates as a network takes them: matrix @ (p - origin).

    origin: (3,) LPS mm. matrix: (3, 3). low, high: (3,) the box of the training points, in the network's coordinates.
    """

    origin: np.ndarray
    matrix: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def in_millimeters(cls, operator: SliceOperator) -> NetworkFrame:
        """The operator's canonical frame: millimeters, the same in all directions."""
        return cls(operator.frame.origin, operator.frame.axes, operator.points.min(axis=0), operator.points.max(axis=0))

    @classmethod
    def unit_box(cls, low: np.ndarray, high: np.ndarray) -> NetworkFrame:
        """Each axis scaled to 0..1 between low and high, LPS mm, as the original cardioscar does; an axis without extent is only moved."""
        low, high = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
        extent = np.where(high > low, high - low, 1.0)
        return cls(low, np.diag(1 / extent), np.zeros(3), (high - low) / extent)

    def to_network(self, points: np.ndarray) -> np.ndarray:
        """(n, 3) LPS mm -> (n, 3) coordinates."""
        return (np.asarray(points, dtype=np.float64) - self.origin) @ self.matrix.T

    def from_network(self, coordinates: np.ndarray) -> np.ndarray:
        return np.linalg.solve(self.matrix, np.asarray(coordinates, dtype=np.float64).T).T + self.origin

    def outside(self, points: np.ndarray) -> np.ndarray:
        """(n,) bool: LPS points beyond the training box, where a network's answer is an extrapolation."""
        coordinates = self.to_network(points)
        slack = 1e-6 * (self.high - self.low)
        return np.any((coordinates < self.low - slack) | (coordinates > self.high + slack), axis=1)
