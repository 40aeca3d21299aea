"""What lies around a heart in a short-axis image: lungs, liver, other organs, ribs, muscle, fat and air.

Drawn in the plane of each slice, in mm right of and below the heart's axis, and slowly changing from slice to slice. The plane cuts
the trunk from front (left) to back (right): the chest is a dome that is open below, and the heart lies on the diaphragm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from CardioScarLib.synthesis.fields import smooth
from CardioScarLib.synthesis.ranges import Random

ORGANS = 6
"""Tissues of organs under the diaphragm that are drawn anew for each patient."""
LUNG, VESSEL, LIVER, MUSCLE, FAT, AIR, RIB, AORTA, FIRST_ORGAN = range(9)
AROUND = tuple(range(FIRST_ORGAN + ORGANS))
"""Tissues around the heart."""


@dataclass(frozen=True)
class Organ:
    """A round organ under the diaphragm: middle, semi-axes, thickness of its rind, mm, how it moves from slice to slice, and the
    tissues of rind and inside."""

    middle: tuple[float, float]
    axes: tuple[float, float]
    rind: float
    drift: tuple[float, float]
    tissues: tuple[int, int]


@dataclass(frozen=True)
class Torso:
    """One patient around the heart.

    dome: middle and semi-axes of the inner chest wall above its middle, mm; below it goes straight down. lean: of its axis, mm right
    per mm down. layers: mm of ribs with muscle, of outer muscle, and of fat under the skin in front and behind. ribs: mm between them, and
    phase. diaphragm: mm below the heart, slope and curvature (1/mm). liver: mm right of the axis where it ends. pad: middle and semi-axes
    of fat between heart and chest.
    """

    dome: tuple[float, float, float, float]
    lean: float
    layers: tuple[float, float, float, float]
    ribs: tuple[float, float]
    diaphragm: tuple[float, float, float]
    liver: float
    pad: tuple[float, float, float, float]
    aorta: tuple[float, float, float]
    organs: tuple[Organ, ...]

    def drawn_on(
        self, right: np.ndarray, down: np.ndarray, heights: np.ndarray, outer: np.ndarray, pixel: float, random: Random
    ) -> np.ndarray:
        """(slices, rows, columns) uint8 tissues.

        right, down: (rows, columns) mm from the heart's axis. heights, outer: (slices,) mm along it, and radius of the heart there.
        pixel: mm.
        """
        shape = (len(heights), *right.shape)
        slow, fine = (smooth(shape, (1.5, mm / pixel, mm / pixel), random) for mm in (12.0, 1.8))
        found = np.empty(shape, dtype=np.uint8)
        for number, (height, radius) in enumerate(zip(heights, outer, strict=True)):
            found[number] = self._slice(right + 1.5 * slow[number], down + 1.5 * slow[number], height, radius, slow[number], fine[number])
        return found

    def _slice(self, right: np.ndarray, down: np.ndarray, height: float, outer: float, wave: np.ndarray, fine: np.ndarray) -> np.ndarray:
        one = np.full(right.shape, LUNG, dtype=np.uint8)
        one[fine + 0.3 * wave > 2.5] = VESSEL
        x, y, a, b = self.pad
        one[np.hypot((right - x) / a, (down - y) / b) < 1 + 0.2 * wave] = FAT
        x, y, r = self.aorta
        one[np.hypot(right - x, down - y) < r + 2] = MUSCLE
        one[np.hypot(right - x, down - y) < r] = AORTA
        gap, slope, bend = self.diaphragm
        below = down - outer - gap - slope * right - bend * right**2
        self._abdomen(one, right, down, below, height, wave, fine)
        self._chest(one, *self._inward(right, down))
        return one

    def _abdomen(
        self, one: np.ndarray, right: np.ndarray, down: np.ndarray, below: np.ndarray, height: float, wave: np.ndarray, fine: np.ndarray
    ) -> None:
        under = below > 0
        one[under] = np.where(right < self.liver + 4 * wave, np.where(fine > 2.2, VESSEL, LIVER), FAT)[under]
        for organ in self.organs:
            x, y = (at + drift * height for at, drift in zip(organ.middle, organ.drift, strict=True))
            away = np.hypot((right - x) / organ.axes[0], (down - y) / organ.axes[1]) + 0.08 * wave
            thick = organ.rind / min(organ.axes)
            one[under & (away < 1)] = organ.tissues[0]
            one[under & (away < 1 - thick)] = organ.tissues[1]
            one[under & (away > 1) & (away < 1 + 1.5 / min(organ.axes))] = FAT
        one[(below > 0) & (below < 2.0)] = MUSCLE

    def _chest(self, one: np.ndarray, outward: np.ndarray, along: np.ndarray, front: np.ndarray) -> None:
        """outward: mm outside of the inner chest wall; along: mm on it; front: whether it is in front of the heart."""
        ribs, muscle, before, behind = self.layers
        every, phase = self.ribs
        one[outward > -1.0] = FAT
        one[outward > 0.8] = MUSCLE
        middle = np.abs(outward - 0.5 * ribs) / (0.42 * ribs)
        one[middle**2 + (np.mod(along / every + phase, 1.0) - 0.5) ** 2 * (every / 7.5) ** 2 < 1] = RIB
        one[(outward > ribs) & (outward < ribs + 1.5)] = FAT
        skin = ribs + muscle
        one[outward > skin] = FAT
        one[outward > skin + np.where(front, before, behind)] = AIR

    def _inward(self, right: np.ndarray, down: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        x, y, a, b = self.dome
        u, v = (right - x - self.lean * (down - y)) / a, np.minimum(down - y, 0) / b
        level = np.hypot(u, v)
        slope = np.hypot(u / a, v / b) / np.maximum(level, 1e-3)
        along = np.arctan2(v, np.abs(u)) * 0.5 * (a + b) - np.maximum(down - y, 0)
        return (level - 1) / np.maximum(slope, 1e-4), along, u < 0


def drawn_torso(random: Random, outer: float, front: float) -> Torso:
    """outer: radius of the left ventricle with its wall; front: from its axis to the front of the right ventricle, mm."""
    a, b = random.uniform(80, 115), random.uniform(80, 130)
    left = front + random.uniform(2, 22)
    x, y = a - left, random.uniform(-20, 30)
    diaphragm = (random.uniform(-2, 8), random.uniform(-0.6, 0.2), random.uniform(-0.0005, 0.002))
    organs = []
    for _ in range(random.integers(2, 8)):
        size = random.uniform(14, 48)
        at = random.uniform(-10, 120)
        tissues = FIRST_ORGAN + random.integers(0, ORGANS, 2)
        organs.append(Organ(
            (at, outer + diaphragm[0] + diaphragm[1] * at + size * random.uniform(0.4, 3.0)), (size, size * random.uniform(0.5, 1.0)),
            random.uniform(1.0, 8.0), (random.normal() * 0.3, random.normal() * 0.3), (int(tissues[0]), int(tissues[1])),
        ))  # fmt: skip
    layers = random.uniform(9, 15), random.uniform(2, 16), random.uniform(5, 40), random.uniform(3, 25)
    ribs = random.uniform(24, 34), random.random()
    liver, size = random.uniform(-15, 45), random.uniform(0.3, 1.2)
    pad = -front - 4, outer * random.uniform(0.2, 1.0), random.uniform(4, 28) * size, random.uniform(8, 34) * size
    aorta = random.uniform(outer + 25, outer + 60), random.uniform(-10, outer + 10), random.uniform(8, 13)
    return Torso((x, y, a, b), random.normal() * 0.15, layers, ribs, diaphragm, liver, pad, aorta, tuple(organs))
