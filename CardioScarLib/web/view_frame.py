"""The frame in which a browser shows a stack: the voxels of its slices along the axes, seen as the scanner shows them.

A viewer that is given oblique or mirrored grids turns them into axes of its own, and each does so differently. So it gets voxels along
its axes, and what it draws comes back in the same order.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from CardioScarLib.core.slices import SliceStack
from CardioScarLib.io.images import ijk_to_lps
from CardioScarLib.io.slice_volumes import slice_volume
from CardioScarLib.io.volumes import write_volume

LETTERS = (("L", "R"), ("P", "A"), ("S", "I"))
"""Where each axis of LPS leads, and where it comes from."""


@dataclass(frozen=True, eq=False)
class ViewFrame:
    """x runs along the columns of the slices, y against their rows, z across the slices so that nothing is mirrored; mm.

    shape: slices, rows, columns. spacing: of columns, rows and slices, mm. matrix: 4x4, voxel index (column, row, slice) to LPS mm.
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    matrix: np.ndarray

    @classmethod
    def of(cls, stack: SliceStack, members: tuple[int, ...]) -> ViewFrame:
        """members: numbers of the slices that make a volume, see `io.slice_values.even_groups`."""
        image = slice_volume(stack, members, [one.pixels for one in stack])
        columns, rows, slices = image.GetSize()
        return cls((slices, rows, columns), image.GetSpacing(), ijk_to_lps(image))

    @property
    def turned(self) -> bool:
        """Whether z runs against the order of the slices."""
        return bool(np.linalg.det(self.matrix[:3, :3]) > 0)

    def seen(self, voxels: np.ndarray) -> np.ndarray:
        """(slices, rows, columns) in the order of the view, and back."""
        return voxels[:: -1 if self.turned else 1, ::-1]

    @property
    def to_lps(self) -> np.ndarray:
        """4x4, mm of the view to LPS mm."""
        slices, rows, _ = self.shape
        index = np.diag([1 / self.spacing[0], -1 / self.spacing[1], (-1 if self.turned else 1) / self.spacing[2], 1.0])
        index[1, 3], index[2, 3] = rows - 1, slices - 1 if self.turned else 0
        return self.matrix @ index

    def to_view(self, points: np.ndarray) -> np.ndarray:
        """(n, 3) LPS mm to mm of the view."""
        back = np.linalg.inv(self.to_lps)
        return points @ back[:3, :3].T + back[:3, 3]

    def letters(self) -> dict[str, str]:
        """Where right and top of a slice lie in the patient, such as {"right": "L", "top": "A", ...}."""
        axes = self.to_lps[:3, :3]
        right, top = _letters(axes[:, 0]), _letters(axes[:, 1])
        return {"right": right[0], "left": right[1], "top": top[0], "bottom": top[1]}

    def write(self, voxels: np.ndarray, path: Path) -> None:
        """Write (slices, rows, columns) as a NIfTI image in the view."""
        image = sitk.GetImageFromArray(np.ascontiguousarray(self.seen(voxels)))
        image.SetSpacing(self.spacing)
        image.SetDirection(np.diag([-1.0, -1.0, 1.0]).ravel().tolist())  # LPS of the axes of NIfTI
        write_volume(image, path)


def _letters(direction: np.ndarray) -> tuple[str, str]:
    """Names of both ends of a direction in LPS: its largest part, and a second one that is half as large."""
    parts = np.abs(direction) / np.linalg.norm(direction)
    order = [axis for axis in np.argsort(-parts) if parts[axis] > 0.5 * parts.max()][:2]
    ends = ["".join(LETTERS[axis][int(direction[axis] * sign < 0)] for axis in order) for sign in (1, -1)]
    return ends[0], ends[1]
