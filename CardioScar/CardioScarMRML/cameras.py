"""3D views turned to a scar."""

from __future__ import annotations

import numpy as np
import slicer
from vtk.util.numpy_support import vtk_to_numpy

from CardioScarMRML.transforms import toWorldPoints

FROM_ANTERIOR = np.array([0.0, 1.0, 0.0])
"""RAS; the side from which a heart without scar, or with scar all around, is seen."""
ROOM = 1.05
"""Times the radius of a heart that fits into a view."""


def lookAtScar(modelNode) -> None:
    """Bring the model into the middle of all 3D views and turn them to the side where its scar is."""
    points = _pointsOf(modelNode)
    radius = 0.5 * float(np.linalg.norm(np.ptp(points, axis=0)))
    values = vtk_to_numpy(modelNode.GetMesh().GetPointData().GetArray("scar_probability"))
    _turn(modelNode.GetScene(), points, _side(points - points.mean(axis=0), values, radius))


def lookAtPoint(modelNode, place: np.ndarray) -> None:
    """Bring the model into the middle of all 3D views and turn them to the side where a point of its wall is, RAS mm of the world."""
    points = _pointsOf(modelNode)
    side = place - points.mean(axis=0)
    length = float(np.linalg.norm(side))
    _turn(modelNode.GetScene(), points, side / length if length > 0 else FROM_ANTERIOR)


def _pointsOf(modelNode) -> np.ndarray:
    return toWorldPoints(modelNode, vtk_to_numpy(modelNode.GetMesh().GetPoints().GetData()))


def _turn(scene, points: np.ndarray, side: np.ndarray) -> None:
    """side: unit vector from the middle of the points to the camera."""
    low, high = points.min(axis=0), points.max(axis=0)
    center, radius = 0.5 * (low + high), 0.5 * float(np.linalg.norm(high - low))
    up = np.array([0.0, 0.0, 1.0]) if abs(side[2]) < 0.9 else FROM_ANTERIOR
    for camera in slicer.util.getNodesByClass("vtkMRMLCameraNode", scene):
        distance = ROOM * radius / np.sin(np.radians(0.5 * camera.GetViewAngle()))
        wasModified = camera.StartModify()
        camera.SetFocalPoint(*center)
        camera.SetPosition(*(center + distance * side))
        camera.SetViewUp(*up)
        camera.SetParallelScale(ROOM * radius)
        camera.ResetClippingRange()
        camera.EndModify(wasModified)


def _side(points: np.ndarray, probability: np.ndarray, radius: float) -> np.ndarray:
    """Unit vector from the middle of the heart, where the points have their origin, to the side of the scar."""
    scar = points[probability > 0.5]
    side = scar.mean(axis=0) if len(scar) else np.zeros(3)
    length = float(np.linalg.norm(side))
    return side / length if length > 0.1 * radius else FROM_ANTERIOR
