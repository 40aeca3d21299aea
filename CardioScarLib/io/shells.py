"""Surfaces as old legacy VTK text files, which programs of electroanatomic mapping exchange."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkIOLegacy import vtkPolyDataWriter

from CardioScarLib.core.errors import UnwritableOutput
from CardioScarLib.io.vtk_files import captured_vtk_messages
from CardioScarLib.wall.surfaces import triangle_surface

VERSION = 42
"""4.2, the last one whose cells are written as all older readers expect them."""


def write_shell(points: np.ndarray, triangles: np.ndarray, arrays: Mapping[str, np.ndarray], path: Path) -> None:
    """A text file with the surface, LPS mm, and its arrays, the first one as the scalars that a viewer shows. Nothing else is in it.

    points: (n, 3). triangles: (m, 3). arrays: (n,) each, by name. Raises UnwritableOutput.
    """
    surface = triangle_surface(points, triangles)
    for number, (name, values) in enumerate(arrays.items()):
        array = numpy_to_vtk(np.ascontiguousarray(values, dtype=np.float32), deep=True)
        array.SetName(name)
        surface.GetPointData().AddArray(array)
        if number == 0:
            surface.GetPointData().SetActiveScalars(name)
    writer = vtkPolyDataWriter()
    writer.SetInputData(surface)
    writer.SetFileTypeToASCII()
    writer.SetFileVersion(VERSION)
    writer.SetHeader("CardioScar output. SPACE=LPS")
    with captured_vtk_messages() as messages:
        writer.SetFileName(str(path))
        written = writer.Write()
        if not written or "ERROR" in (messages.GetOutput() or ""):
            raise UnwritableOutput(f"{path.name} could not be written; is the disk full?")
