"""Segments of a segmentation as labels on the grid of a volume."""

from __future__ import annotations

import re

import numpy as np
import slicer

from CardioScarLib.core.errors import BadEvidence
from CardioScarLib.core.slices import SliceStack
from CardioScarMRML.placing import removeNodes

SCAR_NAMES = re.compile(r"scar|infarct|fibrosis|necrosis|enhanc|lge", re.IGNORECASE)


def scarStack(stack: SliceStack, volumeNode, segmentationNode, segmentID: str | None = None, sliceIndices=None) -> SliceStack:
    """The slices with 1 where a segment says scar, and 0 elsewhere.

    :param stack: of the volume node, with these slice numbers.
    :param segmentID: None takes the only segment, or the only one whose name speaks of scar.
    :raises BadEvidence: there is no such segment, or it is empty on these slices.
    """
    segmentID = segmentID or guessScarSegment(segmentationNode)
    labels = segmentArray(segmentationNode, segmentID, volumeNode)
    chosen = range(len(labels)) if sliceIndices is None else sliceIndices
    pixels = [(labels[number] > 0).astype(np.float64) for number in chosen]
    if not any(one.any() for one in pixels):
        name = segmentationNode.GetSegmentation().GetSegment(segmentID).GetName()
        raise BadEvidence(f"The segment {name} is empty on the slices; check that it belongs to this LGE volume.")
    return stack.with_pixels(pixels)


def guessScarSegment(segmentationNode) -> str:
    """ID of the only segment, or of the only one whose name speaks of scar."""
    if segmentationNode is None or not segmentationNode.IsA("vtkMRMLSegmentationNode"):
        raise BadEvidence("No segmentation was given; choose one with a scar segment.")
    segmentation = segmentationNode.GetSegmentation()
    identifiers = [segmentation.GetNthSegmentID(number) for number in range(segmentation.GetNumberOfSegments())]
    if not identifiers:
        raise BadEvidence("The segmentation has no segments; choose one with a scar segment.")
    names = {identifier: segmentation.GetSegment(identifier).GetName() for identifier in identifiers}
    scar = identifiers if len(identifiers) == 1 else [one for one in identifiers if SCAR_NAMES.search(names[one])]
    if len(scar) != 1:
        raise BadEvidence(f"Which of the segments {', '.join(names.values())} is the scar cannot be told from their names; choose one.")
    return scar[0]


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
        removeNodes(labelMapNode, displayNode, displayNode and displayNode.GetColorNode())
