"""The preview: one layer of random features, fitted by Gauss-Newton in well under a second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg
from scipy.special import logit

from CardioScarLib.core.evidence import Evidence
from CardioScarLib.geometry.operator import SliceOperator
from CardioScarLib.reconstruction.arrays import sigmoid
from CardioScarLib.reconstruction.field.fourier import SINGLE, FourierField
from CardioScarLib.reconstruction.field.member import Member
from CardioScarLib.reconstruction.field.noise import CutOffResidual

TRIALS = 5
"""Dampings tried before a step is given up."""


@dataclass(frozen=True)
class PreviewPlan:
    """frequencies: random ones, each a cosine and a sine. length: mm. ridge: on weights, per pixel. steps: of Gauss-Newton.
    damping: of the first step, relative to the curvature."""

    frequencies: int = 160
    length: float = 7.0
    ridge: float = 5e-6
    steps: int = 7
    damping: float = 1e-2


def fit_preview(operator: SliceOperator, evidence: Evidence, plan: PreviewPlan, seed: int, noise: float) -> Member:
    """Least squares of sigmoid(features @ w) averaged over the pixels, with a ridge, by Levenberg's damped Gauss-Newton steps.

    noise: standard deviation of a pixel of weight 1.
    """
    function = FourierField.drawn(plan.frequencies, plan.length, (), seed)
    features = np.column_stack([function.features(operator.points), np.ones(len(operator.points), dtype=SINGLE)])
    matrix, cut_off = operator.matrix.astype(SINGLE), CutOffResidual(evidence, noise)
    share = evidence.weights / evidence.weights.sum()
    weights = np.zeros(features.shape[1])
    weights[-1] = logit(np.clip(share @ evidence.values, 0.01, 0.99))
    ridge = np.full(len(weights), plan.ridge)
    ridge[-1] = 0.0

    def look(trial):
        field = sigmoid(features @ trial.astype(SINGLE))
        residual, slope = cut_off(matrix @ field)
        return float(share @ residual**2 + ridge @ trial**2), field, residual, slope

    loss, field, residual, slope = look(weights)
    damping = plan.damping
    for _ in range(plan.steps):
        jacobian = (matrix @ (features * (field * (1 - field))[:, None])) * slope[:, None]
        weighted = jacobian * share[:, None].astype(SINGLE)
        normal = (jacobian.T @ weighted).astype(np.float64)
        normal[np.diag_indices_from(normal)] += ridge + 1e-9
        downhill = weighted.T.astype(np.float64) @ residual + ridge * weights
        for _ in range(TRIALS):
            damped = normal + np.diag(damping * np.diag(normal))
            trial = weights - linalg.solve(damped, downhill, assume_a="pos")
            trial_loss, *trial_state = look(trial)
            if trial_loss < loss:
                weights, loss, (field, residual, slope) = trial, trial_loss, trial_state
                damping *= 0.2
                break
            damping = max(10 * damping, 1e-3)
        else:
            break
    return Member(function, weights, float(np.sqrt(share @ residual**2)), plan.steps, False)
