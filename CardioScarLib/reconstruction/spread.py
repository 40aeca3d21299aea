"""How far a field may be off, and where: what a posterior's draws are scaled by. Constants are measured, see docs/method.md."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from CardioScarLib.evidence.evidence import Evidence
from CardioScarLib.geometry.quadrature import ANCHOR_SPACING
from CardioScarLib.reconstruction.fit_network import FittedNetwork
from CardioScarLib.reconstruction.network import SINGLE, sigmoid
from CardioScarLib.reconstruction.objective import slice_plane
from CardioScarLib.reconstruction.operator import SliceOperator

GAIN = 7.5
"""mm of a border's place per unit of disagreement: networks that share their data also share part of their errors."""
BLUR = 0.006
"""What networks that agree still miss, as a disagreement."""
OFFSET_GAIN = 0.5
"""Standard deviation of an offset of all logits per unit of pixel noise: noise that is cut off at 0 and 1 leaves a little lift."""
LONE_DISAGREEMENT = 0.08
"""Of a single network, which has nobody to disagree with."""
SHIFT_GAIN = 1.8
"""A fit follows part of every shift of a slice; what it leaves is less than what there was."""
SHIFT_PRIOR = 0.3
"""1/mm^2, against the summed squared slopes of a slice's pixels: slices with little border say little about their shift."""
SURE_SLICE = 3.0
"""1/mm^2: slices with more border than this count alike."""
SMOOTHING = 4.0
"""mm: over which disagreement is averaged; pointwise it says little from three or four networks."""
NEIGHBORS = 8


@dataclass(frozen=True, eq=False)
class Spread:
    """Where a field is uncertain, as a function of place.

    anchors: (k, 3) points of the wall, canonical frame, mm. disagreement: (k,) RMS difference of the networks from their
    mean around each, in probability. sharpness: of borders, mean |gradient| over mean p (1 - p), 1/mm.
    shift: mm per in-plane direction by which slices seem displaced against the field, RMS. noise: of a pixel.
    factor: on all of it, from a recalibration on this very stack.
    """

    anchors: np.ndarray
    disagreement: np.ndarray
    sharpness: float
    shift: float
    noise: float
    factor: float = 1.0

    def logit_scale(self, points: np.ndarray) -> np.ndarray:
        """(n,) standard deviation of the logit at (n, 3) points in the canonical frame, apart from slice shifts."""
        if not len(self.anchors):
            return np.full(len(points), self.factor * GAIN * self.sharpness * (BLUR + LONE_DISAGREEMENT))
        distance, nearest = cKDTree(self.anchors).query(points, min(NEIGHBORS, len(self.anchors)))
        distance, nearest = distance.reshape(len(points), -1), nearest.reshape(len(points), -1)
        near = np.exp(-2 * (distance**2 - distance[:, :1] ** 2) / ANCHOR_SPACING**2)  # relative: all may be far
        around = np.sqrt(np.sum(near * self.disagreement[nearest] ** 2, axis=1) / near.sum(axis=1))
        return self.factor * GAIN * self.sharpness * (BLUR + around)

    @property
    def displacement(self) -> float:
        """mm, standard deviation per in-plane direction of what slice shifts do to borders."""
        return self.factor * SHIFT_GAIN * self.shift

    @property
    def offset(self) -> float:
        """Standard deviation of what all logits have in common."""
        return self.factor * OFFSET_GAIN * self.noise


def find_spread(members: list[FittedNetwork], shares: np.ndarray, operator: SliceOperator, evidence: Evidence, noise: float) -> Spread:
    """From the networks and what they leave unexplained. shares: (m,) of each network in the mean. noise: of a pixel."""
    field, slope = np.zeros(len(operator.points), dtype=SINGLE), np.zeros((len(operator.points), 3), dtype=SINGLE)
    for share, one in zip(shares.astype(SINGLE), members, strict=True):
        logit, gradient = one.network.spatial_gradient(one.weights, one.network.features(operator.points))
        probability = sigmoid(logit)
        field += share * probability
        slope += share * (probability * (1 - probability))[:, None] * gradient
    sharpness = float(np.linalg.norm(slope, axis=1).mean() / max(np.mean(field * (1 - field)), 1e-9))
    shift = _slice_shift(operator, evidence, operator.matrix @ field, operator.matrix @ slope)
    if len(members) < 2:
        return Spread(np.empty((0, 3)), np.empty(0), sharpness, shift, noise)
    fields = np.array([one.network.field(one.weights, operator.anchors) for one in members], dtype=np.float64)
    variance = shares @ (fields - shares @ fields) ** 2
    return Spread(operator.anchors, np.sqrt(_smoothed(variance, operator.anchors)), sharpness, shift, noise)


def _slice_shift(operator: SliceOperator, evidence: Evidence, average: np.ndarray, slope: np.ndarray) -> float:
    """RMS over slices and in-plane directions of the shift that explains most of a slice's residual, mm.

    average: (p,) of the field over the pixels; slope: (p, 3) its gradient, 1/mm. Too small for a correction, as the
    field has followed most of the shift, but it tells stacks with shifted slices from straight ones.
    """
    squares, certainty = [], []
    for number in np.unique(operator.pixels.slices):
        rows, directions = slice_plane(operator, number)
        change = slope[rows] @ directions
        weighted = change.T * evidence.weights[rows]
        precision = weighted @ change
        shift = np.linalg.solve(precision + SHIFT_PRIOR * np.eye(2), weighted @ (average - evidence.values)[rows])
        squares.append(shift @ shift / 2)
        certainty.append(min(np.trace(precision) / 2, SURE_SLICE))
    return float(np.sqrt(np.average(squares, weights=certainty))) if np.any(certainty) else 0.0


def _smoothed(values: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(k,) means over the points around each, with Gaussian weights."""
    smooth = np.empty(len(values))
    tree = cKDTree(points)
    for number, near in enumerate(tree.query_ball_point(points, 3 * SMOOTHING)):
        weight = np.exp(-0.5 * np.sum((points[near] - points[number]) ** 2, axis=1) / SMOOTHING**2)
        smooth[number] = weight @ values[near] / weight.sum()
    return smooth
