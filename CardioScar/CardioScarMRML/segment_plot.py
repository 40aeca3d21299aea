"""The burden of the AHA segments as a plot of Slicer: a bar for each segment, and the ends of its interval."""

from __future__ import annotations

import vtk

from CardioScarLib.core.quantity import Quantity
from CardioScarMRML.placing import placeBeside, removeNodes
from CardioScarMRML.translation import tr as _

CHART_ROLE, PLOTTED_ROLE = "CardioScar.SegmentsChart", "CardioScar.SegmentsPlotted"
"""Node references from a model to the chart, and to the table of numbers and the series that it is made of."""
BURDEN = "scar_burden_percent"
BAR, END = (0.27, 0.47, 0.68), (0.15, 0.15, 0.15)


def addSegmentPlot(modelNode, sectors: dict):
    """A chart of the scar burden of a model's AHA segments; None where the rotation of the heart is unknown.

    Tables of the numbers are text, which plots cannot draw: the chart has a table of its own.

    :param sectors: of `numbersOf`, by key.
    """
    burdens = {
        int(key[4:]): Quantity.from_dict(BURDEN, one["quantities"][BURDEN]) for key, one in sectors.items() if key.startswith("aha_")
    }
    if not burdens:
        return None
    scene, case = modelNode.GetScene(), modelNode.GetName().removesuffix(" scar map")
    columns = {
        _("Segment"): list(burdens),
        _("Scar burden (%)"): [one.value for one in burdens.values()],
        _("low"): [one.value if one.low is None else one.low for one in burdens.values()],
        _("high"): [one.value if one.high is None else one.high for one in burdens.values()],
    }
    table = scene.AddNewNodeByClass("vtkMRMLTableNode", scene.GenerateUniqueName(_("{case} segments, plotted").format(case=case)))
    for name, values in columns.items():
        array = vtk.vtkDoubleArray()
        array.SetName(name)
        for value in values:
            array.InsertNextValue(value)
        table.AddColumn(array)
    chart = scene.AddNewNodeByClass("vtkMRMLPlotChartNode", scene.GenerateUniqueName(_("{case} scar burden by segment").format(case=case)))
    chart.SetTitle(_("Scar burden of the AHA segments"))
    chart.SetXAxisTitle(_("AHA segment"))
    chart.SetYAxisTitle(_("Scar burden (%)"))
    segment, burden, low, high = columns
    series = [_series(scene, table, segment, name) for name in (burden, low, high)]
    for one in series:
        chart.AddAndObservePlotSeriesNodeID(one.GetID())
    modelNode.SetNodeReferenceID(CHART_ROLE, chart.GetID())
    for one in (table, *series):
        modelNode.AddNodeReferenceID(PLOTTED_ROLE, one.GetID())
        placeBeside(one, modelNode)
    placeBeside(chart, modelNode)
    return chart


def removeSegmentPlot(modelNode) -> None:
    """Remove the chart with all that it is made of."""
    plotted = [modelNode.GetNthNodeReference(PLOTTED_ROLE, number) for number in range(modelNode.GetNumberOfNodeReferences(PLOTTED_ROLE))]
    removeNodes(modelNode.GetNodeReference(CHART_ROLE), *reversed(plotted))
    modelNode.RemoveNodeReferenceIDs(CHART_ROLE)
    modelNode.RemoveNodeReferenceIDs(PLOTTED_ROLE)


def _series(scene, table, x: str, y: str):
    node = scene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", y)
    node.SetAndObserveTableNodeID(table.GetID())
    node.SetXColumnName(x)
    node.SetYColumnName(y)
    if y in (_("low"), _("high")):
        node.SetPlotType(node.PlotTypeScatter)
        node.SetLineStyle(node.LineStyleNone)
        node.SetMarkerStyle(node.MarkerStyleSquare)
        node.SetColor(*END)
    else:
        node.SetPlotType(node.PlotTypeScatterBar)
        node.SetColor(*BAR)
    return node
