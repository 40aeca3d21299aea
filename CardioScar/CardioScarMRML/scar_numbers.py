"""The numbers of a map in the scene: an attribute and arrays of the model, tables, and channels as curves."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import vtk
from vtk.util.numpy_support import numpy_to_vtk

from CardioScarLib.core.errors import BadSettings, OtherCase
from CardioScarLib.core.quantity import Quantity
from CardioScarMRML.case_folder import gather
from CardioScarMRML.channels import addCurves, removeCurves
from CardioScarMRML.placing import placeBeside, removeNodes
from CardioScarMRML.reading import RAS_TO_LPS
from CardioScarMRML.results_table import titleOf
from CardioScarMRML.segment_plot import addSegmentPlot, removeSegmentPlot
from CardioScarMRML.translation import tr as _
from CardioScarMRML.writing import scarArrays

if TYPE_CHECKING:
    from CardioScarLib.quantification.numbers import Numbers

NUMBERS_ATTRIBUTE = "CardioScar.Numbers"
"""Attribute of a model: JSON as of `CardioScarLib.quantification.numbers.Numbers.as_dict`."""
TABLE_ROLES = {"numbers": "CardioScar.NumbersTable", "segments": "CardioScar.SegmentsTable", "channels": "CardioScar.ChannelsTable"}
"""Node references from a model to its tables of numbers."""
OF_SECTORS = ("scar_burden_percent", "scar_probability_mean", "transmurality_mean_percent", "transmurality_max_percent")


def insertionsFrom(markupsNode) -> np.ndarray | None:
    """(1 or 2, 3) LPS mm of the insertions of the right ventricle; None without points.

    :param markupsNode: fiducial points, the anterior insertion first, or None.
    :raises BadSettings: there are more than two.
    """
    count = markupsNode.GetNumberOfControlPoints() if markupsNode is not None else 0
    if not count:
        return None
    if count > 2:
        raise BadSettings(_("The right ventricle has two insertions; remove points until the anterior and the inferior one are left."))
    points = np.array([markupsNode.GetNthControlPointPositionWorld(number) for number in range(count)])
    return points @ RAS_TO_LPS[:3, :3]


def writeNumbers(modelNode, numbers: Numbers) -> None:
    """Put numbers onto the model that shows their map, into tables beside it, and their channels into the views.

    What earlier numbers of this model left is replaced.
    """
    removeNumbers(modelNode)
    mesh = modelNode.GetMesh()
    for name, values in numbers.arrays.items():
        array = numpy_to_vtk(np.ascontiguousarray(values), deep=True)
        array.SetName(name)
        mesh.GetPointData().AddArray(array)
    listed = dict.fromkeys([*scarArrays(modelNode), *numbers.arrays])  # the next map removes what is listed
    modelNode.SetAttribute("CardioScar.Arrays", " ".join(listed))
    record = numbers.as_dict()
    modelNode.SetAttribute(NUMBERS_ATTRIBUTE, json.dumps(record))
    tables = [
        _writeTable(modelNode, "numbers", _("numbers"), _numberRows(numbers.quantities)),
        _writeTable(modelNode, "segments", _("segments"), _sectorRows(record["sectors"])),
        _writeTable(modelNode, "channels", _("channels"), _channelRows(record["channels"])),
    ]
    curves = addCurves(modelNode, record["channels"])
    nodes = (*tables, addSegmentPlot(modelNode, record["sectors"]), *curves)
    gather(modelNode.GetNodeReference("CardioScar.LGE"), *(one for one in nodes if one is not None))
    mesh.Modified()  # the only event that makes views look at the arrays again


def numbersOf(modelNode) -> dict | None:
    """The numbers that are kept with a model, as of `Numbers.as_dict`; None where there are none."""
    text = modelNode.GetAttribute(NUMBERS_ATTRIBUTE) if modelNode is not None else None
    return json.loads(text) if text else None


def quantitiesIn(record: dict) -> tuple[Quantity, ...]:
    """record: with "quantities", such as all numbers, a sector or a channel."""
    return tuple(Quantity.from_dict(name, values) for name, values in record["quantities"].items())


def removeNumbers(modelNode) -> None:
    """Remove the attribute, the tables, the plot and the curves of a model's numbers; the arrays go with those of its map."""
    modelNode.RemoveAttribute(NUMBERS_ATTRIBUTE)
    for role in TABLE_ROLES.values():
        removeNodes(modelNode.GetNodeReference(role))
        modelNode.SetNodeReferenceID(role, None)
    removeSegmentPlot(modelNode)
    removeCurves(modelNode)


