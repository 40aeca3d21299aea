"""From closed curves in parallel planes to one smooth level set: shape-based interpolation along the stack.

Between slices the field d (d + 2 R) is interpolated, where d is the signed distance in the plane from a slice's curve
and R the radius of the circle with its area. For a circle that is r^2 - R^2, and for a stack of sections of an
ellipsoid it is a quadratic of z, so that a cubic spline finds the ellipsoid itself, where plain distances
(Raya & Udupa, IEEE TMI 9:32-42, 1990) flatten it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.spatial import cKDTree

SAMPLING = 0.25
"""mm between the points of a curve to which distances are first sought."""
END_SLICES = 4
"""Number of slices at an end of the stack that determine how the surface continues there."""
THICKEST = 8.5
"""mm: no wall is thickened beyond that (1.6 times the largest edge length)."""
FAR = 12.0
"""mm: distances are cut off here; only their sign matters so far from the surface."""


@dataclass(frozen=True, eq=False)
class Curves:
    """Closed curves of one surface. heights: (k,) mm along the normal, increasing. points: per curve (n, 2) mm."""

    heights: np.ndarray
    points: Sequence[np.ndarray]

    @property
    def radii(self) -> np.ndarray:
        """(k,) of the circles with the same areas, mm."""
        return np.sqrt([enclosed_area(one) / np.pi for one in self.points])


def enclosed_area(curve: np.ndarray) -> float:
    """Of a closed (n, 2) curve."""
    x, y = (curve - curve.mean(axis=0)).T
    return 0.5 * abs(float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))))


def inside_curve(curve: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(m,) whether (m, 2) points lie inside a closed (n, 2) curve, by counting crossings."""
    start, end = curve, np.roll(curve, -1, axis=0)
    inside = np.zeros(len(points), dtype=bool)
    for (x0, y0), (x1, y1) in zip(start, end, strict=True):
        if y0 != y1:
            crossed = (points[:, 1] >= min(y0, y1)) & (points[:, 1] < max(y0, y1))
            inside[crossed] ^= points[crossed, 0] < x0 + (points[crossed, 1] - y0) * (x1 - x0) / (y1 - y0)
    return inside


