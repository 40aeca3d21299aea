"""Hearts of the benchmark: a wall, what is wall and what is blood around it, and the scar as a function of place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from CardioScarLib.core.wall import Wall
from CardioScarLib.phantom.ellipsoid import Ellipsoids
from CardioScarLib.phantom.scars import Place, Scar

OUTSIDE, WALL, BLOOD = 0, 1, 2
"""Labels of tissue; the last two are also those of myocardium maps."""
APART = 2.0
"""mm between the places that shares of scar are measured at."""


class Heart(Protocol):
    """What a scanner and a score need to know of a heart.

    wall: the mesh that a reconstruction is given, LPS mm. pose: 4x4, from the heart's own frame (long axis z, apex
    down) to LPS. scar: its formula, called with a `Place`.
    """

    @property
    def wall(self) -> Wall: ...

    @property
    def pose(self) -> np.ndarray: ...

    @property
    def scar(self) -> Scar: ...

    def tissue(self, points: np.ndarray) -> np.ndarray:
        """(n,) OUTSIDE, WALL or BLOOD at (n, 3) points, LPS mm."""

    def place(self, points: np.ndarray) -> Place:
        """Where (n, 3) points of the wall are, LPS mm, seen from the middle of the scar."""


def to_local(pose: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(n, 3) LPS mm -> (n, 3) in a heart's own frame."""
    return (np.asarray(points, dtype=np.float64) - pose[:3, 3]) @ pose[:3, :3]


