"""The canonical frame in which everything is computed, derived from the case.

The same heart and slices must give the same map wherever the patient lay, and in whatever order
the file keeps rows, columns, slices and nodes. So every length, random frequency and tie-break
lives in axes derived from the wall and the pixels, not in those of the scanner.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from CardioScarLib.core.slices import Slice, SliceStack

SYMMETRIC = 1e-6
"""A wall whose third moment is less than this share of the absolute one has no longer tail."""


@dataclass(frozen=True, eq=False)
class CanonicalFrame:
    """origin: (3,) LPS mm. axes: (3, 3), unit vectors as rows; the third is the main slice normal."""

    origin: np.ndarray
    axes: np.ndarray

    def to_frame(self, points: np.ndarray) -> np.ndarray:
        """(n, 3) LPS mm -> (n, 3) mm in this frame."""
        return (np.asarray(points, dtype=np.float64) - self.origin) @ self.axes.T

    def from_frame(self, points: np.ndarray) -> np.ndarray:
        return np.asarray(points) @ self.axes + self.origin

    def sign(self, direction: np.ndarray) -> float:
        """+1 or -1: which way along a direction counts as up, however the file stores it."""
        return 1.0 if self.axes @ direction @ (0.80, 0.53, 0.27) > 0 else -1.0


def canonical_frame(stack: SliceStack, points: np.ndarray, measure: np.ndarray) -> CanonicalFrame:
    """Origin at the wall's centroid; third axis along the normal of the largest set of parallel slices,
    pointing where the wall has its longer tail (the apex of an LV), or towards the brighter end of the images
    where both are alike; first axis in the slice plane towards the brighter side of the images.

    points: (n, 3) LPS mm and measure: (n,) spread over the wall.
    """
    origin = measure @ points / measure.sum()
    group = [stack.slices[index] for index in _main_group(stack)]
    normal = group[0].normal
    normal = np.sum([one.normal * np.sign(one.normal @ normal) for one in group], axis=0)
    normal /= np.linalg.norm(normal)
    towards = _bright_center(group) - origin
    height = (points - origin) @ normal
    tail = measure @ height**3
    if abs(tail) < SYMMETRIC * (measure @ np.abs(height) ** 3):  # the sign of a tail of zero is rounding
        tail = towards @ normal
    if tail < 0:
        normal = -normal

    towards -= (towards @ normal) * normal
    if np.linalg.norm(towards) < 1e-6:  # a constant image: any fixed direction does
        towards = group[0].column_step - (group[0].column_step @ normal) * normal
    towards /= np.linalg.norm(towards)
    return CanonicalFrame(origin, np.array([towards, np.cross(normal, towards), normal]))


def _main_group(stack: SliceStack) -> list[int]:
    groups = stack.parallel_groups()
    largest = [group for group in groups if len(group) == len(groups[0])]
    return max(largest, key=lambda group: round(sum(float(np.abs(stack.slices[index].pixels).sum()) for index in group), 6))


def _bright_center(group: list[Slice]) -> np.ndarray:
    darkest = min(float(np.min(one.pixels, where=np.isfinite(one.pixels), initial=np.inf)) for one in group)
    total, center = 0.0, np.zeros(3)
    for one in group:
        brightness = np.where(np.isfinite(one.pixels), one.pixels - darkest, 0.0)
        by_row, by_column, mass = brightness.sum(axis=1), brightness.sum(axis=0), brightness.sum()
        center += (
            mass * one.origin + by_row @ np.arange(len(by_row)) * one.row_step + by_column @ np.arange(len(by_column)) * one.column_step
        )
        total += mass
    return center / total if total > 0 else np.mean([one.center for one in group], axis=0)
