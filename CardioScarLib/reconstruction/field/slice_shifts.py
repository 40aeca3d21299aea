"""Breath-hold shifts as a source of uncertainty: how far slices appear displaced, and the effect on the map near each.

A fit hides shifts: it follows them, from slice to slice. Left-out slices do not: with shifts d, slice s seems displaced by
d_s - (d_(s-1) + d_(s+1)) / 2 against what its neighbors say, so that shifts of consecutive slices seem to alternate. What
gaps hide does not alternate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from CardioScarLib.core.evidence import Evidence
from CardioScarLib.geometry.operator import SliceOperator
from CardioScarLib.reconstruction.field.constants import FIELD
from CardioScarLib.reconstruction.field.objective import slice_plane


@dataclass(frozen=True, eq=False)
class SeemingShifts:
    """By slice number: shift that explains most of the residual, (3,) mm in the canonical frame, and its certainty, 1/mm^2."""

    vectors: dict[int, np.ndarray]
    certainty: dict[int, float]

    @property
    def variance(self) -> dict[int, float]:
        """mm^2 per in-plane direction."""
        return {number: float(vector @ vector) / 2 for number, vector in self.vectors.items()}

    @property
    def mean_variance(self) -> float:
        """mm^2 per in-plane direction, over slices, by certainty."""
        weights = list(self.certainty.values())
        return float(np.average(list(self.variance.values()), weights=weights)) if np.any(weights) else 0.0

    def joined(self, others: SeemingShifts) -> SeemingShifts:
        return SeemingShifts({**self.vectors, **others.vectors}, {**self.certainty, **others.certainty})


NO_SHIFTS = SeemingShifts({}, {})


def seeming_shifts(operator: SliceOperator, evidence: Evidence, average: np.ndarray, slope: np.ndarray) -> SeemingShifts:
    """average: (p,) of a field over the pixels; slope: (p, 3) its gradient, 1/mm.

    Too small for a correction, as the field has followed most of the shifts, but it distinguishes stacks with shifted slices from
    straight ones.
    """
    vectors, certainty = {}, {}
    for number in dict.fromkeys(operator.pixels.slices.tolist()):
        rows, directions = slice_plane(operator, number)
        change = slope[rows] @ directions
        weighted = change.T * evidence.weights[rows]
        precision = weighted @ change
        shift = np.linalg.solve(precision + FIELD.shift_prior * np.eye(2), weighted @ (average - evidence.values)[rows])
        vectors[number] = directions @ shift
        certainty[number] = float(min(np.trace(precision) / 2, FIELD.sure_slice))
    return SeemingShifts(vectors, certainty)


def alternation(left_out: SeemingShifts, operator: SliceOperator) -> dict[int, float]:
    """mm^2 per in-plane direction, by slice number: how much shifts of left-out slices alternate, beyond chance."""
    excess, weight = dict.fromkeys(left_out.vectors, 0.0), dict.fromkeys(left_out.vectors, 0.0)
    for group in operator.stack.parallel_groups():
        seen = [number for number in group if number in left_out.vectors]
        for one, next_one in zip(seen[:-1], seen[1:], strict=True):
            this, that = left_out.vectors[one], left_out.vectors[next_one]
            certainty = np.sqrt(left_out.certainty[one] * left_out.certainty[next_one])
            for number in (one, next_one):
                excess[number] -= certainty * float(this @ that / 2 + FIELD.chance * (this @ this + that @ that) / 4)
                weight[number] += certainty
    total = sum(weight.values())
    of_all = max(sum(excess.values()) / total, 0.0) if total else 0.0
    own = {number: max(excess[number], 0.0) / max(weight[number], 1e-9) for number in excess}
    mean = sum(own[number] * weight[number] for number in own) / max(total, 1e-9)
    return {number: of_all * (1 - FIELD.own_share + FIELD.own_share * one / max(mean, 1e-9)) for number, one in own.items()}


@dataclass(frozen=True, eq=False)
class SlicePlanes:
    """Planes that may be displaced in themselves, each as a whole and independent of the others.

    normals: (s, 3), heights: (s,), canonical frame, mm. directions: (s, 3, 2) orthonormal in each plane.
    displacement: (s,) standard deviation per direction, mm.
    """

    normals: np.ndarray
    heights: np.ndarray
    directions: np.ndarray
    displacement: np.ndarray

    def moves(self, points: np.ndarray, slope: np.ndarray) -> np.ndarray:
        """(n, 2 s) change of a field with (n, 3) slopes at points in the canonical frame, per standard deviation of each direction."""
        by_slice = self._near(points)[:, :, None] * np.einsum("nx,sxd->nsd", slope, self.directions)
        return by_slice.reshape(len(points), -1)

    def displacement_at(self, points: np.ndarray) -> np.ndarray:
        """(n,) mm per in-plane direction around points in the canonical frame."""
        return np.linalg.norm(self._near(points), axis=1)

    def _near(self, points: np.ndarray) -> np.ndarray:
        """(n, s) displacement of each slice, faded out with its distance; relative to the nearest, as all may be far."""
        squared = (points @ self.normals.T - self.heights) ** 2
        near = np.exp((squared.min(axis=1, initial=np.inf, keepdims=True) - squared) / (2 * FIELD.reach**2))
        return self.displacement * near / np.linalg.norm(near, axis=1, keepdims=True)


def slice_planes(operator: SliceOperator, of_fit: SeemingShifts, left_out: SeemingShifts) -> SlicePlanes:
    """Planes of the slices that were seen, displaced by what the fit leaves and by what left-out slices say."""
    numbers = list(of_fit.vectors)
    alternating, own, of_all = alternation(left_out, operator), of_fit.variance, of_fit.mean_variance
    normals = np.array([operator.frame.axes @ operator.stack.slices[number].normal for number in numbers]).reshape(-1, 3)
    centers = operator.frame.to_frame(np.array([operator.stack.slices[number].center for number in numbers]).reshape(-1, 3))
    variance = [
        FIELD.fit_gain**2 * ((1 - FIELD.own_share) * of_all + FIELD.own_share * own[number])
        + FIELD.left_out_gain**2 * alternating.get(number, 0.0)
        for number in numbers
    ]
    directions = np.array([_in_plane(normal) for normal in normals]).reshape(-1, 3, 2)
    return SlicePlanes(normals, np.sum(normals * centers, axis=1), directions, np.sqrt(variance))


def _in_plane(normal: np.ndarray) -> np.ndarray:
    """(3, 2) orthonormal columns that depend on the plane alone, not on how a file stores rows and columns."""
    axes = np.eye(3) - np.outer(normal, normal)  # the canonical axes, projected into the plane
    first, second = axes[:, np.argsort(np.round(np.abs(normal), 3), kind="stable")[:2]].T
    first = first / np.linalg.norm(first)
    second = second - (second @ first) * first
    return np.column_stack([first, second / np.linalg.norm(second)])
