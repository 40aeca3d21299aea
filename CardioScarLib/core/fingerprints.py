"""Fingerprints of a wall and of slices, to recognize those that a field was fitted on.

Geometry may come back through another file format or a scene with other last digits, so it is compared within a tolerance;
pixels and cells must be the same.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from CardioScarLib.core.errors import OtherCase
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall import Wall

SKETCHES = 8
"""Random sums of all coordinates: a node that is moved alone changes them all."""
TOLERANCE = 2e-4
"""mm: rounding of a coordinate on its way through a file; single precision at 1 m has 6e-5."""


@dataclass(frozen=True, eq=False)
class WallFingerprint:
    """nodes: how many. cells: SHA-256 of the node numbers of all cells. sketches: (SKETCHES,) signed sums of the coordinates, mm."""

    nodes: int
    cells: str
    sketches: tuple[float, ...]

    @classmethod
    def of(cls, wall: Wall) -> WallFingerprint:
        signs = np.random.default_rng(len(wall.nodes)).choice([-1.0, 1.0], size=(SKETCHES, 3))
        # A pattern over the nodes that needs no matrix of nodes times sketches.
        pattern = np.random.default_rng([len(wall.nodes), 1]).choice([-1.0, 1.0], size=len(wall.nodes))
        shifts = [np.roll(pattern, 7 * number + 1) @ wall.nodes @ signs[number] for number in range(SKETCHES)]
        return cls(len(wall.nodes), _digest(wall.tetrahedra, wall.triangles), tuple(float(one) for one in shifts))

    def check(self, wall: Wall) -> None:
        """Raise OtherCase unless this is the fingerprint of a wall."""
        if self.nodes != len(wall.nodes):
            raise OtherCase(
                f"The map was made on an LV wall of {self.nodes} nodes, and this one has {len(wall.nodes)}; give the wall of the map."
            )
        found = WallFingerprint.of(wall)
        if self.cells != found.cells:
            raise OtherCase("The map was made on an LV wall with other cells; give the wall of the map.")
        allowed = TOLERANCE * np.sqrt(3 * self.nodes) + TOLERANCE
        if not np.allclose(self.sketches, found.sketches, rtol=0, atol=allowed):
            raise OtherCase("The map was made on an LV wall that lies elsewhere or has another shape; give the wall of the map.")


@dataclass(frozen=True, eq=False)
class StackFingerprint:
    """planes: (s, 10) origin, row step, column step and thickness of each slice, LPS mm. pixels: SHA-256 of what they show."""

    planes: np.ndarray
    pixels: str

    @classmethod
    def of(cls, stack: SliceStack) -> StackFingerprint:
        return cls(_planes(stack), _digest(*(one.pixels for one in stack)))

    def check(self, stack: SliceStack) -> None:
        """Raise OtherCase unless this is the fingerprint of a stack."""
        if len(self.planes) != len(stack):
            raise OtherCase(f"The map was made from {len(self.planes)} slices, and these are {len(stack)}; give the slices of the map.")
        planes = _planes(stack)
        if not np.allclose(planes, self.planes, rtol=1e-6, atol=TOLERANCE):
            number = int(np.argmax(np.abs(planes - self.planes).max(axis=1)))
            raise OtherCase(
                f"The map was made from slices that lie elsewhere than these ({stack.slices[number].label}); give the slices of the map."
            )
        if self.pixels != _digest(*(one.pixels for one in stack)):
            raise OtherCase("The map was made from slices at the same positions but with other pixels; give the slices of the map.")


def _planes(stack: SliceStack) -> np.ndarray:
    return np.array([np.concatenate([one.origin, one.row_step, one.column_step, [one.thickness]]) for one in stack])


def _digest(*arrays: np.ndarray) -> str:
    digest = hashlib.sha256()
    for values in arrays:
        digest.update(str(values.shape).encode())
        digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()
