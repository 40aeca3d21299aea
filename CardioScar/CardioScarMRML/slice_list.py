"""What the list of slices shows of each, and how views jump to one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import slicer

from CardioScarLib.core.slices import Slice
from CardioScarMRML.inputs import Inputs
from CardioScarMRML.reading import RAS_TO_LPS


@dataclass(frozen=True)
class SliceRow:
    """number: along k. position: mm from slice 0 along the normal. thickness: mm. share: of the wall, None without a model.

    center: (r, a, s) mm, to jump to. right, down: unit vectors along the rows and columns of its
    image, RAS. reason: why the slice misses the wall, as a sentence; None where it does not.
    """

    number: int
    position: float
    thickness: float
    share: float | None
    center: tuple[float, float, float]
    right: tuple[float, float, float]
    down: tuple[float, float, float]
    reason: str | None


def sliceRows(inputs: Inputs, volumeNode, modelNode=None, sliceThickness: float | None = None) -> tuple[SliceRow, ...]:
    """One row per slice of a volume. Raises CardioScarError for nodes that cannot be used."""
    stack, views = inputs.stack(volumeNode, sliceThickness), inputs.views(volumeNode, modelNode, sliceThickness)
    return tuple(
        SliceRow(view.number, view.position, view.thickness, view.share, _ras(view.center), *_axes(one), view.reason)
        for view, one in zip(views, stack, strict=True)
    )


def jumpToSlice(scene, row: SliceRow) -> None:
    """Move all slice views to a slice, as it was acquired."""
    jumpToPlane(scene, row.center, row.right, row.down)


def jumpToNumber(inputs: Inputs, volumeNode, number: int) -> None:
    """`jumpToSlice` for a slice of a volume by its number along k; nothing happens if there is none."""
    for row in sliceRows(inputs, volumeNode):
        if row.number == number:
            jumpToSlice(volumeNode.GetScene(), row)


def showVolume(volumeNode) -> None:
    """Show a volume in all slice views, each in another of its planes, whatever they were turned to before."""
    for view in slicer.util.getNodesByClass("vtkMRMLSliceNode", volumeNode.GetScene()):
        # A view turns to the plane of the volume that is closest to its own, which may be that of another view by now.
        view.SetOrientationToDefault()
        view.RotateToVolumePlane(volumeNode)
    slicer.util.setSliceViewerLayers(background=volumeNode, fit=True)


def jumpToPlane(scene, center, right, down) -> None:
    """Move all slice views to a plane; the view that comes closest to it is turned to show it.

    Without the turn an oblique plane would show as a line in every view.

    :param center: (r, a, s) mm. right, down: unit vectors along the rows and columns of its image, RAS.
    """
    views = slicer.util.getNodesByClass("vtkMRMLSliceNode", scene)
    views = [view for view in views if view.IsMappedInLayout()] or views  # others wait in layouts that are not shown
    if not views:
        return
    right, up = np.array(right), -np.array(down)
    normal = np.cross(right, up)
    closest = max(views, key=lambda node: abs(slicer.util.arrayFromVTKMatrix(node.GetSliceToRAS())[:3, 2] @ normal))
    sliceToRas = np.eye(4)
    sliceToRas[:3] = np.column_stack([right, up, normal, center])
    closest.GetSliceToRAS().DeepCopy(slicer.util.vtkMatrixFromArray(sliceToRas))
    closest.UpdateMatrices()
    slicer.vtkMRMLSliceNode.JumpAllSlices(scene, *center, slicer.vtkMRMLSliceNode.OffsetJumpSlice, -1, closest)


def _axes(one: Slice) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    return tuple(_ras(step / np.linalg.norm(step)) for step in (one.column_step, one.row_step))


def _ras(lps: np.ndarray) -> tuple[float, float, float]:
    return tuple((RAS_TO_LPS[:3, :3] @ lps).tolist())
