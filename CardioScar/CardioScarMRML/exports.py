"""A model with all its arrays as a file, for the child process that exports its map."""

from __future__ import annotations

from pathlib import Path

import slicer
import vtk

from CardioScarLib.core.errors import UnwritableOutput
from CardioScarMRML.translation import tr as _
from CardioScarMRML.writing import FIELD_ARRAY

MESH_NAME = "mesh.vtu"


def writeMesh(modelNode, folder: Path) -> Path:
    """Write the mesh of a model with its arrays, LPS mm of the world, as Slicer itself writes models; returns the file.

    The field of the map stays out: it holds the pixels of the slices.

    :raises UnwritableOutput: Slicer could not write it.
    """
    mesh = modelNode.GetMesh().NewInstance()
    mesh.DeepCopy(modelNode.GetMesh())
    names = [mesh.GetFieldData().GetArrayName(number) for number in range(mesh.GetFieldData().GetNumberOfArrays())]
    for name in names:
        if name and name.startswith(FIELD_ARRAY):
            mesh.GetFieldData().RemoveArray(name)
    moved, storage = slicer.vtkMRMLModelNode(), slicer.vtkMRMLModelStorageNode()
    moved.SetAndObserveMesh(mesh)
    if modelNode.GetParentTransformNode() is not None:
        toWorld = vtk.vtkGeneralTransform()
        slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(modelNode.GetParentTransformNode(), None, toWorld)
        moved.ApplyTransform(toWorld)
    path = folder / MESH_NAME
    storage.SetFileName(str(path))
    storage.SetCoordinateSystem(slicer.vtkMRMLStorageNode.CoordinateSystemLPS)
    if not storage.WriteData(moved):
        raise UnwritableOutput(_("The LV model could not be written into the temporary folder; is the disk full?"))
    return path


def newFolder(parent: Path, name: str) -> Path:
    """The first name in a folder that is free of this one and this one with 2, 3, ...; letters that no file may have are left out."""
    plain = "".join(letter if letter.isalnum() or letter in " -_." else "_" for letter in name).strip(" .") or "map"
    number, found = 1, parent / plain
    while found.exists():
        number += 1
        found = parent / f"{plain} {number}"
    return found
