"""Random phantoms: what training draws from, and what lies outside it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from CardioScarLib.perfusion.phantom_heart import Defect, PhantomHeart
from CardioScarLib.perfusion.phantom_scan import Camera, Grid, Organ, Torso
from CardioScarLib.phantom.ellipsoid import Ellipsoids

Range = tuple[float, float]
TOWARD_BASE = np.array([-0.7, 0.6, 0.35])
"""Of a usual heart, LPS."""


@dataclass(frozen=True)
class Ranges:
    """Uniform unless said otherwise. Lengths in mm.

    radius: of the cavity. elongation: semi-axis along over radius. thickness: of the wall. cut: height of the base over the equator, of
    the radius. turned: degrees by which the long axis may leave its usual direction. defects: how many at most. remaining: perfusion in
    a defect, of normal. size: half width of a defect. near, widening: of the blur (full width at half maximum). counts: per mL of normal
    wall, evenly on a logarithmic scale. liver, gut: activity of the normal wall's. short_axis: share of scans on short-axis slices
    whose place in the patient is lost. voxel: edge.
    """

    radius: Range = (16.0, 30.0)
    elongation: Range = (1.7, 2.5)
    thickness: Range = (8.5, 13.0)
    cut: Range = (0.4, 1.1)
    turned: float = 35.0
    defects: int = 3
    remaining: Range = (0.05, 0.75)
    size: Range = (8.0, 32.0)
    near: Range = (7.5, 12.0)
    widening: Range = (0.0, 5.0)
    counts: Range = (120.0, 2000.0)
    breathing: Range = (0.0, 14.0)
    attenuation: Range = (0.0, 0.004)
    scatter: Range = (0.0, 0.25)
    liver: Range = (0.1, 1.3)
    gut: Range = (0.1, 1.6)
    short_axis: float = 0.35
    voxel: Range = (4.0, 6.5)


TRAINING = Ranges()
FROZEN = Ranges(
    radius=(18.0, 34.0), thickness=(8.0, 14.0), turned=40.0, remaining=(0.0, 0.7), near=(8.0, 14.0), widening=(0.0, 6.0),
    counts=(90.0, 2500.0), breathing=(0.0, 18.0), attenuation=(0.0, 0.006), scatter=(0.0, 0.3), liver=(0.1, 1.6), gut=(0.1, 1.9),
    voxel=(3.6, 6.8),
)  # fmt: skip
"""Reaches beyond training in size, thickness, blur, noise, breathing, attenuation, scatter, liver, gut and voxels."""


@dataclass(frozen=True)
class Subject:
    """One patient: what is scanned, how, and on which grid.

    placed: the grid as the file of the image tells it, which differs where the place in the patient is lost.
    """

    stress: PhantomHeart
    rest: PhantomHeart
    torso: Torso
    camera: Camera
    grid: Grid
    placed: Grid


def drawn_subject(seed: int, ranges: Ranges = TRAINING) -> Subject:
    """A random phantom; the same seed and ranges give the same one."""
    random = np.random.default_rng(seed)

    def of(pair: Range) -> float:
        return float(random.uniform(*pair))

    radius, thickness = of(ranges.radius), of(ranges.thickness)
    length = radius * of(ranges.elongation)
    shape = Ellipsoids((radius, length), (radius + thickness, length + thickness * of((0.75, 1.0))), radius * of(ranges.cut))
    axis = _turned(TOWARD_BASE, np.radians(ranges.turned) * np.sqrt(random.random()), random)
    ripple = tuple((int(random.integers(0, 3)), int(random.integers(0, 3)), of((0.0, 0.05)), of((0.0, 6.3))) for _ in range(2))
    tilt = (of((-0.25, 0.25)), of((-0.1, 0.35)))
    heart = PhantomHeart(shape, (0.0, 0.0, 0.0), tuple(axis), tilt, (), ripple)
    stress, rest = _defects(heart, ranges, random)
    camera_near = of(ranges.near)
    camera = Camera(
        fwhm=(camera_near, camera_near + of(ranges.widening)),
        filter_fwhm=min(of((4.0, 8.0)), 0.9 * camera_near),
        attenuation=of(ranges.attenuation),
        scatter=of(ranges.scatter),
        breathing=of(ranges.breathing),
        counts=float(np.exp(random.uniform(*np.log(ranges.counts)))),
    )
    torso = _torso(shape, ranges, random)
    grid, placed = _grids(heart, ranges, random)
    return Subject(heart.with_defects(stress), heart.with_defects(rest), torso, camera, grid, placed)


def _turned(direction: np.ndarray, angle: float, random: np.random.Generator) -> np.ndarray:
    start = direction / np.linalg.norm(direction)
    away = np.cross(start, random.normal(size=3))
    return np.cos(angle) * start + np.sin(angle) * away / np.linalg.norm(away)


def _defects(heart: PhantomHeart, ranges: Ranges, random: np.random.Generator) -> tuple[list[Defect], list[Defect]]:
    """At stress and at rest; at rest a part of them is gone or weaker."""
    top = float(heart.shape.arc_length(np.arccos(np.clip(-heart.shape.cut / heart.shape.semi_axes(0.5)[1], -1, 1))))
    stress, rest = [], []
    for _ in range(int(random.integers(0, ranges.defects + 1))):
        remaining = float(random.uniform(*ranges.remaining))
        one = Defect(
            float(random.uniform(0, 0.95)) * top, float(random.uniform(0, 360)), float(random.uniform(*ranges.size)),
            float(random.uniform(*ranges.size)), remaining, float(random.uniform(1.0, 5.0)),
        )  # fmt: skip
        stress.append(one)
        kind = random.integers(0, 3)  # fixed, partly reversible, reversible
        if kind < 2:
            rest.append(replace(one, remaining=remaining if kind == 0 else remaining + (1 - remaining) * float(random.uniform(0.2, 0.8))))
    return stress, rest


def _torso(shape: Ellipsoids, ranges: Ranges, random: np.random.Generator) -> Torso:
    liver = Organ(
        tuple(np.array([-75.0, 10.0, -85.0]) + random.uniform(-20, 20, 3)),
        tuple(random.uniform([60, 50, 40], [95, 80, 60])),
        float(random.uniform(*ranges.liver)),
    )
    organs = [liver]
    for _ in range(int(random.integers(0, 5))):
        half = random.uniform(8, 30, 3)
        reach = shape.epi[0] + half[2]
        center = np.array([random.uniform(-30, 70), random.uniform(-30, 40), -random.uniform(reach + 2, reach + 50)])
        organs.append(Organ(tuple(center), tuple(half), float(random.uniform(*ranges.gut))))
    spleen = Organ((75.0, 75.0, -45.0), tuple(random.uniform([20, 25, 30], [30, 40, 50])), float(random.uniform(0.1, 0.7)))
    return Torso(
        center=(float(random.uniform(-55, -25)), float(random.uniform(15, 40))),
        half_axes=(float(random.uniform(145, 190)), float(random.uniform(100, 135))),
        tissue=float(random.uniform(0.04, 0.18)),
        blood=float(random.uniform(0.05, 0.3)),
        right_wall=float(random.uniform(0.1, 0.5)),
        organs=(*organs, spleen),
    )


def _grids(heart: PhantomHeart, ranges: Ranges, random: np.random.Generator) -> tuple[Grid, Grid]:
    """Around a place near the heart: where the voxels are, and where the file tells them to be."""
    voxel = float(random.uniform(*ranges.voxel))
    size = (64, 64, 56)
    is_short_axis = random.random() < ranges.short_axis
    if is_short_axis:
        anterior, septal, base = heart.frame
        directions = np.array([-septal, -anterior, base if random.random() < 0.5 else -base]).T
        away = 15.0
    else:
        directions, away = np.eye(3), 35.0
    matrix = np.eye(4)
    matrix[:3, :3] = directions * voxel
    middle = matrix[:3, :3] @ (0.5 * (np.array(size) - 1))
    matrix[:3, 3] = np.array(heart.center) - middle + random.uniform(-away, away, 3)
    told = matrix
    if is_short_axis:
        told = np.diag([voxel, voxel, voxel, 1.0])
        told[:3, 3] = -0.5 * voxel * (np.array(size) - 1)
    return Grid(size, matrix), Grid(size, told)
