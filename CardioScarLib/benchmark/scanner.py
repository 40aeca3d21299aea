"""The benchmark's scanner: slices of any heart, averaged over points that share nothing with the slice operator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from CardioScarLib.benchmark.hearts import BLOOD, OUTSIDE, WALL, Heart, to_local
from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.slices import Slice
from CardioScarLib.phantom import Acquisition
from CardioScarLib.phantom.cases import RIM

NOISES = ("gaussian", "rician", "correlated", "kspace")
IN_PLANE, THROUGH = 7, 9
"""Points of a prism along each side of its pixel, and across the slice: 441."""
MARGIN = 6.0
"""mm of image around the heart."""
NOISE_WIDTH = 1.2
"""Pixels: of the Gaussian that correlates noise of neighbors, as an interpolated image has it."""
EYE = 1.0
"""Pixels: of the Gaussian through which an observer sees an image before drawing labels on it; specks are not drawn."""
REMOTE = 0.25
"""Signal of nulled myocardium in a magnitude image, whose contrast to scar is 1."""
ROLL_OFF = 0.3
"""Outer share of the acquired band of k-space over which it is faded out."""


@dataclass(frozen=True)
class Scan(Acquisition):
    """What the scanner does, and what it does wrong. mm, degrees; see `Acquisition` for the rest.

    averaged: thickness that pixels are really averaged over, where that is not the thickness the slices name.
    long_axes: slices through the long axis, in addition to those across it.
    noise_kind: "gaussian" per pixel, "rician" (length of a complex value with that noise in both parts), "correlated"
        between neighboring pixels, or "kspace": image and complex noise have pixels of `acquired` mm and are filled up with
        zeros in k-space, and the length of the complex value is taken.
    one_slice_shift: how far one slice that shows scar lies off its place, besides the shifts of all.
    contour: standard deviation by which the wall that a reconstruction is given lies off the true one; see `contoured`.
    labels: pixels are what an expert would draw on them: 1 where the image, smoothed by EYE, is above 0.5, 0 elsewhere, NaN
        where most of their prism is not wall.
    """

    averaged: float | None = None
    long_axes: int = 0
    noise_kind: str = "gaussian"
    one_slice_shift: float = 0.0
    acquired: float = 1.9
    contour: float = 0.0
    labels: bool = False

    def __post_init__(self) -> None:
        for name in ("spacing", "thickness", "pixel", "acquired"):
            if not getattr(self, name) > 0:
                raise BadSettings(f"The {name} of the slices is {getattr(self, name)} mm; it must be greater than zero.")
        if self.noise_kind not in NOISES:
            raise BadSettings(f"The kind of noise is '{self.noise_kind}'; it must be one of {', '.join(NOISES)}.")


def planned_slices(heart: Heart, scan: Scan, random: np.random.Generator) -> list[Slice]:
    """Slices without content: across the long axis from apex to base, then those through it."""
    local = to_local(heart.pose, heart.wall.nodes)
    slope = np.radians(scan.tilt)
    across = np.array([np.cos(slope), 0.0, -np.sin(slope)])
    low, high = local[:, 2].min(), local[:, 2].max()
    middle = np.array([*(0.5 * (local[:, :2].min(axis=0) + local[:, :2].max(axis=0))), 0.0])
    radius = np.linalg.norm(local[:, :2] - middle[:2], axis=1).max()
    apart = scan.spacing / np.cos(slope)
    count = int(np.ceil((high - low) / apart)) + 1
    heights = 0.5 * (low + high) + (np.arange(count) - 0.5 * (count - 1) + 0.5 * random.uniform(-0.5, 0.5)) * apart
    places = [(middle + [0.0, 0.0, height], np.array([0.0, 1.0, 0.0]), across, 2 * radius) for height in heights]
    first = random.uniform(0, np.pi)
    for number in range(scan.long_axes):
        angle = first + np.pi * number / scan.long_axes
        columns_along = np.array([np.cos(angle), np.sin(angle), 0.0])
        places.append((middle + [0.0, 0.0, 0.5 * (low + high)], np.array([0.0, 0.0, -1.0]), columns_along, max(2 * radius, high - low)))
    return [_blank(*place, scan, f"slice {number}").transformed(heart.pose) for number, place in enumerate(places)]


def _blank(middle: np.ndarray, rows_along: np.ndarray, columns_along: np.ndarray, width: float, scan: Scan, label: str) -> Slice:
    size = int(np.ceil((width + 2 * MARGIN) / scan.pixel))
    origin = middle - 0.5 * (size - 1) * scan.pixel * (rows_along + columns_along)
    return Slice(np.zeros((size, size)), origin, scan.pixel * rows_along, scan.pixel * columns_along, scan.thickness, label)


def seen(heart: Heart, plane: Slice, scan: Scan, moved: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What a slice shows without noise, and which tissue fills most of each pixel.

    moved: (2,) mm along rows and columns from the stated position of the slice to where it was really taken.
    Returns (rows, columns) means over jittered points of each pixel's prism, NaN where it misses the wall, and labels
    WALL, BLOOD or OUTSIDE.
    """
    sums, counts = prism_sums(heart, plane, scan, moved, lambda points: heart.scar(heart.place(points))[None])
    divisor = np.where(counts[WALL] > 0, counts[WALL] if scan.pixel_support == "wall" else counts.sum(axis=0), np.nan)
    return sums[0] / divisor, counts.argmax(axis=0).astype(np.uint8)


