"""How far a field may be off, and where: what a posterior's draws are scaled by.

Constants are measured, see docs/measurements/uncertainty.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from CardioScarLib.evidence.evidence import Evidence
from CardioScarLib.geometry.quadrature import ANCHOR_SPACING
from CardioScarLib.reconstruction.fit_network import FittedNetwork
from CardioScarLib.reconstruction.network import SINGLE, sigmoid
from CardioScarLib.reconstruction.operator import SliceOperator
from CardioScarLib.reconstruction.slice_shifts import NO_SHIFTS, SeemingShifts, SlicePlanes, seeming_shifts, slice_planes

GAIN = 23.0
"""mm of a border's place per unit of disagreement: networks that share their data also share part of their errors."""
BLUR = 0.006
"""What networks that agree still miss, as a disagreement."""
OFFSET_GAIN = 2.0
"""Standard deviation of an offset of all logits per unit of pixel noise: noise that is cut off at 0 and 1 leaves a little lift."""
SHIFT_OFFSET = 0.45
"""The same per mm that slices may be displaced: shifts bring tissue into view and out of it."""
TORN = 1.5
"""Of displaced slices' share in the noise: their borders are torn in all directions, not only displaced in the plane."""
LONE_DISAGREEMENT = 0.08
"""Of a single network, which has nobody to disagree with."""
SMOOTHING = 4.0
"""mm: over which disagreement is averaged; pointwise it says little from three or four networks."""
NEIGHBORS = 8


@dataclass(frozen=True, eq=False)
class Spread:
    """Where a field is uncertain, as a function of place.

    anchors: (k, 3) points of the wall, canonical frame, mm. disagreement: (k,) RMS difference of the networks from their
    mean around each, in probability. sharpness: of borders, mean |gradient| over mean p (1 - p), 1/mm.
    shift: mm per in-plane direction by which slices seem displaced against the field, RMS. planes: of the slices, with
    how far each may really be displaced. noise: of a pixel.
    factor: on all of it, from a recalibration on this very stack.
    """

    anchors: np.ndarray
    disagreement: np.ndarray
    sharpness: float
    shift: float
    planes: SlicePlanes
    noise: float
    factor: float = 1.0

    def logit_scale(self, points: np.ndarray) -> np.ndarray:
        """(n,) standard deviation of the logit at (n, 3) points in the canonical frame, apart from slice shifts."""
        doubt = BLUR + (self._around(points) if len(self.anchors) else LONE_DISAGREEMENT)
        torn = TORN * self.planes.displacement_at(points)
        return self.factor * self.sharpness * np.hypot(GAIN * doubt, torn)

    def _around(self, points: np.ndarray) -> np.ndarray:
        """(n,) disagreement around points."""
        distance, nearest = cKDTree(self.anchors).query(points, min(NEIGHBORS, len(self.anchors)))
        distance, nearest = distance.reshape(len(points), -1), nearest.reshape(len(points), -1)
        near = np.exp(-2 * (distance**2 - distance[:, :1] ** 2) / ANCHOR_SPACING**2)  # relative: all may be far
        return np.sqrt(np.sum(near * self.disagreement[nearest] ** 2, axis=1) / near.sum(axis=1))

    def moves(self, points: np.ndarray, slope: np.ndarray) -> np.ndarray:
        """(n, m) what m independent displacements of slices do to a field with (n, 3) slopes; canonical frame."""
        return self.factor * self.planes.moves(points, slope)

    @property
    def displacement(self) -> float:
        """mm, standard deviation per in-plane direction by which slices may be displaced, RMS over the slices."""
        return self.factor * float(np.sqrt(np.mean(self.planes.displacement**2))) if len(self.planes.displacement) else 0.0

    @property
    def offset(self) -> float:
        """Standard deviation of what all logits have in common."""
        return float(np.hypot(self.factor * OFFSET_GAIN * self.noise, SHIFT_OFFSET * self.displacement))


def find_spread(
    members: list[FittedNetwork],
    shares: np.ndarray,
    operator: SliceOperator,
    evidence: Evidence,
    noise: float,
    left_out: SeemingShifts = NO_SHIFTS,
) -> Spread:
    """From the networks and what they leave unexplained.

    shares: (m,) of each network in the mean. noise: of a pixel. left_out: shifts of slices against the others' prediction.
    """
    field, slope = np.zeros(len(operator.points), dtype=SINGLE), np.zeros((len(operator.points), 3), dtype=SINGLE)
    for share, one in zip(shares.astype(SINGLE), members, strict=True):
        logit, gradient = one.network.spatial_gradient(one.weights, one.network.features(operator.points))
        probability = sigmoid(logit)
        field += share * probability
        slope += share * (probability * (1 - probability))[:, None] * gradient
    sharpness = float(np.linalg.norm(slope, axis=1).mean() / max(np.mean(field * (1 - field)), 1e-9))
    of_fit = seeming_shifts(operator, evidence, operator.matrix @ field, operator.matrix @ slope)
    shift, planes = np.sqrt(of_fit.mean_variance), slice_planes(operator, of_fit, left_out)
    if len(members) < 2:
        return Spread(np.empty((0, 3)), np.empty(0), sharpness, float(shift), planes, noise)
    fields = np.array([one.network.field(one.weights, operator.anchors) for one in members], dtype=np.float64)
    variance = shares @ (fields - shares @ fields) ** 2
    return Spread(operator.anchors, np.sqrt(_smoothed(variance, operator.anchors)), sharpness, float(shift), planes, noise)


def _smoothed(values: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(k,) means over the points around each, with Gaussian weights."""
    smooth = np.empty(len(values))
    tree = cKDTree(points)
    for number, near in enumerate(tree.query_ball_point(points, 3 * SMOOTHING)):
        weight = np.exp(-0.5 * np.sum((points[near] - points[number]) ** 2, axis=1) / SMOOTHING**2)
        smooth[number] = weight @ values[near] / weight.sum()
    return smooth
