"""An LV wall from the segments of a segmentation, or from a label map, as a new model."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk

import CardioScarLib
from CardioScarLib.core.errors import BadEvidence, BadWall
from CardioScarLib.core.label_names import speaks_of_scar
from CardioScarLib.core.settings import WallSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarMRML.phantoms import addModelNode, gridFromWall
from CardioScarMRML.placing import placeBeside, showOnSlices
from CardioScarMRML.reading import RAS_TO_LPS, stackFromVolumeNode, wallFromModelNode
from CardioScarMRML.run import CardioScarRun, startInChild
from CardioScarMRML.segments import segmentArray
from CardioScarMRML.translation import tr as _

SOURCE_ROLE = "CardioScar.WallSource"
"""Node reference from a wall to the segmentation or label map that it was made from."""
RIGHT_NAMES = re.compile(r"right|\brv|rv\b", re.IGNORECASE)
SCAR_NAMES = re.compile(r"scar|infarct|fibrosis|necrosis|enhanc|lge|no.?reflow|\bmvo\b|microvascular.obstruction", re.IGNORECASE)
MYOCARDIUM_NAMES = re.compile(r"myo|wall|muscle|epi", re.IGNORECASE)
CAVITY_NAMES = re.compile(r"cavity|blood|pool|lumen|endo|chamber|\blv\b|left ventricle", re.IGNORECASE)
LABELS = {"cavity": (1,), "myocardium": (2,), "scar": (3,), "right ventricle": (4,)}


def makeWall(sourceNode, *arguments, **choices):
    """`startWall`, and wait for the end.

    :return: the new model node.
    :raises CardioScarError: with a sentence for the user; the scene is untouched then.
    """
    return startWall(sourceNode, *arguments, **choices).wait()


def startWall(
    sourceNode,
    myocardiumSegmentID: str | None = None,
    cavitySegmentID: str | None = None,
    referenceVolumeNode=None,
    settings: WallSettings | None = None,
    *,
    labels: Mapping[str, Sequence[int]] | str | None = None,
    angleStartNode=None,
    progressCallback=None,
    startJob: Callable = startInChild,
) -> CardioScarRun:
    """Build the LV wall in a child process; the run's result is a new model node beside its source.

    The model has tetrahedra in world coordinates, and as point arrays the regions of its surface (`wall_region`) and the
    wall coordinates. What it was made with and how good it is stands in its attributes, see `describeWall`.

    :param sourceNode: segmentation, or label map volume; may be under transforms.
    :param myocardiumSegmentID, cavitySegmentID: None takes the only segment whose name or terminology says so. Without
        a cavity, what the myocardium surrounds is the cavity. Scar segments count as myocardium, and a segment of the
        right ventricle says where the angle around the wall starts.
    :param referenceVolumeNode: volume whose slices the segments are read on; None takes the one they were drawn on.
    :param labels: of a label map, as for `CardioScarLib.wall.shape_from_labels`; None goes by the names in
        its color table, if they say more than numbers.
    :param angleStartNode: markup whose first point says where the angle around the wall starts, such as the anterior
        insertion of the right ventricle.
    :param progressCallback: called with a `CardioScarLib.runner.ProgressReport`; may raise
        `CardioScarLib.core.errors.Cancelled`.
    :param startJob: as for `CardioScarMRML.logic.CardioScarLogic`.
    :raises CardioScarError: for nodes or settings that cannot be used, before anything starts.
    """
    settings = settings or WallSettings()
    zeroAt = _angleStart(angleStartNode)
    if sourceNode is not None and sourceNode.IsA("vtkMRMLLabelMapVolumeNode"):
        stack = stackFromVolumeNode(sourceNode)
        labels = labels or labelsOfColorTable(sourceNode)
        rightVentricle = _byName(labels).get("right ventricle", ())
    else:
        stack = labelStack(sourceNode, myocardiumSegmentID, cavitySegmentID, referenceVolumeNode)
        labels, rightVentricle = LABELS, LABELS["right ventricle"]
    if not any(np.isin(rightVentricle, one.pixels).any() for one in stack):
        rightVentricle = ()

    def check() -> None:
        if sourceNode.GetScene() is None:
            raise BadWall(_("What the LV wall is made from was removed, or the scene closed, while it was made; nothing was added."))

    from CardioScarLib.tasks.wall import WallTask

    named = {"order": labels} if isinstance(labels, str) else {"labels": labels and {name: tuple(labels[name]) for name in labels}}
    point = None if zeroAt is None else tuple(zeroAt.tolist())
    task = WallTask(stack, **named, settings=settings, right_ventricle=tuple(rightVentricle), zero_at=point)
    return CardioScarRun(startJob(task), check, lambda found: _addWall(sourceNode, found, settings), progressCallback)


def addWallCoordinates(modelNode, angleStartNode=None) -> tuple[str, ...]:
    """Give a tetrahedral LV model of any origin wall coordinates as point arrays; takes seconds.

    :param angleStartNode: as for `startWall`.
    :return: sentences about what was assumed.
    :raises CardioScarError: with a sentence for the user.
    """
    from CardioScarLib.wall.coordinates import wall_coordinates

    found = wall_coordinates(wallFromModelNode(modelNode), zero_at=_angleStart(angleStartNode))
    if modelNode.GetScene() is not None:
        modelNode.GetScene().SaveStateForUndo()
    _addArrays(modelNode.GetMesh(), found.arrays)
    modelNode.GetMesh().Modified()  # the only event that makes views look at the arrays again
    return found.notes


def drawnOn(segmentationNode):
    """The volume that a segmentation says it was drawn on; None if it does not."""
    return segmentationNode.GetNodeReference(slicer.vtkMRMLSegmentationNode.GetReferenceImageGeometryReferenceRole())


def describeWall(modelNode) -> str:
    """Quality of a wall's cells and distance to its contours in one line; empty for other models."""
    return modelNode.GetAttribute("CardioScar.WallQuality") or ""