def prism_sums(
    heart: Heart,
    plane: Slice,
    scan: Scan,
    moved: np.ndarray,
    of_wall: Callable[[np.ndarray], np.ndarray],
    points_in_prism: tuple[int, int, int] = (IN_PLANE, IN_PLANE, THROUGH),
) -> tuple[np.ndarray, np.ndarray]:
    """Sums over jittered points of each pixel's prism, the same points at each call, so that the same plane shows the same.

    of_wall: (n, 3) points in the wall, LPS mm -> (k, n) numbers; they are 0 elsewhere. points_in_prism: along rows, columns and across.
    Returns (k, rows, columns) sums of them, and (3, rows, columns) counts of points in OUTSIDE, WALL and BLOOD.
    """
    extent = plane.thickness * (scan.averaged / scan.thickness if scan.averaged else 1.0)
    plane = replace(
        plane, origin=plane.origin + moved[0] * plane.row_step / plane.spacing[0] + moved[1] * plane.column_step / plane.spacing[1]
    )
    shape = plane.pixels.shape
    rows, columns = np.indices(shape).reshape(2, -1)
    coarse = np.stack(
        [heart.tissue(plane.to_points(rows, columns) + height * extent * plane.normal) for height in (-0.45, -0.25, 0.0, 0.25, 0.45)]
    )
    near = ndimage.binary_dilation((coarse == WALL).any(axis=0).reshape(shape), np.ones((3, 3)), iterations=2).ravel()
    fine = [(np.arange(count) + 0.5) / count - 0.5 for count in points_in_prism]
    offsets = np.stack(np.meshgrid(*fine, indexing="ij"), -1).reshape(-1, 3)
    random = np.random.default_rng(0)
    many = len(offsets)
    blood = (coarse == BLOOD).sum(axis=0) > 2
    counts = many * np.stack([~blood, np.zeros_like(blood), blood]).astype(int)
    sums = np.zeros((len(of_wall(np.empty((0, 3)))), rows.size))
    for chunk in np.array_split(np.flatnonzero(near), max(1, int(np.count_nonzero(near)) // 1000)):
        shaken = offsets + random.uniform(-0.5, 0.5, (len(chunk), many, 3)) / points_in_prism
        points = plane.to_points((rows[chunk, None] + shaken[..., 0]).ravel(), (columns[chunk, None] + shaken[..., 1]).ravel())
        points += np.outer(shaken[..., 2].ravel() * extent, plane.normal)
        tissue = heart.tissue(points)
        values = np.zeros((len(sums), len(points)))
        values[:, tissue == WALL] = of_wall(points[tissue == WALL])
        counts[:, chunk] = [(tissue == kind).reshape(len(chunk), many).sum(axis=1) for kind in (OUTSIDE, WALL, BLOOD)]
        sums[:, chunk] = values.reshape(len(sums), len(chunk), many).sum(axis=2)
    return sums.reshape(-1, *shape), counts.reshape(3, *shape)


def pictured(mean: np.ndarray, tissue: np.ndarray, scan: Scan, random: np.random.Generator) -> np.ndarray:
    """(rows, columns) pixels that a reconstruction is given, from what `seen` returns."""
    pixels = with_noise(mean, scan, random)
    return np.where(tissue == WALL, ndimage.gaussian_filter(pixels, EYE) > 0.5, np.nan) if scan.labels else pixels


def with_noise(mean: np.ndarray, scan: Scan, random: np.random.Generator) -> np.ndarray:
    """(rows, columns) pixels in [0, 1] from means; where they are NaN the image continues a little as at the wall's edge."""
    there = np.isfinite(mean)
    pixels = np.where(there, mean, 0.0)
    if scan.noise_kind == "kspace":
        pixels = through_k_space(_continued(pixels, there, np.inf) if scan.pixel_support == "wall" else pixels, scan, random)
    elif scan.noise:
        noise = random.normal(scale=scan.noise, size=(2, *mean.shape))
        if scan.noise_kind == "rician":
            pixels = np.hypot(pixels + noise[0], noise[1])
        elif scan.noise_kind == "correlated":
            smooth = ndimage.gaussian_filter(noise[0], NOISE_WIDTH, mode="wrap")
            pixels = pixels + smooth * (2 * np.sqrt(np.pi) * NOISE_WIDTH)  # which restores its standard deviation
        else:
            pixels = pixels + noise[0]
        pixels = np.clip(pixels, 0, 1)
    if scan.pixel_support == "prism" or not there.any():
        return np.where(there, pixels, 0.0)
    if scan.noise_kind == "kspace":
        return np.where(ndimage.distance_transform_edt(~there) <= RIM, pixels, 0.0)
    return _continued(pixels, there, RIM)


def _continued(pixels: np.ndarray, there: np.ndarray, reach: float) -> np.ndarray:
    """A mean over the wall says nothing where there is no wall: up to `reach` pixels from it, the value in the closest of its pixels."""
    if not there.any():
        return pixels
    distance, nearest = ndimage.distance_transform_edt(~there, return_indices=True)
    return np.where(distance <= reach, pixels[tuple(nearest)], 0.0)


def through_k_space(image: np.ndarray, scan: Scan, random: np.random.Generator) -> np.ndarray:
    """(rows, columns) magnitudes of an image acquired with larger pixels, and interpolated by zeros around its k-space.

    Noise has the standard deviation of the scan in the real and in the imaginary part. Remote myocardium is 0 again, and
    pixels are clipped to [0, 1].
    """
    mirrored = np.pad(image, [(0, size) for size in image.shape], mode="symmetric")  # so that its ends do not ring
    signal = np.fft.ifft2(np.fft.fft2(mirrored) * _acquired_band(mirrored.shape, scan)).real[: image.shape[0], : image.shape[1]]
    real, imaginary = random.normal(size=(2, *image.shape))
    band = _acquired_band(image.shape, scan)
    noise = np.fft.ifft2(np.fft.fft2(real + 1j * imaginary) * band) * (scan.noise / np.sqrt(np.mean(band**2)))
    return np.clip(np.abs(REMOTE + signal + noise) - REMOTE, 0, 1)


def _acquired_band(shape: tuple[int, ...], scan: Scan) -> np.ndarray:
    """(rows, columns) weights of k-space: 1 within what larger pixels sample, 0 outside."""
    sides = []
    for size in shape:
        share = np.abs(np.fft.fftfreq(size)) * 2 * scan.acquired / scan.pixel
        sides.append(np.cos(0.5 * np.pi * np.clip((share - 1 + ROLL_OFF) / ROLL_OFF, 0, 1)) ** 2)
    return np.outer(*sides)


def drawn_shifts(scan: Scan, count: int, random: np.random.Generator) -> np.ndarray:
    """(count, 2) mm along rows and columns, of breath-holds."""
    return random.normal(size=(count, 2)) * scan.shift + 0.0  # no minus zeros


def slice_to_spoil(means: Sequence[np.ndarray], random: np.random.Generator) -> int:
    """Number of a slice that shows a good part of the scar."""
    shown = np.array([np.nansum(mean) for mean in means])
    return int(random.choice(np.flatnonzero(shown >= 0.4 * shown.max())))
