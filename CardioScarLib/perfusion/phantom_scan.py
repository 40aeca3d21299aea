"""A SPECT image of a phantom: activity in a torso, blurred in the image and with the noise of its counts.

Simplified, in the space of the image: no projections, no reconstruction. The blur of the collimator is a Gaussian that widens with the
depth behind the chest wall; what is left of attenuation after correction is an exponential of that depth; scatter is a share of the
activity, spread widely; breathing moves along the patient's axis. Counts are drawn by Poisson's law before the filter that smooths
the reconstruction, so neighboring voxels have noise in common.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from CardioScarLib.perfusion.phantom_heart import PhantomHeart

FWHM = 2 * np.sqrt(2 * np.log(2))
"""Full width at half maximum of a Gaussian, in its standard deviations."""
NEAR, FAR = 30.0, 160.0
"""mm behind the chest wall at which the blur is narrowest and widest."""
FINE = 1.7
"""mm: points in a voxel of the heart are no farther apart."""
SCATTER_FWHM = 70.0


@dataclass(frozen=True)
class Organ:
    """An ellipsoid with axes of the patient. center, half_axes: LPS mm. activity: of the normal wall's."""

    center: tuple[float, float, float]
    half_axes: tuple[float, float, float]
    activity: float

    def contains(self, points: np.ndarray) -> np.ndarray:
        return (((points - self.center) / self.half_axes) ** 2).sum(axis=1) <= 1


@dataclass(frozen=True)
class Torso:
    """All but the left ventricle. half_axes: left-right and front-back, mm, of an elliptic cylinder around `center`.

    tissue, blood, right_wall: activity of the normal wall's. organs: the later one wins where they overlap.
    """

    center: tuple[float, float] = (-40.0, 30.0)
    half_axes: tuple[float, float] = (165.0, 115.0)
    tissue: float = 0.1
    blood: float = 0.12
    right_wall: float = 0.25
    organs: tuple[Organ, ...] = ()

    def depth(self, points: np.ndarray) -> np.ndarray:
        """(n,) mm behind the chest wall, toward the left front, where a camera comes closest to the heart; not negative."""
        x, y = (points[:, :2] - self.center).T / np.array(self.half_axes)[:, None]
        direction = np.array([0.6, -0.8]) / self.half_axes  # (left, anterior) of a unit step in mm
        a, b, c = direction @ direction, x * direction[0] + y * direction[1], x**2 + y**2 - 1
        return np.maximum((-b + np.sqrt(np.maximum(b**2 - a * c, 0))) / a, 0)

    def inside(self, points: np.ndarray) -> np.ndarray:
        return (((points[:, :2] - self.center) / self.half_axes) ** 2).sum(axis=1) <= 1


@dataclass(frozen=True)
class Camera:
    """fwhm: mm of the blur near the chest and deep in it. filter_fwhm: mm of the smoothing after the counts, part of the former.

    attenuation: per mm, what correction left. scatter: share of the activity. breathing: mm from end to end. counts: per mL of normal
    wall, without blur.
    """

    fwhm: tuple[float, float] = (9.0, 13.0)
    filter_fwhm: float = 6.0
    attenuation: float = 0.001
    scatter: float = 0.1
    breathing: float = 8.0
    counts: float = 600.0


@dataclass(frozen=True, eq=False)
class Grid:
    """size: voxels along i, j, k. matrix: 4x4 from voxel (i, j, k) to LPS mm at voxel centers."""

    size: tuple[int, int, int]
    matrix: np.ndarray

    @property
    def spacing(self) -> np.ndarray:
        return np.linalg.norm(self.matrix[:3, :3], axis=0)

    def points(self, shift: np.ndarray | None = None, box: tuple[slice, ...] | None = None) -> np.ndarray:
        """(n, 3) LPS mm of voxel centers, k slowest; shift: of the centers, voxels. box: slices along k, j, i."""
        ranges = [np.arange(size) for size in self.size[::-1]]
        if box is not None:
            ranges = [one[part] for one, part in zip(ranges, box, strict=True)]
        index = np.stack(np.meshgrid(*ranges, indexing="ij"), -1).reshape(-1, 3)[:, ::-1].astype(float)
        if shift is not None:
            index += shift
        return index @ self.matrix[:3, :3].T + self.matrix[:3, 3]


@dataclass(frozen=True, eq=False)
class Scan:
    """All (k, j, i) on the grid. counts: the image. expected: the same without noise. fraction: of each voxel that is wall."""

    grid: Grid
    counts: np.ndarray = field(repr=False)
    expected: np.ndarray = field(repr=False)
    fraction: np.ndarray = field(repr=False)

    @property
    def wall(self) -> np.ndarray:
        """Voxels of which at least half is wall."""
        return self.fraction >= 0.5