def wallNotes(modelNode) -> tuple[str, ...]:
    """What was repaired and assumed when a wall was made, in sentences."""
    return tuple((modelNode.GetAttribute("CardioScar.WallNotes") or "").splitlines())


def labelStack(segmentationNode, myocardiumSegmentID: str | None, cavitySegmentID: str | None, referenceVolumeNode) -> SliceStack:
    """The slices of the reference volume with LABELS in their pixels."""
    if segmentationNode is None or not segmentationNode.IsA("vtkMRMLSegmentationNode"):
        raise BadWall(_("There is nothing to make the LV wall from; choose a segmentation or a label map with the myocardium."))
    texts = _segmentTexts(segmentationNode)
    if myocardiumSegmentID is None:
        found = list(texts) if len(texts) == 1 else _fitting(texts, MYOCARDIUM_NAMES)
        myocardiumSegmentID = _only(found, "myocardium", segmentationNode)
    others = {identifier: text for identifier, text in texts.items() if identifier != myocardiumSegmentID}
    if cavitySegmentID is None:
        found = _fitting(others, CAVITY_NAMES)
        cavitySegmentID = _only(found, "cavity", segmentationNode) if found else None
    if cavitySegmentID == myocardiumSegmentID:
        raise BadWall(_("Myocardium and cavity are the same segment; choose two, or the myocardium alone."))
    rest = {identifier: text for identifier, text in others.items() if identifier != cavitySegmentID}
    chosen = [  # what comes later counts where segments overlap
        *(("right ventricle", identifier) for identifier, text in rest.items() if RIGHT_NAMES.search(text)),
        ("myocardium", myocardiumSegmentID),
        *(("scar", identifier) for identifier, text in rest.items() if SCAR_NAMES.search(text)),
        *(("cavity", identifier) for identifier in [cavitySegmentID] if identifier),
    ]
    volumeNode = referenceVolumeNode or drawnOn(segmentationNode)
    if volumeNode is None:
        raise BadWall(_("The segmentation does not say which volume it was drawn on; choose that volume."))
    stack = stackFromVolumeNode(volumeNode)
    pixels = np.zeros((len(stack), *stack.slices[0].pixels.shape))
    for name, identifier in chosen:
        mask = _segment(segmentationNode, identifier, volumeNode) > 0
        if name == "myocardium" and not mask.any():
            segmentName = _name(segmentationNode, identifier)
            raise BadWall(
                _("The segment {segmentName} is empty on the slices of {volume}; draw it first.").format(
                    segmentName=segmentName, volume=volumeNode.GetName()
                )
            )
        pixels[mask] = LABELS[name][0]
    return stack.with_pixels(list(pixels))


def _segmentTexts(segmentationNode) -> dict[str, str]:
    """What is known about each segment in words, by its ID."""
    segmentation = segmentationNode.GetSegmentation()
    identifiers = [segmentation.GetNthSegmentID(number) for number in range(segmentation.GetNumberOfSegments())]
    if not identifiers:
        raise BadWall(_("The segmentation has no segments; draw the myocardium first."))
    return {identifier: f"{_name(segmentationNode, identifier)} {_terminology(segmentationNode, identifier)}" for identifier in identifiers}


