"""Segments of a segmentation as labels on the grid of a volume."""

from __future__ import annotations

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from CardioScarLib.core.errors import BadEvidence
from CardioScarLib.core.label_names import speaks_of_no_reflow, speaks_of_other_tissue, speaks_of_scar
from CardioScarLib.core.slices import SliceStack
from CardioScarMRML.placing import removeNodes
from CardioScarMRML.transforms import isBetweenLinear, toNodePoints
from CardioScarMRML.translation import tr as _


def scarStack(stack: SliceStack, volumeNode, segmentationNode, segmentID: str | None = None, sliceIndices=None) -> SliceStack:
    """The slices with 1 where a segment says scar, and 0 elsewhere.

    No-reflow is scar too: a segment of its own that is named so counts beside the one that is chosen.

    :param stack: of the volume node, with these slice numbers.
    :param segmentID: None takes the only segment, or the only one whose name speaks of scar.
    :raises BadEvidence: there is no such segment, or it lies off these slices. An empty segment is a heart without scar.
    """
    segmentID = segmentID or guessScarSegment(segmentationNode)
    labels = segmentArray(segmentationNode, segmentID, volumeNode) > 0
    for identifier, name in segmentNames(segmentationNode).items():
        if identifier != segmentID and speaks_of_no_reflow(name):
            labels |= segmentArray(segmentationNode, identifier, volumeNode) > 0
    chosen = range(len(labels)) if sliceIndices is None else sliceIndices
    pixels = [labels[number].astype(np.float64) for number in chosen]
    if not any(one.any() for one in pixels) and not isEmpty(segmentationNode, segmentID):
        name = segmentationNode.GetSegmentation().GetSegment(segmentID).GetName()
        raise BadEvidence(_("The segment {name} is empty on the slices; check that it belongs to this LGE volume.").format(name=name))
    return stack.with_pixels(pixels)


def guessScarSegment(segmentationNode) -> str:
    """ID of the only segment whose name speaks of scar, or of a lone one whose name speaks of nothing else.

    Beside a scar, no-reflow is a part of it.
    """
    if segmentationNode is None or not segmentationNode.IsA("vtkMRMLSegmentationNode"):
        raise BadEvidence(_("No segmentation was given; choose one with a scar segment."))
    names = segmentNames(segmentationNode)
    if not names:
        raise BadEvidence(_("The segmentation has no segments; choose one with a scar segment."))
    scar = [one for one, name in names.items() if speaks_of_scar(name)]
    scar = [one for one in scar if not speaks_of_no_reflow(names[one])] or scar
    if not scar and len(names) == 1 and not speaks_of_other_tissue(*names.values()):
        scar = list(names)
    if len(scar) != 1:
        raise BadEvidence(
            _("Which of the segments {names} is the scar cannot be told from their names; choose one.").format(
                names=", ".join(names.values())
            )
        )
    return scar[0]


def segmentNames(segmentationNode) -> dict[str, str]:
    """Names of the segments by their IDs."""
    segmentation = segmentationNode.GetSegmentation()
    identifiers = [segmentation.GetNthSegmentID(number) for number in range(segmentation.GetNumberOfSegments())]
    return {identifier: segmentation.GetSegment(identifier).GetName() for identifier in identifiers}


def isEmpty(segmentationNode, segmentID: str) -> bool:
    """Whether nothing was drawn in a segment."""
    image = slicer.vtkOrientedImageData()
    if not segmentationNode.GetBinaryLabelmapRepresentation(segmentID, image) or not image.GetNumberOfPoints():
        return segmentationNode.GetSegmentation().GetSegment(segmentID).GetRepresentation("Closed surface") is None
    return image.GetScalarRange()[1] == 0


def segmentArray(segmentationNode, segmentID: str, volumeNode) -> np.ndarray:
    """(k, j, i) label map of one segment on the voxels of a volume; transforms of both are taken into account.

    As slicer.util.arrayFromSegmentBinaryLabelmap, which needs the application, and loses voxels where volume and segmentation
    are under different transforms that bend.
    """
    if segmentationNode.GetSegmentation().GetSegment(segmentID) is None:
        raise BadEvidence(_("The scar segment is no longer in the segmentation; choose it again."))
    if not isBetweenLinear(volumeNode, segmentationNode):
        return _labelsAtVoxels(segmentationNode, segmentID, volumeNode)
    scene = volumeNode.GetScene()
    labelMapNode = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "CardioScar temporary")
    try:
        export = slicer.vtkSlicerSegmentationsModuleLogic.ExportSegmentsToLabelmapNode
        if not export(segmentationNode, [segmentID], labelMapNode, volumeNode):
            raise BadEvidence(_("The scar segment cannot be brought onto the voxels of the LGE volume; check the segmentation."))
        return np.array(slicer.util.arrayFromVolume(labelMapNode))
    finally:
        displayNode = labelMapNode.GetDisplayNode()
        removeNodes(labelMapNode, displayNode, displayNode and displayNode.GetColorNode())


def _labelsAtVoxels(segmentationNode, segmentID: str, volumeNode) -> np.ndarray:
    """(k, j, i) 1 at the voxels of a volume whose centers lie in a voxel of the segment, 0 elsewhere."""
    if segmentationNode.GetSegmentation().GetSegment(segmentID).GetRepresentation("Binary labelmap") is None:
        raise BadEvidence(
            _(
                "The volume and the segmentation lie under different transforms that bend, and the segment has no binary labelmap; "
                "create it in the module Segmentations."
            )
        )
    image = slicer.vtkOrientedImageData()
    segmentationNode.GetBinaryLabelmapRepresentation(segmentID, image)
    labels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(np.array(image.GetDimensions())[::-1])
    first, matrix = np.array(image.GetExtent()[::2]), vtk.vtkMatrix4x4()
    image.GetWorldToImageMatrix(matrix)
    toIjk = slicer.util.arrayFromVTKMatrix(matrix)
    volumeNode.GetIJKToRASMatrix(matrix)
    toRas = slicer.util.arrayFromVTKMatrix(matrix)
    shape = slicer.util.arrayFromVolume(volumeNode).shape
    k, j, i = (grid.ravel() for grid in np.indices(shape))
    there = toNodePoints(volumeNode, segmentationNode, np.column_stack([i, j, k]) @ toRas[:3, :3].T + toRas[:3, 3])
    ijk = np.rint(there @ toIjk[:3, :3].T + toIjk[:3, 3]).astype(int) - first
    inside = np.all((ijk >= 0) & (ijk < np.array(labels.shape)[::-1]), axis=1)
    found = np.zeros(len(ijk), dtype=np.uint8)
    found[inside] = labels[tuple(ijk[inside, ::-1].T)] > 0
    return found.reshape(shape)
