"""Hearts cut into pixels: of every pixel's prism the share of each tissue, and the labels an observer would draw."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage
from scipy.spatial.transform import Rotation

from CardioScarLib.synthesis.disease import Disease, drawn_disease, lattice, middle_of, planned
from CardioScarLib.synthesis.ranges import Random, Ranges
from CardioScarLib.synthesis.shape import Shape, drawn_shape, drawn_size
from CardioScarLib.synthesis.torso import drawn_torso

OUTSIDE, CAVITY, REMOTE, SCAR, NO_REFLOW, TRABECULAE, RV_BLOOD, RV_WALL, OTHER_BLOOD, FAT, PERICARDIUM = KINDS = tuple(range(11))
"""Tissues of the heart; OTHER_BLOOD is that above the base, TRABECULAE includes papillary muscles, OUTSIDE is what the torso holds."""
BACKGROUND, BLOOD_LABEL, WALL_LABEL, SCAR_LABEL, NO_REFLOW_LABEL = range(5)
"""Labels, in the order of EMIDEC (Lalande et al. 2020)."""
IN_PLANE, THROUGH = 2, 4
"""Points of a prism along each side of its pixel, and across the slice."""
BOXY = 2.5
"""Power of the superellipsoid of the right ventricle."""
EYE = 1.0
"""Pixels: of the Gaussian through which an observer sees scar before drawing it; specks are not drawn."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Where the pixels are.

    shape: slices, rows, columns. matrix: (4, 4) voxel (column, row, slice) -> LPS mm. to_heart: (4, 4) LPS mm -> the heart's frame.
    thickness: of a slice, mm. shifts: (slices, 3) mm in the heart's frame, by which the heart lies elsewhere in that slice.
    """

    shape: tuple[int, int, int]
    matrix: np.ndarray
    to_heart: np.ndarray
    thickness: float
    shifts: np.ndarray

    @property
    def spacing(self) -> tuple[float, float, float]:
        """mm between columns, rows and slices."""
        column, row, slices = np.linalg.norm(self.matrix[:3, :3], axis=0)
        return float(column), float(row), float(slices)

    def points(self, rows: np.ndarray, columns: np.ndarray, number: int, level: np.ndarray | float) -> np.ndarray:
        """(n, 3) float32 points of a slice in the heart's frame, as the heart lay then. level: across the slice, -0.5 to 0.5."""
        voxel = self.to_heart @ self.matrix
        depth = number + level * (self.thickness / self.spacing[2]) + np.zeros(len(rows))
        moved = voxel[:3, 3] - self.shifts[number]
        return (np.stack([columns, rows, depth], axis=-1) @ voxel[:3, :3].T + moved).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Tissues:
    """One heart in pixels, without looks.

    shares: (len(KINDS), slices, rows, columns) float32, of each prism the share of each tissue; they sum to 1.
    around: (slices, rows, columns) uint8, what lies outside of the heart, of `torso.AROUND`. labels: uint8, EMIDEC's order.
    shape, disease: None where tissues come from labels.
    """

    shares: np.ndarray
    around: np.ndarray
    labels: np.ndarray
    grid: Grid
    shape: Shape | None
    disease: Disease | None
    about: dict

    @property
    def scar(self) -> np.ndarray:
        """(slices, rows, columns) of each pixel's prism the share that is scar, its core included."""
        return self.shares[SCAR] + self.shares[NO_REFLOW]


def drawn_tissues(random: Random, ranges: Ranges) -> Tissues:
    """A heart, its disease, and the slices through it."""
    size = drawn_size(random, ranges)
    plan = planned(random, ranges, size[1])
    shape = drawn_shape(random, ranges, plan.spots, size)
    middle = middle_of(plan, shape)
    disease = drawn_disease(random, ranges, plan, middle, lattice(shape, middle))
    grid, axes = drawn_grid(random, ranges, shape)
    across = -axes[:2, 2] / axes[2, 2]  # slices are planned along the base, and now and then badly
    shape = replace(shape, slope=tuple(across + 0.08 * random.normal(size=2) * (random.random() < 0.3)))
    shares = cut(shape, disease, grid, random)
    front = float(shape.rv[0, 0] + shape.rv[1, 0]) + shape.rv_wall
    around = around_heart(grid, axes[:, :2], float((shape.cavity + shape.wall).mean()), front, shape.low, random)
    words = {"disease": disease.kind, "artery": disease.artery, "core": disease.core is not None, "pixel": grid.spacing[0],
             "spacing": grid.spacing[2], "thickness": grid.thickness, "radius": size[0], "wall": float(shape.wall.mean())}  # fmt: skip
    return Tissues(shares, around, drawn_labels(shares), grid, shape, disease, words)


