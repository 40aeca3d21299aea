"""Hearts by formula: both ventricles, papillary muscles and trabeculae, the base, and fat around them.

The heart's own frame: long axis z, apex down, the widest place of the left ventricle at z = 0, the middle of the septum along x,
anterior along y; mm. Angles around the long axis start at the septum and run by the anterior wall.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from CardioScarLib.phantom.ellipsoid import Ellipsoids
from CardioScarLib.phantom.scars import Place
from CardioScarLib.synthesis.fields import finer, smooth
from CardioScarLib.synthesis.ranges import Random, Ranges

ANGLES, HEIGHTS, FINER = 96, 64, 4
"""Samples of the tables around and along the heart, and how many stand in place of each where they are looked up: 0.4 mm apart."""
ABOVE = 30.0
"""mm above the base that the heart's surroundings are drawn up to."""


@dataclass(frozen=True)
class Spot:
    """A place of the wall where it is thinner or bulges: middle (radians, mm of height), half-widths, share of the thickness there,
    and mm outward."""

    angle: float
    height: float
    wide: float
    tall: float
    thickness: float = 1.0
    bulge: float = 0.0

    def weight(self, angle: np.ndarray, height: np.ndarray) -> np.ndarray:
        turned = np.mod(angle - self.angle + np.pi, 2 * np.pi) - np.pi
        return np.exp(-0.5 * ((turned / self.wide) ** 2 + ((height - self.height) / self.tall) ** 2))


