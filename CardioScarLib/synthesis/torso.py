"""What lies around a heart in a short-axis image: lungs, liver, stomach and other organs, ribs, muscle, fat and air.

Drawn in the plane of each slice, in mm right of and below the heart's axis, and slowly changing from slice to slice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from CardioScarLib.synthesis.fields import smooth
from CardioScarLib.synthesis.ranges import Random

LUNG, VESSEL, LIVER, MUSCLE, FAT, AIR, BONE, AORTA, STOMACH, RIND, FILLING = AROUND = tuple(range(11))
"""Tissues around the heart; RIND and FILLING are those of round organs under the diaphragm."""


@dataclass(frozen=True)
class Organ:
    """A round organ under the diaphragm: middle, semi-axes, thickness of its rind, mm; and how it moves from slice to slice."""

    middle: tuple[float, float]
    axes: tuple[float, float]
    rind: float
    drift: tuple[float, float]


@dataclass(frozen=True)
class Torso:
    """One patient around the heart.

    body: middle and semi-axes of the trunk, mm, and power of the superellipse. turn: of its axes, radians. skin: thickness of fat
    under it. chest: of muscle and ribs. diaphragm: mm below the axis, its slope, its curvature (1/mm) and mm by which it rises per mm
    toward the apex. liver: mm right of the axis where the stomach begins.
    """

    body: tuple[float, float, float, float, float]
    turn: float
    skin: float
    chest: float
    ribs: tuple[float, float]
    diaphragm: tuple[float, float, float, float]
    liver: float
    aorta: tuple[float, float, float]
    organs: tuple[Organ, ...]

    def drawn_on(self, right: np.ndarray, down: np.ndarray, heights: np.ndarray, random: Random) -> np.ndarray:
        """(slices, rows, columns) uint8 tissues.

        right, down: (rows, columns) mm from the heart's axis. heights: (slices,) mm along it, apex below.
        """
        shape = (len(heights), *right.shape)
        pixel = float(abs(right[0, 1] - right[0, 0])) if right.shape[1] > 1 else 1.0
        slow, fine = (smooth(shape, (1.5, mm / pixel, mm / pixel), random) for mm in (14.0, 2.2))
        found = np.full(shape, LUNG, dtype=np.uint8)
        found[(fine + 0.5 * slow) > 2.6] = VESSEL
        x, y, r = self.aorta
        aorta = np.hypot(right - x, down - y)
        for number, height in enumerate(heights):
            one, wave = found[number], slow[number]
            one[aorta < r] = AORTA
            below = down - self._diaphragm(right, height) - 2.0 * wave
            side = right - self.liver - 4 * wave
            one[below > 0] = np.where(side > 0, STOMACH, LIVER)[below > 0]
            one[(below > 0) & (np.abs(side) < 3 + 2 * fine[number])] = FAT
            one[(below > 0) & (below < 1.8)] = MUSCLE
            for organ in self.organs:
                away = (
                    np.hypot(
                        (right - organ.middle[0] - organ.drift[0] * height) / organ.axes[0],
                        (down - organ.middle[1] - organ.drift[1] * height) / organ.axes[1],
                    )
                    + 0.06 * wave
                )
                thick = organ.rind / min(organ.axes)
                one[(away < 1 + 1.2 * thick) & (below > 0)] = FAT
                one[(away < 1) & (below > 0)] = RIND
                one[(away < 1 - thick) & (below > 0)] = FILLING
            inward, along = self._skin(right, down)
            inward = inward + 1.5 * wave
            edge = self.skin + self.chest
            one[inward < edge] = MUSCLE
            rib = (np.abs(inward - self.skin - 0.6 * self.chest) < 0.22 * self.chest) & (np.sin(along / self.ribs[0] + self.ribs[1]) > 0.1)
            one[rib] = BONE
            one[np.abs(inward - self.skin - 0.15 * self.chest) < 0.6] = FAT
            one[(inward > edge) & (inward < edge + 1.5 + 1.5 * wave)] = FAT
            one[inward < self.skin] = FAT
            one[inward < 0] = AIR
        return found

    def _diaphragm(self, right: np.ndarray, height: float) -> np.ndarray:
        level, slope, bend, rise = self.diaphragm
        return level + slope * right + bend * right**2 + rise * height

    def _skin(self, right: np.ndarray, down: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """mm inward from the skin, to first order, and mm along it."""
        x, y, a, b, power = self.body
        c, s = np.cos(self.turn), np.sin(self.turn)
        u, v = (right - x) * c + (down - y) * s, (down - y) * c - (right - x) * s
        across, along = np.abs(u) / a, np.abs(v) / b
        level = (across**power + along**power) ** (1 / power)
        slope = np.hypot((across / np.maximum(level, 1e-3)) ** (power - 1) / a, (along / np.maximum(level, 1e-3)) ** (power - 1) / b)
        return (1 - level) / np.maximum(slope, 1e-3), np.arctan2(v / b, u / a) * 0.5 * (a + b)


def drawn_torso(random: Random, outer: float) -> Torso:
    """outer: radius of the left ventricle with its wall, mm."""
    skin, chest = random.uniform(4, 35), random.uniform(14, 26)
    toward = np.pi + random.uniform(-0.3, 0.9)  # of the nearest chest wall: left to upper left
    near = outer + random.uniform(25, 60) + skin + chest
    a, b = random.uniform(150, 190), random.uniform(110, 145)
    turn = toward + random.normal() * 0.2 - np.pi / 2
    x, y = -np.cos(toward) * (b - near), -np.sin(toward) * (b - near)
    shift = random.uniform(-25, 45)
    x, y = x - np.sin(toward) * shift, y + np.cos(toward) * shift
    level = outer + random.uniform(1, 16)
    organs = []
    for _ in range(random.integers(0, 4)):
        size = random.uniform(12, 45)
        organs.append(Organ(
            (random.uniform(-40, 110), level + size * random.uniform(0.7, 1.6)), (size, size * random.uniform(0.6, 1.0)),
            random.uniform(1.5, 9), (random.normal() * 0.2, random.normal() * 0.2),
        ))  # fmt: skip
    return Torso(
        (x, y, a, b, random.uniform(2.1, 3.0)), turn, skin, chest, (random.uniform(4, 7), random.uniform(0, 6)),
        (level, random.uniform(-0.35, 0.25), random.uniform(-0.0005, 0.003), random.uniform(0.0, 0.25)), random.uniform(-25, 50),
        (random.uniform(outer + 20, outer + 55), random.uniform(0, outer + 30), random.uniform(8, 14)), tuple(organs),
    )  # fmt: skip
