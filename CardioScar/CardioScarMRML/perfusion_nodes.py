"""Measured perfusion in the scene: an attribute of the SPECT volume, tables, the wall as segments, and arrays of the LV model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk

from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.core.quantity import Quantity
from CardioScarMRML.placing import placeBeside, removeNodes
from CardioScarMRML.predictions import labelmapOf
from CardioScarMRML.scar_numbers import cellsOf, textTable
from CardioScarMRML.translation import tr as _

if TYPE_CHECKING:
    from CardioScarLib.perfusion.record import PerfusionRecord
    from CardioScarLib.tasks.perfusion import MeasuredPerfusion

PERFUSION_ATTRIBUTE = "CardioScar.Perfusion"
"""Attribute of the SPECT volume, that at stress if there are two: JSON as of `CardioScarLib.perfusion.report.PerfusionReport.as_dict`."""
ROLES = {"numbers": "CardioScar.PerfusionTable", "segments": "CardioScar.PerfusionSegments"}
"""Node references from that volume to its tables."""
WALL_ROLE, MODEL_ROLE = "CardioScar.PerfusionWall", "CardioScar.PerfusionModel"
"""Node references from a SPECT volume to the segmentation of its wall, and to the LV model that has perfusion as arrays."""
ARRAYS_ATTRIBUTE = "CardioScar.PerfusionArrays"
"""Attribute of a model: names of these arrays."""
WALL_ID, WALL_COLOR = "wall", (0.98, 0.72, 0.18)
OF_CLASSES = "viability_"
"""Begins names of arrays that belong to one map of scar; perfusion belongs to the wall."""


def writePerfusion(nodes: Mapping, lvModelNode, found: MeasuredPerfusion) -> PerfusionRecord:
    """Put what was measured into the scene; what an earlier measurement left is replaced.

    :param nodes: SPECT volumes by "stress", "rest" or "scan", stress first.
    :param lvModelNode: gets the arrays; None where there is none.
    :return: what was measured.
    """
    from CardioScarLib.perfusion.record import PerfusionRecord

    record = PerfusionRecord.of(found.values)
    first = next(iter(nodes.values()))
    first.GetScene().SaveStateForUndo()
    for node in nodes.values():
        removePerfusion(node)
    first.SetAttribute(PERFUSION_ATTRIBUTE, json.dumps(found.values))
    _addTable(first, "numbers", _("perfusion"), _numberRows(record))
    _addTable(first, "segments", _("perfusion segments"), _segmentRows(record))
    for name, node in nodes.items():
        _addWall(node, found.labels[name])
    if lvModelNode is not None:
        writePerfusionArrays(lvModelNode, found.arrays)
        first.SetNodeReferenceID(MODEL_ROLE, lvModelNode.GetID())
    return record


def perfusionOf(volumeNode) -> PerfusionRecord | None:
    """What was measured on a SPECT volume; None where nothing was, or what is kept cannot be read."""
    text = volumeNode.GetAttribute(PERFUSION_ATTRIBUTE) if volumeNode is not None else None
    if not text:
        return None
    from CardioScarLib.perfusion.record import PerfusionRecord

    try:
        return PerfusionRecord.of(json.loads(text))
    except (UnreadableFile, ValueError):  # of a scene of another version, or that somebody has edited
        return None


def removePerfusion(volumeNode) -> None:
    """Remove what a measurement left beside a SPECT volume; arrays of a model are replaced by the next one."""
    volumeNode.RemoveAttribute(PERFUSION_ATTRIBUTE)
    for role in (*ROLES.values(), WALL_ROLE):
        removeNodes(volumeNode.GetNodeReference(role))
        volumeNode.SetNodeReferenceID(role, None)
    volumeNode.SetNodeReferenceID(MODEL_ROLE, None)


def writePerfusionArrays(modelNode, arrays: Mapping[str, np.ndarray]) -> None:
    """Instead of those of an earlier measurement."""
    pointData = modelNode.GetMesh().GetPointData()
    for name in (modelNode.GetAttribute(ARRAYS_ATTRIBUTE) or "").split():
        pointData.RemoveArray(name)
    for name, values in arrays.items():
        array = numpy_to_vtk(np.ascontiguousarray(values), deep=True)
        array.SetName(name)
        pointData.AddArray(array)
    modelNode.SetAttribute(ARRAYS_ATTRIBUTE, " ".join(arrays))
    modelNode.GetMesh().Modified()  # the only event that makes views look at the arrays again


def removeClasses(modelNode) -> None:
    """A model gets another map of scar: classes of the last one go, perfusion stays."""
    names = (modelNode.GetAttribute(ARRAYS_ATTRIBUTE) or "").split()
    kept = [name for name in names if not name.startswith(OF_CLASSES)]
    if kept == names:
        return
    for name in set(names) - set(kept):
        modelNode.GetMesh().GetPointData().RemoveArray(name)
    modelNode.SetAttribute(ARRAYS_ATTRIBUTE, " ".join(kept))


def _addTable(volumeNode, what: str, title: str, rows: list[dict[str, str]]) -> None:
    tableNode = textTable(volumeNode.GetScene(), f"{volumeNode.GetName()} {title}", rows)
    volumeNode.SetNodeReferenceID(ROLES[what], tableNode.GetID())
    placeBeside(tableNode, volumeNode)


def _addWall(volumeNode, labels: np.ndarray) -> None:
    """A segmentation on the voxels of the volume, to be looked at."""
    scene = volumeNode.GetScene()
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", scene.GenerateUniqueName(f"{volumeNode.GetName()} LV wall"))
    node.SetReferenceImageGeometryParameterFromVolumeNode(volumeNode)
    node.SetAndObserveTransformNodeID(volumeNode.GetTransformNodeID())
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetVisibility3D(False)  # the LV model may lie in the same place
    matrix = vtk.vtkMatrix4x4()
    volumeNode.GetIJKToRASMatrix(matrix)
    segment = slicer.vtkSegment()
    segment.SetName("LV wall")
    segment.SetColor(*WALL_COLOR)
    segment.AddRepresentation("Binary labelmap", labelmapOf(labels > 0, matrix))
    node.GetSegmentation().AddSegment(segment, WALL_ID)
    volumeNode.SetNodeReferenceID(WALL_ROLE, node.GetID())
    placeBeside(node, volumeNode)


def _numberRows(record: PerfusionRecord) -> list[dict[str, str]]:
    groups = {_study(name): [one for one in each if not one.name.startswith("segment_")] for name, each in record.studies.items()}
    groups |= {_("Stress and rest"): list(record.both), _("Scar and perfusion"): list(record.scar)}
    return [
        {
            _("Scan"): scan,
            _("Number"): one.label,
            **cellsOf("", one),
            _("Unit"): one.unit,
            _("Level"): "" if one.level is None else f"{100 * one.level:g} %",
            _("Method"): one.method,
        }
        for scan, quantities in groups.items()
        for one in quantities
    ]


def _segmentRows(record: PerfusionRecord) -> list[dict[str, str]]:
    from CardioScarLib.perfusion.viability import CLASSES
    from CardioScarLib.quantification.segments import SEGMENT_NAMES

    rows = []
    for number, name in enumerate(SEGMENT_NAMES):
        row = {_("Segment"): str(number + 1), _("Name"): name}
        for study in record.studies:
            title = _("{study} (%)").format(study=_study(study))
            row |= _cellsOrNone(title, record.segments(study)[number])
        if record.scar_percent is not None and record.classes is not None:
            row[_("Scar (%)")] = _percent(record.scar_percent[number])
            for one, values in zip(CLASSES, record.classes, strict=True):
                row[_("Probability of {name} (%)").format(name=one.replace("_", " "))] = _percent(values[number])
        rows.append(row)
    return rows


def _cellsOrNone(title: str, one: Quantity | None) -> dict[str, str]:
    if one is None:
        return {name: "" for name in cellsOf(title, Quantity("", "", 0.0, "", ""))}
    return cellsOf(title, one)


def _percent(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.1f}"


def _study(name: str) -> str:
    return {"stress": _("Stress"), "rest": _("Rest"), "scan": _("Scan")}.get(name, name)
