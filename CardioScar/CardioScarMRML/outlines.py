"""The outline of the wall on the slices, where it lies and where it would lie after the shifts, until somebody has seen it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray, vtk_to_numpy

from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarMRML.placing import removeNodes
from CardioScarMRML.reading import RAS_TO_LPS

if TYPE_CHECKING:
    from CardioScarLib.alignment import Alignment

COLORS = {"before": (0.75, 0.75, 0.75), "after": (1.0, 0.85, 0.1)}
HEIGHT = 0.9
"""Of a slice's slab in which its outline is seen; less than one, so that neighbors keep apart."""


class OutlineOverlay:
    """Two hidden models that show in slice views alone; never saved, and gone without a trace when hidden."""

    def __init__(self, scene) -> None:
        self._scene = scene
        self._nodes: list = []
        self._observer = scene.AddObserver(scene.StartCloseEvent, lambda caller, event: self.hide())

    @property
    def visible(self) -> bool:
        return bool(self._nodes)

    def show(self, stack: SliceStack, wall: Wall, alignment: Alignment) -> None:
        """Draw the wall's outline on each slice as it is, and moved against the slice's shift.

        A slice that is moved by its shift takes its image along: on the image as it lies, the wall then lies that much back.
        """
        if not self._nodes:
            self._addNodes()
        before, after = [], []
        surface = _surface(wall)
        for one, shift in zip(stack, alignment.slices, strict=True):
            lines = _cut(surface, one)
            by = shift.shift[0] * one.row_step / one.spacing[0] + shift.shift[1] * one.column_step / one.spacing[1]
            half = 0.5 * HEIGHT * min(one.thickness, _distance(stack, one)) * one.normal
            before.append(_ribbon(lines, half))
            after.append(_ribbon(lines - by, half))
        for node, ribbons in zip(self._nodes[::2], (before, after), strict=True):
            node.SetAndObserveMesh(_mesh(np.vstack(ribbons)))

    def hide(self) -> None:
        """Remove the outlines; nothing happens where there are none."""
        removeNodes(*self._nodes)
        self._nodes = []

    def cleanup(self) -> None:
        """Hide, and listen to the scene no longer."""
        self.hide()
        self._scene.RemoveObserver(self._observer)

    def _addNodes(self) -> None:
        for name, color in COLORS.items():
            display, model = slicer.vtkMRMLModelDisplayNode(), slicer.vtkMRMLModelNode()
            for node in (display, model):
                node.SetName(f"CardioScar outline {name}")
                node.SetHideFromEditors(True)
                node.SetSaveWithScene(False)
                node.SetUndoEnabled(False)
                self._scene.AddNode(node)
            display.SetColor(*color)
            display.SetVisibility3D(False)
            display.SetVisibility2D(True)
            display.SetSliceIntersectionThickness(2)
            model.SetAndObserveDisplayNodeID(display.GetID())
            self._nodes += [model, display]


def _surface(wall: Wall) -> vtk.vtkPolyData:
    """LPS mm."""
    from CardioScarLib.wall.surfaces import skin, triangle_surface

    return triangle_surface(wall.nodes, skin(wall) if wall.kind == "volume" else wall.triangles)


def _cut(surface: vtk.vtkPolyData, one: Slice) -> np.ndarray:
    """(k, 2, 3) pieces of the line along which a slice's middle plane cuts a surface, LPS mm."""
    plane, cutter = vtk.vtkPlane(), vtk.vtkCutter()
    plane.SetOrigin(*one.center)
    plane.SetNormal(*one.normal)
    cutter.SetCutFunction(plane)
    cutter.SetInputData(surface)
    cutter.Update()
    lines = cutter.GetOutput().GetLines()
    if not lines.GetNumberOfCells():
        return np.empty((0, 2, 3))
    return vtk_to_numpy(cutter.GetOutput().GetPoints().GetData())[vtk_to_numpy(lines.GetConnectivityArray()).reshape(-1, 2)]


def _ribbon(lines: np.ndarray, half: np.ndarray) -> np.ndarray:
    """(k, 4, 3) upright rectangles on pieces of a line."""
    return np.stack([lines[:, 0] - half, lines[:, 1] - half, lines[:, 1] + half, lines[:, 0] + half], axis=1)


def _distance(stack: SliceStack, one: Slice) -> float:
    """mm along the normal to the closest parallel slice."""
    heights = [abs((other.center - one.center) @ one.normal) for other in stack if abs(other.normal @ one.normal) > 0.999]
    return min((height for height in heights if height > 1e-3), default=one.thickness)


def _mesh(rectangles: np.ndarray) -> vtk.vtkPolyData:
    """RAS mm."""
    mesh, points, cells = vtk.vtkPolyData(), vtk.vtkPoints(), vtk.vtkCellArray()
    points.SetData(numpy_to_vtk(np.ascontiguousarray(rectangles.reshape(-1, 3) @ RAS_TO_LPS[:3, :3]), deep=True))
    offsets = 4 * np.arange(len(rectangles) + 1)
    cells.SetData(numpy_to_vtkIdTypeArray(offsets, deep=True), numpy_to_vtkIdTypeArray(np.arange(4 * len(rectangles)), deep=True))
    mesh.SetPoints(points)
    mesh.SetPolys(cells)
    return mesh
