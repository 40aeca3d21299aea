"""The numbers of a scar map in a table node."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import vtk
from vtk.util.numpy_support import vtk_to_numpy

from CardioScarLib.core.quantity import Quantity
from CardioScarLib.quantification.burden import ABOVE, BEYOND, BURDEN, MASS, VOLUME, above_threshold
from CardioScarMRML.inputs import Inputs
from CardioScarMRML.placing import placeBeside
from CardioScarMRML.translation import tr as _
from CardioScarMRML.writing import quantitiesOf, writeQuantities

RESULTS_ROLE = "CardioScar.Results"
"""Node reference from a model to the table of its last run."""
NOTHING = 1e-6
"""In every unit of the table."""
_walls = Inputs()
"""The wall whose threshold is being moved: a slider cannot wait for it to be read."""


def writeResultsTable(modelNode, quantities: Iterable[Quantity]):
    """Put quantities into the table of a model, which is made if there is none, and return it.

    A column for each, with its unit, and how it was found as its description.
    """
    tableNode = modelNode.GetNodeReference(RESULTS_ROLE)
    if tableNode is None:
        scene = modelNode.GetScene()
        name = f"{modelNode.GetName().removesuffix(' scar map')} scar results"
        tableNode = scene.AddNewNodeByClass("vtkMRMLTableNode", scene.GenerateUniqueName(name))
        modelNode.SetNodeReferenceID(RESULTS_ROLE, tableNode.GetID())
        placeBeside(tableNode, modelNode)
    wasModified = tableNode.StartModify()
    tableNode.RemoveAllColumns()
    for quantity in quantities:
        _putQuantity(tableNode, quantity)
    tableNode.SetUseColumnTitleAsColumnHeader(True)
    tableNode.EndModify(wasModified)
    return tableNode


def followThreshold(modelNode, threshold: float) -> None:
    """Let the numbers of a model tell of this threshold, which its `scar_binary` is of already."""
    known = quantitiesOf(modelNode)
    if not known:
        return
    measure = _walls.wall(modelNode).node_measure
    isScar = vtk_to_numpy(modelNode.GetMesh().GetPointData().GetArray("scar_binary"))
    above = above_threshold(float(measure @ isScar / measure.sum()), threshold)
    writeQuantities(modelNode, (*(one for one in known if one.name != above.name), above))
    tableNode = modelNode.GetNodeReference(RESULTS_ROLE)
    if tableNode is None or not tableNode.GetNumberOfRows():  # somebody may have emptied it
        return
    wasModified = tableNode.StartModify()
    _putQuantity(tableNode, above)
    tableNode.EndModify(wasModified)


def _putQuantity(tableNode, quantity: Quantity) -> None:
    for name, title, value, unit, description in _columns(quantity):
        _putNumber(tableNode, name, title, value, unit, description)


def titleOf(quantity: Quantity) -> str:
    """What a quantity is called in the user's language; by its label where we have no words for it."""
    return {
        BURDEN: _("Scar burden"),
        VOLUME: _("Scar volume"),
        MASS: _("Scar mass"),
        "lv_volume_ml": _("LV volume"),
        "lv_mass_g": _("LV mass"),
        BEYOND: _("Beyond the slices"),
        ABOVE: _("Scar above threshold"),
    }.get(quantity.name, quantity.label)


def _columns(quantity: Quantity) -> Iterator[tuple[str, str, float, str, str]]:
    """Name, title, value, unit and description of each number that a quantity has. Names are the same in all languages."""
    title = titleOf(quantity)
    if quantity.threshold is not None:
        yield "Threshold", _("Threshold"), quantity.threshold, "1", _("scar probability from which on a point counts as scar")
    yield quantity.label, title, quantity.value, quantity.unit, quantity.method
    if quantity.low is not None and quantity.high is not None and quantity.level is not None:
        level = f"{100 * quantity.level:g}"
        low, high = _("{title}, low").format(title=title), _("{title}, high").format(title=title)
        yield f"{quantity.label}, low", low, quantity.low, quantity.unit, _("lower end of the {level} % interval").format(level=level)
        yield f"{quantity.label}, high", high, quantity.high, quantity.unit, _("upper end of the {level} % interval").format(level=level)


def _putNumber(tableNode, name: str, title: str, value: float, unit: str, description: str) -> None:
    """A number into its column, which is made if there is none. Views of tables write numbers as they are, as in 1.91e-35."""
    value = 0.0 if abs(value) < NOTHING else value
    if tableNode.GetTable().GetColumnByName(name) is not None:
        tableNode.GetTable().SetValueByName(0, name, vtk.vtkVariant(value))  # of any type: a reopened scene has what it read
        tableNode.GetTable().Modified()
        return
    column = vtk.vtkDoubleArray()
    column.SetName(name)
    column.InsertNextValue(value)
    tableNode.AddColumn(column)
    tableNode.SetColumnUnitLabel(name, unit)
    tableNode.SetColumnTitle(name, title if unit == "1" else f"{title} ({unit})")
    tableNode.SetColumnDescription(name, description)


def keepEarlierTable(modelNode, suffix: str) -> None:
    """Leave the table of the last run in the scene under another name; the next run makes its own."""
    tableNode = modelNode.GetNodeReference(RESULTS_ROLE)
    if tableNode is not None:
        tableNode.SetName(modelNode.GetScene().GenerateUniqueName(tableNode.GetName() + suffix))
        modelNode.SetNodeReferenceID(RESULTS_ROLE, None)