def signed_distance(curve: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(m,) distance of (m, 2) points from a closed (n, 2) curve, negative inside, in its unit (mm)."""
    steps = np.roll(curve, -1, axis=0) - curve
    parts = np.maximum(1, np.ceil(np.linalg.norm(steps, axis=1) / SAMPLING).astype(int))
    segment = np.repeat(np.arange(len(curve)), parts)
    along = (np.arange(len(segment)) - np.repeat(np.cumsum(parts) - parts, parts)) / parts[segment]
    samples = curve[segment] + along[:, None] * steps[segment]
    nearest = cKDTree(samples).query(points)[1]
    best = np.full(len(points), np.inf)
    for other in (-1, 0):  # the two pieces that meet at the nearest sample
        first, second = samples[(nearest + other) % len(samples)], samples[(nearest + other + 1) % len(samples)]
        piece = second - first
        length = np.einsum("ij,ij->i", piece, piece)
        share = np.divide(np.einsum("ij,ij->i", points - first, piece), length, out=np.zeros(len(points)), where=length > 0)
        gap = points - first - np.clip(share, 0, 1)[:, None] * piece
        best = np.minimum(best, np.einsum("ij,ij->i", gap, gap))
    return np.where(inside_curve(curve, points), -1.0, 1.0) * np.sqrt(best)


def squared_fields(curves: Curves, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(k, y, x) d (d + 2 R) of every curve, mm^2, on the grid of coordinates x and y."""
    grid = np.stack(np.meshgrid(x, y, indexing="xy"), -1).reshape(-1, 2)
    fields = []
    for curve, radius in zip(curves.points, curves.radii, strict=True):
        distance = signed_distance(curve, grid)
        fields.append((distance * (distance + 2 * radius)).reshape(len(y), len(x)))
    return np.array(fields)


def level_set(curves: Curves, reach: float, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """(z, y, x) distance from the surface through the curves, mm, negative inside; the apex is at the low end of z.

    reach: how far below the lowest curve the surface closes, mm; it does so as half an ellipsoid that continues
        the curves' own slope and drift. Above the highest curve the surface continues straight.
    """
    fields = squared_fields(curves, x, y)
    heights = curves.heights
    squared = curves.radii**2
    inside_last = fields[0] < 0
    if len(heights) > 1:
        (low, drift), (high, _) = (_smooth(_slope(heights, fields, end), fields[end], x, y) for end in (0, -1))
        rate = float(-np.mean(low[inside_last])) if inside_last.any() else 0.0
        spline = CubicSpline(heights, fields, axis=0, bc_type=((1, low), (1, high)))
        between = np.clip(z, heights[0], heights[-1])
        values = spline(between)
    else:
        low = high = np.zeros_like(fields[0])
        rate = drift = 0.0
        values = np.repeat(fields, len(z), axis=0)
    above = np.maximum(z - heights[-1], 0)[:, None, None]
    below = np.maximum(heights[0] - z, 0)[:, None, None]
    # R^2 - rate t - curvature t^2 is zero at the tip, and (x - drift t)^2 has a part with t^2 as well
    curvature = max(0.0, (squared[0] - rate * reach) / reach**2) + drift**2
    values = values + above * high - below * low + below**2 * curvature
    return _as_distance(values, x, y, z)


def closing_reach(curves: Curves) -> float:
    """mm below the lowest curve at which the surface would close unaided: the root of the parabola of R^2 through the
    lowest curves; half an ellipsoid as long as wide where that is undefined."""
    squared, heights = curves.radii**2, curves.heights
    radius = float(np.sqrt(squared[0]))
    if len(heights) < 2:
        return radius
    count = min(END_SLICES, len(heights))
    offset = heights[:count] - heights[0]
    if count > 2:
        curvature, rate, _ = np.polyfit(offset, squared[:count], 2, w=1 / (1 + np.arange(count)))
    else:
        curvature, rate = 0.0, float(np.diff(squared[:2])[0] / offset[1])
    curvature = min(0.0, curvature)
    if count > 2 and curvature == 0.0:
        rate = float(np.polyfit(offset, squared[:count], 1, w=1 / (1 + np.arange(count)))[0])
    # R^2 - rate t + curvature t^2 = 0 for t below the last curve
    root = np.sqrt(rate**2 - 4 * curvature * squared[0])
    return float(2 * squared[0] / (rate + root)) if rate + root > 0 else radius


def _slope(heights: np.ndarray, fields: np.ndarray, end: int) -> np.ndarray:
    """(y, x) derivative along z at an end: of the parabola that fits the slices there."""
    count = min(END_SLICES, len(heights))
    chosen = slice(0, count) if end == 0 else slice(len(heights) - count, None)
    offset = heights[chosen] - heights[end]
    design = np.vander(offset, min(3, count), increasing=True)
    return np.tensordot(np.linalg.pinv(design)[1], fields[chosen], axes=1)


def _smooth(slope: np.ndarray, field: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
    """The slope as growth plus drift, a + b x + c y, as it is within the curve, and how fast the curve drifts, mm per mm.

    It must hold for places further in, where the surface closes.
    """
    near = field < np.quantile(field, 0.02) if not np.any(field < 0) else field < 0
    columns, rows = np.meshgrid(x, y, indexing="xy")
    design = np.column_stack([np.ones(near.sum()), columns[near], rows[near]])
    found = np.linalg.lstsq(design, slope[near], rcond=None)[0]
    return found[0] + found[1] * columns + found[2] * rows, 0.5 * float(np.hypot(found[1], found[2]))


def _as_distance(values: np.ndarray, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """From r^2 - R^2 to r - R, with half the gradient for r: a distance to second order."""
    half = 0.5 * np.sqrt(sum(part**2 for part in np.gradient(values, z, y, x)))
    return np.clip(values / np.maximum(half + np.sqrt(np.maximum(half**2 - values, 0.0)), 1.0), -FAR, FAR)


def depth_inside(level: np.ndarray, near: np.ndarray, spacing: float) -> np.ndarray:
    """(z, y, x) mm from points inside a level set to its surface, where near up to THICKEST; negative outside.

    near: bool, where it must be a true distance, also next to notches and folds: by the closest crossing of the
    grid's lines. Elsewhere it is that of `level`.
    """
    crossings = []
    for axis in range(3):
        here, there = (np.moveaxis(level, axis, 0)[part] for part in (slice(None, -1), slice(1, None)))
        place = np.argwhere((here < 0) != (there < 0))
        low, high = here[tuple(place.T)], there[tuple(place.T)]
        place = place.astype(np.float64)
        place[:, 0] += low / (low - high)
        crossings.append(place[:, {0: [0, 1, 2], 1: [1, 0, 2], 2: [1, 2, 0]}[axis]])
    inside = np.argwhere(near & (level < 0))
    depth = -level
    if len(inside):
        distance = cKDTree(np.vstack(crossings)).query(inside, eps=0.05, distance_upper_bound=THICKEST / spacing)[0]
        depth[tuple(inside.T)] = np.minimum(spacing * distance, THICKEST)
    return depth
