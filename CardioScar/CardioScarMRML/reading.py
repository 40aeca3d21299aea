"""From MRML nodes to slices and walls, RAS to LPS, parent transforms included."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import slicer
import vtk

from CardioScarLib.errors import BadSettings, BadStack, BadWall
from CardioScarLib.geometry.slices import SliceStack
from CardioScarLib.geometry.wall import Wall
from CardioScarLib.io.meshes import wall_from_dataset
from CardioScarMRML.dicom import dicomSliceThickness

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
SLICE_THICKNESS_ATTRIBUTE = "CardioScar.SliceThickness"
"""Node attribute of a volume: thickness of its slices in mm, where it is known."""


def stackFromVolumeNode(volumeNode, sliceThickness: float | None = None, sliceIndices: Sequence[int] | None = None) -> SliceStack:
    """The slices of a scalar volume node, in world LPS mm.

    :param sliceThickness: mm; else the node attribute `CardioScar.SliceThickness`; else what Slicer's DICOM database
        says; else the distance between slices is taken and the stack says so in its notes.
    :param sliceIndices: numbers along the k axis of the node. A file read with a left-handed geometry has been
        flipped along k by Slicer's reader, so these are not always the numbers of the file.
    :raises BadStack: no image, or a parent transform that is not linear.
    """
    if volumeNode is None or not volumeNode.IsA("vtkMRMLScalarVolumeNode"):
        raise BadStack("No LGE volume was given; choose a scalar volume.")
    if volumeNode.GetImageData() is None or volumeNode.GetImageData().GetNumberOfPoints() == 0:
        raise BadStack("The LGE volume has no image; load it again.")
    if volumeNode.GetImageData().GetNumberOfScalarComponents() != 1:
        raise BadStack("The LGE volume has several values per voxel, as a color image has; choose a scalar volume.")
    if volumeNode.GetImageData().GetDimensions()[2] < 2:
        raise BadStack("The LGE volume is a single 2D image; a stack of at least two slices is needed.")
    toWorld = toWorldMatrix(volumeNode)
    if toWorld is None:
        raise BadStack("The LGE volume is under a transform that is not linear; harden it (and resample the volume) first.")
    ijkToRas = vtk.vtkMatrix4x4()
    volumeNode.GetIJKToRASMatrix(ijkToRas)
    ijkToLps = RAS_TO_LPS @ toWorld @ slicer.util.arrayFromVTKMatrix(ijkToRas)

    notes = ()
    if sliceThickness is None:
        sliceThickness = _thicknessAttribute(volumeNode) or dicomSliceThickness(volumeNode)
    if sliceThickness is None:
        sliceThickness = _sliceDistance(ijkToLps)
        notes = (
            f"The slice thickness of the volume is not known; it was taken equal to the slice spacing, {sliceThickness:.4g} mm. "
            "Give the thickness if the slices have gaps or overlap.",
        )
    image = slicer.util.arrayFromVolume(volumeNode)
    bad = ~np.isfinite(image)
    if bad.any():
        first = int(np.flatnonzero(bad.any(axis=(1, 2)))[0])
        raise BadStack(
            f"{np.count_nonzero(bad)} voxels of the LGE volume are NaN or infinite, the first in slice {first}; repair the volume."
        )
    stack = SliceStack.from_volume(image, ijkToLps, sliceThickness, notes=notes)
    return stack if sliceIndices is None else stack.select(list(sliceIndices))


def wallFromModelNode(modelNode) -> Wall:
    """The LV wall of a model node (surface or unstructured grid), in world LPS mm, nodes in the order of its mesh.

    :raises BadWall: no mesh, or a parent transform that is not linear.
    """
    if modelNode is None or not modelNode.IsA("vtkMRMLModelNode"):
        raise BadWall("No LV model was given; choose a model.")
    if modelNode.GetMesh() is None or modelNode.GetMesh().GetNumberOfPoints() == 0:
        raise BadWall("The LV model has no points; load it again.")
    toWorld = toWorldMatrix(modelNode)
    if toWorld is None:
        raise BadWall("The LV model is under a transform that is not linear; harden it first.")
    return wall_from_dataset(modelNode.GetMesh(), RAS_TO_LPS @ toWorld)


def toWorldMatrix(node) -> np.ndarray | None:
    """4x4, node RAS to world RAS; None if that is not a matrix."""
    parent = node.GetParentTransformNode()
    matrix = vtk.vtkMatrix4x4()
    if parent is not None:
        if not parent.IsTransformToWorldLinear():
            return None
        slicer.vtkMRMLTransformNode.GetMatrixTransformBetweenNodes(parent, None, matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)


def _thicknessAttribute(volumeNode) -> float | None:
    text = volumeNode.GetAttribute(SLICE_THICKNESS_ATTRIBUTE)
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        raise BadSettings(f"The volume's attribute {SLICE_THICKNESS_ATTRIBUTE} is '{text}'; it has to be a number of mm.") from None


def _sliceDistance(ijkToLps: np.ndarray) -> float:
    """mm between neighboring planes, along their normal."""
    normal = np.cross(ijkToLps[:3, 0], ijkToLps[:3, 1])
    return float(abs(ijkToLps[:3, 2] @ normal) / np.linalg.norm(normal))
