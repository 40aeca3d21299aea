"""How well a function's slice averages match the evidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from CardioScarLib.core.evidence import Evidence
from CardioScarLib.geometry.operator import SliceOperator
from CardioScarLib.reconstruction.arrays import NUMPY, Array, Space
from CardioScarLib.reconstruction.field.fourier import SINGLE, FourierField
from CardioScarLib.reconstruction.field.noise import CutOffResidual

SQUARED_SCALE = 10.0
"""Brings the squared error to the size of the cross-entropy, so that one weight decay serves both."""


@dataclass(frozen=True)
class ShiftTolerance:
    """In-plane breath-hold shifts as a source of misfit, not as something to correct.

    A shift d of slice s changes its averages by about G_s d, with G_s the gradient of the averages in the plane.
    With d ~ N(0, spread^2) marginalized out, the part of the residual that a plausible shift of the whole slice
    explains costs little, so the field need not wind from slice to slice to follow it. No slice is moved.

    spread: mm per in-plane direction. noise: standard deviation of a pixel, in evidence units.
    """

    spread: float = 1.0
    noise: float = 0.04


class SliceObjective:
    """Loss and gradient over a function's weights, full batch, for one set of pixels.

    weights: (p,) of the pixels in the loss; those with zero (held out, or without evidence) take part in the averages only.
    noise: standard deviation of a pixel of weight 1, for the squared error. residual: (p,) of the last evaluation, less
    what tolerated shifts explain. space: in which the function is computed; all that has one number for a pixel stays in numpy.
    """

    def __init__(
        self,
        function: FourierField,
        operator: SliceOperator,
        evidence: Evidence,
        weights: np.ndarray,
        decay: float,
        noise: float,
        space: Space = NUMPY,
    ):
        self.function, self.decay, self.space = function, decay, space
        self.features = function.features(space.array(operator.points))
        self.matrix, self.transpose = (space.sparse(one, space.single) for one in (operator.matrix, operator.transpose))
        self.target = evidence.values.astype(SINGLE)
        self.total = float(weights.sum())
        self.weights = (weights / self.total).astype(SINGLE)
        block = space.block or len(self.features)
        self._blocks = [slice(start, start + block) for start in range(0, len(self.features), block)]
        self._planes = [slice_plane(operator, number) for number in np.unique(operator.pixels.slices)]
        self._shifts: list[tuple] = []
        self._cut_off = CutOffResidual(evidence, noise)
        self.residual = np.zeros(len(self.target))

    def cross_entropy(self, weights: np.ndarray) -> tuple[float, np.ndarray]:
        """Mean cross-entropy of the averages: finds small scars where a squared error through a sigmoid loses them."""
        states, field, average = self._average(weights)
        inner = np.clip(average, 1e-6, 1 - 1e-6)
        loss = -np.sum(self.weights * (self.target * np.log(inner) + (1 - self.target) * np.log1p(-inner)), dtype=np.float64)
        return self._with_gradient(loss, self.weights * (inner - self.target) / (inner * (1 - inner)), weights, states, field)

    def squared_error(self, weights: np.ndarray) -> tuple[float, np.ndarray]:
        """Weighted mean squared residual, less what tolerated shifts explain."""
        states, field, average = self._average(weights)
        residual, slope = self._cut_off(average)
        self.residual = self._unexplained(residual)
        pull = SQUARED_SCALE * self.weights * self.residual
        return self._with_gradient(float(np.sum(pull * residual, dtype=np.float64)), 2 * pull * slope, weights, states, field)

    def tolerate(self, weights: np.ndarray, tolerance: ShiftTolerance) -> None:
        """From now on, tolerate in-plane shifts around the field with these weights."""
        logit, slope = self.function.spatial_gradient(weights, self.features)
        field = self.space.sigmoid(logit)
        slopes = self.space.numpy(self.matrix @ (slope * (field * (1 - field))[:, None]))
        self._shifts = []
        for rows, directions in self._planes:
            change = (slopes[rows] @ directions).astype(np.float64)
            weighted = self.total * self.weights[rows, None] * change
            precision = change.T @ weighted + np.eye(2) * (tolerance.noise / tolerance.spread) ** 2
            self._shifts.append((rows, change, np.linalg.solve(precision, weighted.T)))

    def _unexplained(self, residual: np.ndarray) -> np.ndarray:
        left = residual.copy()
        for rows, change, to_shift in self._shifts:
            left[rows] -= change @ (to_shift @ residual[rows])
        return left

    def _average(self, weights: np.ndarray):
        parts = [self.space.array(one) for one in self.function.unpack(weights)]
        logits, states = zip(*(self.function.forward(parts, self.features[where]) for where in self._blocks), strict=True)
        field = self.space.sigmoid(self.space.concatenate(logits))
        average = self.space.numpy(self.matrix @ field)
        self.residual = average - self.target
        return states, field, average

    def _with_gradient(self, loss: float, pull: np.ndarray, weights: np.ndarray, states, field: Array) -> tuple[float, np.ndarray]:
        slope = (self.transpose @ self.space.array(pull, self.space.single)) * field * (1 - field)
        gradient = sum(self.function.backward(state, slope[where]) for state, where in zip(states, self._blocks, strict=True))
        return loss + self.decay * float(weights @ weights), self.space.numpy(gradient) + 2 * self.decay * weights


def slice_plane(operator: SliceOperator, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of a slice, and its two in-plane directions in the canonical frame as columns."""
    one = operator.stack.slices[number]
    directions = [operator.frame.axes @ step / np.linalg.norm(step) for step in (one.row_step, one.column_step)]
    return np.flatnonzero(operator.pixels.slices == number), np.column_stack(directions).astype(SINGLE)
