"""How a result looks: probability, uncertainty, scar above a threshold, perfusion; colors, ranges, legends, gray where nobody looked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from CardioScarLib.core.errors import BadWall, NoSpread
from CardioScarLib.core.settings import ReconstructionSettings
from CardioScarLib.report.colors import NOT_OBSERVED, PERFUSION, PROBABILITY, UNCERTAINTY, VIABILITY, color_table
from CardioScarMRML.placing import showOnSlices
from CardioScarMRML.results_table import followThreshold
from CardioScarMRML.translation import tr as _

SHOWN_ARRAY = "scar_shown"
"""What the display colors a model by where some of it was not observed; only there when needed."""
DISPLAY_ATTRIBUTE = "CardioScar.Display"
"""Attribute of a display node: which of `LOOKS` it has."""
THRESHOLD_ATTRIBUTE = "CardioScar.Threshold"
"""Attribute of a model node: the probability from which on `scar_binary` is 1."""
LEGEND_PLACE = 0.98, 0.04
"""Lower right corner of a view, which the heart leaves free."""
_COLOR_TABLE_ATTRIBUTE = "CardioScar.ColorTable"
_HEALTHY, _SCAR = (0.27, 0.35, 0.54), (0.99, 0.91, 0.15)


@dataclass(frozen=True)
class Look:
    """array: what is shown. title: of its legend. limits: of its colors. names: of its colors, for a legend without numbers."""

    array: str
    title: str
    limits: tuple[float, float]
    table: str
    colors: np.ndarray
    names: tuple[str, ...] = ()


LOOKS = {
    "probability": Look("scar_probability", _("Scar probability"), (0.0, 1.0), "CardioScar Probability", color_table(PROBABILITY)),
    # No standard deviation of a fraction exceeds one half.
    "uncertainty": Look("scar_uncertainty", _("Standard deviation"), (0.0, 0.5), "CardioScar Uncertainty", color_table(UNCERTAINTY)),
    "channels": Look("channel_probability", _("Channel probability"), (0.0, 1.0), "CardioScar Channels", color_table(PROBABILITY)),
    "perfusion": Look("perfusion_percent", _("Perfusion, %"), (0.0, 100.0), "CardioScar Perfusion", color_table(PERFUSION)),
    "viability": Look(
        "viability_class", _("Scar and perfusion"), (0.0, 4.0), "CardioScar Viability", np.array([NOT_OBSERVED, *VIABILITY.values()]),
        (_("unknown"), _("normal"), _("ischemic"), _("scar"), _("mixed")),
    ),
    "binary": Look("scar_binary", _("Scar"), (0.0, 1.0), "CardioScar Binary", np.array([_HEALTHY, _SCAR]), (_("no scar"), _("scar"))),
}  # fmt: skip
OF_PERFUSION = (LOOKS["perfusion"].array, LOOKS["viability"].array)
"""What is seen on SPECT does not depend on the slices of LGE."""


def showScarProbability(modelNode) -> None:
    """Color a model by `scar_probability`, 0 to 1, with a legend; gray where nothing was observed."""
    _show(modelNode, "probability")


def showUncertainty(modelNode) -> None:
    """Color a model by `scar_uncertainty`, the standard deviation of the probability, 0 to 0.5; gray where nothing was observed.

    :raises NoSpread: the map was made by a model without uncertainty.
    """
    _show(modelNode, "uncertainty")


def showChannels(modelNode) -> None:
    """Color a model by `channel_probability`, the share of the joint samples in which a point lies in a channel, with a legend.

    :raises NoSpread: the numbers of the map were not computed yet.
    """
    _show(modelNode, "channels")


def showPerfusion(modelNode) -> None:
    """Color a model by `perfusion_percent`, of the highest perfusion of the scan, with a legend; gray where the scan has no wall.

    :raises BadWall: perfusion was not measured beside this model.
    """
    _show(modelNode, "perfusion")


def showViability(modelNode) -> None:
    """Color a model by `viability_class`: normal, ischemic or hibernating, scar, mixed.

    :raises BadWall: perfusion was not measured beside a map on this model.
    """
    _show(modelNode, "viability")


def showBinary(modelNode, threshold: float) -> None:
    """Color a model by whether `scar_probability` reaches a threshold; gray where nothing was observed."""
    setThreshold(modelNode, threshold)
    _show(modelNode, "binary")


def setThreshold(modelNode, threshold: float) -> None:
    """Compute `scar_binary` again, and what the table of results tells of it; fast enough for a slider. The look stays.

    :raises BadSettings: threshold not between 0 and 1.
    """
    ReconstructionSettings(threshold=threshold)
    _setArray(modelNode, "scar_binary", (_values(modelNode, "scar_probability") >= threshold).astype(np.float32))
    arrays = (modelNode.GetAttribute("CardioScar.Arrays") or "").split()
    if "scar_binary" not in arrays:  # the next run removes what is listed
        modelNode.SetAttribute("CardioScar.Arrays", " ".join([*arrays, "scar_binary"]))
    modelNode.SetAttribute(THRESHOLD_ATTRIBUTE, f"{threshold:g}")
    followThreshold(modelNode, threshold)
    displayNode = modelNode.GetDisplayNode()
    if displayNode is not None and displayNode.GetAttribute(DISPLAY_ATTRIBUTE) == "binary":
        _updateShownArray(modelNode, LOOKS["binary"])
    modelNode.GetMesh().Modified()  # the only event that makes views look at the arrays again


def _show(modelNode, name: str) -> None:
    look = LOOKS[name]
    _values(modelNode, look.array)
    if modelNode.GetDisplayNode() is None:
        modelNode.CreateDefaultDisplayNodes()
    displayNode = modelNode.GetDisplayNode()
    partly = _updateShownArray(modelNode, look)

    wasModified = displayNode.StartModify()
    before = displayNode.GetAttribute(DISPLAY_ATTRIBUTE)
    if before is None:  # afterwards it is for the user to choose
        showOnSlices(displayNode)
    displayNode.SetAttribute(DISPLAY_ATTRIBUTE, name)
    displayNode.SetActiveScalar(SHOWN_ARRAY if partly else look.array, vtk.vtkAssignAttribute.POINT_DATA)
    displayNode.SetScalarRangeFlag(displayNode.UseManualScalarRange)
    displayNode.SetScalarRange(*look.limits)
    displayNode.SetThresholdEnabled(False)
    table = colorTable(modelNode.GetScene(), look, partly)
    displayNode.SetAndObserveColorNodeID(table.GetID())
    displayNode.SetScalarVisibility(True)
    displayNode.SetVisibility(True)  # another wall may have taken its place
    displayNode.EndModify(wasModified)

    legend = _legendAfter(displayNode, table)
    wasModified = legend.StartModify()  # names and a format of numbers exclude each other: no view may draw halfway
    legend.SetTitleText(_("{title}\n(gray: unseen)").format(title=look.title) if partly and not look.names else look.title)
    legend.SetUseColorNamesForLabels(bool(look.names))
    legend.SetNumberOfLabels(6)
    legend.SetMaxNumberOfColors(table.GetNumberOfColors())  # a new legend keeps the number that its table had then
    legend.SetLabelFormat("%s" if look.names else "%.1f")
    if before != name:
        legend.SetSize(0.12 if look.names else 0.06, 0.25)  # letters are drawn as large as this has room for
    legend.RemoveAllViewNodeIDs()
    for view in slicer.util.getNodesByClass("vtkMRMLViewNode", modelNode.GetScene()):
        legend.AddViewNodeID(view.GetID())  # one view for the colors of all; on a slice it would cover the heart
    legend.SetVisibility(True)
    legend.EndModify(wasModified)
    modelNode.GetMesh().Modified()


def _legendAfter(displayNode, table):
    """The color legend of a display node; a new one if it is older than the color table.

    A scene that is closed removes its nodes from the last to the first, and a legend that loses its colors before it goes
    itself is an error.
    """
    scene, logic = displayNode.GetScene(), slicer.vtkSlicerColorLogic
    legend, place = logic.GetColorLegendDisplayNode(displayNode), None
    if legend is not None and scene.GetNodes().IsItemPresent(legend) < scene.GetNodes().IsItemPresent(table):
        place = legend.GetPosition(), legend.GetSize()
        scene.RemoveNode(legend)
    isNew = logic.GetColorLegendDisplayNode(displayNode) is None
    legend = logic.AddDefaultColorLegendDisplayNode(displayNode)
    if isNew:  # afterwards it is for the user to choose
        legend.SetPosition(*LEGEND_PLACE)
    if place is not None:
        legend.SetPosition(*place[0])
        legend.SetSize(*place[1])
    return legend


def colorTable(scene, look: Look, partly: bool):
    """The scene's color table for a look; made on first use, found again afterwards (and after reloading).

    Our own, because Slicer's perceptual color maps are files that not every installation has. Gray for what was not
    observed is its first color where needed: colors for NaN or below a range are not kept by a saved scene.
    """
    name = f"{look.table} (partly observed)" if partly else look.table
    for number in range(scene.GetNumberOfNodesByClass("vtkMRMLColorTableNode")):
        node = scene.GetNthNodeByClass(number, "vtkMRMLColorTableNode")
        if node.GetAttribute(_COLOR_TABLE_ATTRIBUTE) == name:
            return node
    low, high = look.limits
    colors = look.colors
    names = look.names or tuple(f"{value:.3f}" for value in np.linspace(low, high, len(colors)))
    if partly:
        # The coarse tables get one color more; of the fine ones the lowest makes room, which nobody sees.
        colors, names = (colors, names) if look.names else (colors[1:], names[1:])
        colors, names = np.vstack([NOT_OBSERVED, colors]), (_("unseen"), *names)
    node = slicer.vtkMRMLColorTableNode()
    node.SetTypeToUser()
    node.SetName(name)
    node.SetAttribute(_COLOR_TABLE_ATTRIBUTE, name)
    node.SetAttribute("Category", "CardioScar")
    node.SetNumberOfColors(len(colors))
    for number, color in enumerate(colors):
        node.SetColor(number, names[number], *map(float, color), 1.0)
    node.GetLookupTable().SetRange(low, high)
    return scene.AddNode(node)


def _updateShownArray(modelNode, look: Look) -> bool:
    """Whether part of the model was not observed; then `SHOWN_ARRAY` falls into the first color there, and nowhere else."""
    pointData = modelNode.GetMesh().GetPointData()
    values = _values(modelNode, look.array)
    if look.array in OF_PERFUSION:
        isSeen = np.isfinite(values)
    else:
        observed = pointData.GetArray("scar_observed")
        isSeen = np.ones(len(values), dtype=bool) if observed is None else vtk_to_numpy(observed) > 0
    if isSeen.all():
        pointData.RemoveArray(SHOWN_ARRAY)
        return False
    low, high = look.limits
    if look.names:  # three colors: not observed, and 0 and 1 in the middle of the others
        shown = low + (high - low) * (0.5 + values / 3)
    else:
        shown = np.maximum(values, low + 1.5 * (high - low) / len(look.colors))
    _setArray(modelNode, SHOWN_ARRAY, np.where(isSeen, shown, low).astype(np.float32))
    return True


def _values(modelNode, name: str) -> np.ndarray:
    """A live view of one of the model's scar arrays."""
    pointData = modelNode.GetMesh().GetPointData() if modelNode is not None and modelNode.GetMesh() is not None else None
    if name in OF_PERFUSION and (pointData is None or not pointData.HasArray(name)):
        raise BadWall(_("Perfusion was not measured beside this model yet; measure it first, for classes beside a scar map."))
    if name not in OF_PERFUSION and (pointData is None or not pointData.HasArray("scar_probability")):
        raise BadWall(_("There is no scar map on this model yet; compute one first."))
    if not pointData.HasArray(name) and name == LOOKS["channels"].array:
        raise NoSpread(_("This scar map has no channels; compute its numbers first, on a wall with volume cells."))
    if not pointData.HasArray(name):
        raise NoSpread(_("This scar map has no uncertainty; compute it with a model that gives one, such as 'field'."))
    return vtk_to_numpy(pointData.GetArray(name))


def _setArray(modelNode, name: str, values: np.ndarray) -> None:
    """Put values into a point array in place, or into a new one."""
    pointData = modelNode.GetMesh().GetPointData()
    array = pointData.GetArray(name)
    if array is not None and array.GetNumberOfTuples() == len(values) and array.GetDataType() == vtk.VTK_FLOAT:
        vtk_to_numpy(array)[:] = values
        array.Modified()
        return
    array = numpy_to_vtk(values, deep=True)
    array.SetName(name)
    pointData.AddArray(array)