def keepEarlierNumbers(modelNode, suffix: str) -> None:
    """Leave the tables in the scene under other names; plot and curves go, since the next map has its own."""
    removeSegmentPlot(modelNode)
    for role in TABLE_ROLES.values():
        tableNode = modelNode.GetNodeReference(role)
        if tableNode is not None:
            tableNode.SetName(modelNode.GetScene().GenerateUniqueName(tableNode.GetName() + suffix))
            modelNode.SetNodeReferenceID(role, None)


def mapMark(modelNode) -> str:
    """Differs whenever a model shows another map."""
    return modelNode.GetAttribute("CardioScar.Provenance") or ""


def checkSameMap(modelNode, mark: str) -> None:
    """Raise OtherCase if a model no longer shows the map that it showed when `mark` was taken."""
    if mapMark(modelNode) != mark:
        raise OtherCase(_("The model got another map meanwhile; the numbers of the earlier one were not kept."))


def _writeTable(modelNode, name: str, title: str, rows: list[dict[str, str]]):
    """A new table of a model, see `textTable`; None where there are no rows."""
    if not rows:
        return None
    whole = f"{modelNode.GetName().removesuffix(' scar map')} scar {title}"
    tableNode = textTable(modelNode.GetScene(), whole, rows)
    modelNode.SetNodeReferenceID(TABLE_ROLES[name], tableNode.GetID())
    placeBeside(tableNode, modelNode)
    return tableNode


def textTable(scene, name: str, rows: list[dict[str, str]]):
    """A new table with a row for each dictionary. Cells are text, which views show as it is.

    :param name: made unique in the scene.
    """
    tableNode = scene.AddNewNodeByClass("vtkMRMLTableNode", scene.GenerateUniqueName(name))
    wasModified = tableNode.StartModify()
    for column in rows[0]:
        array = vtk.vtkStringArray()
        array.SetName(column)
        for row in rows:
            array.InsertNextValue(row[column])
        tableNode.AddColumn(array)
    tableNode.EndModify(wasModified)
    return tableNode


def _numberRows(quantities: Iterable[Quantity]) -> list[dict[str, str]]:
    return [
        {
            _("Number"): titleOf(one),
            **cellsOf("", one),
            _("Unit"): one.unit,
            _("Level"): "" if one.level is None else f"{100 * one.level:g} %",
            _("Threshold"): "" if one.threshold is None else f"{one.threshold:g}",
            _("Method"): one.method,
        }
        for one in quantities
    ]


def _sectorRows(sectors: dict) -> list[dict[str, str]]:
    rows = []
    for key, sector in sectors.items():
        row = {_("Segment"): str(int(key[4:])) if key.startswith("aha_") else _("ring"), _("Name"): sector["name"]}
        for one in quantitiesIn(sector):
            if one.name in OF_SECTORS:
                row |= cellsOf(f"{one.label}{' (%)' if one.unit == '%' else ''}", one)
        rows.append({**row, _("Transmurality class (%)"): sector["transmurality_class_percent"]})
    return rows


def _channelRows(channels: list) -> list[dict[str, str]]:
    rows = []
    for number, channel in enumerate(channels, 1):
        row = {_("Channel"): str(number), _("Probability (%)"): f"{100 * channel['probability']:.0f}"}
        for one in quantitiesIn(channel):
            row |= cellsOf(f"{one.label} ({one.unit})", one)
        row[_("AHA segments")] = ", ".join(map(str, channel["aha_segments"]))
        rows.append({**row, _("Layers"): ", ".join(channel["layers"])})
    return rows


def cellsOf(title: str, one: Quantity) -> dict[str, str]:
    """Value and ends of the interval in columns of their own."""
    if not title:
        names = _("Value"), _("Low"), _("High")
    else:
        names = title, _("{title}, low").format(title=title), _("{title}, high").format(title=title)
    ends = (one.value, one.low, one.high)
    return {name: "" if value is None else f"{0.0 if abs(value) < 1e-6 else value:.6g}" for name, value in zip(names, ends, strict=True)}
