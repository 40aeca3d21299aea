"""How far a field may be off, and where: what a posterior's draws are scaled by.

Constants are measured, see docs/measurements/uncertainty.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from CardioScarLib.core.evidence import Evidence
from CardioScarLib.geometry.operator import SliceOperator
from CardioScarLib.geometry.quadrature import ANCHOR_SPACING
from CardioScarLib.reconstruction.arrays import sigmoid
from CardioScarLib.reconstruction.field.constants import FIELD
from CardioScarLib.reconstruction.field.fourier import SINGLE
from CardioScarLib.reconstruction.field.member import Member
from CardioScarLib.reconstruction.field.slice_shifts import NO_SHIFTS, SeemingShifts, SlicePlanes, seeming_shifts, slice_planes

NEIGHBORS = 8


@dataclass(frozen=True, eq=False)
class Spread:
    """Where a field is uncertain, as a function of place.

    anchors: (k, 3) points of the wall, canonical frame, mm. disagreement: (k,) RMS difference of the members from their
    mean around each, in probability. sharpness: of borders, mean |gradient| over mean p (1 - p), 1/mm.
    shift: mm per in-plane direction by which slices seem displaced against the field, RMS. planes: of the slices, with
    how far each may really be displaced. noise: of a pixel, or of a blob of pixels that repeat it.
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
        doubt = FIELD.blur + (self.disagreement_at(points) if len(self.anchors) else FIELD.lone_disagreement)
        torn = FIELD.torn * self.planes.displacement_at(points)
        return self.factor * self.sharpness * np.hypot(FIELD.gain * doubt, torn)

    def disagreement_at(self, points: np.ndarray) -> np.ndarray:
        """(n,) of the members around points in the canonical frame; only where there are several."""
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
        return float(np.hypot(self.factor * FIELD.offset_gain * self.noise, FIELD.shift_offset * self.displacement))


def find_spread(
    members: list[Member],
    shares: np.ndarray,
    operator: SliceOperator,
    evidence: Evidence,
    noise: float,
    left_out: SeemingShifts = NO_SHIFTS,
) -> Spread:
    """From the members and what they leave unexplained.

    shares: (m,) of each member in the mean. noise: see `Spread`. left_out: shifts of slices against the others' prediction.
    """
    field, slope = np.zeros(len(operator.points), dtype=SINGLE), np.zeros((len(operator.points), 3), dtype=SINGLE)
    for share, one in zip(shares.astype(SINGLE), members, strict=True):
        logit, gradient = one.function.spatial_gradient(one.weights, one.function.features(operator.points))
        probability = sigmoid(logit)
        field += share * probability
        slope += share * (probability * (1 - probability))[:, None] * gradient
    sharpness = float(np.linalg.norm(slope, axis=1).mean() / max(np.mean(field * (1 - field)), 1e-9))
    of_fit = seeming_shifts(operator, evidence, operator.matrix @ field, operator.matrix @ slope)
    shift, planes = np.sqrt(of_fit.mean_variance), slice_planes(operator, of_fit, left_out)
    if len(members) < 2:
        return Spread(np.empty((0, 3)), np.empty(0), sharpness, float(shift), planes, noise)
    fields = np.array([one.function.field(one.weights, operator.anchors) for one in members], dtype=np.float64)
    variance = shares @ (fields - shares @ fields) ** 2
    return Spread(operator.anchors, np.sqrt(_smoothed(variance, operator.anchors)), sharpness, float(shift), planes, noise)


def _smoothed(values: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(k,) means over the points around each, with Gaussian weights."""
    smooth = np.empty(len(values))
    tree = cKDTree(points)
    for number, near in enumerate(tree.query_ball_point(points, 3 * FIELD.smoothing)):
        weight = np.exp(-0.5 * np.sum((points[near] - points[number]) ** 2, axis=1) / FIELD.smoothing**2)
        smooth[number] = weight @ values[near] / weight.sum()
    return smooth
