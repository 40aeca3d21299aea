"""The 17 segments of the AHA (Cerqueira et al. 2002) on the nodes of a wall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from CardioScarLib.core.wall import Wall
from CardioScarLib.quantification.places import Septum
from CardioScarLib.wall.coordinates import WallCoordinates

SEGMENT_NAMES = (
    "basal anterior", "basal anteroseptal", "basal inferoseptal", "basal inferior", "basal inferolateral", "basal anterolateral",
    "mid anterior", "mid anteroseptal", "mid inferoseptal", "mid inferior", "mid inferolateral", "mid anterolateral",
    "apical anterior", "apical septal", "apical inferior", "apical lateral", "apex",
)  # fmt: skip
"""Of segments 1 to 17."""
RING_NAMES = ("basal", "mid", "apical", "apex")
BASAL, MID, APICAL, APEX = 1, 2, 3, 4
SIX, FOUR = np.array([2, 3, 4, 5, 6, 1]), np.array([14, 15, 16, 13])
"""Segments from the anterior insertion of the right ventricle on, through the septum."""
TIP = 5.0
"""mm of the cavity's tip that belong to the apex: too narrow to be seen as a cavity on a slice. Of both references that were
looked at, the apex reaches 4 to 6 mm into the cavity."""
INNER = 0.01
"""Transmural coordinate up to which a node lies at the cavity."""
SPIKE = 0.002
"""Share of the nodes at the cavity that may reach below its tip."""


@dataclass(frozen=True, eq=False)
class Segments:
    """rings: (n,) uint8, 1 basal, 2 mid, 3 apical, 4 apex. labels: (n,) uint8, 1 to 17; None where the rotation is unknown.

    ring_volumes: (n, 4) and label_volumes: (n, 17) mm^3 of each node's share of the wall that lies in each ring and segment. Borders
    run between nodes, so these are more exact than counting nodes.
    """

    rings: np.ndarray
    labels: np.ndarray | None
    ring_volumes: np.ndarray
    label_volumes: np.ndarray | None


def aha_segments(wall: Wall, coordinates: WallCoordinates, septum: Septum | None) -> Segments:
    """Rings of a volume wall, and its segments where the septum is known.

    The apex is what lies beyond the cavity; the rest is cut into three of equal height along the long axis, up to the middle of
    the base. Basal and mid segments start at the insertions of the right ventricle; the four apical ones have a quarter of the
    turn each, the septal one in the middle of the septum.
    """
    apex, base = coordinates.axis
    length = float(np.linalg.norm(base - apex))
    height = (wall.nodes - apex) @ (base - apex) / length
    inner = np.sort(height[coordinates.transmural <= INNER])
    low = inner[int(SPIKE * len(inner))] + TIP
    part = (height - low) / (length - low)
    circle = coordinates.circle
    cells = wall.tetrahedra
    cell_part, cell_circle = part[cells].mean(axis=1), circle[cells].mean(axis=1)
    rings, cell_rings = _rings(part), _rings(cell_part)
    ring_volumes = _volumes(wall, cell_rings, len(RING_NAMES))
    if septum is None:
        return Segments(rings, None, ring_volumes, None)
    labels, cell_labels = (
        _labels(one, septum.turned(np.arctan2(*around.T[::-1]))) for one, around in ((rings, circle), (cell_rings, cell_circle))
    )
    return Segments(rings, labels, ring_volumes, _volumes(wall, cell_labels, len(SEGMENT_NAMES)))


def _rings(part: np.ndarray) -> np.ndarray:
    """part: of the way from the end of the apex to the base; negative in the apex."""
    return np.select([part < 0, part < 1 / 3, part < 2 / 3], [APEX, APICAL, MID], BASAL).astype(np.uint8)


def _labels(rings: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """angle: degrees from the anterior insertion on, as `Septum.turned` gives them."""
    six = SIX[(angle // 60).astype(int) % 6]
    four = FOUR[(np.mod(angle - 15, 360) // 90).astype(int) % 4]
    return np.select([rings == BASAL, rings == MID, rings == APICAL], [six, six + 6, four], 17).astype(np.uint8)


def _volumes(wall: Wall, parts: np.ndarray, count: int) -> np.ndarray:
    """(n, count) mm^3; parts: (m,) of each tetrahedron, from 1."""
    place = wall.tetrahedra * count + (parts[:, None].astype(np.int64) - 1)
    quarter = np.repeat(wall.volumes / 4, 4)
    return np.bincount(place.ravel(), quarter, len(wall.nodes) * count).reshape(-1, count)
