"""The map as an image: probabilities on the voxels of any grid."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import VTK_TETRA, VTK_TRIANGLE, vtkPolyData
from vtkmodules.vtkFiltersCore import vtkCleanPolyData, vtkProbeFilter
from vtkmodules.vtkFiltersGeometry import vtkGeometryFilter
from vtkmodules.vtkFiltersModeling import vtkSelectEnclosedPoints

from CardioScarLib.core.errors import BadSettings, BadWall, UnwritableOutput
from CardioScarLib.core.wall import Wall
from CardioScarLib.io.files import atomic_path
from CardioScarLib.io.images import ijk_to_lps, read_image
from CardioScarLib.io.quiet import quiet_itk
from CardioScarLib.io.vtk_files import captured_vtk_messages, grid_from

VOLUME_SUFFIXES = (".nrrd", ".nii", ".nii.gz", ".mha")
MOST_VOXELS = 500_000_000


def write_probability_volume(
    posterior_mean: Callable[[np.ndarray], np.ndarray],
    wall: Wall,
    reference: sitk.Image | Path,
    path: Path,
    overwrite: bool = False,
) -> Path:
    """Write a float32 volume of scar probability on the grid of `reference` (an image or the file of one).

    posterior_mean: (n, 3) LPS mm -> (n,). Voxels get its value where their center lies in the wall; outside the wall
    they are 0, which there does not mean healthy. The wall must enclose a volume.
    """
    path = Path(path)
    if not path.name.lower().endswith(VOLUME_SUFFIXES):
        raise UnwritableOutput(f"{path.name} is not a name for a volume; use one of {', '.join(VOLUME_SUFFIXES)}.")
    if not isinstance(reference, sitk.Image):
        reference = read_image(reference)[0]
    inside, points = voxels_in_wall(wall, reference)
    values = np.zeros(inside.shape, dtype=np.float32)
    values[inside] = np.asarray(posterior_mean(points), dtype=np.float32)
    image = sitk.GetImageFromArray(values)
    image.CopyInformation(reference)
    with atomic_path(path, overwrite) as temporary:
        write_volume(image, temporary)
    return path


def write_volume(image: sitk.Image, path: Path) -> None:
    """Write an image file, compressed. Raises UnwritableOutput."""
    with quiet_itk():
        try:
            sitk.WriteImage(image, str(path), useCompression=True)
        except RuntimeError as problem:
            raise UnwritableOutput(f"{path.name} could not be written; is the disk full?") from problem


def grid_around(wall: Wall, spacing: float | tuple[float, float, float], margin: float = 2.0) -> sitk.Image:
    """An empty axis-aligned image (LPS) around the wall: a reference where there is no image. spacing, margin: mm."""
    edges = np.broadcast_to(np.asarray(spacing, dtype=np.float64), 3)
    if not np.all(np.isfinite(edges)) or np.any(edges <= 0):
        raise BadSettings(f"The voxel spacing is {edges.tolist()} mm; it must be greater than zero.")
    low, high = wall.bounds + np.array([[-margin], [margin]])
    size = np.ceil((high - low) / edges).astype(np.int64) + 1
    if np.prod(size.astype(np.float64)) > MOST_VOXELS:
        raise BadSettings(f"A spacing of {edges.min():.3g} mm makes more than {MOST_VOXELS:,} voxels; choose a larger one.")
    image = sitk.Image([int(one) for one in size], sitk.sitkUInt8)
    image.SetSpacing([float(one) for one in edges])
    image.SetOrigin([float(one) for one in low])
    return image


def voxels_in_wall(wall: Wall, reference: sitk.Image) -> tuple[np.ndarray, np.ndarray]:
    """(k, j, i) bool, voxels whose center lies in the wall; and those centers, (n, 3) LPS mm, in the order of the array."""
    if wall.kind not in ("volume", "closed_surface"):
        raise BadWall("The LV model encloses no volume (it is an open surface or points), so there are no voxels to fill.")
    matrix = ijk_to_lps(reference)
    size = np.array(reference.GetSize())
    # Only the voxels around the wall are looked at: a heart fills little of its image.
    corners = np.array(np.meshgrid(*wall.bounds.T, indexing="ij")).reshape(3, -1).T
    index = (corners - matrix[:3, 3]) @ np.linalg.inv(matrix[:3, :3]).T
    low = np.clip(np.floor(index.min(axis=0)).astype(np.int64), 0, size)
    high = np.clip(np.ceil(index.max(axis=0)).astype(np.int64) + 1, low, size)
    k, j, i = (np.arange(low[axis], high[axis]) for axis in (2, 1, 0))
    grid = np.stack(np.meshgrid(k, j, i, indexing="ij"), axis=-1).reshape(-1, 3)
    points = grid[:, ::-1] @ matrix[:3, :3].T + matrix[:3, 3]
    found = are_in_wall(wall, points) if len(points) else np.zeros(0, dtype=bool)
    inside = np.zeros(size[::-1], dtype=bool)
    inside[tuple(grid[found].T)] = True
    return inside, points[found]


def are_in_wall(wall: Wall, points: np.ndarray) -> np.ndarray:
    """(n,) bool: points, (n, 3) LPS mm, that lie in a wall that encloses a volume."""
    cloud = vtkPolyData()
    coordinates = vtkPoints()
    coordinates.SetData(numpy_to_vtk(np.ascontiguousarray(points), deep=True))
    cloud.SetPoints(coordinates)
    cells, kind = (wall.tetrahedra, VTK_TETRA) if wall.kind == "volume" else (wall.triangles, VTK_TRIANGLE)
    corners = cells.shape[1]
    mesh = grid_from(wall.nodes, np.full(len(cells), kind), np.arange(len(cells) + 1) * corners, cells.ravel())
    if wall.kind == "volume":
        probe: Any = vtkProbeFilter()
        probe.SetInputData(cloud)
        probe.SetSourceData(mesh)
        probe.ComputeToleranceOff()
        probe.SetTolerance(1e-9)
        answer = "vtkValidPointMask"
    else:
        surface = vtkGeometryFilter()
        surface.SetInputData(mesh)
        # A surface whose triangles do not share their points would leak at the seams.
        clean = vtkCleanPolyData()
        clean.SetInputConnection(surface.GetOutputPort())
        clean.Update()
        probe = vtkSelectEnclosedPoints()
        probe.SetInputData(cloud)
        probe.SetSurfaceData(clean.GetOutput())
        probe.SetTolerance(1e-9)
        answer = "SelectedPoints"
    with captured_vtk_messages():
        probe.Update()
    return vtk_to_numpy(probe.GetOutput().GetPointData().GetArray(answer)).astype(bool)
