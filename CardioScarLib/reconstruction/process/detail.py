"""The detail that slices show and a smooth process leaves out, kept where the slices are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial import cKDTree

from CardioScarLib.reconstruction.process.constants import PROCESS

NEAREST = 8
LENGTHS = np.array([PROCESS.detail_around, PROCESS.detail_around, PROCESS.detail_along, PROCESS.detail_through])
"""mm, of the columns of a chart."""
REACH = 2.5
"""Lengths beyond which no detail is known."""


@dataclass(frozen=True, eq=False)
class Detail:
    """places: (p, 4) of pixels on the chart, mm. left: (p,) what the process leaves of their values, in probability.
    unsure: (p,) variance of each pixel's own error over that of the detail."""

    places: np.ndarray
    left: np.ndarray
    unsure: np.ndarray

    @classmethod
    def of(cls, places: np.ndarray, left: np.ndarray, weights: np.ndarray, noise: float) -> Detail:
        """weights: (p,) of the pixels. noise: standard deviation of a pixel of weight 1, as if no other repeated any of it."""
        variance = max(float(np.average(left**2, weights=weights)), 1e-9)
        return cls(places, left, (PROCESS.unsure + noise**2 / variance) / np.maximum(weights, 1e-6))

    def at(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(n,) detail expected at places, and (n,) share of its variance that the pixels explain: simple kriging of the nearest pixels
        (Matheron 1963)."""
        expected, known = np.zeros(len(places)), np.zeros(len(places))
        count = min(NEAREST, len(self.left))
        distance, nearest = self._tree.query(places / LENGTHS, count, distance_upper_bound=REACH)
        distance, nearest = distance.reshape(-1, count), nearest.reshape(-1, count)
        some = np.flatnonzero(np.isfinite(distance[:, 0]))
        if not len(some):
            return expected, known
        found = np.isfinite(distance[some])  # fewer than asked where pixels are few
        near = np.minimum(nearest[some], len(self.left) - 1)
        towards = np.where(found, np.exp(-distance[some]), 0.0)
        points = self.places[near] / LENGTHS
        alike = np.exp(-np.linalg.norm(points[:, :, None] - points[:, None], axis=3))
        own = (self.unsure[near] + ~found)[:, :, None] * np.eye(count)
        between = np.where(found[:, :, None] & found[:, None], alike, 0.0) + own
        weights = np.linalg.solve(between, towards[:, :, None])[:, :, 0]
        expected[some] = np.sum(weights * self.left[near], axis=1)
        known[some] = np.clip(np.sum(weights * towards, axis=1), 0, 1)
        return expected, known

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.places / LENGTHS)
