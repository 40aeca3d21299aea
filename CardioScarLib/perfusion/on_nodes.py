"""Perfusion at the nodes of a wall that was brought to the scan."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.spatial import cKDTree

from CardioScarLib.core.errors import BadStack
from CardioScarLib.perfusion.measure import Perfusion

FARTHEST = 15.0
"""mm from the middle of the wall on the scan, beyond which a node has no perfusion."""
NEAREST = 4


@dataclass(frozen=True, eq=False)
class OnNodes:
    """percent: (n,) perfusion, % of the reference. low: (n,) probability of low perfusion. Both are NaN where the scan has no wall near.

    each: (d, n) share of the places near a node that are in a defect, in each draw. known: (n,) bool. segment: (n,) 1 to 17, of the scan.
    """

    percent: np.ndarray
    low: np.ndarray
    each: np.ndarray = field(repr=False)
    known: np.ndarray
    segment: np.ndarray

    def arrays(self, study: str = "") -> dict[str, np.ndarray]:
        """Point arrays for the mesh. study: begins the names, as in "rest"."""
        prefix = f"{study}_" if study else ""
        return {
            f"{prefix}perfusion_percent": self.percent.astype(np.float32),
            f"{prefix}perfusion_low_probability": self.low.astype(np.float32),
        }


def on_nodes(nodes: np.ndarray, found: Perfusion) -> OnNodes:
    """nodes: (n, 3) where they lie on the scan, LPS mm. Raises BadStack where all are far from its wall."""
    distance, near = cKDTree(found.samples.points).query(nodes, k=NEAREST)
    known = distance[:, 0] <= FARTHEST
    if not known.any():
        raise BadStack(f"The wall of the map lies {distance[:, 0].min():.0f} mm from that on the scan; register them first.")
    weight = 1 / (distance**2 + 1.0)
    weight /= weight.sum(axis=1, keepdims=True)
    percent = np.where(known, 100 * (found.relative[near] * weight).sum(axis=1), np.nan)
    each = (found.draw_inside.astype(np.float32)[:, near] * weight).sum(axis=2)
    return OnNodes(percent, np.where(known, each.mean(axis=0), np.nan), each, known, found.samples.segment[near[:, 0]])
