"""The numbers of a scar map in a table node."""

from __future__ import annotations

import numpy as np
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from CardioScarLib.core.wall import Wall
from CardioScarLib.quantification.burden import scar_burden
from CardioScarMRML.inputs import Inputs
from CardioScarMRML.placing import placeBeside

RESULTS_ROLE = "CardioScar.Results"
"""Node reference from a model to the table of its last run."""
COLUMNS = {
    "scar_percent": ("Scar burden", "%", "Expected amount of scar, as a share of the wall"),
    "scar_ml": ("Scar volume", "mL", "Expected volume of scar"),
    "scar_g": ("Scar mass", "g", "Expected mass of scar, with 1.05 g/mL"),
    "lv_ml": ("LV wall volume", "mL", "Volume of the LV wall"),
    "lv_g": ("LV wall mass", "g", "Mass of the LV wall, with 1.05 g/mL"),
    "beyond_percent": ("Beyond the slices", "%", "Share of the wall where the map is a guess"),
    "threshold": ("Threshold", "1", "Scar probability from which on a point counts as scar"),
    "above_percent": ("Scar above threshold", "%", "Share of the wall at or above the threshold"),
}
"""Name, unit and meaning of each number; a share is one of the volume, or of the surface of a wall without volume."""
_walls = Inputs()
"""The wall whose threshold is being moved: a slider cannot wait for it to be read."""


def resultNumbers(wall: Wall, arrays: dict[str, np.ndarray], threshold: float | None) -> dict[str, float]:
    """The numbers by key of COLUMNS; without volumes and masses if the wall is a surface."""
    probability = arrays["scar_probability"].astype(np.float64)
    share = wall.node_measure / wall.node_measure.sum()
    numbers = scar_burden(wall, probability) | {"beyond_percent": 100 * float(share @ (arrays["scar_observed"] == 0))}
    if threshold is not None:
        numbers |= {"threshold": threshold, "above_percent": 100 * float(share @ (probability >= threshold))}
    return {key: numbers[key] for key in COLUMNS if key in numbers}


def writeResultsTable(modelNode, numbers: dict[str, float]):
    """Put the numbers into the table of a model, which is made if there is none, and return it."""
    tableNode = modelNode.GetNodeReference(RESULTS_ROLE)
    if tableNode is None:
        scene = modelNode.GetScene()
        name = f"{modelNode.GetName().removesuffix(' scar map')} scar results"
        tableNode = scene.AddNewNodeByClass("vtkMRMLTableNode", scene.GenerateUniqueName(name))
        modelNode.SetNodeReferenceID(RESULTS_ROLE, tableNode.GetID())
        placeBeside(tableNode, modelNode)
    wasModified = tableNode.StartModify()
    tableNode.RemoveAllColumns()
    for key, value in numbers.items():
        _putNumber(tableNode, key, value)
    tableNode.SetUseColumnTitleAsColumnHeader(True)
    tableNode.EndModify(wasModified)
    return tableNode


def followThreshold(modelNode, threshold: float) -> None:
    """Let the table of a model, if it has one, tell of this threshold, which its `scar_binary` is of already."""
    tableNode = modelNode.GetNodeReference(RESULTS_ROLE)
    if tableNode is None or not tableNode.GetNumberOfRows():  # somebody may have emptied it
        return
    measure = _walls.wall(modelNode).node_measure
    isScar = vtk_to_numpy(modelNode.GetMesh().GetPointData().GetArray("scar_binary"))
    wasModified = tableNode.StartModify()
    _putNumber(tableNode, "threshold", threshold)
    _putNumber(tableNode, "above_percent", 100 * float(measure @ isScar / measure.sum()))
    tableNode.EndModify(wasModified)


def _putNumber(tableNode, key: str, value: float) -> None:
    """A number of COLUMNS into its column, which is made if there is none."""
    name, unit, meaning = COLUMNS[key]
    if tableNode.GetTable().GetColumnByName(name) is not None:
        tableNode.GetTable().SetValueByName(0, name, vtk.vtkVariant(value))  # of any type: a reopened scene has what it read
        tableNode.GetTable().Modified()
        return
    column = vtk.vtkDoubleArray()
    column.SetName(name)
    column.InsertNextValue(value)
    tableNode.AddColumn(column)
    tableNode.SetColumnUnitLabel(name, unit)
    tableNode.SetColumnTitle(name, name if unit == "1" else f"{name} ({unit})")
    tableNode.SetColumnDescription(name, meaning)


def keepEarlierTable(modelNode, suffix: str) -> None:
    """Leave the table of the last run in the scene under another name; the next run makes its own."""
    tableNode = modelNode.GetNodeReference(RESULTS_ROLE)
    if tableNode is not None:
        tableNode.SetName(modelNode.GetScene().GenerateUniqueName(tableNode.GetName() + suffix))
        modelNode.SetNodeReferenceID(RESULTS_ROLE, None)
