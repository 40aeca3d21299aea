"""Proposals of a next slice as planes in the scene."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import slicer

from CardioScarMRML.placing import removeNodes
from CardioScarMRML.reading import RAS_TO_LPS
from CardioScarMRML.slice_list import jumpToPlane

if TYPE_CHECKING:
    from CardioScarLib.advice.ranking import Advice

PLANE_ROLE = "CardioScar.NextSlice"
"""Node references from a model to the planes in which its next slice should be taken, the best first."""
PROPOSAL_ATTRIBUTE = "CardioScar.NextSlice"
"""Attribute of such a plane: its proposal as JSON, as in `CardioScarLib.advice.ranking.Proposal.as_dict`."""
NOTES_ATTRIBUTE = "CardioScar.NextSliceNotes"
FOLDER_ATTRIBUTE = "CardioScar.NextSlices"
"""Attribute of the folder that was made for the planes."""
COLORS = (0.99, 0.75, 0.15), (0.45, 0.74, 0.90)
"""Of the best plane, and of the others."""


def addPlanes(modelNode, advice: Advice) -> list:
    """Draw the proposals for a model, instead of those there were; in a folder of the subject hierarchy beside the model.

    :return: the plane nodes, the best first.
    """
    removePlanes(modelNode)
    scene = modelNode.GetScene()
    planes = [_addPlane(scene, number, proposal.as_dict()) for number, proposal in enumerate(advice.proposals, 1)]
    for plane in planes:
        modelNode.AddNodeReferenceID(PLANE_ROLE, plane.GetID())
    modelNode.SetAttribute(NOTES_ATTRIBUTE, "\n".join(advice.notes))
    _intoFolder(modelNode, planes)
    return planes


def removePlanes(modelNode) -> None:
    """Remove the planes of a model, and their folder if nothing else is in it; nothing happens where there are none."""
    scene, planes = modelNode.GetScene() or slicer.mrmlScene, planesOf(modelNode)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene) if planes else None
    item = hierarchy.GetItemByDataNode(planes[0]) if hierarchy is not None else 0
    folder = hierarchy.GetItemParent(item) if item else 0
    modelNode.RemoveNodeReferenceIDs(PLANE_ROLE)
    modelNode.RemoveAttribute(NOTES_ATTRIBUTE)
    for plane in planes:
        displays = [plane.GetNthDisplayNode(number) for number in range(plane.GetNumberOfDisplayNodes())]
        removeNodes(plane, *displays)
    if folder and hierarchy.HasItemAttribute(folder, FOLDER_ATTRIBUTE) and not hierarchy.GetNumberOfItemChildren(folder):
        hierarchy.RemoveItem(folder, False, False)


def planesOf(modelNode) -> list:
    """The planes of a model that are still there, the best first."""
    if modelNode is None:
        return []
    found = [modelNode.GetNthNodeReference(PLANE_ROLE, number) for number in range(modelNode.GetNumberOfNodeReferences(PLANE_ROLE))]
    return [plane for plane in found if plane is not None]


def proposalOf(planeNode) -> dict:
    return json.loads(planeNode.GetAttribute(PROPOSAL_ATTRIBUTE))


def adviceNotes(modelNode) -> tuple[str, ...]:
    """What a person should know before following the proposals, in sentences."""
    return tuple((modelNode.GetAttribute(NOTES_ATTRIBUTE) or "").splitlines())


def jumpToPlaneNode(planeNode) -> None:
    """Move the slice views to a plane, where somebody may have moved it; the closest view is turned into it."""
    right, down, normal, center = np.zeros(3), np.zeros(3), np.zeros(3), np.zeros(3)
    planeNode.GetAxesWorld(right, down, normal)
    planeNode.GetCenterWorld(center)
    jumpToPlane(planeNode.GetScene(), center, right, down)


def _addPlane(scene, number: int, proposal: dict):
    # Short, since views write it beside the plane; where the plane lies is in the attribute.
    plane = scene.AddNewNodeByClass("vtkMRMLMarkupsPlaneNode", f"Next slice {number}")
    center, right, down = (_ras(proposal[name]) for name in ("center", "row_cosines", "column_cosines"))
    betweenRows, betweenColumns = proposal["spacing"]
    plane.SetPlaneType(plane.PlaneTypePointNormal)
    plane.SetSizeMode(plane.SizeModeAbsolute)
    plane.SetAxes(right, down, np.cross(right, down))
    plane.SetCenter(center)
    plane.SetSize(proposal["columns"] * betweenColumns, proposal["rows"] * betweenRows)
    plane.SetLocked(True)  # a plane to look at; unlocked, every click beside the heart would move it
    plane.SetAttribute(PROPOSAL_ATTRIBUTE, json.dumps(proposal))
    plane.CreateDefaultDisplayNodes()
    display = plane.GetDisplayNode()
    color = COLORS[number > 1]
    display.SetSelectedColor(*color)
    display.SetColor(*color)
    display.SetOpacity(1.0)
    display.SetFillVisibility(False)  # a slice view in the plane would be covered by its color
    display.SetOutlineOpacity(1.0)
    display.SetPointLabelsVisibility(False)
    display.SetTextScale(2.5)
    for point in range(plane.GetNumberOfControlPoints()):
        plane.SetNthControlPointVisibility(point, False)
    display.SetPropertiesLabelVisibility(number == 1)  # the others are named in the panel and in the hierarchy
    display.SetHandlesInteractive(False)
    display.SetNormalVisibility(False)
    return plane


def _intoFolder(modelNode, planes: list) -> None:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(modelNode.GetScene())
    items = [hierarchy.GetItemByDataNode(plane) for plane in planes] if hierarchy is not None else []
    items = [item for item in items if item]
    if not items:  # without the application nobody makes items for nodes
        return
    modelItem = hierarchy.GetItemByDataNode(modelNode)
    parent = hierarchy.GetItemParent(modelItem) if modelItem else hierarchy.GetSceneItemID()
    folder = hierarchy.CreateFolderItem(parent, f"{modelNode.GetName()} next slices")
    hierarchy.SetItemAttribute(folder, FOLDER_ATTRIBUTE, "1")
    for item in items:
        hierarchy.SetItemParent(item, folder)


def _ras(lps) -> np.ndarray:
    return RAS_TO_LPS[:3, :3] @ np.array(lps, dtype=float)
