"""Phantom cases: a heart, its scar, and the slices a scanner would acquire.

Kinds (measured results on them are phantom results, never clinical ones):
    W  subendocardial wedge                            I3 channel of 3.5 mm through a transmural scar
    I2 channel of 2.5 mm, noise, oblique slices        B  core with border zone, noise, gaps between slices
    S  small islands                                   M  mid-wall band, slices tilted
    X  wedge and islands, noise, slices shifted        E  pixels over the whole prism, background included, noise
    I3C, I2C  controls of I3 and I2 with the channel closed by a bridge of scar
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.settings import EvidenceSettings, OperatorSettings, ReconstructionSettings
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.phantom.ellipsoid import Ellipsoids
from CardioScarLib.phantom.scars import Band, Either, Islands, Place, Scar, Transmural, Wedge

KINDS = ("W", "I3", "I2", "B", "S", "M", "X", "E")
CONTROLS = ("I3C", "I2C")
RIM = 6
"""Pixels around the wall that hold values too: more than a shift of four standard deviations brings into view."""


@dataclass(frozen=True)
class Acquisition:
    """What the scanner does. mm, degrees.

    tilt: of the slices against the long axis. noise: standard deviation per pixel.
    shift: standard deviation of in-plane breath-hold shifts. pixel_support: as in OperatorSettings.
    """

    spacing: float = 8.0
    thickness: float = 8.0
    pixel: float = 1.4
    tilt: float = 0.0
    noise: float = 0.0
    shift: float = 0.0
    pixel_support: str = "wall"


@dataclass(frozen=True, eq=False)
class Phantom:
    """A case with its exact truth.

    wall, stack: what a reconstruction is given, LPS mm. truth: (n,) scar probability at the wall's nodes.
    settings: the evidence and pixel support that fit this case. scar: its formula, in `Place` coordinates.
    """

    kind: str
    seed: int
    wall: Wall
    stack: SliceStack
    truth: np.ndarray
    settings: ReconstructionSettings
    heart: Ellipsoids
    scar: Scar
    acquisition: Acquisition
    center: tuple[float, float] = field(repr=False)
    pose: np.ndarray = field(repr=False)

    def place(self, points: np.ndarray) -> Place:
        """(n, 3) LPS mm -> where that is in the wall, seen from the middle of the scar."""
        local = (np.asarray(points) - self.pose[:3, 3]) @ self.pose[:3, :3]
        return _place(self.heart, local, self.center)

    def truth_at(self, points: np.ndarray) -> np.ndarray:
        """(n,) scar probability at points of the wall, LPS mm."""
        return self.scar(self.place(points))


def phantom_case(kind: str, seed: int = 0, nodes: int = 20_000, **changes) -> Phantom:
    """Make one case; the same kind, seed and nodes give the same case.

    kind: one of KINDS or CONTROLS. changes: fields of `Acquisition` to override.
    Heart, scar, pose and slice positions vary with the seed; a control differs from its kind in the closed channel only.
    """
    if kind not in KINDS + CONTROLS:
        raise BadSettings(f"There is no phantom kind '{kind}'; the kinds are {', '.join(KINDS + CONTROLS)}.")
    base = kind.removesuffix("C")
    random = np.random.default_rng([seed, KINDS.index(base)])
    radius, length, wall_thickness = random.uniform(22, 26), random.uniform(58, 62), random.uniform(9, 10)
    heart = Ellipsoids((radius, length), (radius + wall_thickness, length + 8), random.uniform(18, 20))
    angle, height = random.uniform(-np.pi, np.pi), random.uniform(52, 62)
    scar, acquisition = _scenario(base, random, closed=kind in CONTROLS)
    acquisition = Acquisition(**{**vars(acquisition), **changes})
    pose = _pose(random)
    offset = random.uniform(-0.5, 0.5)

    points, cells = heart.mesh(nodes, seed)
    wall = Wall.from_tetrahedra(points @ pose[:3, :3].T + pose[:3, 3], cells)
    truth = scar(_place(heart, points, (angle, height)))
    stack = _scan(heart, lambda local: scar(_place(heart, local, (angle, height))), acquisition, offset, random).transformed(pose)
    settings = ReconstructionSettings(OperatorSettings(acquisition.pixel_support), EvidenceSettings("values"))
    return Phantom(kind, seed, wall, stack, truth, settings, heart, scar, acquisition, (angle, height), pose)


def _scenario(kind: str, random: np.random.Generator, closed: bool) -> tuple[Scar, Acquisition]:
    tilt = float(random.uniform(25, 35))
    wedge = Wedge(random.uniform(22, 26), random.uniform(24, 28), random.uniform(0.55, 0.65))
    blocked = 12.0 if closed else 0.0
    noise = float(random.uniform(0.03, 0.05))
    slope = float(random.uniform(6, 10))
    pixel = float(random.uniform(1.25, 1.5))
    if kind == "W":
        return wedge, Acquisition(pixel=pixel)
    if kind == "I3":
        return Transmural(channel=3.5, tilt=tilt, blocked=blocked), Acquisition(pixel=pixel)
    if kind == "I2":
        return Transmural(channel=2.5, tilt=tilt, blocked=blocked), Acquisition(pixel=pixel, noise=noise, tilt=slope)
    if kind == "B":
        return Transmural(radius=random.uniform(20, 25), edge=3.0), Acquisition(spacing=10, pixel=pixel, noise=noise)
    if kind == "S":
        return Islands.drawn(random), Acquisition(spacing=10, thickness=8, pixel=pixel)
    if kind == "M":
        return Band(half_width=random.uniform(7, 9)), Acquisition(spacing=10, pixel=pixel, tilt=slope)
    if kind == "X":
        return Either(wedge, Islands.drawn(random)), Acquisition(pixel=pixel, noise=noise, shift=1.5)
    return Either(wedge, Islands.drawn(random)), Acquisition(pixel=pixel, noise=noise, pixel_support="prism")


def _place(heart: Ellipsoids, local: np.ndarray, center: tuple[float, float]) -> Place:
    depth, phi, theta = heart.coordinates(local)
    turned = np.angle(np.exp(1j * (theta - center[0])))
    return Place(depth, turned * heart.mid_wall_radius(phi), heart.arc_length(phi) - center[1], heart.epi[0] - heart.endo[0], turned)


def _pose(random: np.random.Generator) -> np.ndarray:
    """A heart somewhere in a patient: any rotation, shifted by up to 50 mm."""
    q, r = np.linalg.qr(random.normal(size=(3, 3)))
    q *= np.sign(np.diag(r))
    q[:, 0] *= np.linalg.det(q)
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = q, random.uniform(-50, 50, 3)
    return pose


def _scan(heart: Ellipsoids, truth, acquisition: Acquisition, offset: float, random: np.random.Generator) -> SliceStack:
    """Slices across the long axis, in the heart's frame."""
    slope = np.radians(acquisition.tilt)
    normal = np.array([np.sin(slope), 0.0, np.cos(slope)])
    columns_along = np.array([np.cos(slope), 0.0, -np.sin(slope)])
    size = int(np.ceil(2 * (heart.epi[0] + 6) / acquisition.pixel))
    low, high = -heart.epi[1], heart.cut
    count = int(np.ceil((high - low) / acquisition.spacing)) + 1
    heights = 0.5 * (low + high) + (np.arange(count) - 0.5 * (count - 1) + 0.5 * offset) * acquisition.spacing
    slices = []
    for number, height in enumerate(heights):
        middle = np.array([0.0, 0.0, height])
        half = 0.5 * (size - 1) * acquisition.pixel
        one = Slice(
            np.zeros((size, size)), middle - half * columns_along - half * np.array([0.0, 1.0, 0.0]),
            np.array([0.0, acquisition.pixel, 0.0]), acquisition.pixel * columns_along, acquisition.thickness, f"slice {number}",
        )  # fmt: skip
        moved = random.normal(scale=acquisition.shift, size=2) if acquisition.shift else np.zeros(2)
        pixels = _prism_means(heart, truth, one, normal, moved, acquisition.pixel_support, random)
        seen = np.isfinite(pixels)
        if acquisition.noise:
            pixels = np.clip(pixels + random.normal(scale=acquisition.noise, size=pixels.shape), 0, 1)
        if acquisition.pixel_support == "prism" or not seen.any():
            pixels = np.where(seen, pixels, 0.0)
        else:  # a mean over the wall says nothing where there is no wall: the image continues a little as at the wall's edge
            distance, nearest = ndimage.distance_transform_edt(~seen, return_indices=True)
            pixels = np.where(distance <= RIM, pixels[tuple(nearest)], 0.0)
        slices.append(Slice(pixels, one.origin, one.row_step, one.column_step, one.thickness, one.label))
    return SliceStack(tuple(slices))


