"""From a node's own coordinates to the world, whatever transforms it is under. RAS mm."""

from __future__ import annotations

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy


def toWorldMatrix(node) -> np.ndarray | None:
    """4x4, node to world; None if that is not a matrix."""
    parent = node.GetParentTransformNode()
    matrix = vtk.vtkMatrix4x4()
    if parent is not None:
        if not parent.IsTransformToWorldLinear():
            return None
        slicer.vtkMRMLTransformNode.GetMatrixTransformBetweenNodes(parent, None, matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)


def toWorldPoints(node, points: np.ndarray) -> np.ndarray:
    """(n, 3) points of a node -> (n, 3) in the world; for any transform, a bending one too."""
    return _moved(node.GetParentTransformNode(), None, points)


def toNodePoints(node, other, points: np.ndarray) -> np.ndarray:
    """(n, 3) points of a node -> (n, 3) in the coordinates of another; for any transforms."""
    return _moved(node.GetParentTransformNode(), other.GetParentTransformNode(), points)


def isBetweenLinear(node, other) -> bool:
    """Whether a matrix leads from the one node to the other."""
    parents = node.GetParentTransformNode(), other.GetParentTransformNode()
    return parents[0] is parents[1] or all(parent is None or parent.IsTransformToWorldLinear() for parent in parents)


def _moved(source, target, points: np.ndarray) -> np.ndarray:
    """source, target: transform nodes; None is the world."""
    transform = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(source, target, transform)
    there, moved = vtk.vtkPoints(), vtk.vtkPoints()
    there.SetData(numpy_to_vtk(np.ascontiguousarray(points, dtype=np.float64), deep=True))
    moved.SetDataTypeToDouble()
    transform.TransformPoints(there, moved)
    return vtk_to_numpy(moved.GetData()).copy()


def toWorldState(node) -> tuple:
    """Differs whenever the way to the world does."""
    matrix = toWorldMatrix(node)
    return (node.GetParentTransformNode().GetTransformToWorldMTime(),) if matrix is None else (matrix.tobytes(),)