@dataclass(frozen=True, eq=False)
class Shape:
    """One heart.

    cavity, wall: (ANGLES, HEIGHTS) radius of the cavity as of a body that does not close at the apex, and thickness, mm.
    length, tip: from z = 0 to the apex of the cavity, and thickness of the wall there. roundness: exponent of the superellipsoid.
    base, slope: height of the base plane on the axis, and its slopes along x and y. rv: middle and semi-axes of the right
    ventricle's body. rv_wall: its thickness. rv_uneven: (ANGLES, HEIGHTS) mm. papillaries: rows of angle, distance from
    the axis as a share of the cavity's radius, radius, lower and upper end. trabeculae: (ANGLES, HEIGHTS) mm from the wall into the
    cavity. fat: (ANGLES, HEIGHTS) mm. groove: mm that fat fills between the ventricles.
    """

    cavity: np.ndarray
    wall: np.ndarray
    length: float
    tip: float
    roundness: float
    base: float
    slope: tuple[float, float]
    rv: np.ndarray
    rv_wall: float
    rv_uneven: np.ndarray
    papillaries: np.ndarray
    trabeculae: np.ndarray
    fat: np.ndarray
    groove: float

    @property
    def low(self) -> float:
        """Height of the apex."""
        return -self.length - self.tip

    @property
    def high(self) -> float:
        return self.base + ABOVE

    @property
    def reach(self) -> float:
        """mm from the long axis that the heart reaches at most, with fat around it."""
        return max(float((self.cavity + self.wall).max()), float(self.rv[0, 0] + self.rv[1, 0]) + self.rv_wall + 8) + 15

    @cached_property
    def fine(self) -> dict[str, np.ndarray]:
        """The tables, flat, as they are looked up."""
        return {name: finer(getattr(self, name), FINER).ravel() for name in ("cavity", "wall", "rv_uneven", "trabeculae", "fat")}

    def looked_up(self, angle: np.ndarray, height: np.ndarray) -> np.ndarray:
        """(n,) numbers of the samples of the tables at an angle and a height."""
        around, along = FINER * ANGLES, FINER * (HEIGHTS - 1) + 1
        turns = np.floor(angle * (around / (2 * np.pi)) + 0.5).astype(np.int32) % around
        steps = np.clip((height - self.low) * ((along - 1) / (self.high - self.low)) + 0.5, 0, along - 1).astype(np.int32)
        return turns * along + steps

    def distances(self, ring: np.ndarray, height: np.ndarray, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """mm from the endocardium and from the epicardium, to first order; negative inside.

        ring: distance from the long axis. samples: as `looked_up`.
        """
        cavity = self.fine["cavity"][samples]
        outer = cavity + self.fine["wall"][samples]
        return self._away(ring, height, cavity, self.length), self._away(ring, height, outer, self.length + self.tip)

    def _away(self, ring: np.ndarray, height: np.ndarray, radius: np.ndarray, length: float) -> np.ndarray:
        power = self.roundness
        across = np.maximum(ring / radius, 1e-4) ** (power - 1)
        along = np.maximum(np.abs(height) / length, 1e-4) ** (power - 1)
        level = across * ring / radius + along * np.abs(height) / length
        level = np.maximum(level, 1e-6) ** (1 / power)
        slope = np.hypot(across / radius, along / length) / level ** (power - 1)
        return (level - 1) / slope

    def over_base(self, points: np.ndarray) -> np.ndarray:
        """mm above the base plane; (n, 3) points in the heart's frame."""
        return points[:, 2] - self.base - points[:, 0] * self.slope[0] - points[:, 1] * self.slope[1]

    def mean_body(self) -> Ellipsoids:
        """Ellipsoids of about this size: what lengths along the wall are measured on."""
        radius, wall = float(self.cavity.mean()), float(self.wall.mean())
        return Ellipsoids((radius, self.length), (radius + wall, self.length + self.tip), self.base)

    def place(self, ring: np.ndarray, angle: np.ndarray, height: np.ndarray, endo: np.ndarray, epi: np.ndarray, middle: tuple) -> Place:
        """Where points of the wall are, seen from the middle of a scar (radians, mm along the wall from the apex)."""
        body = self.mean_body()
        thickness = np.maximum(endo - epi, 0.5)
        radius, length = body.semi_axes(0.5)
        latitude = np.arctan2(ring / radius, -height / length)
        turned = np.mod(angle - middle[0] + np.pi, 2 * np.pi) - np.pi
        around = turned * radius * np.sin(latitude)
        return Place(np.clip(endo / thickness, 0, 1), around, body.arc_length(latitude) - middle[1], thickness, turned)

    def surface_points(self, depth: np.ndarray, latitude: np.ndarray, angle: np.ndarray) -> np.ndarray:
        """(n, 3) points of the wall in the heart's frame. latitude: share of the way from the apex to the base, 0 to 1."""
        ends = []
        for inside in (True, False):
            length = self.length + (0.0 if inside else self.tip)
            top = np.full(len(depth), self.base)
            for _ in range(6):  # the base is tilted: its height depends on where the surface is
                phi = latitude * self._latitude_of(top, length)
                height = -length * np.sign(np.cos(phi)) * np.abs(np.cos(phi)) ** (2 / self.roundness)
                ring = self._radius(angle, height, inside) * np.sin(phi) ** (2 / self.roundness)
                edge = self._ring_at(angle, top, length, inside)
                top = self.base + edge * (np.cos(angle) * self.slope[0] + np.sin(angle) * self.slope[1])
            ends.append(np.column_stack([ring * np.cos(angle), ring * np.sin(angle), height]))
        return ends[0] + depth[:, None] * (ends[1] - ends[0])

    def _latitude_of(self, height: np.ndarray, length: float) -> np.ndarray:
        share = np.clip(np.abs(height) / length, 0, 1) ** (self.roundness / 2)
        return np.arccos(np.clip(-np.sign(height) * share, -1, 1))

    def _radius(self, angle: np.ndarray, height: np.ndarray, inside: bool) -> np.ndarray:
        samples = self.looked_up(angle, height)
        return self.fine["cavity"][samples] + (0 if inside else self.fine["wall"][samples])

    def _ring_at(self, angle: np.ndarray, height: np.ndarray, length: float, inside: bool) -> np.ndarray:
        return self._radius(angle, height, inside) * (1 - np.clip(np.abs(height) / length, 0, 1) ** self.roundness) ** (1 / self.roundness)


def drawn_shape(random: Random, ranges: Ranges, spots: tuple[Spot, ...] = (), size: tuple[float, float] | None = None) -> Shape:
    """spots: where the wall is thinned or bulges. size: radius and length where these are drawn already."""
    radius, length = size or drawn_size(random, ranges)
    base = radius * ranges.draw("base", random)
    wall = ranges.draw("wall", random)
    tip = wall * random.uniform(0.5, 0.9)
    angle = (2 * np.pi / ANGLES * np.arange(ANGLES))[:, None]
    height = np.linspace(-length - tip, base + ABOVE, HEIGHTS)[None, :]
    ripple = sum(random.normal() * share * np.cos(turns * angle + random.uniform(0, 2 * np.pi)) for turns, share in ((2, 0.05), (3, 0.02)))
    cavity = radius * (1 + ripple + 0.03 * smooth((ANGLES, HEIGHTS), (9, 7), random))
    walls = wall * (
        1 + 0.1 * random.normal() * np.cos(angle - random.uniform(0, 2 * np.pi)) + 0.09 * smooth((ANGLES, HEIGHTS), (8, 7), random)
    )
    walls = walls * (1 - random.uniform(0.05, 0.3) * np.clip(-height / length, 0, 1) ** 2)
    if random.random() < ranges.hypertrophy:
        thick = Spot(
            random.normal() * 0.6, random.uniform(-0.3, 0.3) * length, random.uniform(0.7, 2.5), 0.5 * length, ranges.draw("thick", random)
        )
        more = walls * (thick.thickness - 1) * thick.weight(angle, height)
        walls, cavity = walls + more, cavity - 0.7 * more
    for spot in spots:
        weight = spot.weight(angle, height)
        cavity = cavity + spot.bulge * weight
        walls = walls * (1 - (1 - spot.thickness) * weight)
    cavity, walls = np.maximum(cavity, 6.0), np.maximum(walls, 2.5)
    outer = float((cavity + walls).mean())
    off, deep = outer * random.uniform(0.4, 0.8), random.uniform(18, 42)
    rv = np.array([
        [off, outer * random.uniform(-0.2, 0.1), length * random.uniform(0.0, 0.25)],
        [outer + deep - off, outer * random.uniform(0.85, 1.15), length * random.uniform(0.8, 1.0)],
    ])  # fmt: skip
    trabeculae = random.uniform(0.5, 3.5) * np.clip(smooth((ANGLES, HEIGHTS), (1.5, 5), random), 0, 2.5)
    return Shape(
        cavity.astype(np.float32), walls.astype(np.float32), length, tip, random.uniform(1.9, 2.6), base,
        (0.0, 0.0), rv, random.uniform(1.5, 3.2),
        random.uniform(1.0, 4.0) * smooth((ANGLES, HEIGHTS), (5, 5), random), _papillaries(random, length),
        trabeculae, _fat(random, ranges, angle, height, base, -length - tip), random.uniform(3, 9),
    )  # fmt: skip


def drawn_size(random: Random, ranges: Ranges) -> tuple[float, float]:
    """Radius, and length from the widest place to the apex, of the cavity, mm."""
    radius = ranges.draw("radius", random)
    return radius, 20 + radius * ranges.draw("elongation", random)


def _papillaries(random: Random, length: float) -> np.ndarray:
    rows = []
    for side in (-1, 1):
        for _ in range(random.integers(1, 4)):
            angle = side * random.uniform(1.9, 2.7) + random.normal() * 0.12
            low, high = -length * random.uniform(0.5, 0.8), length * random.uniform(-0.1, 0.25)
            rows.append((angle, random.uniform(0.65, 0.95), random.uniform(2.5, 6.0), low, high))
    return np.array(rows)


def _fat(random: Random, ranges: Ranges, angle: np.ndarray, height: np.ndarray, base: float, low: float) -> np.ndarray:
    """More of it near the base, over the right ventricle and around the apex, and in some people."""
    usual = random.uniform(-5.0, 0.0) + random.uniform(0, 4) * np.clip(height / max(base, 1.0), 0, 1)
    usual = usual + random.uniform(0, 8) * np.exp(-0.5 * (((angle + np.pi) % (2 * np.pi) - np.pi) / 1.0) ** 2)
    usual = usual + ranges.draw("apical_fat", random) * np.clip(height / low, 0, 1) ** 3
    return np.clip(usual + random.uniform(1.0, 3.0) * smooth((ANGLES, HEIGHTS), (5, 5), random), 0, 14).astype(np.float32)