def _prism_means(heart, truth, one: Slice, normal, moved, pixel_support: str, random, in_plane: int = 7, through: int = 9) -> np.ndarray:
    """(rows, columns) mean of the truth over 441 jittered points per prism; NaN where the prism misses the wall.

    Taken on the formula, not on the mesh, so that it shares nothing with the operator under test.
    """
    rows, columns = one.pixels.shape
    fine = (np.arange(in_plane) + 0.5) / in_plane - 0.5
    fine_rows = (np.arange(rows)[:, None] + fine).ravel()
    fine_columns = (np.arange(columns)[:, None] + fine).ravel()
    grid = np.stack(np.meshgrid(fine_rows, fine_columns, indexing="ij"), -1).reshape(-1, 2)
    total, inside = np.zeros(rows * columns), np.zeros(rows * columns)
    pixel = (np.floor(grid[:, 0] + 0.5) * columns + np.floor(grid[:, 1] + 0.5)).astype(int)
    for level in (np.arange(through) + 0.5) / through - 0.5:
        shaken = grid + random.uniform(-0.5, 0.5, grid.shape) / in_plane
        height = level + random.uniform(-0.5, 0.5, len(grid)) / through
        points = one.to_points(shaken[:, 0], shaken[:, 1]) + np.outer(height * one.thickness, normal)
        points += moved[0] * one.row_step / one.spacing[0] + moved[1] * one.column_step / one.spacing[1]
        near = heart.contains(points)
        total += np.bincount(pixel[near], truth(points[near]), rows * columns)
        inside += np.bincount(pixel[near], minlength=rows * columns)
    with np.errstate(invalid="ignore"):
        mean = np.where(inside > 0, total / (inside if pixel_support == "wall" else in_plane**2 * through), np.nan)
    return mean.reshape(rows, columns)
