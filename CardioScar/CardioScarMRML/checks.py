"""What is said about the chosen nodes before anything runs, and how a mirrored or wrongly scaled model is put right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import slicer

from CardioScarLib.core.errors import CardioScarError
from CardioScarLib.geometry.check import Finding
from CardioScarLib.geometry.overlap import REMEDIES
from CardioScarMRML.case import CardioScarCase
from CardioScarMRML.inputs import Inputs
from CardioScarMRML.placing import placeBeside
from CardioScarMRML.transforms import toWorldMatrix
from CardioScarMRML.translation import tr as _

REMEDIES_ATTRIBUTE = "CardioScar.Remedies"
"""Attribute of a transform node that puts a model right: which of `overlap.REMEDIES` it holds."""


@dataclass(frozen=True)
class GeometryReport:
    """findings: the worst first. offered: names of REMEDIES that would help now. applied: those the model is under."""

    findings: tuple[Finding, ...]
    offered: tuple[str, ...] = ()
    applied: tuple[str, ...] = ()

    @property
    def error(self) -> str | None:
        """Why a run makes no sense; None where it does."""
        return next((finding.text for finding in self.findings if finding.severity == "error"), None)

    @property
    def text(self) -> str:
        """One sentence per line; with an error that alone, so that it is read."""
        return self.error or "\n".join(finding.text for finding in self.findings)


def checkGeometry(inputs: Inputs, case: CardioScarCase) -> GeometryReport:
    """Frame, unit, overlap, thickness against spacing and transforms of the chosen nodes. Never raises a CardioScarError."""
    volumeNode, modelNode = case.lgeVolumeNode, case.lvModelNode
    applied = appliedRemedies(modelNode)
    try:
        findings = inputs.findings(case)
    except CardioScarError as error:
        return GeometryReport((Finding("error", str(error)),), (), applied)
    offered = tuple(dict.fromkeys(remedy for finding in findings for remedy in finding.remedies))
    if toWorldMatrix(modelNode) is None:  # a remedy is known in the world, and cannot be carried below a transform that bends
        offered = ()
    return GeometryReport((*findings, *_frames(volumeNode, modelNode)), offered, applied)


def appliedRemedies(modelNode) -> tuple[str, ...]:
    """The remedies that a model is under; empty where it is as it was loaded."""
    transform = _remedyTransform(modelNode)
    return tuple(transform.GetAttribute(REMEDIES_ATTRIBUTE).split()) if transform else ()


def applyRemedy(modelNode, remedy: str) -> None:
    """Put a model under a transform node that flips or scales it in the world; its points stay as they are.

    :param remedy: "flip", "um" or "m"; remedies add up in one node, which can be removed, saved and hardened as any other.
    """
    _setRemedies(modelNode, [*appliedRemedies(modelNode), remedy])


def takeBackRemedy(modelNode, remedy: str) -> None:
    """Undo `applyRemedy`; the transform node goes when nothing needs it any more."""
    _setRemedies(modelNode, [one for one in appliedRemedies(modelNode) if one != remedy])


def _setRemedies(modelNode, remedies: list[str]) -> None:
    scene, transform = modelNode.GetScene(), _remedyTransform(modelNode)
    if not remedies:
        if transform is None:
            return
        modelNode.SetAndObserveTransformNodeID(transform.GetTransformNodeID())
        if not any(node.GetParentTransformNode() is transform for node in slicer.util.getNodesByClass("vtkMRMLTransformableNode", scene)):
            scene.RemoveNode(transform)
        return
    if transform is None:
        name = scene.GenerateUniqueName(f"{modelNode.GetName()} (CardioScar correction)")
        transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", name)
        transform.SetAndObserveTransformNodeID(modelNode.GetTransformNodeID())
        placeBeside(transform, modelNode)
    # What mends is known in the world, while the node stands below the transforms that the model has already.
    toWorld, mend = toWorldMatrix(transform), np.eye(4)
    for remedy in remedies:
        mend[:3, :3] = REMEDIES[remedy] @ mend[:3, :3]  # the same in LPS and RAS
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(np.linalg.inv(toWorld) @ mend @ toWorld))
    transform.SetAttribute(REMEDIES_ATTRIBUTE, " ".join(remedies))
    modelNode.SetAndObserveTransformNodeID(transform.GetID())


def _remedyTransform(modelNode):
    parent = modelNode.GetParentTransformNode() if modelNode is not None else None
    return parent if parent is not None and parent.GetAttribute(REMEDIES_ATTRIBUTE) else None


def _frames(volumeNode, modelNode) -> list[Finding]:
    """How the file of the model was read, and which transforms move the nodes."""
    found = []
    storage = modelNode.GetStorageNode()
    if storage is not None and storage.IsA("vtkMRMLModelStorageNode") and storage.GetFileName():
        frame = storage.GetCoordinateSystemTypeAsString(storage.GetCoordinateSystem())
        found.append(Finding("note", _("The file of the LV model was read as {frame} coordinates.").format(frame=frame)))
    for name, node in ((_("LGE volume"), volumeNode), (_("LV model"), modelNode)):
        parent = node.GetParentTransformNode()
        if parent is not None:
            found.append(
                Finding(
                    "note",
                    _("The {name} is moved by the transform '{transform}', which is taken into account.").format(
                        name=name, transform=parent.GetName()
                    ),
                )
            )
    return found