def scanned(heart: PhantomHeart, torso: Torso, camera: Camera, grid: Grid, seed: int) -> Scan:
    """The image of a heart in a torso, and the truth."""
    activity, fraction = _activity(heart, torso, grid)
    expected = _seen(activity, torso, camera, grid)
    counts_per_voxel = camera.counts * float(np.prod(grid.spacing)) * 1e-3
    drawn = np.random.default_rng(seed).poisson(np.maximum(expected, 0) * counts_per_voxel) / counts_per_voxel
    kept = camera.filter_fwhm / FWHM / grid.spacing[::-1]
    counts, smooth = (ndimage.gaussian_filter(one, kept) * counts_per_voxel for one in (drawn, expected))
    return Scan(grid, counts.astype(np.float32), smooth.astype(np.float32), fraction.astype(np.float32))


def _activity(heart: PhantomHeart, torso: Torso, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    shape = grid.size[::-1]
    points = grid.points()
    activity = np.where(torso.inside(points), torso.tissue, 0.0)
    for organ in torso.organs:
        activity[organ.contains(points)] = organ.activity
    activity = activity.reshape(shape)
    fraction = np.zeros(shape)
    box = _around(heart, grid)
    steps = _within_voxel(grid)
    total, walls = np.zeros(fraction[box].size), np.zeros(fraction[box].size)
    around = activity[box].ravel()
    for shift in steps:
        own = heart.to_own(grid.points(shift, box))
        wall, blood = heart.in_wall(own), heart.in_cavity(own)
        value = np.where(blood, torso.blood, around)
        right = _in_right_wall(heart, own) & ~wall & ~blood
        value[right] = torso.right_wall
        value[wall] = heart.perfusion(own[wall])
        total += value
        walls += wall
    activity[box], fraction[box] = (one.reshape(fraction[box].shape) / len(steps) for one in (total, walls))
    return activity, fraction


def wall_fraction(heart: PhantomHeart, grid: Grid) -> np.ndarray:
    """(k, j, i) share of each voxel that is wall."""
    fraction, box, steps = np.zeros(grid.size[::-1]), _around(heart, grid), _within_voxel(grid)
    within = np.mean([heart.in_wall(heart.to_own(grid.points(shift, box))) for shift in steps], axis=0)
    fraction[box] = within.reshape(fraction[box].shape)
    return fraction


def _within_voxel(grid: Grid) -> np.ndarray:
    """(n, 3) places in a voxel, in voxels from its center."""
    steps = [(np.arange(count) + 0.5) / count - 0.5 for count in np.ceil(grid.spacing / FINE).astype(int)]
    return np.stack(np.meshgrid(*steps, indexing="ij"), -1).reshape(-1, 3)


def _in_right_wall(heart: PhantomHeart, own: np.ndarray) -> np.ndarray:
    """A shell of 4 mm that leaves the septum and returns to it."""
    a, c = heart.shape.epi
    moved = own - np.array([0.0, 0.75 * a, 0.0])
    out = (moved[:, 0] / (0.95 * a)) ** 2 + (moved[:, 1] / (1.05 * a)) ** 2 + (moved[:, 2] / (0.85 * c)) ** 2
    return (out <= 1) & (out >= 1 - 8.0 / a) & (own[:, 2] <= heart.shape.cut) & (own[:, 1] > 0)


def _around(heart: PhantomHeart, grid: Grid) -> tuple[slice, ...]:
    """The voxels, along k, j and i, near both ventricles."""
    points = grid.points().reshape(*grid.size[::-1], 3)
    near = np.linalg.norm(points - heart.center, axis=-1) <= max(2.2 * heart.shape.epi[0], heart.shape.epi[1]) + grid.spacing.max()
    if not near.any():
        return (slice(0, 1),) * 3
    return tuple(slice(int(one.min()), int(one.max()) + 1) for one in np.nonzero(near))


def _seen(activity: np.ndarray, torso: Torso, camera: Camera, grid: Grid) -> np.ndarray:
    """Attenuated, scattered, blurred by breathing and collimator, but for what the filter adds after the counts."""
    depth = torso.depth(grid.points()).reshape(activity.shape)
    weakened = activity * np.exp(-camera.attenuation * depth)
    if camera.breathing > 0:
        weakened = _breathed(weakened, camera.breathing, grid)
    far = np.clip((depth - NEAR) / (FAR - NEAR), 0, 1)
    widths = [np.sqrt(max(one**2 - camera.filter_fwhm**2, 0.0)) for one in camera.fwhm]
    near, deep = (ndimage.gaussian_filter(weakened, one / FWHM / grid.spacing[::-1]) for one in widths)
    seen = (1 - far) * near + far * deep
    if camera.scatter > 0:
        seen = (1 - camera.scatter) * seen + camera.scatter * ndimage.gaussian_filter(weakened, SCATTER_FWHM / FWHM / grid.spacing[::-1])
    return seen


def _breathed(image: np.ndarray, reach: float, grid: Grid) -> np.ndarray:
    """The mean over places along the patient's axis, all equally often."""
    step = np.linalg.inv(grid.matrix[:3, :3]) @ np.array([0.0, 0.0, 1.0])
    count = max(3, int(np.ceil(reach / float(grid.spacing.min()))) * 2 + 1)
    return np.mean([ndimage.shift(image, away * step[::-1], order=1, mode="nearest") for away in np.linspace(-0.5, 0.5, count) * reach], 0)
