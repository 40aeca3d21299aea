"""Whether a network's probabilities or the segments themselves tell the scar of a segmentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import slicer
import vtk

from CardioScarLib.core.slices import SliceStack
from CardioScarMRML.predictions import MARK, NETWORK, SCAR_ID, SHARES_ROLE, SPREAD, WEIGHTS_ROLE, segmentsMark
from CardioScarMRML.segments import segmentNames
from CardioScarMRML.transforms import toWorldState
from CardioScarMRML.translation import tr as _

if TYPE_CHECKING:
    from CardioScarLib.core.case import ScarShares


@dataclass(frozen=True)
class ScarSource:
    """Of a segmentation that a network made. sentence: for the user. byNetwork: its probabilities count, not its segments."""

    byNetwork: bool
    sentence: str


def scarSource(segmentationNode, segmentID: str | None, volumeNode) -> ScarSource | None:
    """What tells the scar on the slices of a volume; None for a segmentation that no network made.

    :param segmentID: that is chosen as the scar; None finds it.
    """
    mark = segmentationNode.GetAttribute(MARK)
    if mark is None or volumeNode is None or volumeNode.GetImageData() is None:
        return None
    nodes = [segmentationNode.GetNodeReference(role) for role in (SHARES_ROLE, WEIGHTS_ROLE)]
    if segmentID not in (None, SCAR_ID):
        name = segmentNames(segmentationNode).get(segmentID, segmentID)
        why = _("The segment {name} tells the scar; the probabilities of the network do not count.").format(name=name)
    elif not all(node is not None and node.GetImageData() is not None for node in nodes):
        why = _("The segments tell the scar; the probabilities of the network are no longer in the scene.")
    elif not all(_onOneGrid(node, volumeNode) for node in nodes):
        why = _("The segments tell the scar; the probabilities of the network lie on another volume than this one, or elsewhere.")
    elif segmentsMark(segmentationNode, volumeNode) != mark:
        why = _("The segments were corrected and tell the scar; the probabilities of the network no longer count.")
    else:
        return ScarSource(
            True, _("The probabilities of the network ({network}) tell the scar.").format(network=segmentationNode.GetAttribute(NETWORK))
        )
    return ScarSource(False, why)


def sharesFrom(stack: SliceStack, segmentationNode, sliceIndices: Sequence[int] | None = None) -> ScarShares:
    """The probabilities that a network left beside its segmentation, where `scarSource` says that they count.

    :param stack: of the volume node that was segmented, with these slice numbers.
    """
    from CardioScarLib.core.case import ScarShares  # takes scipy, which Slicer's start can do without

    found = []
    for role in (SHARES_ROLE, WEIGHTS_ROLE):
        array = slicer.util.arrayFromVolume(segmentationNode.GetNodeReference(role))
        chosen = range(len(array)) if sliceIndices is None else sliceIndices
        found.append(stack.with_pixels([array[number].astype(np.float64) for number in chosen]))
    return ScarShares(*found, float(segmentationNode.GetAttribute(SPREAD)), segmentationNode.GetAttribute(NETWORK))


def sourceState(segmentationNode, segmentID: str | None, volumeNode) -> tuple:
    """Changes whenever the answer of `scarSource` may."""
    segmentation = segmentationNode.GetSegmentation()
    drawn = [(one, segmentation.GetSegment(one).GetRepresentation("Binary labelmap")) for one in segmentNames(segmentationNode)]
    kept = [segmentationNode.GetNodeReference(role) for role in (SHARES_ROLE, WEIGHTS_ROLE)]
    return (
        segmentationNode.GetMTime(),
        segmentation.GetMTime(),
        *((one, image and image.GetMTime()) for one, image in drawn),
        segmentID,
        *((node and node.GetMTime(), node and toWorldState(node)) for node in (segmentationNode, volumeNode, *kept)),
    )


def _onOneGrid(node, other) -> bool:
    """Whether the voxels of two volumes are the same places of the world."""
    matrices = []
    for one in (node, other):
        matrix = vtk.vtkMatrix4x4()
        one.GetIJKToRASMatrix(matrix)
        matrices.append(slicer.util.arrayFromVTKMatrix(matrix))
    return (
        node.GetImageData().GetDimensions() == other.GetImageData().GetDimensions()
        and node.GetTransformNodeID() == other.GetTransformNodeID()
        and np.allclose(*matrices, rtol=0, atol=1e-3)
    )
