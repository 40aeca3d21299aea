"""How a scar map looks: colors, range, legend, and what is not shown."""

from __future__ import annotations

import slicer
import vtk

from CardioScarLib.report.colors import PROBABILITY, color_table
from CardioScarMRML.writing import SHOWN_ARRAY

COLOR_TABLE_NAME = "CardioScar Probability"
_COLOR_TABLE_ATTRIBUTE = "CardioScar.ColorTable"


def showScarProbability(modelNode) -> None:
    """Color a model by `scar_probability`, 0 to 1, with a legend.

    Where nothing was observed the model is hidden: painted, it would look healthy; a NaN color would look like scar and
    is not kept by a saved scene.
    """
    if modelNode.GetDisplayNode() is None:
        modelNode.CreateDefaultDisplayNodes()
    displayNode = modelNode.GetDisplayNode()
    partly = modelNode.GetMesh().GetPointData().HasArray(SHOWN_ARRAY)

    wasModified = displayNode.StartModify()
    displayNode.SetActiveScalar(SHOWN_ARRAY if partly else "scar_probability", vtk.vtkAssignAttribute.POINT_DATA)
    displayNode.SetScalarRangeFlag(displayNode.UseManualScalarRange)
    displayNode.SetScalarRange(0.0, 1.0)
    displayNode.SetThresholdRange(0.0, 1.0)
    displayNode.SetThresholdEnabled(bool(partly))
    displayNode.SetAndObserveColorNodeID(probabilityColorTable(modelNode.GetScene()).GetID())
    displayNode.SetScalarVisibility(True)
    displayNode.EndModify(wasModified)

    legend = slicer.vtkSlicerColorLogic.AddDefaultColorLegendDisplayNode(displayNode)
    legend.SetTitleText("Scar probability")
    legend.SetNumberOfLabels(6)
    legend.SetLabelFormat("%.1f")
    legend.SetVisibility(True)


def probabilityColorTable(scene):
    """The scene's color table for probabilities; made on first use, found again afterwards (and after reloading).

    Its own, because Slicer's perceptual color maps are files that not every installation has.
    """
    for number in range(scene.GetNumberOfNodesByClass("vtkMRMLColorTableNode")):
        node = scene.GetNthNodeByClass(number, "vtkMRMLColorTableNode")
        if node.GetAttribute(_COLOR_TABLE_ATTRIBUTE) == COLOR_TABLE_NAME:
            return node
    node = slicer.vtkMRMLColorTableNode()
    node.SetTypeToUser()
    node.SetName(COLOR_TABLE_NAME)
    node.SetAttribute(_COLOR_TABLE_ATTRIBUTE, COLOR_TABLE_NAME)
    node.SetAttribute("Category", "CardioScar")
    colors = color_table(PROBABILITY)
    node.SetNumberOfColors(len(colors))
    for number, color in enumerate(colors):
        node.SetColor(number, f"{number / (len(colors) - 1):.3f}", *map(float, color), 1.0)
    node.GetLookupTable().SetRange(0.0, 1.0)
    return scene.AddNode(node)
