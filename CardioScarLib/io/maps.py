"""A map without its slices: what numbers are computed from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from vtkmodules.util.numpy_support import vtk_to_numpy

from CardioScarLib.core.errors import CardioScarError, UnreadableFile
from CardioScarLib.core.packing import Variants
from CardioScarLib.core.scar_map import ScarMap
from CardioScarLib.core.wall import Wall
from CardioScarLib.io.meshes import MeshFile, read_wall
from CardioScarLib.io.results import StoredField, Targets, stored_field

LOOKED_AT = 64
"""Nodes at which the field is asked whether it made the map."""
ALIKE = 1e-3
"""Scar fraction."""


def read_map(path: Path, posteriors: Variants) -> tuple[MeshFile, ScarMap]:
    """The mesh and its map at `path`, with the field beside it if there is one that belongs to it; the slices are not needed.

    posteriors: table of the classes that stand for a posterior. The notes say why there is no field, where there is none.
    Raises UnreadableFile for a mesh without a map.
    """
    path = Path(path)
    if path.suffix.lower() == ".dat":
        raise UnreadableFile(f"{path.name} holds numbers without their mesh; write the map as .vtu or .vtk to quantify it.")
    stored, notes = None, []
    try:
        if not Targets(path).field.is_file():
            raise UnreadableFile(f"There is no {Targets(path).field.name}, which holds the field of the map, next to {path.name}.")
        stored = stored_field(Targets(path).field, posteriors)
    except CardioScarError as problem:
        notes.append(str(problem))
    reading = stored.found.provenance.reading if stored else {}
    mesh = read_wall(path, reading.get("mesh_frame") or "auto", reading.get("mesh_unit") or "auto")
    arrays = point_arrays(mesh)
    if "scar_probability" not in arrays:
        raise UnreadableFile(f"{path.name} has no array scar_probability, so it is not a map; make one with cardioscar reconstruct.")
    probability = arrays["scar_probability"].astype(np.float64)
    if probability.shape != (len(mesh.wall.nodes),) or not np.all((probability >= 0) & (probability <= 1)):
        raise UnreadableFile(f"The array scar_probability of {path.name} is not one scar fraction between 0 and 1 per point.")
    if stored and (reason := _other_map(stored, mesh.wall, probability)):
        notes.append(f"The field next to {path.name} belongs to another map and was not used: {reason}")
        stored = None
    of_map: dict[str, Any] = {"notes": (*mesh.wall.notes, *notes)}
    if stored:
        found = stored.found
        of_map |= {
            "posterior": found.posterior,
            "settings": found.settings.as_dict(),
            "inputs": found.provenance.inputs,
            "reading": reading,
            "shifts": found.evidence.share_shifts,
        }
        of_map["notes"] = (*found.notes, *notes)
    return mesh, ScarMap(mesh.wall, probability, arrays.get("scar_observed"), **of_map)


def point_arrays(mesh: MeshFile) -> dict[str, np.ndarray]:
    """The numeric point arrays of a mesh by name, one number per point."""
    data = mesh.dataset.GetPointData()
    arrays = [data.GetArray(number) for number in range(data.GetNumberOfArrays())]
    return {one.GetName(): np.array(vtk_to_numpy(one)) for one in arrays if one is not None and one.GetNumberOfComponents() == 1}


def _other_map(stored: StoredField, wall: Wall, probability: np.ndarray) -> str | None:
    """Why a field did not make a map; None if it did."""
    try:
        stored.wall.check(wall)
    except CardioScarError as problem:
        return str(problem)
    some = np.unique(np.linspace(0, len(probability) - 1, LOOKED_AT).astype(int))
    if np.abs(stored.found.posterior.mean(wall.nodes[some]) - probability[some]).max() > ALIKE:
        return "It has other values at the points of the mesh."
    return None
