"""The parts of a family: how hearts, scars and scans of the benchmark are drawn.

A number in a scenario is fixed; a tuple of two is a range to draw from; a list is a choice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from CardioScarLib.benchmark.contour_heart import contour_heart
from CardioScarLib.benchmark.hearts import Bump, EllipsoidHeart, Heart, Papillaries, places_of
from CardioScarLib.benchmark.scanner import Scan
from CardioScarLib.phantom import phantom_case
from CardioScarLib.phantom.ellipsoid import Ellipsoids
from CardioScarLib.phantom.rough_scars import NoScar, RoughScar
from CardioScarLib.phantom.scars import Band, Either, Islands, Transmural, Wedge

Random = np.random.Generator
Scar = Callable[[Random], object]
"""Draws the formula of a scar."""
Scenario = Callable[[Random, int, int], tuple[Heart, Scan]]
"""Makes a heart and its scan from random numbers, a seed for the mesh, and how many nodes it has."""
COARSE = 20.0
"""mm: pixels of phantoms whose own images are not looked at."""
USUAL_SCAN = {"pixel": (1.25, 1.5), "tilt": (0.0, 10.0), "noise": (0.03, 0.05)}


def drawn(value, random: Random):
    """A number out of a scenario."""
    if isinstance(value, list):
        return value[random.integers(len(value))]
    return float(random.uniform(*value)) if isinstance(value, tuple) else value


# Scars


def wedge(random: Random) -> Wedge:
    return Wedge(random.uniform(20, 27), random.uniform(20, 28), random.uniform(0.45, 0.75))


def islands(random: Random) -> Islands:
    return Islands.drawn(random)


def wedge_and_islands(random: Random) -> Either:
    return Either(wedge(random), islands(random))


def border_zone(random: Random) -> Transmural:
    return Transmural(radius=random.uniform(18, 25), edge=random.uniform(2, 3.5))


def band(random: Random) -> Band:
    return Band(half_width=random.uniform(6, 10), half_length=random.uniform(35, 50), tilt=random.uniform(20, 60))


def any_scar(random: Random):
    return drawn([wedge, wedge_and_islands, border_zone, band, islands], random)(random)


def channel(width: float, closed: bool = False) -> Scar:
    """A transmural scar with a channel of `width` mm; closed: a bridge of scar in its middle."""

    def scar(random: Random) -> Transmural:
        return Transmural(random.uniform(22, 26), channel=width, tilt=random.uniform(10, 50), blocked=12.0 if closed else 0.0)

    return scar


# Hearts with their scans


def on_phantom(kind: str) -> Scenario:
    """The heart, scar and scan of a phantom kind."""

    def make(random: Random, seed: int, nodes: int) -> tuple[Heart, Scan]:
        made = phantom_case(kind, seed, nodes, pixel=COARSE)
        scan = Scan(**{**vars(made.acquisition), "pixel": drawn(USUAL_SCAN["pixel"], random)})
        return EllipsoidHeart(made.heart, made.scar, made.center, made.pose, made.wall), scan

    return make


def on_ellipsoids(scar: Scar, radius=(22.0, 26.0), wall=(9.0, 10.0), bulge=None, thinned=1.0, papillaries=None, **scan) -> Scenario:
    """A wall between two ellipsoids.

    radius: of the cavity, mm. wall: its thickness, mm. bulge: mm outward at the scar; None leaves the wall as it is,
    and 0 only thins it. thinned: thickness at the middle of the scar, as a share of the usual one. papillaries: height of
    two ridges on the endocardium, mm, instead of a bulge. scan: of `Scan`.
    """

    def make(random: Random, seed: int, nodes: int) -> tuple[Heart, Scan]:
        inner, length, thickness = drawn(radius, random), random.uniform(58, 62), drawn(wall, random)
        shape = Ellipsoids((inner, length), (inner + thickness, length + 0.85 * thickness), random.uniform(18, 20))
        center = random.uniform(-np.pi, np.pi), random.uniform(50, 60)
        bump: Bump | Papillaries | None = (
            None if bulge is None else Bump(drawn(bulge, random), drawn(thinned, random), random.uniform(24, 28))
        )
        if papillaries is not None:
            bump = _papillaries(random, papillaries)
        pose = random_pose(random)
        return EllipsoidHeart.meshed(shape, scar(random), center, pose, nodes, seed, bump), random_scan(random, scan)

    return make


def rough(scenario: Scenario, scar: RoughScar) -> Scenario:
    """The heart, a dataclass, and the scan of a scenario with a rough scar."""

    def make(random: Random, seed: int, nodes: int) -> tuple[Heart, Scan]:
        heart, scan = scenario(random, seed, nodes)
        return replace(heart, scar=scar(random, places_of(heart))), scan  # type: ignore[type-var]

    return make


def healthy(random: Random) -> NoScar:
    return NoScar()


def on_contours(name: str, scar: Scar, size=(0.95, 1.05), **scan) -> Scenario:
    """A wall from contours of a real heart, "pig" or "human", of `size` times its size and stretched a little."""

    def make(random: Random, seed: int, nodes: int) -> tuple[Heart, Scan]:
        stretch = drawn(size, random) * random.uniform(0.96, 1.04, 3)
        center = random.uniform(-np.pi, np.pi), random.uniform(0.5, 0.62)
        pose = random_pose(random)
        return contour_heart(name, scar(random), center, pose, nodes, stretch), random_scan(random, scan)

    return make


def _papillaries(random: Random, height) -> Papillaries:
    """Two ridges, a quarter to nearly half of the way around from each other, half-way along the heart."""
    apart, first = random.uniform(50, 75), random.uniform(-60, 0)
    return Papillaries(
        tuple(
            (around, random.uniform(-10, 5), random.uniform(6, 8), random.uniform(14, 20), drawn(height, random))
            for around in (first, first + apart)
        )
    )


def random_scan(random: Random, given: dict) -> Scan:
    """A scan with what is given, and the usual for the rest."""
    return Scan(**{name: drawn(value, random) for name, value in {**USUAL_SCAN, **given}.items()})


def random_pose(random: Random) -> np.ndarray:
    """4x4: a heart somewhere in a patient, in any rotation."""
    pose = np.eye(4)
    pose[:3, :3] = Rotation.random(random_state=random).as_matrix()
    pose[:3, 3] = random.uniform(-50, 50, 3)
    return pose
