"""One folder of the subject hierarchy for all that belongs to a case."""

from __future__ import annotations

import slicer
import vtk

FOLDER_ATTRIBUTE = "CardioScar.Case"
"""Attribute of a folder: ID of the volume whose case it holds."""


def gather(lgeVolumeNode, *nodes) -> None:
    """Put nodes into the folder of a volume's case, which is made if there is none; it has the name of the volume and no other.

    A volume that lies in a study keeps its place, and the folder is made in the study. What a person has put into a
    folder of their own stays there.
    """
    if lgeVolumeNode is None or lgeVolumeNode.GetScene() is None:
        return
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(lgeVolumeNode.GetScene())
    volumeItem = hierarchy.GetItemByDataNode(lgeVolumeNode) if hierarchy is not None else 0
    if not volumeItem:  # without the application nobody makes items for nodes
        return
    place, root = hierarchy.GetItemParent(volumeItem), hierarchy.GetSceneItemID()
    folder = place if hierarchy.HasItemAttribute(place, FOLDER_ATTRIBUTE) else _folderIn(hierarchy, place, lgeVolumeNode)
    if place == root:
        hierarchy.SetItemParent(volumeItem, folder)
    for item in (hierarchy.GetItemByDataNode(node) for node in nodes if node is not None):
        if item and hierarchy.GetItemParent(item) in (root, place):
            hierarchy.SetItemParent(item, folder)


def _folderIn(hierarchy, place: int, lgeVolumeNode) -> int:
    children = vtk.vtkIdList()
    hierarchy.GetItemChildren(place, children, False)
    for item in (children.GetId(number) for number in range(children.GetNumberOfIds())):
        if hierarchy.GetItemAttribute(item, FOLDER_ATTRIBUTE) == lgeVolumeNode.GetID():
            return item
    folder = hierarchy.CreateFolderItem(place, f"CardioScar {lgeVolumeNode.GetName()}")
    hierarchy.SetItemAttribute(folder, FOLDER_ATTRIBUTE, lgeVolumeNode.GetID())
    return folder
