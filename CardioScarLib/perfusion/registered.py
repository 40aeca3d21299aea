"""An LV wall of another modality, brought to the SPECT scan."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from CardioScarLib.core.errors import BadAlignment
from CardioScarLib.core.wall import Wall
from CardioScarLib.io.quiet import quiet_itk
from CardioScarLib.io.volumes import grid_around, voxels_in_wall
from CardioScarLib.perfusion.canonical import onto
from CardioScarLib.perfusion.find_wall import SpectWall, on_image
from CardioScarLib.perfusion.profile import blurred

GRID, MARGIN = 3.0, 36.0
"""mm of the picture that is made of the wall, and around it."""
BLUR = 11.0
AROUND = 16.0
"""mm around the found wall that are compared: liver and gut are not."""
BINS, STEPS, COARSE = 32, 150, (2, 1)
LEAST_OVERLAP = 0.5
"""Dice of both walls, blurred alike, below which they are not the same heart in the same place."""
MOST_TURN = 45.0
"""Degrees."""


@dataclass(frozen=True, eq=False)
class Registration:
    """matrix: 4x4 from the wall's LPS mm to the scan's. overlap: of the wall, brought to the scan, with the one found on it, 0 to 1.

    moved: mm of its middle; turned: degrees.
    """

    matrix: np.ndarray
    overlap: float
    moved: float
    turned: float
    notes: tuple[str, ...] = field(default=())


def register(wall: Wall, found: SpectWall) -> Registration:
    """A rigid motion by mutual information of the counts and a picture of the wall as SPECT would show it (Mattes et al. 2003).

    It starts at the same middle, in the turn that both files tell. The wall of an even cup says nothing of its turn about the long axis
    but for its base, so that turn stays near what the files tell. Raises BadAlignment where both walls do not come to lie on each other.
    """
    picture = _picture(wall)
    counts = sitk.Cast(on_image(onto(found.image, found.grid), found.grid), sitk.sitkFloat32)
    share = found.views.mean(axis=0)
    from_middle = np.array(wall.nodes).mean(axis=0)
    to_middle = _middle(share, found.grid)
    start = sitk.Euler3DTransform()
    start.SetCenter([float(one) for one in to_middle])
    start.SetTranslation([float(one) for one in from_middle - to_middle])  # ITK's transforms lead from the fixed image to the moving one
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(BINS)
    method.SetMetricFixedMask(_around(share, found.grid))
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(2.0, 0.02, STEPS, 0.6)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel(list(COARSE))
    method.SetSmoothingSigmasPerLevel([float(one - 1) for one in COARSE])
    method.SetInitialTransform(start, inPlace=True)
    with quiet_itk():
        try:
            method.Execute(counts, picture)
        except RuntimeError as problem:
            raise BadAlignment("The wall and the scan could not be registered: their pictures do not overlap.") from problem
    back = np.linalg.inv(_matrix(start))
    turned = float(np.degrees(np.arccos(np.clip((np.trace(back[:3, :3]) - 1) / 2, -1, 1))))
    overlap = _overlap(sitk.Resample(picture, counts, start), share, found.grid)
    if overlap < LEAST_OVERLAP or turned > MOST_TURN:
        raise BadAlignment(
            f"The wall does not come to lie on that of the scan (overlap {overlap:.2f} of 1, turned by {turned:.0f} degrees); check that "
            "both are of one patient and that their frames are those of the patient."
        )
    moved = float(np.linalg.norm(back[:3, :3] @ from_middle + back[:3, 3] - from_middle))
    note = f"The wall was moved by {moved:.0f} mm and turned by {turned:.0f} degrees onto the scan; overlap {overlap:.2f} of 1."
    return Registration(back, overlap, moved, turned, (note,))


def _picture(wall: Wall) -> sitk.Image:
    grid = grid_around(wall, GRID, MARGIN)
    inside = voxels_in_wall(wall, grid)[0]
    return blurred(on_image(inside.astype(np.float32), grid), BLUR)


def _around(share: np.ndarray, grid: sitk.Image) -> sitk.Image:
    radius = int(np.ceil(AROUND / grid.GetSpacing()[0]))
    near = ndimage.distance_transform_edt(share < 0.5) <= radius
    return on_image(near.astype(np.uint8), grid)


def _middle(share: np.ndarray, grid: sitk.Image) -> np.ndarray:
    index = [float(one) for one in ndimage.center_of_mass(share)[::-1]]
    return np.array(grid.TransformContinuousIndexToPhysicalPoint(index))


def _overlap(picture: sitk.Image, share: np.ndarray, grid: sitk.Image) -> float:
    """Dice of two blurred walls, each at half of its highest value."""
    other = sitk.GetArrayFromImage(blurred(on_image(share.astype(np.float32), grid), BLUR))
    one = sitk.GetArrayFromImage(picture)
    first, second = one >= 0.5 * max(float(one.max()), 1e-9), other >= 0.5 * other.max()
    return 2 * int(np.sum(first & second)) / max(1, int(np.sum(first)) + int(np.sum(second)))


def _matrix(transform: sitk.Euler3DTransform) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(transform.GetMatrix()).reshape(3, 3)
    center, shift = np.array(transform.GetCenter()), np.array(transform.GetTranslation())
    matrix[:3, 3] = center + shift - matrix[:3, :3] @ center
    return matrix


def moved_points(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """(n, 3) LPS mm by a 4x4 matrix."""
    return points @ matrix[:3, :3].T + matrix[:3, 3]
