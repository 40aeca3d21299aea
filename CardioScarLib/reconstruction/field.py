"""The model `field`: small Fourier-feature networks on the slice averages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from CardioScarLib.evidence.evidence import Evidence
from CardioScarLib.reconstruction.field_posterior import FieldPosterior
from CardioScarLib.reconstruction.fit_network import FittedNetwork, NetworkRecipe, fit_network
from CardioScarLib.reconstruction.gauss_newton import PreviewRecipe, fit_preview
from CardioScarLib.reconstruction.objective import ShiftTolerance
from CardioScarLib.reconstruction.operator import SliceOperator
from CardioScarLib.settings import ModelSettings

FOLDS = 3
FOLD_RECIPE = NetworkRecipe(frequencies=32, widths=(24, 24), entropy=30, squared=40, held_out=0.0)
TOLERANT_LENGTH = 1.25
"""Times the length scale, for members that tolerate shifts: they do better without the finest detail, which shifts have torn.
Not in the folds, which have to differ in the tolerance alone."""
RATIO_WIDTH = 0.03
"""How decisively the left-out slices choose between the families: at a ratio of their errors of 1 +- 0.03, 27 to 73 %."""
SMALLEST_SHARE = 0.1
DISPLACEMENT_SHARE = 0.4
"""Left-out slices lie a whole gap from their neighbors, places between slices at most half of one, and the networks differ as well."""
DISPLACEMENT_UNKNOWN = 1.5
"""mm, where there are too few slices to leave some out, and in previews."""
DISPLACEMENT_RANGE = (0.2, 6.0)


@dataclass(frozen=True)
class Effort:
    """members: networks of each family when both count; one family alone gets half as many again."""

    members: int
    recipe: NetworkRecipe


EFFORTS = {"standard": Effort(2, NetworkRecipe()), "fine": Effort(6, NetworkRecipe(frequencies=64, entropy=40, squared=120))}


def fit_field(operator: SliceOperator, evidence: Evidence, settings: ModelSettings, step: Callable[[int, int], None]) -> FieldPosterior:
    """Fit the field with one of the presets.

    step: called with (done, all) as the work goes on; may raise to end it.
    """
    if settings.preset == "preview":
        step(0, 1)
        network = fit_preview(operator, evidence, PreviewRecipe(), settings.seed)
        summary = {"pixel_residual": network.residual, "displacement_mm": DISPLACEMENT_UNKNOWN}
        return FieldPosterior((network,), np.ones(1), operator.frame, DISPLACEMENT_UNKNOWN, settings.samples, settings.seed, summary)

    effort = EFFORTS[settings.preset]
    alone = effort.members + effort.members // 2
    recipe = effort.recipe
    work = _Work(2 * FOLDS * (FOLD_RECIPE.entropy + FOLD_RECIPE.squared) + 2 * effort.members * (recipe.entropy + recipe.squared), step)
    left_out = leave_slices_out(operator, evidence, settings.seed, work.tick)
    tolerant_share = left_out.tolerant_share
    counts = {False: effort.members, True: effort.members}
    if not SMALLEST_SHARE < tolerant_share < 1 - SMALLEST_SHARE:
        tolerant_share = round(tolerant_share)
        counts = {False: 0 if tolerant_share else alone, True: alone if tolerant_share else 0}

    members, shares = [], []
    for tolerant, family_share in ((False, 1 - tolerant_share), (True, tolerant_share)):
        tolerance = ShiftTolerance() if tolerant else None
        of_family = replace(recipe, length=TOLERANT_LENGTH * recipe.length) if tolerant else recipe
        for _ in range(counts[tolerant]):
            members.append(fit_network(operator, evidence, of_family, settings.seed + len(members), tolerance, work.tick))
            shares.append(family_share / counts[tolerant])
    work.finish()
    summary = {
        "members": len(members),
        "evaluations": [one.evaluations for one in members],
        "stopped_by_held_out_pixels": sum(one.held_out_stop for one in members),
        "pixel_residual": float(np.average([one.residual for one in members], weights=shares)),
        "left_out_slices_rms": left_out.error,
        "shift_tolerant_share": float(tolerant_share),
        "displacement_mm": left_out.displacement,
    }
    return FieldPosterior(tuple(members), np.array(shares), operator.frame, left_out.displacement, settings.samples, settings.seed, summary)


@dataclass(frozen=True)
class LeftOut:
    """What leaving slices out says about a stack.

    error: RMS of the predicted pixels of left-out slices; None when there are too few slices. tolerant_share: weight of
    the networks that tolerate slice shifts. displacement: mm by which borders may be displaced between slices.
    """

    error: float | None
    tolerant_share: float
    displacement: float


def leave_slices_out(operator: SliceOperator, evidence: Evidence, seed: int, tick: Callable[[np.ndarray], None]) -> LeftOut:
    """Predict every third slice from the others, three times, with and without tolerance of slice shifts.

    The family that predicts better gets the larger share. How far the better prediction's borders are off, as a
    displacement d with mean squared residual = noise^2 + d^2 mean |gradient|^2, scales the spread.
    """
    numbers = operator.pixels.slices
    seen = [number for number in dict.fromkeys(numbers.tolist()) if evidence.weights[numbers == number].any()]
    if len(seen) < FOLDS + 1:
        return LeftOut(None, 0.0, DISPLACEMENT_UNKNOWN)
    errors, slopes, total, noise = np.zeros(2), np.zeros(2), 0.0, np.zeros(2)
    for fold in range(FOLDS):
        left = np.isin(numbers, seen[fold::FOLDS])
        kept_evidence = Evidence(evidence.values[~left], evidence.weights[~left])
        if not kept_evidence.weights.any():
            continue
        kept, out = operator.rows(~left), operator.rows(left)
        weights, values = evidence.weights[left], evidence.values[left]
        total += weights.sum()
        for family, tolerance in enumerate((None, ShiftTolerance())):
            one = fit_network(kept, kept_evidence, FOLD_RECIPE, seed + fold, tolerance, tick)
            predicted, slope = _predict(one, out)
            errors[family] += weights @ (predicted - values) ** 2
            slopes[family] += weights @ slope
            noise[family] += one.residual**2 / FOLDS
    ratio = np.sqrt(errors[1] / max(errors[0], 1e-12))
    share = float(expit((1 - ratio) / RATIO_WIDTH))
    better = int(ratio < 1)
    excess = max(errors[better] / total - noise[better], 0.0)
    displacement = DISPLACEMENT_SHARE * np.sqrt(excess / max(slopes[better] / total, 1e-9))
    return LeftOut(float(np.sqrt(errors[better] / total)), share, float(np.clip(displacement, *DISPLACEMENT_RANGE)))


def _predict(one: FittedNetwork, operator: SliceOperator) -> tuple[np.ndarray, np.ndarray]:
    """(p,) predicted averages, and the squared length of their gradient, 1/mm^2."""
    logit, gradient = one.network.spatial_gradient(one.weights, one.network.features(operator.points))
    field = expit(logit)
    slope = operator.matrix @ (gradient * (field * (1 - field))[:, None])
    return operator.matrix @ field, np.einsum("px,px->p", slope, slope)


class _Work:
    """Counts iterations into (done, all), never past the end."""

    def __init__(self, total: int, step: Callable[[int, int], None]):
        self.total, self.done, self.step = total, 0, step

    def tick(self, weights: np.ndarray) -> None:
        self.done = min(self.done + 1, self.total)
        self.step(self.done, self.total)

    def finish(self) -> None:
        self.step(self.total, self.total)
