"""Segments of a segmentation as labels on the grid of a volume."""

from __future__ import annotations

import numpy as np
import slicer

from CardioScarLib.core.errors import BadEvidence
from CardioScarLib.core.label_names import speaks_of_other_tissue, speaks_of_scar
from CardioScarLib.core.slices import SliceStack


def scarStack(stack: SliceStack, volumeNode, segmentationNode, segmentID: str | None = None, sliceIndices=None) -> SliceStack:
    """The slices with 1 where a segment says scar, and 0 elsewhere.

    :param stack: of the volume node, with these slice numbers.
    :param segmentID: None takes the only segment, or the only one whose name speaks of scar.
    :raises BadEvidence: there is no such segment, or it lies off these slices. An empty segment is a heart without scar.
    """
    segmentID = segmentID or guessScarSegment(segmentationNode)
    labels = segmentArray(segmentationNode, segmentID, volumeNode)
    chosen = range(len(labels)) if sliceIndices is None else sliceIndices
    pixels = [(labels[number] > 0).astype(np.float64) for number in chosen]
    if not any(one.any() for one in pixels) and not isEmpty(segmentationNode, segmentID):
        name = segmentationNode.GetSegmentation().GetSegment(segmentID).GetName()
        raise BadEvidence(f"The segment {name} is empty on the slices; check that it belongs to this LGE volume.")
    return stack.with_pixels(pixels)


def guessScarSegment(segmentationNode) -> str:
    """ID of the only segment whose name speaks of scar, or of a lone one whose name speaks of nothing else."""
    if segmentationNode is None or not segmentationNode.IsA("vtkMRMLSegmentationNode"):
        raise BadEvidence("No segmentation was given; choose one with a scar segment.")
    segmentation = segmentationNode.GetSegmentation()
    identifiers = [segmentation.GetNthSegmentID(number) for number in range(segmentation.GetNumberOfSegments())]
    if not identifiers:
        raise BadEvidence("The segmentation has no segments; choose one with a scar segment.")
    names = {identifier: segmentation.GetSegment(identifier).GetName() for identifier in identifiers}
    scar = [one for one in identifiers if speaks_of_scar(names[one])]
    if not scar and len(identifiers) == 1 and not speaks_of_other_tissue(names[identifiers[0]]):
        scar = identifiers
    if len(scar) != 1:
        raise BadEvidence(f"Which of the segments {', '.join(names.values())} is the scar cannot be told from their names; choose one.")
    return scar[0]


def isEmpty(segmentationNode, segmentID: str) -> bool:
    """Whether nothing was drawn in a segment."""
    image = slicer.vtkOrientedImageData()
    if not segmentationNode.GetBinaryLabelmapRepresentation(segmentID, image) or not image.GetNumberOfPoints():
        return segmentationNode.GetSegmentation().GetSegment(segmentID).GetRepresentation("Closed surface") is None
    return image.GetScalarRange()[1] == 0


def segmentArray(segmentationNode, segmentID: str, volumeNode) -> np.ndarray:
    """(k, j, i) label map of one segment on the voxels of a volume; transforms of both are taken into account.

    As slicer.util.arrayFromSegmentBinaryLabelmap, which needs the application.
    """
    if segmentationNode.GetSegmentation().GetSegment(segmentID) is None:
        raise BadEvidence("The scar segment is no longer in the segmentation; choose it again.")
    scene = volumeNode.GetScene()
    labelMapNode = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "CardioScar temporary")
    try:
        export = slicer.vtkSlicerSegmentationsModuleLogic.ExportSegmentsToLabelmapNode
        if not export(segmentationNode, [segmentID], labelMapNode, volumeNode):
            raise BadEvidence("The scar segment cannot be brought onto the voxels of the LGE volume; check the segmentation.")
        return np.array(slicer.util.arrayFromVolume(labelMapNode))
    finally:
        displayNode = labelMapNode.GetDisplayNode()
        if displayNode is not None and displayNode.GetColorNode() is not None:
            scene.RemoveNode(displayNode.GetColorNode())
        if displayNode is not None:
            scene.RemoveNode(displayNode)
        scene.RemoveNode(labelMapNode)