def _name(segmentationNode, identifier: str) -> str:
    segment = segmentationNode.GetSegmentation().GetSegment(identifier)
    if segment is None:
        raise BadWall(_("A segment that was chosen for the LV wall is no longer in the segmentation; choose it again."))
    return segment.GetName() or identifier


def _terminology(segmentationNode, identifier: str) -> str:
    """The words of a terminology entry: context~category~type~modifier~..., each of the last ones scheme^code^meaning."""
    text = vtk.reference("")
    segmentationNode.GetSegmentation().GetSegment(identifier).GetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), text)
    return " ".join(part.split("^")[-1] for part in str(text).split("~")[1:] if "^" in part)


def _fitting(texts: Mapping[str, str], words: re.Pattern) -> list[str]:
    """IDs of the segments of the left heart with these words; of those that speak of scar only where no other has them."""
    found = [identifier for identifier, text in texts.items() if words.search(text) and not RIGHT_NAMES.search(text)]
    return [identifier for identifier in found if not speaks_of_scar(texts[identifier])] or found


def _only(found: list[str], what: str, segmentationNode) -> str:
    if len(found) != 1:
        names = ", ".join(_name(segmentationNode, identifier) for identifier in _segmentTexts(segmentationNode))
        raise BadWall(
            _("Which of the segments {names} is the {what} cannot be told from their names; choose one.").format(names=names, what=what)
        )
    return found[0]


def _segment(segmentationNode, identifier: str, volumeNode) -> np.ndarray:
    name = _name(segmentationNode, identifier)
    try:
        return segmentArray(segmentationNode, identifier, volumeNode)
    except BadEvidence:
        raise BadWall(
            _("The segment {name} cannot be brought onto the voxels of {volume}; check the segmentation.").format(
                name=name, volume=volumeNode.GetName()
            )
        ) from None


def _byName(labels: Mapping[str, Sequence[int]] | str | None) -> Mapping[str, Sequence[int]]:
    from CardioScarLib.wall import label_names

    return label_names(labels) if isinstance(labels, str) else labels or {}


def labelsOfColorTable(labelMapNode) -> dict[str, tuple[int, ...]] | None:
    """Values by name as the label map's colors are named; None if no name says myocardium."""
    displayNode = labelMapNode.GetDisplayNode()
    colorNode = displayNode.GetColorNode() if displayNode is not None else None
    if colorNode is None:
        return None
    labels: dict[str, tuple[int, ...]] = {}
    for value in (int(one) for one in np.unique(slicer.util.arrayFromVolume(labelMapNode)) if one > 0):
        text = colorNode.GetColorName(value) or ""
        kinds = {"right ventricle": RIGHT_NAMES, "scar": SCAR_NAMES, "myocardium": MYOCARDIUM_NAMES, "cavity": CAVITY_NAMES}
        name = next((name for name, words in kinds.items() if words.search(text)), None)
        if name is not None:
            labels[name] = (*labels.get(name, ()), value)
    return labels if "myocardium" in labels else None


def _angleStart(markupsNode) -> np.ndarray | None:
    """(3,) first point of a markup in world LPS mm."""
    if markupsNode is None:
        return None
    if markupsNode.GetNumberOfControlPoints() == 0:
        raise BadWall(_("The markup that says where the angle around the wall starts has no point; place one."))
    point = np.zeros(3)
    markupsNode.GetNthControlPointPositionWorld(0, point)
    return point * np.diag(RAS_TO_LPS)[:3]


def _addArrays(mesh, arrays: Mapping[str, np.ndarray]) -> None:
    for name, values in arrays.items():
        array = numpy_to_vtk(np.ascontiguousarray(values), deep=True)
        array.SetName(name)
        mesh.GetPointData().AddArray(array)


def _addWall(sourceNode, stored, settings: WallSettings):
    """The wall as a new model node in RAS mm, with its arrays and where it comes from."""
    scene = sourceNode.GetScene()
    grid = gridFromWall(stored.wall)
    _addArrays(grid, stored.arrays)
    modelNode = addModelNode(scene, grid, f"{sourceNode.GetName()} LV wall")
    showOnSlices(modelNode.GetDisplayNode())  # there one sees whether it fits
    for name, text in {
        "Version": CardioScarLib.__version__,
        "WallSettings": json.dumps(asdict(settings)),
        "WallQuality": stored.description,
        "WallNotes": "\n".join(stored.notes),
    }.items():
        modelNode.SetAttribute(f"CardioScar.{name}", text)
    modelNode.SetNodeReferenceID(SOURCE_ROLE, sourceNode.GetID())
    placeBeside(modelNode, sourceNode)
    return modelNode
