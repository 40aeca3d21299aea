"""The long axis of a wall on a grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy.optimize import least_squares

from CardioScarLib.core.errors import BadStack

MOST_POINTS = 3000
LEAST_VOXELS = 50
NARROW = 0.35
"""Of the largest distance from the axis: the wall comes so near to it at the apex only."""
TOLERATED = 3.0
"""mm: places farther from the fitted surface pull less."""


@dataclass(frozen=True, eq=False)
class LongAxis:
    """center: (3,) a place on it, LPS mm. toward_base: (3,) its direction."""

    center: np.ndarray
    toward_base: np.ndarray


def long_axis(share: sitk.Image) -> LongAxis:
    """The axis around which the wall is most like an ellipsoid of revolution; a tilted base does not turn it.

    share: of each voxel that is wall. Raises BadStack for too few voxels.
    """
    values = sitk.GetArrayViewFromImage(share)
    index = np.argwhere(values >= 0.5)
    if len(index) < LEAST_VOXELS:
        raise BadStack(f"The wall has {len(index)} voxels; the long axis needs {LEAST_VOXELS} at least.")
    index = index[:: max(1, len(index) // MOST_POINTS)][:, ::-1].astype(float)
    steps = np.array(share.GetDirection()).reshape(3, 3) * np.array(share.GetSpacing())
    points = index @ steps.T + share.GetOrigin()
    middle = points.mean(axis=0)
    away = points - middle
    starts = np.linalg.svd(away, full_matrices=False)[2]
    fits = [least_squares(_misfit, np.zeros(4), args=(away, _frame(one)), loss="soft_l1", f_scale=TOLERATED) for one in starts]
    best = int(np.argmin([one.cost for one in fits]))
    place, axis = _moved(fits[best].x, _frame(starts[best]))
    radius, height = _cylindrical(away, place, axis)
    narrow = radius < NARROW * np.percentile(radius, 95)
    if narrow.any() and height[narrow].mean() > height.mean():
        axis = -axis
    return LongAxis(middle + place, axis)


def _misfit(moves: np.ndarray, points: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """(n,) mm from the ellipsoid of revolution around the moved axis that fits best: the squared radius is quadratic in the height."""
    radius, height = _cylindrical(points, *_moved(moves, frame))
    powers = np.column_stack([np.ones(len(height)), height, height**2])
    fitted = powers @ np.linalg.lstsq(powers, radius**2, rcond=None)[0]
    return radius - np.sqrt(np.maximum(fitted, 0))


def _moved(moves: np.ndarray, frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """moves: mm of the place along two directions across the axis, and slopes of the axis along them, in tenths."""
    axis = frame[2] + 0.1 * (moves[2] * frame[0] + moves[3] * frame[1])
    return moves[0] * frame[0] + moves[1] * frame[1], axis / np.linalg.norm(axis)


def _cylindrical(points: np.ndarray, place: np.ndarray, axis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    height = (points - place) @ axis
    return np.linalg.norm(points - place - height[:, None] * axis, axis=1), height


def _frame(axis: np.ndarray) -> np.ndarray:
    across = np.cross(axis, [1.0, 0.0, 0.0] if abs(axis[0]) < 0.9 else [0.0, 1.0, 0.0])
    across /= np.linalg.norm(across)
    return np.array([across, np.cross(axis, across), axis])
