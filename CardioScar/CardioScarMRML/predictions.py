"""LGE volumes segmented by a network: segments to be looked at and corrected, and the probabilities that they came from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

import CardioScarLib
from CardioScarLib.core.errors import BadStack
from CardioScarMRML.placing import placeBeside, removeNodes
from CardioScarMRML.reading import stackFromVolumeNode
from CardioScarMRML.run import CardioScarRun, startInChild
from CardioScarMRML.segments import segmentArray, segmentNames
from CardioScarMRML.translation import tr as _

if TYPE_CHECKING:
    from CardioScarLib.core.segmentation_settings import SegmentSettings
    from CardioScarLib.segmentation.predict import Segmentation

SHARES_ROLE, WEIGHTS_ROLE = "CardioScar.ScarShares", "CardioScar.ScarShareWeights"
"""Node references from a segmentation to the probability that its wall is scarred, and that a pixel is wall."""
NETWORK, SPREAD, MARK = "CardioScar.Network", "CardioScar.ShareSpread", "CardioScar.Segments"
"""Attributes of a segmentation by a network: its name and weights, see `core.case.ScarShares`, and what it drew, see `segmentsMark`."""
SCAR_ID = "scar"


@dataclass(frozen=True)
class PredictedSegment:
    """value: class of the network. name: in English whatever the language, since by it the segment is known again.

    category, type: code and meaning in SNOMED CT, as in the DICOM objects of the library.
    """

    identifier: str
    value: int
    name: str
    color: tuple[float, float, float]
    category: tuple[str, str]
    type: tuple[str, str]

    @property
    def terminology(self) -> str:
        """As Slicer keeps it: contexts of the types and of the regions, and one code of each kind; no modifiers."""
        category, kind, region = ("^".join(("SCT", *one)) for one in (self.category, self.type, ("87878005", "Left ventricle")))
        contexts = "Segmentation category and type - 3D Slicer General Anatomy list", "Anatomic codes - DICOM master list"
        return f"{contexts[0]}~{category}~{kind}~^^~{contexts[1]}~{region}~^^"


ABNORMAL = ("49755003", "Morphologically Abnormal Structure")
SEGMENTS = (
    PredictedSegment("cavity", 1, "LV cavity", (0.45, 0.66, 0.96), ("91720002", "Body Substance"), ("87612001", "Blood")),
    PredictedSegment(
        "myocardium", 2, "LV myocardium", (0.47, 0.76, 0.42), ("123037004", "Anatomical Structure"), ("74281007", "Myocardium")
    ),
    PredictedSegment(SCAR_ID, 3, "Scar", (0.93, 0.18, 0.13), ABNORMAL, ("12402003", "Scar")),
    PredictedSegment("no-reflow", 4, "No-reflow", (0.55, 0.16, 0.60), ABNORMAL, ("55641003", "Infarct")),
)


def segmentVolume(volumeNode, *arguments, **choices):
    """`startSegmentation`, and wait for the end.

    :return: the new segmentation node.
    :raises CardioScarError: with a sentence for the user; the scene is untouched then.
    """
    return startSegmentation(volumeNode, *arguments, **choices).wait()


def startSegmentation(
    volumeNode,
    settings: SegmentSettings | None = None,
    *,
    weights: str = "default",
    sliceThickness: float | None = None,
    progressCallback=None,
    startJob: Callable = startInChild,
) -> CardioScarRun:
    """Segment all short-axis slices of an LGE volume with a network, in a child process; it needs PyTorch and MONAI.

    The run's result is a new segmentation node on the geometry of the volume, with SEGMENTS. The probabilities are kept beside it:
    they tell the scar of a `CardioScarCase` with this segmentation, until somebody has corrected a segment.

    :param weights: "default", or a file of `cardioscar segment train`.
    :param sliceThickness: mm, as for `CardioScarMRML.reading.stackFromVolumeNode`.
    :param progressCallback: called with a `CardioScarLib.runner.ProgressReport`; may raise
        `CardioScarLib.core.errors.Cancelled`.
    :param startJob: as for `CardioScarMRML.logic.CardioScarLogic`.
    :raises CardioScarError: for a volume that cannot be used, before anything starts.
    """
    stack = stackFromVolumeNode(volumeNode, sliceThickness)

    from CardioScarLib.core.segmentation_settings import SegmentSettings
    from CardioScarLib.tasks.segment import SegmentTask

    def check() -> None:
        if volumeNode.GetScene() is None:
            raise BadStack(_("The LGE volume was removed, or the scene closed, while it was segmented; nothing was added."))
        rows, columns = stack.slices[0].pixels.shape
        if volumeNode.GetImageData() is None or volumeNode.GetImageData().GetDimensions() != (columns, rows, len(stack)):
            raise BadStack(_("The LGE volume has got another image while it was segmented; nothing was added."))

    task = SegmentTask(stack, settings or SegmentSettings(), weights)
    return CardioScarRun(startJob(task), check, lambda found: _addPrediction(volumeNode, found), progressCallback)


def segmentsMark(segmentationNode, volumeNode) -> str:
    """SHA-256 of what is drawn in which segment, on the voxels of a volume; names and colors make no difference."""
    mark = hashlib.sha256()
    for identifier in sorted(segmentNames(segmentationNode)):
        mark.update(identifier.encode())
        mark.update(np.packbits(segmentArray(segmentationNode, identifier, volumeNode) > 0).tobytes())
    return mark.hexdigest()


def removeProbabilities(segmentationNode) -> None:
    """Remove what is kept beside a segmentation that is about to go; nothing happens for one that no network made."""
    removeNodes(*(segmentationNode.GetNodeReference(role) for role in (SHARES_ROLE, WEIGHTS_ROLE)))


def _addPrediction(volumeNode, found: Segmentation):
    from CardioScarLib.segmentation.shares import shares_of

    scene = volumeNode.GetScene()
    scene.SaveStateForUndo()
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", scene.GenerateUniqueName(f"{volumeNode.GetName()} segmentation"))
    node.SetReferenceImageGeometryParameterFromVolumeNode(volumeNode)
    node.SetAndObserveTransformNodeID(volumeNode.GetTransformNodeID())
    node.CreateDefaultDisplayNodes()
    classes = np.stack([one.pixels for one in found.labels])
    matrix = vtk.vtkMatrix4x4()
    volumeNode.GetIJKToRASMatrix(matrix)
    for one in SEGMENTS:
        segment = slicer.vtkSegment()
        segment.SetName(one.name)
        segment.SetColor(*one.color)
        segment.SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), one.terminology)
        segment.AddRepresentation("Binary labelmap", labelmapOf(classes == one.value, matrix))
        node.GetSegmentation().AddSegment(segment, one.identifier)
    shares = shares_of(found)
    for role, what, stack in ((SHARES_ROLE, "scar", shares.stack), (WEIGHTS_ROLE, "myocardium", shares.weights)):
        node.SetNodeReferenceID(role, _addProbabilities(volumeNode, what, [one.pixels for one in stack]).GetID())
    for name, text in {
        "CardioScar.Version": CardioScarLib.__version__,
        NETWORK: shares.description,
        SPREAD: repr(float(shares.spread)),
        MARK: segmentsMark(node, volumeNode),
        "CardioScar.SegmentationNotes": "\n".join(found.notes),
    }.items():
        node.SetAttribute(name, text)
    placeBeside(node, volumeNode)
    return node


def predictionNotes(segmentationNode) -> tuple[str, ...]:
    """What was assumed and left out when a network segmented a volume, in sentences."""
    return tuple((segmentationNode.GetAttribute("CardioScar.SegmentationNotes") or "").splitlines())


def labelmapOf(mask: np.ndarray, ijkToRas: vtk.vtkMatrix4x4):
    """A mask, (k, j, i), as the representation of a segment."""
    image = slicer.vtkOrientedImageData()
    slices, rows, columns = mask.shape
    image.SetExtent(0, columns - 1, 0, rows - 1, 0, slices - 1)
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    vtk_to_numpy(image.GetPointData().GetScalars())[:] = mask.ravel()
    image.SetImageToWorldMatrix(ijkToRas)
    return image


def _addProbabilities(volumeNode, what: str, pixels: Sequence[np.ndarray]):
    """A hidden volume on the voxels of another, saved with the scene: selectors offer what a person brought."""
    scene = volumeNode.GetScene()
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", scene.GenerateUniqueName(f"{volumeNode.GetName()} {what} probability"))
    node.SetHideFromEditors(True)
    slicer.util.updateVolumeFromArray(node, np.stack(pixels).astype(np.float32))
    node.CopyOrientation(volumeNode)
    node.SetAndObserveTransformNodeID(volumeNode.GetTransformNodeID())
    placeBeside(node, volumeNode)
    return node
