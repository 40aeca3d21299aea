"""Phantom cases as nodes, for the self test and for trying things out."""

from __future__ import annotations

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray

from CardioScarLib.geometry.slices import SliceStack
from CardioScarLib.geometry.wall import Wall
from CardioScarMRML.reading import RAS_TO_LPS, SLICE_THICKNESS_ATTRIBUTE


def addPhantomNodes(scene, phantom):
    """The stack and the wall of a `Phantom` as (volume node, model node).

    :param phantom: with slices that are parallel, of one size and equally spaced.
    """
    return addVolumeNode(scene, phantom.stack, "Phantom LGE"), addModelNode(scene, gridFromWall(phantom.wall), "Phantom LV wall")


def addVolumeNode(scene, stack: SliceStack, name: str):
    """A scalar volume node with the slices of an equally spaced stack; its k axis is the order of the stack."""
    first, second = stack.slices[:2]
    ijkToLps = np.eye(4)
    ijkToLps[:3, :] = np.column_stack([first.column_step, first.row_step, second.origin - first.origin, first.origin])
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    slicer.util.updateVolumeFromArray(node, np.stack([one.pixels for one in stack]))
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(RAS_TO_LPS @ ijkToLps))
    node.SetAttribute(SLICE_THICKNESS_ATTRIBUTE, str(float(first.thickness)))
    node.CreateDefaultDisplayNodes()
    return node


def addModelNode(scene, meshRas, name: str):
    """A model node of a mesh that is in RAS mm."""
    node = scene.AddNewNodeByClass("vtkMRMLModelNode", name)
    node.SetAndObserveMesh(meshRas)
    node.CreateDefaultDisplayNodes()
    return node


def gridFromWall(wall: Wall) -> vtk.vtkUnstructuredGrid:
    """A tetrahedral wall as an unstructured grid in RAS mm."""
    points = vtk.vtkPoints()
    points.SetData(numpy_to_vtk(wall.nodes @ RAS_TO_LPS[:3, :3], deep=True))
    cells = vtk.vtkCellArray()
    offsets = 4 * np.arange(len(wall.tetrahedra) + 1)
    cells.SetData(numpy_to_vtkIdTypeArray(offsets, deep=True), numpy_to_vtkIdTypeArray(wall.tetrahedra.ravel(), deep=True))
    grid = vtk.vtkUnstructuredGrid()
    grid.SetPoints(points)
    grid.SetCells(vtk.VTK_TETRA, cells)
    return grid