def to_lps(pose: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(n, 3) in a heart's own frame -> (n, 3) LPS mm."""
    return points @ pose[:3, :3].T + pose[:3, 3]


def places_of(heart: Heart) -> Place:
    """Places all over a wall, on a lattice of its own frame that knows nothing of the mesh."""
    local = to_local(heart.pose, heart.wall.nodes)
    low, high = np.floor(local.min(axis=0) / APART).astype(int) - 1, np.ceil(local.max(axis=0) / APART).astype(int) + 2
    lattice = APART * np.stack(np.meshgrid(*map(np.arange, low, high), indexing="ij"), axis=-1).reshape(-1, 3)
    points = to_lps(heart.pose, lattice)
    return heart.place(points[heart.tissue(points) == WALL])


@dataclass(frozen=True)
class Bump:
    """How a wall departs from the ellipsoids around the middle of its scar; fades out at `reach` mm from there.

    bulge: outward, mm. thinned: thickness in the middle, as a share of the usual one.
    """

    bulge: float = 0.0
    thinned: float = 1.0
    reach: float = 26.0

    def __call__(self, around: np.ndarray, along: np.ndarray) -> np.ndarray:
        """1 in the middle, 0 from `reach` on, smooth between."""
        return np.cos(0.5 * np.pi * np.minimum(np.hypot(around, along) / self.reach, 1)) ** 2

    def limits(self, usual_thickness: float, around: np.ndarray, along: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Depths of the ellipsoids at which the wall begins and ends."""
        share = self(around, along)
        low = self.bulge / usual_thickness * share
        return low, low + 1 - (1 - self.thinned) * share


@dataclass(frozen=True)
class Papillaries:
    """Ridges on the endocardium like papillary muscles: rows of around and along of their middles, half a width, half a length
    and height, mm."""

    ridges: tuple[tuple[float, float, float, float, float], ...]

    def limits(self, usual_thickness: float, around: np.ndarray, along: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Depths of the ellipsoids at which the wall begins and ends."""
        low = np.zeros_like(around)
        for middle, level, half_width, half_length, height in self.ridges:
            away = np.hypot((around - middle) / half_width, (along - level) / half_length)
            low = np.minimum(low, -height / usual_thickness * np.cos(0.5 * np.pi * np.minimum(away, 1)) ** 2)
        return low, np.ones_like(around)


@dataclass(frozen=True, eq=False)
class EllipsoidHeart:
    """The wall between two ellipsoids, with a bump or without.

    The wall between the ellipsoids is where their depth is in [0, 1]; with a bump it is where it is in [low, high], two
    smooth functions of the place along the wall. So the mesh, the wall and the scar on it stay exact.
    shape: in its own frame. center: angle (radians) and height (mm from the apex along the mid-wall) of the scar's middle.
    """

    shape: Ellipsoids
    scar: Scar
    center: tuple[float, float]
    pose: np.ndarray = field(repr=False)
    wall: Wall = field(repr=False)
    bump: Bump | Papillaries | None = None

    @classmethod
    def meshed(
        cls,
        shape: Ellipsoids,
        scar,
        center: tuple[float, float],
        pose: np.ndarray,
        nodes: int,
        seed: int,
        bump: Bump | Papillaries | None = None,
    ):
        """The heart with a mesh of about `nodes` nodes."""
        points, cells = shape.mesh(nodes, seed)
        if bump is not None:
            depth, phi, theta = coordinates(shape, points)
            low, high = bump.limits(shape.epi[0] - shape.endo[0], *_along_wall(shape, center, phi, theta)[:2])
            points = shape.points(low + depth * (high - low), phi, theta)
        return cls(shape, scar, center, pose, Wall.from_tetrahedra(to_lps(pose, points), cells), bump)

    @property
    def usual_thickness(self) -> float:
        """mm, away from the bump, at the equator."""
        return self.shape.epi[0] - self.shape.endo[0]

    def tissue(self, points: np.ndarray) -> np.ndarray:
        local = to_local(self.pose, points)
        if self.bump is None:
            x, y, z = local.T
            within = [(x**2 + y**2) / radius**2 + z**2 / length**2 < 1 for radius, length in (self.shape.endo, self.shape.epi)]
        else:
            depth, phi, theta = coordinates(self.shape, local)
            low, high = self.bump.limits(self.usual_thickness, *_along_wall(self.shape, self.center, phi, theta)[:2])
            within = [depth < low, depth <= high]
        below = local[:, 2] <= self.shape.cut
        return np.where(within[0] & below, BLOOD, np.where(within[1] & below, WALL, OUTSIDE)).astype(np.uint8)

    def place(self, points: np.ndarray) -> Place:
        depth, phi, theta = coordinates(self.shape, to_local(self.pose, points))
        around, along, turned = _along_wall(self.shape, self.center, phi, theta)
        if self.bump is None:
            return Place(depth, around, along, self.usual_thickness, turned)
        low, high = self.bump.limits(self.usual_thickness, around, along)
        return Place((depth - low) / (high - low), around, along, self.usual_thickness * (high - low), turned)


def coordinates(shape: Ellipsoids, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Depth, phi and theta as `Ellipsoids.coordinates`, by Newton's method: a scanner asks at millions of points.

    Depth is held in [-1, 2]. Its equation r^2/a(t)^2 + z^2/c(t)^2 = 1 is nearly linear in t once its two sides have been
    put under 1/sqrt.
    """
    x, y, z = np.asarray(points, dtype=np.float64).T
    ring2, z2 = x**2 + y**2, z**2
    grow_radius, grow_length = shape.epi[0] - shape.endo[0], shape.epi[1] - shape.endo[1]
    depth = np.full(len(x), 0.5)
    for _ in range(5):
        radius, length = shape.endo[0] + depth * grow_radius, shape.endo[1] + depth * grow_length
        round_part, long_part = ring2 / radius**2, z2 / length**2
        level = np.maximum(round_part + long_part, 1e-12)
        slope = np.maximum(round_part * (grow_radius / radius) + long_part * (grow_length / length), 1e-12)
        depth = np.clip(depth - (1 - np.sqrt(level)) * level / slope, -1, 2)
    radius, length = shape.semi_axes(depth)
    return depth, np.arctan2(np.sqrt(ring2) / radius, -z / length), np.arctan2(y, x)


def _along_wall(
    shape: Ellipsoids, center: tuple[float, float], phi: np.ndarray, theta: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """mm around and along the mid-wall of the ellipsoids, and the angle, from the scar's middle."""
    turned = np.mod(theta - center[0] + np.pi, 2 * np.pi) - np.pi
    return turned * shape.mid_wall_radius(phi), shape.arc_length(phi) - center[1], turned
