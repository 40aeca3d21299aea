"""Scars by formula, as a probability in wall coordinates. All lengths in mm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True, eq=False)
class Place:
    """Where points are, seen from the middle of the scar: mm along the mid-wall, and depth.

    depth: 0 endocardium .. 1 epicardium. around, along: circumferential and longitudinal mm.
    thickness: of the wall, mm, one number or (n,). angle: radians around the long axis; None in a body that has none.
    """

    depth: np.ndarray
    around: np.ndarray
    along: np.ndarray
    thickness: float | np.ndarray
    angle: np.ndarray | None = None


class Scar(Protocol):
    """A scar's formula."""

    def __call__(self, place: Place) -> np.ndarray:
        """(n,) scar probability at n places."""


def step(distance: np.ndarray, width: float) -> np.ndarray:
    """A soft step: 0 below zero, 1 above, over about four widths."""
    return 1.0 / (1.0 + np.exp(-np.clip(distance / width, -60, 60)))


@dataclass(frozen=True)
class Wedge:
    """Subendocardial infarct: an ellipse whose transmurality falls towards its edge."""

    half_around: float = 24.0
    half_along: float = 26.0
    transmurality: float = 0.6
    edge: float = 1.0

    def __call__(self, place: Place) -> np.ndarray:
        radius = np.hypot(place.around / self.half_around, place.along / self.half_along)
        inside = step((1 - radius) * 0.5 * (self.half_around + self.half_along), self.edge)
        reach = self.transmurality * np.clip(1 - 0.6 * radius**2, 0.15, 1)
        return inside * step((reach - place.depth) * place.thickness, 0.5)


@dataclass(frozen=True)
class Transmural:
    """Transmural ellipse; `channel` mm of living tissue cross it on a straight line (0: none).

    tilt: of the channel from the long axis, degrees. edge: width of the outer border.
    blocked: length of a bridge of scar that closes the channel in its middle.
    """

    radius: float = 24.0
    edge: float = 1.0
    channel: float = 0.0
    tilt: float = 30.0
    blocked: float = 0.0

    def line(self, place: Place) -> tuple[np.ndarray, np.ndarray]:
        """Distance across and along the channel's line."""
        c, s = np.cos(np.radians(self.tilt)), np.sin(np.radians(self.tilt))
        return place.around * c - place.along * s, place.around * s + place.along * c

    def __call__(self, place: Place) -> np.ndarray:
        scar = step(self.radius - np.hypot(place.around, place.along), self.edge)
        if self.channel:
            across, along = self.line(place)
            wall_of_scar = step(np.abs(across) - self.channel / 2, 0.5)
            if self.blocked:
                wall_of_scar = np.maximum(wall_of_scar, step(self.blocked / 2 - np.abs(along), 0.5))
            scar = scar * wall_of_scar
        return scar


@dataclass(frozen=True, eq=False)
class Islands:
    """Discs through the wall: rows of (around, along, radius)."""

    discs: np.ndarray
    edge: float = 0.7

    @classmethod
    def drawn(cls, random: np.random.Generator) -> Islands:
        """4 to 8 discs of 4 to 8.5 mm radius within reach of each other."""
        count = random.integers(4, 9)
        return cls(np.column_stack([random.uniform(-40, 40, count), random.uniform(-28, 28, count), random.uniform(4, 8.5, count)]))

    def __call__(self, place: Place) -> np.ndarray:
        healthy = np.ones_like(place.depth)
        for around, along, radius in self.discs:
            healthy *= 1 - step(radius - np.hypot(place.around - around, place.along - along), self.edge)
        return 1 - healthy


@dataclass(frozen=True)
class Band:
    """Mid-wall strip, as in non-ischemic disease, tilted against the long axis."""

    half_width: float = 8.0
    half_length: float = 45.0
    half_depth: float = 0.2
    tilt: float = 40.0

    def __call__(self, place: Place) -> np.ndarray:
        c, s = np.cos(np.radians(self.tilt)), np.sin(np.radians(self.tilt))
        across, along = place.around * c - place.along * s, place.around * s + place.along * c
        strip = step(self.half_width - np.abs(across), 1.0) * step(self.half_length - np.abs(along), 1.0)
        return strip * step((self.half_depth - np.abs(place.depth - 0.5)) * place.thickness, 0.5)


@dataclass(frozen=True, eq=False)
class Either:
    """Two scars in one heart."""

    first: Scar
    second: Scar

    def __call__(self, place: Place) -> np.ndarray:
        return 1 - (1 - self.first(place)) * (1 - self.second(place))