def drawn_grid(random: Random, ranges: Ranges, shape: Shape) -> tuple[Grid, np.ndarray]:
    """Slices across the long axis, from beyond the apex to beyond the base or the other way, somewhere in a patient.

    Returns the grid, and (3, 3) directions of columns, rows and slices in the heart's frame.
    """
    pixel, spacing = ranges.draw("pixel", random), ranges.draw("spacing", random)
    size = int(np.clip(round(ranges.draw("field", random) / pixel), 64, 320))
    turn = np.radians(20) * random.normal()
    slope = np.radians(ranges.draw("tilt", random))
    away = random.uniform(0, 2 * np.pi)
    # seen from the apex: the septum to the left, anterior above
    axes = np.column_stack([[-1.0, 0, 0], [0, -1.0, 0], [0, 0, 1.0]])
    tilted = Rotation.from_rotvec(slope * np.array([np.cos(away), np.sin(away), 0])) * Rotation.from_rotvec([0, 0, turn])
    axes = tilted.as_matrix() @ axes
    low, high = shape.low - ranges.draw("past_apex", random) * spacing, shape.base + ranges.draw("past_base", random) * spacing
    count = max(3, int((high - low) / spacing) + 1)
    heights = low + spacing * np.arange(count)
    if random.random() < 0.5:
        heights, axes = heights[::-1], axes * [1, 1, -1]
    middle = random.normal(size=2) * 8 + [-10, 0]
    first = axes[:, 2] * heights[0] * np.sign(axes[2, 2]) - axes[:, :2] @ (middle + 0.5 * (size - 1) * pixel)
    to_heart_of_voxel = np.eye(4)
    to_heart_of_voxel[:3, :3], to_heart_of_voxel[:3, 3] = axes * [pixel, pixel, spacing], first
    pose = _pose(random)
    shifts = np.zeros((count, 3))
    shifts[:] = random.normal(size=(count, 3)) * ranges.draw("shift", random) @ np.diag([1, 1, 0.5])
    grid = Grid((count, size, size), pose @ to_heart_of_voxel, np.linalg.inv(pose), spacing * ranges.draw("filled", random), shifts)
    return grid, axes


def _pose(random: Random) -> np.ndarray:
    """From the heart's frame to LPS: the apex points to the left, forward and down."""
    up = -np.array([0.62, -0.55, -0.55]) + 0.12 * random.normal(size=3)
    up /= np.linalg.norm(up)
    septum = np.cross([0.3, 0.2, 1.0], up)
    septum /= np.linalg.norm(septum)
    septum *= -np.sign(septum @ [1.0, 0, 0])  # the septum is to the right of the patient
    pose = np.eye(4)
    pose[:3, :3] = np.column_stack([septum, np.cross(up, septum), up])
    pose[:3, 3] = random.normal(size=3) * [20, 20, 40]
    return pose


def cut(shape: Shape, disease: Disease | None, grid: Grid, random: Random, in_plane: int = IN_PLANE, through: int = THROUGH) -> np.ndarray:
    """(len(KINDS), slices, rows, columns) float32 shares, from jittered points of each prism near the heart."""
    found = np.zeros((len(KINDS), *grid.shape), dtype=np.float32)
    found[OUTSIDE] = 1
    for number in range(grid.shape[0]):
        window = _window(grid, number, shape)
        if window is None:
            continue
        rows, columns = (part.ravel() for part in np.mgrid[window])
        levels = (np.arange(through) + 0.5) / through - 0.5
        seen = np.stack([tissue_at(shape, None, grid.points(rows, columns, number, level))[0] for level in levels])
        mixed = np.flatnonzero(_mixed(seen.reshape(through, *found[(0, number, *window)].shape)).ravel())
        shares = np.zeros((len(KINDS), len(rows)), dtype=np.float32)
        shares[seen[0], np.arange(len(rows))] = 1
        shares[:, mixed] = _sampled(shape, disease, grid, number, rows[mixed], columns[mixed], random, in_plane, through)
        found[(slice(None), number, *window)] = shares.reshape(len(KINDS), *found[(0, number, *window)].shape)
    return found


