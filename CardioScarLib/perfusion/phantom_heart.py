"""A left ventricle by formula, with perfusion on its wall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from CardioScarLib.perfusion.heart_frame import heart_frame
from CardioScarLib.phantom.ellipsoid import Ellipsoids

ABOVE_EQUATOR = 0.9
"""Of the endocardium's semi-axis that the base can reach: beyond it the wall would close again."""


@dataclass(frozen=True)
class Defect:
    """A patch of the wall with less perfusion.

    height: mm along the wall from the apex to its middle; angle: degrees from the middle of the anterior wall through the septum.
    half_height, half_width: mm. remaining: perfusion in it, of normal. edge: mm in which it returns to normal.
    """

    height: float
    angle: float
    half_height: float
    half_width: float
    remaining: float
    edge: float = 2.0


@dataclass(frozen=True)
class PhantomHeart:
    """shape: the wall in its own frame, base up. center: (3,) LPS mm of the equator's middle. toward_base: direction of the long axis, LPS.

    tilt: (toward the anterior wall, toward the septum) by which the base falls, as slopes. ripple: smooth changes of normal perfusion:
    (how many around, how many along, amplitude, phase).
    """

    shape: Ellipsoids = field(default_factory=Ellipsoids)
    center: tuple[float, float, float] = (0.0, 0.0, 0.0)
    toward_base: tuple[float, float, float] = (-0.7, 0.6, 0.35)
    tilt: tuple[float, float] = (0.0, 0.0)
    defects: tuple[Defect, ...] = ()
    ripple: tuple[tuple[int, int, float, float], ...] = ()

    def with_defects(self, defects: Sequence[Defect]) -> PhantomHeart:
        return replace(self, defects=tuple(defects))

    @cached_property
    def frame(self) -> np.ndarray:
        return heart_frame(np.array(self.toward_base))

    def to_own(self, points: np.ndarray) -> np.ndarray:
        """(n, 3) LPS mm -> anterior, septal and height above the equator, mm."""
        return (np.asarray(points, dtype=float) - self.center) @ self.frame.T

    def _below_base(self, own: np.ndarray) -> np.ndarray:
        return own[:, 2] <= self.shape.cut - self.tilt[0] * own[:, 0] - self.tilt[1] * own[:, 1]

    def in_wall(self, own: np.ndarray) -> np.ndarray:
        """(n,) whether points of the own frame lie in the wall."""
        return self._within(own, self.shape.epi) & ~self._within(own, self.shape.endo) & self._below_base(own)

    def in_cavity(self, own: np.ndarray) -> np.ndarray:
        return self._within(own, self.shape.endo) & self._below_base(own)

    def perfusion(self, own: np.ndarray) -> np.ndarray:
        """(n,) of normal, at points of the own frame; the same through the thickness of the wall."""
        radius, length = self.shape.semi_axes(0.5)
        phi = np.arctan2(np.hypot(own[:, 0], own[:, 1]) / radius, -own[:, 2] / length)
        return self.perfusion_at(phi, np.degrees(np.arctan2(own[:, 1], own[:, 0])))

    def perfusion_at(self, phi: np.ndarray, angle: np.ndarray) -> np.ndarray:
        """phi: parametric latitude, 0 at the apex. angle: degrees from the middle of the anterior wall through the septum."""
        height = self.shape.arc_length(phi)
        ring = self.shape.mid_wall_radius(phi)
        around = np.radians(angle)
        normal = np.ones(len(height))
        for many, along, amplitude, phase in self.ripple:
            fade = np.minimum(1.0, ring / ring.max() * 2) if many else 1.0
            normal += amplitude * fade * np.cos(many * around + along * phi + phase)
        for one in self.defects:
            middle = np.radians(one.angle)
            # The chord in the plane of the rings, so that a patch near the apex stays one patch.
            turn = np.mod(around - middle + np.pi, 2 * np.pi) - np.pi
            middle_ring = np.interp(one.height, *self._rings)
            across = 2 * np.sqrt(ring * max(middle_ring, 1e-6)) * np.sin(np.abs(turn) / 2)
            away = np.hypot((height - one.height) / one.half_height, across / one.half_width)
            beyond = (away - 1) * np.sqrt(one.half_height * one.half_width)
            normal *= 1 - (1 - one.remaining) * np.clip(0.5 - beyond / one.edge, 0, 1)
        return normal

    @cached_property
    def _rings(self) -> tuple[np.ndarray, np.ndarray]:
        phi = np.linspace(0, np.pi * 0.95, 400)
        return self.shape.arc_length(phi), self.shape.mid_wall_radius(phi)

    @cached_property
    def surface(self) -> tuple[np.ndarray, np.ndarray]:
        """(n,) perfusion and (n,) mm^2 of places all over the middle of the wall."""
        phi, angle = (one.ravel() for one in np.meshgrid((np.arange(180) + 0.5) * np.pi / 180, (np.arange(180) + 0.5) * 2, indexing="ij"))
        radius, length = self.shape.semi_axes(0.5)
        own = self.shape.points(np.full(len(phi), 0.5), phi, np.radians(angle))
        kept = self._below_base(own)
        cell = np.pi / 180 * np.radians(2)
        area = (cell * radius * np.sin(phi) * np.hypot(radius * np.cos(phi), length * np.sin(phi)))[kept]
        return self.perfusion_at(phi[kept], angle[kept]), area

    def extent(self, threshold: float) -> float:
        """% of the wall's area whose perfusion is below a share of the highest one; of it the 99th percentile, as is measured."""
        perfusion, area = self.surface
        return float(100 * area[perfusion < threshold * np.percentile(perfusion, 99)].sum() / area.sum())

    @cached_property
    def cavity_ml(self) -> float:
        """Volume of the cavity, by sums over a grid of a millimeter."""
        reach = np.array([self.shape.endo[0], self.shape.endo[0], self.shape.endo[1]])
        axes = [np.arange(-np.ceil(one), np.ceil(one) + 1) for one in reach]
        points = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
        return float(np.count_nonzero(self.in_cavity(points))) * 1e-3

    @staticmethod
    def _within(own: np.ndarray, axes: tuple[float, float]) -> np.ndarray:
        return (own[:, 0] ** 2 + own[:, 1] ** 2) / axes[0] ** 2 + own[:, 2] ** 2 / axes[1] ** 2 <= 1
