"""Phantom cases as nodes, for the self test and for trying things out."""

from __future__ import annotations

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray

from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarMRML.reading import RAS_TO_LPS, SLICE_THICKNESS_ATTRIBUTE

WALL_COLOR = 0.86, 0.52, 0.48


def addPhantomNodes(scene, phantom):
    """The stack and the wall of a `Phantom` as (volume node, model node).

    :param phantom: with slices that are parallel, of one size and equally spaced.
    """
    return addVolumeNode(scene, phantom.stack, "Phantom LGE"), addModelNode(scene, gridFromWall(phantom.wall), "Phantom LV wall")


def addVolumeNode(scene, stack: SliceStack, name: str):
    """A scalar volume node with the slices of an equally spaced stack; its k axis is the order of the stack.

    :param name: made unique in the scene, so that selectors tell a second example from the first.
    """
    first, second = stack.slices[:2]
    ijkToLps = np.eye(4)
    ijkToLps[:3, :] = np.column_stack([first.column_step, first.row_step, second.origin - first.origin, first.origin])
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", scene.GenerateUniqueName(name))
    slicer.util.updateVolumeFromArray(node, np.stack([one.pixels for one in stack]))
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(RAS_TO_LPS @ ijkToLps))
    node.SetAttribute(SLICE_THICKNESS_ATTRIBUTE, str(float(first.thickness)))
    node.CreateDefaultDisplayNodes()
    return node


def addModelNode(scene, meshRas, name: str):
    """A model node of a mesh that is in RAS mm, in the color of muscle. Its name is made unique in the scene."""
    node = scene.AddNewNodeByClass("vtkMRMLModelNode", scene.GenerateUniqueName(name))
    node.SetAndObserveMesh(meshRas)
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetColor(*WALL_COLOR)
    return node


def gridFromWall(wall: Wall) -> vtk.vtkUnstructuredGrid:
    """A tetrahedral wall as an unstructured grid in RAS mm; nodes and cells in the order of the wall."""
    points = vtk.vtkPoints()
    points.SetData(numpy_to_vtk(wall.nodes @ RAS_TO_LPS[:3, :3], deep=True))
    corners = wall.nodes[wall.tetrahedra]
    isLeftHanded = np.linalg.det(corners[:, 1:] - corners[:, :1]) < 0
    # VTK takes the faces of left-handed cells for back faces, which Slicer draws in another color.
    tetrahedra = np.where(isLeftHanded[:, None], wall.tetrahedra[:, [0, 1, 3, 2]], wall.tetrahedra)
    cells = vtk.vtkCellArray()
    offsets = 4 * np.arange(len(tetrahedra) + 1)
    cells.SetData(numpy_to_vtkIdTypeArray(offsets, deep=True), numpy_to_vtkIdTypeArray(tetrahedra.ravel(), deep=True))
    grid = vtk.vtkUnstructuredGrid()
    grid.SetPoints(points)
    grid.SetCells(vtk.VTK_TETRA, cells)
    return grid
