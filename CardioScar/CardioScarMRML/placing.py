"""Where new nodes go, how they are called, and how nodes leave."""

from __future__ import annotations

import slicer

COPY_ROLE = "CardioScar.CopyOf"
"""Node reference from a model to the one that it is a copy of."""


def placeBeside(node, source) -> None:
    """Give a node the same parent as its source in the subject hierarchy."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(node.GetScene())
    if hierarchy is None:
        return
    item, sourceItem = hierarchy.GetItemByDataNode(node), hierarchy.GetItemByDataNode(source)
    if item and sourceItem:  # without the application nobody makes items for nodes
        hierarchy.SetItemParent(item, hierarchy.GetItemParent(sourceItem))


def removeNodes(*nodes) -> None:
    """Remove nodes from their scenes.

    The application takes display nodes along with the node that they display; what is in no scene any more must not be removed.
    """
    for node in nodes:
        if node is not None and node.GetScene() is not None:
            node.GetScene().RemoveNode(node)


def hideModels(*modelNodes) -> None:
    """Hide models and their legends before another is shown in the same place.

    Two surfaces in one place flicker, and two legends cannot be told apart.
    """
    for modelNode in modelNodes:
        for number in range(modelNode.GetNumberOfDisplayNodes() if modelNode is not None else 0):
            modelNode.GetNthDisplayNode(number).SetVisibility(False)


def showCopied(copy) -> None:
    """Show the model that a copy was made of, and that was hidden for it; to be called when the copy is about to go.

    Nothing happens where the copy is hidden itself, or is none.
    """
    original = copy.GetNodeReference(COPY_ROLE)
    display = copy.GetDisplayNode()
    if original is None or (display is not None and not display.GetVisibility()):
        return
    for number in range(original.GetNumberOfDisplayNodes()):
        original.GetNthDisplayNode(number).SetVisibility(True)


def showOnSlices(displayNode) -> None:
    """Draw a model where slice views cut it, so that the image is still seen under the band that a volume mesh gives."""
    displayNode.SetVisibility2D(True)
    displayNode.SetSliceIntersectionThickness(3)
    displayNode.SetSliceIntersectionOpacity(0.6)


def copyOfModel(modelNode, name: str, leaveOut=(), instead: bool = True):
    """A second model node with a mesh of its own, under the same transform, displayed alike.

    :param name: made unique in the scene.
    :param leaveOut: names of arrays of the points and of the whole mesh that are not copied.
    :param instead: the copy is seen and the first one hidden; False leaves it as it is.
    """
    scene = modelNode.GetScene()
    mesh = modelNode.GetMesh().NewInstance()
    mesh.DeepCopy(modelNode.GetMesh())
    for array in leaveOut:
        mesh.GetPointData().RemoveArray(array)
        mesh.GetFieldData().RemoveArray(array)
    copy = scene.AddNewNodeByClass(modelNode.GetClassName(), scene.GenerateUniqueName(name))
    copy.SetAndObserveMesh(mesh)
    copy.SetAndObserveTransformNodeID(modelNode.GetTransformNodeID())
    copy.CreateDefaultDisplayNodes()
    display = modelNode.GetDisplayNode()
    if display is not None:
        copy.GetDisplayNode().SetColor(display.GetColor())
        copy.GetDisplayNode().SetOpacity(display.GetOpacity())
        copy.GetDisplayNode().SetRepresentation(display.GetRepresentation())
        copy.GetDisplayNode().SetEdgeVisibility(display.GetEdgeVisibility())
    hideModels(modelNode if instead else copy)
    copy.SetNodeReferenceID(COPY_ROLE, modelNode.GetID())
    placeBeside(copy, modelNode)
    return copy
