"""Channels as curves in the scene, and views that turn to one."""

from __future__ import annotations

import json

import numpy as np
import slicer

from CardioScarMRML.cameras import lookAtPoint
from CardioScarMRML.placing import placeBeside, removeNodes
from CardioScarMRML.reading import RAS_TO_LPS
from CardioScarMRML.translation import tr as _

CURVE_ROLE = "CardioScar.Channel"
"""Node references from a model to the centerlines of its channels, the most probable first."""
CHANNEL_ATTRIBUTE = "CardioScar.Channel"
"""Attribute of a curve: its channel as JSON, as of `CardioScarLib.quantification.channels.Channel.as_dict`."""
BETWEEN_POINTS = 5.0
"""mm between control points at most; the centerline goes from node to node of a surface, a curve need not."""
SMOOTHED = 2.5
"""mm, standard deviation."""
COLOR, CHOSEN = (0.90, 0.30, 0.55), (1.0, 0.85, 0.1)
THIN, THICK = 1.2, 2.4
"""mm."""


def addCurves(modelNode, channels: list[dict]) -> list:
    """Draw the centerlines of a model's channels, which shine through the wall; returns the curve nodes.

    :param channels: as of `Channel.as_dict`, in LPS mm of the world.
    """
    scene, curves = modelNode.GetScene(), []
    for number, channel in enumerate(channels, 1):
        curve = scene.AddNewNodeByClass(
            "vtkMRMLMarkupsCurveNode",
            _("Channel {number} ({percent} %)").format(number=number, percent=round(100 * channel["probability"])),
        )
        for point in _fewer(np.array(channel["centerline_lps_mm"], dtype=float)) @ RAS_TO_LPS[:3, :3]:
            curve.AddControlPointWorld(*point)
        curve.SetLocked(True)  # a line to look at; unlocked, a click on the heart would move it
        curve.SetAttribute(CHANNEL_ATTRIBUTE, json.dumps(channel))
        curve.CreateDefaultDisplayNodes()
        display = curve.GetDisplayNode()
        display.SetPointLabelsVisibility(False)
        display.SetPropertiesLabelVisibility(False)
        display.SetUseGlyphScale(False)
        display.SetGlyphSize(0.5 * THIN)
        display.SetCurveLineSizeMode(display.UseLineDiameter)
        display.SetOccludedVisibility(True)  # the centerline lies within the wall
        display.SetOccludedOpacity(0.8)
        modelNode.AddNodeReferenceID(CURVE_ROLE, curve.GetID())
        placeBeside(curve, modelNode)
        _paint(curve, False)
        curves.append(curve)
    return curves


def removeCurves(modelNode) -> None:
    curves = [one for one in _curves(modelNode) if one is not None]
    modelNode.RemoveNodeReferenceIDs(CURVE_ROLE)
    for curve in curves:
        displays = [curve.GetNthDisplayNode(number) for number in range(curve.GetNumberOfDisplayNodes())]
        removeNodes(curve, *displays)


def showChannel(modelNode, number: int) -> None:
    """Move the slice views to the middle of a channel, turn the 3D views to it, and draw it thick and yellow.

    :param number: from 0, as in the numbers of the model. Nothing happens where a person has removed its curve.
    """
    curves = _curves(modelNode)
    if number >= len(curves) or curves[number] is None:
        return
    for place, curve in enumerate(curves):
        if curve is not None:
            _paint(curve, place == number)
    channel = json.loads(curves[number].GetAttribute(CHANNEL_ATTRIBUTE))
    points = np.array(channel["centerline_lps_mm"], dtype=float) @ RAS_TO_LPS[:3, :3]
    middle = points[len(points) // 2]
    slicer.vtkMRMLSliceNode.JumpAllSlices(modelNode.GetScene(), *middle, slicer.vtkMRMLSliceNode.OffsetJumpSlice, -1)
    lookAtPoint(modelNode, middle)


def _curves(modelNode) -> list:
    """By their number; None for one that a person has removed."""
    count = modelNode.GetNumberOfNodeReferences(CURVE_ROLE) if modelNode is not None else 0
    return [modelNode.GetNthNodeReference(CURVE_ROLE, number) for number in range(count)]


def _paint(curve, isChosen: bool) -> None:
    display = curve.GetDisplayNode()
    if display is None:
        return
    color = CHOSEN if isChosen else COLOR
    display.SetSelectedColor(*color)
    display.SetColor(*color)
    display.SetLineDiameter(THICK if isChosen else THIN)


def _fewer(points: np.ndarray) -> np.ndarray:
    """Points about evenly along a line, its ends among them, without the zigzag of the edges that it was found on."""
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    fine = np.linspace(0, along[-1], max(2, round(along[-1]) + 1))
    line = np.column_stack([np.interp(fine, along, axis) for axis in points.T])
    near = np.exp(-0.5 * ((fine[:, None] - fine) / SMOOTHED) ** 2)
    smooth = (near / near.sum(axis=1, keepdims=True)) @ line
    smooth[[0, -1]] = line[[0, -1]]
    count = max(2, int(np.ceil(along[-1] / BETWEEN_POINTS)) + 1)
    return smooth[np.linspace(0, len(fine) - 1, count).round().astype(int)]
