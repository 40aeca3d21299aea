"""Writing a finished LV wall: the tetrahedra, their surface, and their provenance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from vtkmodules.util.numpy_support import numpy_to_vtk

from CardioScarLib.core.errors import UnwritableOutput
from CardioScarLib.core.wall import Wall
from CardioScarLib.io.files import check_not_read, check_writable, one_step
from CardioScarLib.io.meshes import MeshFile, mesh_of_wall, write_mesh
from CardioScarLib.io.records import write_record
from CardioScarLib.wall import LVWall
from CardioScarLib.wall.finished import FinishedWall
from CardioScarLib.wall.surfaces import triangle_surface


def check_wall_names(output: Path, surface: Path | None, inputs: Sequence[Path], overwrite: bool) -> None:
    """Raise UnwritableOutput for names that cannot hold a wall or its surface, or belong to inputs."""
    check_not_read((output, surface, output.with_name(output.name + ".json")), inputs)
    for path, suffixes, thing in ((output, (".vtu", ".vtk"), "a wall of tetrahedra"), (surface, (".vtp", ".vtk"), "a surface")):
        if path is None:
            continue
        if path.suffix.lower() not in suffixes:
            raise UnwritableOutput(f"{path.name} is not a name for {thing}; use {' or '.join(suffixes)}.")
        check_writable(path, overwrite)
    if surface is not None and surface.absolute() == output.absolute():
        raise UnwritableOutput(f"The wall and its surface cannot both be {output.name}; choose two names.")
    check_writable(output.with_name(output.name + ".json"), overwrite)


def write_lv_wall(
    finished: FinishedWall, built: LVWall, output: Path, surface: Path | None, record: Mapping[str, Any], overwrite: bool = False
) -> list[Path]:
    """Write the wall, its surface if asked for, and its provenance; all or nothing. Returns the files."""
    files = [(mesh_of_wall(finished.wall, output), finished.arrays, output)]
    if surface is not None:
        files.append(_surface_file(finished, built, surface))
    written: list[Path] = []
    with one_step(output):
        for mesh_file, arrays, path in files:
            written += write_mesh(mesh_file, arrays, path, overwrite)
        written.append(write_record(record, output, overwrite))
    return written


def _surface_file(finished: FinishedWall, built: LVWall, path: Path) -> tuple[MeshFile, dict[str, np.ndarray], Path]:
    """The skin with its own points; the region of each triangle as cell array `wall_region`."""
    used, triangles = np.unique(built.triangles, return_inverse=True)
    triangles = triangles.reshape(-1, 3)
    dataset = triangle_surface(finished.wall.nodes[used], triangles)
    region = numpy_to_vtk(built.triangle_region, deep=True)
    region.SetName("wall_region")
    dataset.GetCellData().AddArray(region)
    skin = Wall(finished.wall.nodes[used], np.empty((0, 4)), triangles, "closed_surface")
    arrays = {name: values[used] for name, values in finished.arrays.items()}
    return MeshFile(path, dataset, skin, "lps", "mm"), arrays, path