def _window(grid: Grid, number: int, shape: Shape) -> tuple[slice, slice] | None:
    """Rows and columns of a slice that can show the heart; None where none can."""
    voxel = grid.to_heart @ grid.matrix
    steps = voxel[:3, :2]
    middle = np.linalg.lstsq(steps, -(voxel[:3, 2] * number + voxel[:3, 3]), rcond=None)[0]
    half = shape.reach / np.array(grid.spacing[:2])
    first = np.maximum(np.floor(middle - half), 0).astype(int)
    last = np.minimum(np.ceil(middle + half) + 1, [grid.shape[2], grid.shape[1]]).astype(int)
    return None if (last <= first).any() else (slice(first[1], last[1]), slice(first[0], last[0]))


def _mixed(seen: np.ndarray) -> np.ndarray:
    """(rows, columns) whether a pixel may hold several tissues, or muscle, of which some may be scar. seen: (levels, rows, columns)."""
    beside = (len(seen), 3, 3)
    several = ndimage.maximum_filter(seen, beside, mode="nearest") != ndimage.minimum_filter(seen, beside, mode="nearest")
    return (several | (seen == REMOTE)).any(axis=0)


def _sampled(
    shape: Shape, disease: Disease | None, grid: Grid, number: int, rows: np.ndarray, columns: np.ndarray, random: Random,
    in_plane: int, through: int,
) -> np.ndarray:  # fmt: skip
    """(len(KINDS), n) shares of pixels."""
    count, points = len(rows), in_plane**2
    sums = np.zeros((len(KINDS), count), dtype=np.float32)
    pixel = np.repeat(np.arange(count), points)
    fine = (np.arange(in_plane) + 0.5) / in_plane - 0.5
    offsets = np.tile(np.stack(np.meshgrid(fine, fine, indexing="ij"), -1).reshape(-1, 2), (count, 1))
    for level in (np.arange(through) + 0.5) / through - 0.5:
        jitter = random.random((3, count * points), dtype=np.float32) - 0.5
        at = grid.points(
            rows[pixel] + offsets[:, 0] + jitter[0] / in_plane, columns[pixel] + offsets[:, 1] + jitter[1] / in_plane,
            number, level + jitter[2] / through,
        )  # fmt: skip
        kind, degree, core = tissue_at(shape, disease, at)
        sums += np.bincount(kind * count + pixel, minlength=sums.size).reshape(sums.shape)
        for target, moved in ((SCAR, degree * (1 - core)), (NO_REFLOW, degree * core)):
            weight = np.bincount(pixel, moved, count)
            sums[target] += weight
            sums[REMOTE] -= weight
    return np.maximum(sums / (points * through), 0)


