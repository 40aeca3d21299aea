"""Fitting one Fourier-feature function: second order, full batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import logit

from CardioScarLib.core.evidence import Evidence
from CardioScarLib.geometry.operator import SliceOperator
from CardioScarLib.reconstruction.arrays import NUMPY, Space, sigmoid
from CardioScarLib.reconstruction.field.fourier import FourierField
from CardioScarLib.reconstruction.field.objective import ShiftTolerance, SliceObjective


@dataclass(frozen=True)
class MemberPlan:
    """Size and effort of the fit of a member; the values are measured in docs/measurements/field.md.

    length: scale of the random features, mm. entropy, squared: L-BFGS evaluations with cross-entropy, then with the
    squared error. decay: of the weights. held_out: share of pixels kept aside to stop on. patience: iterations
    without a better held-out error before a stage ends.
    """

    frequencies: int = 48
    widths: tuple[int, ...] = (32, 32)
    length: float = 13.0
    entropy: int = 40
    squared: int = 80
    decay: float = 1e-6
    held_out: float = 0.04
    patience: int = 40


@dataclass(frozen=True, eq=False)
class Member:
    """residual: weighted RMS over the pixels it was fitted to. evaluations: of the loss. held_out_stop: stopped by held-out pixels."""

    function: FourierField
    weights: np.ndarray
    residual: float
    evaluations: int
    held_out_stop: bool

    def field(self, points: np.ndarray) -> np.ndarray:
        """(n,) at points in the canonical frame."""
        return self.function.field(self.weights, points)

    def slice_averages(self, operator: SliceOperator) -> tuple[np.ndarray, np.ndarray]:
        """(p,) averages of the field over the pixels, and (p, 3) their gradients, 1/mm."""
        logit, slope = self.function.spatial_gradient(self.weights, self.function.features(operator.points))
        field = sigmoid(logit)
        return operator.matrix @ field, operator.matrix @ (slope * (field * (1 - field))[:, None])


class _Stop(Exception):
    """Ends an L-BFGS stage from its callback."""


def fit_member(
    operator: SliceOperator,
    evidence: Evidence,
    plan: MemberPlan,
    seed: int,
    noise: float,
    tolerance: ShiftTolerance | None = None,
    watch: Callable[[np.ndarray], None] = lambda weights: None,
    space: Space = NUMPY,
) -> Member:
    """Cross-entropy first, squared error after; with a tolerance, the squared error forgives in-plane shifts.

    noise: standard deviation of a pixel of weight 1. watch: called with the weights after every iteration; may raise to
    end the run. space: to compute in. The same seed gives the same member.
    """
    function = FourierField.drawn(plan.frequencies, plan.length, plan.widths, seed)
    aside = np.random.default_rng([seed, 2]).random(len(evidence.values)) < plan.held_out
    counted = np.where(aside, 0.0, evidence.weights)
    objective = SliceObjective(function, operator, evidence, counted, plan.decay, noise, space)
    start = float(logit(np.clip(np.average(evidence.values, weights=evidence.weights), 0.01, 0.99)))
    weights = function.initial(seed, start)
    aside_weights = np.where(aside, evidence.weights, 0.0)

    evaluations, stopped = 0, False
    stages = [(objective.cross_entropy, plan.entropy)]
    stages += [(objective.squared_error, plan.squared)] if tolerance is None else 2 * [(objective.squared_error, plan.squared // 2)]
    for number, (loss, limit) in enumerate(stages):
        if tolerance is not None and number:
            objective.tolerate(weights, tolerance)
        weights, used, stopped = _minimize(objective, loss, weights, limit, aside_weights, plan.patience, watch)
        evaluations += used
    loss(weights)
    residual = float(np.sqrt(np.average(objective.residual**2, weights=counted)))
    return Member(function, weights, residual, evaluations, stopped)


def _minimize(objective: SliceObjective, loss, weights, limit: int, aside_weights, patience: int, watch) -> tuple[np.ndarray, int, bool]:
    """One L-BFGS stage; ends early, with the best weights, when the held-out pixels get worse."""
    used, since_best = 0, 0
    best_error, best = np.inf, weights

    def counted_loss(trial):
        nonlocal used
        used += 1
        return loss(trial)

    def after_iteration(trial):
        nonlocal since_best, best_error, best
        watch(trial)
        if not aside_weights.any():
            best = trial.copy()
            return
        # The residual of the last evaluation is that of the accepted step: the line search ends on it.
        error = float(np.average(objective.residual**2, weights=aside_weights))
        since_best += 1
        if error < best_error:
            since_best, best_error, best = 0, error, trial.copy()
        if since_best >= patience:
            raise _Stop

    try:
        options = {"maxfun": limit, "maxiter": limit, "maxcor": 20, "ftol": 1e-10, "gtol": 1e-8}
        minimize(counted_loss, weights, jac=True, method="L-BFGS-B", options=options, callback=after_iteration)
    except _Stop:
        return best, used, True
    return best, used, False
