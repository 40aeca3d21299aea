"""Surfaces and values on them in the format MZ3, which niivue reads. https://github.com/neurolabusc/surf-ice/tree/master/mz3"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

MAGIC, FACES, POINTS, VALUES = 0x5A4D, 1, 2, 8


def write_surface(points: np.ndarray, triangles: np.ndarray, path: Path) -> None:
    """points: (n, 3) mm in the frame of the view. triangles: (k, 3)."""
    head = struct.pack("<HHIII", MAGIC, FACES | POINTS, len(triangles), len(points), 0)
    path.write_bytes(head + triangles.astype("<u4").tobytes() + points.astype("<f4").tobytes())


def write_values(values: np.ndarray, path: Path) -> None:
    """values: (n,) of the points of a surface."""
    path.write_bytes(struct.pack("<HHIII", MAGIC, VALUES, 0, len(values), 0) + values.astype("<f4").tobytes())