def tissue_at(shape: Shape, disease: Disease | None, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of (n, 3) points in the heart's frame the tissue (scar counted as REMOTE), the degree of scarring, and whether in the core."""
    x, y, z = points.T
    ring, angle = np.hypot(x, y), np.arctan2(y, x)
    samples = shape.looked_up(angle, z)
    endo, epi = shape.distances(ring, z, samples)
    middle, axes = shape.rv
    u, v, w = np.maximum(np.abs((points - middle) / axes), 1e-4).T
    level = (u**BOXY + v**BOXY + w**BOXY) ** (1 / BOXY)
    slope = np.sqrt(sum((part / level) ** (2 * BOXY - 2) / axis**2 for part, axis in zip((u, v, w), axes, strict=True)))
    rv = (level - 1) / slope
    rv += shape.fine["rv_uneven"][samples]
    over = shape.over_base(points)
    outside = np.minimum(epi, rv - shape.rv_wall)
    fat = shape.fine["fat"][samples]
    kind = np.full(len(points), OUTSIDE)
    filled = (outside < fat) | ((epi < shape.groove) & (rv - shape.rv_wall < shape.groove))
    kind[(outside < fat + 1.0) & (fat > 1.5)] = PERICARDIUM
    kind[filled] = FAT
    kind[(rv < shape.rv_wall) & (epi > 0)] = RV_WALL
    kind[(rv < 0) & (epi > 0)] = RV_BLOOD
    wall = (endo >= 0) & (epi <= 0)
    kind[wall] = REMOTE
    inside = endo < 0
    kind[inside] = CAVITY
    kind[inside & (-endo < shape.fine["trabeculae"][samples])] = TRABECULAE
    for at, share, radius, low, high in shape.papillaries:
        near = inside & (z > low) & (z < high)
        off = (
            share
            * shape.fine["cavity"][shape.looked_up(np.full(near.sum(), at), z[near])]
            * np.sqrt(np.clip(1 - (z[near] / shape.length) ** 2, 0, 1))
        )
        taper = radius * np.sqrt(np.clip((z[near] - low) * (high - z[near]) * 4 / (high - low) ** 2, 0, 1))
        muscle = np.hypot(x[near] - off * np.cos(at), y[near] - off * np.sin(at)) < taper
        kind[np.flatnonzero(near)[muscle]] = TRABECULAE
    above = over > 0
    kind[above & inside] = OTHER_BLOOD
    kind[above & wall] = np.where(endo < 2.0, RV_WALL, np.where(fat > 1.5, FAT, OUTSIDE))[above & wall]
    kind[above & (outside > 10)] = OUTSIDE
    degree, core = np.zeros(len(points)), np.zeros(len(points))
    if disease is not None and disease.kind != "healthy":
        some = np.flatnonzero(kind == REMOTE)
        place = shape.place(ring[some], angle[some], z[some], endo[some], epi[some], disease.middle)
        degree[some], core[some] = disease.at(place)
    return kind, degree, core


def drawn_labels(shares: np.ndarray) -> np.ndarray:
    """(slices, rows, columns) uint8 labels: the tissue that most of a pixel is; scar where an observer would draw it."""
    wall = shares[REMOTE] + shares[SCAR] + shares[NO_REFLOW]
    blood = shares[CAVITY] + shares[TRABECULAE]
    labels = np.zeros(wall.shape, dtype=np.uint8)
    width = (0, EYE, EYE)
    heart = ndimage.gaussian_filter(wall + blood, width) > 0.5
    labels[heart] = np.where(wall > blood, WALL_LABEL, BLOOD_LABEL)[heart]
    seen = np.maximum(ndimage.gaussian_filter(wall, width), 1e-3)
    core = ndimage.gaussian_filter(shares[NO_REFLOW], width)
    scar = ndimage.gaussian_filter(shares[SCAR], width) + core
    in_wall = labels == WALL_LABEL
    labels[in_wall & (scar > 0.5 * seen)] = SCAR_LABEL
    labels[in_wall & (scar > 0.5 * seen) & (core > 0.5 * scar)] = NO_REFLOW_LABEL
    return labels


def around_heart(grid: Grid, axes: np.ndarray, outer: float, front: float, low: float, random: Random) -> np.ndarray:
    """(slices, rows, columns) uint8: what a drawn torso has around the heart.

    axes: (3, 2) directions to the right and down, in the heart's frame. outer: radius of the left ventricle; front: from its axis to the
    front of the right ventricle; low: height of the apex, mm.
    """
    count, rows, columns = grid.shape
    voxel = grid.to_heart @ grid.matrix
    at = axes.T @ (voxel[:3, 2] * (count // 2) + voxel[:3, 3])
    along_columns, along_rows = axes.T @ voxel[:3, 0], axes.T @ voxel[:3, 1]
    right, down = (
        at[part] + along_columns[part] * np.arange(columns)[None, :] + along_rows[part] * np.arange(rows)[:, None] for part in (0, 1)
    )
    heights = voxel[2, 2] * np.arange(count) + voxel[2, 3]
    there = outer * np.sqrt(np.clip(1 - (np.minimum(heights, 0) / low) ** 2, 0.04, 1))
    return drawn_torso(random, outer, front).drawn_on(right, down, heights, there, grid.spacing[0], random)
