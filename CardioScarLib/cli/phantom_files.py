"""A phantom as files: an image stack and a wall mesh, as a user would have them, and the truth in a third file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from vtkmodules.vtkCommonDataModel import VTK_TETRA

from CardioScarLib.io.files import atomic_path, one_step
from CardioScarLib.io.meshes import MeshFile, write_mesh
from CardioScarLib.io.vtk_files import grid_from
from CardioScarLib.phantom import Phantom

TRUTH_ARRAY = "true_scar_probability"


@dataclass(frozen=True)
class PhantomFiles:
    """Where the files of a phantom are. truth: the wall with `true_scar_probability` on its nodes."""

    image: Path
    mesh: Path
    truth: Path


def phantom_paths(folder: Path) -> PhantomFiles:
    return PhantomFiles(Path(folder) / "slices.nrrd", Path(folder) / "wall.vtu", Path(folder) / "truth.vtu")


def write_phantom(case: Phantom, folder: Path, overwrite: bool = False) -> PhantomFiles:
    """Write a phantom into an existing folder. The image is a volume of its parallel slices, LPS."""
    paths = phantom_paths(folder)
    wall = case.wall
    count = len(wall.tetrahedra)
    grid = grid_from(wall.nodes, np.full(count, VTK_TETRA), np.arange(0, 4 * count + 1, 4), wall.tetrahedra.ravel())
    mesh = MeshFile(paths.mesh, grid, wall, "lps", "mm")
    with one_step(paths.image):
        with atomic_path(paths.image, overwrite) as temporary:
            sitk.WriteImage(_as_image(case), str(temporary), True)
        write_mesh(mesh, {}, paths.mesh, overwrite)
        write_mesh(mesh, {TRUTH_ARRAY: case.truth.astype(np.float32)}, paths.truth, overwrite)
    return paths


def _as_image(case: Phantom) -> sitk.Image:
    slices = case.stack.slices
    first = slices[0]
    step = slices[1].origin - first.origin
    spacing = [first.spacing[1], first.spacing[0], float(np.linalg.norm(step))]
    image = sitk.GetImageFromArray(np.stack([one.pixels for one in slices]).astype(np.float32))
    image.SetOrigin(first.origin.tolist())
    image.SetSpacing(spacing)
    image.SetDirection((np.column_stack([first.column_step, first.row_step, step]) / spacing).ravel().tolist())
    return image
