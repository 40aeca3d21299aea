"""The model `field`: small Fourier-feature networks on the slice averages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.settings import ModelSettings
from CardioScarLib.geometry.operator import SliceOperator
from CardioScarLib.reconstruction.field.member import FittedNetwork, NetworkRecipe, fit_network
from CardioScarLib.reconstruction.field.noise import without_noise_floor
from CardioScarLib.reconstruction.field.objective import ShiftTolerance
from CardioScarLib.reconstruction.field.posterior import FieldPosterior
from CardioScarLib.reconstruction.field.preview import PreviewRecipe, fit_preview
from CardioScarLib.reconstruction.field.slice_shifts import NO_SHIFTS, SeemingShifts, alternation, seeming_shifts
from CardioScarLib.reconstruction.field.spread import Spread, find_spread

FOLDS = 3
FOLD_RECIPE = NetworkRecipe(frequencies=32, widths=(24, 24), entropy=30, squared=40, held_out=0.0)
TOLERANT_LENGTH = 1.25
"""Times the length scale, for members that tolerate shifts: they do better without the finest detail, which shifts have torn.
Not in the folds, which have to differ in the tolerance alone."""
TOLERANT_GAIN, GAIN_WIDTH = 0.045, 0.01
"""By how much the tolerant family has to predict left-out slices better to get half of the result, and how sharply that
decides. Left-out slices lie a whole gap from their neighbors, where the smoother family gains by its smoothness alone."""
LEAST_ALTERNATION, SURE_ALTERNATION, ALTERNATION_WIDTH = 0.2, 0.4, 0.02
"""mm: where left-out slices seem displaced to alternating sides by less, slices are not shifted, and tolerance has nothing to do;
by this much, they are, whatever predicts them better; and how sharply that decides."""
SMALLEST_SHARE = 0.1


@dataclass(frozen=True)
class Effort:
    """members: networks; half of each family when both count."""

    members: int
    recipe: NetworkRecipe


EFFORTS = {"standard": Effort(4, NetworkRecipe()), "fine": Effort(10, NetworkRecipe(frequencies=64, entropy=40, squared=120))}


def fit_field(operator: SliceOperator, evidence: Evidence, settings: ModelSettings, step: Callable[[int, int], None]) -> FieldPosterior:
    """Fit the field with one of the presets.

    step: called with (done, all) as the work goes on; may raise to end it.
    """
    evidence, noise = without_noise_floor(operator.pixels, evidence)
    if settings.preset == "preview":
        step(0, 1)
        network = fit_preview(operator, evidence, PreviewRecipe(), settings.seed, noise)
        spread = find_spread([network], np.ones(1), operator, evidence, noise)
        summary = {"pixel_residual": network.residual, **_about(spread)}
        return FieldPosterior((network,), np.ones(1), operator.frame, spread, settings.samples, settings.seed, summary)

    effort = EFFORTS[settings.preset]
    recipe = effort.recipe
    work = _Work(2 * FOLDS * (FOLD_RECIPE.entropy + FOLD_RECIPE.squared) + effort.members * (recipe.entropy + recipe.squared), step)
    left_out = leave_slices_out(operator, evidence, settings.seed, noise, work.tick)
    tolerant_share = left_out.tolerant_share
    of_tolerant = effort.members // 2
    if not SMALLEST_SHARE < tolerant_share < 1 - SMALLEST_SHARE:
        tolerant_share = round(tolerant_share)
        of_tolerant = effort.members * tolerant_share
    counts = {False: effort.members - of_tolerant, True: of_tolerant}

    members: list[FittedNetwork] = []
    shares: list[float] = []
    for tolerant, family_share in ((False, 1 - tolerant_share), (True, tolerant_share)):
        tolerance = ShiftTolerance() if tolerant else None
        of_family = replace(recipe, length=TOLERANT_LENGTH * recipe.length) if tolerant else recipe
        for _ in range(counts[tolerant]):
            members.append(fit_network(operator, evidence, of_family, settings.seed + len(members), noise, tolerance, work.tick))
            shares.append(family_share / counts[tolerant])
    spread = find_spread(members, np.array(shares), operator, evidence, noise, left_out.shifts)
    work.finish()
    summary = {
        "members": len(members),
        "evaluations": [one.evaluations for one in members],
        "stopped_by_held_out_pixels": sum(one.held_out_stop for one in members),
        "pixel_residual": float(np.average([one.residual for one in members], weights=shares)),
        "left_out_slices_rms": left_out.error,
        "shift_tolerant_share": float(tolerant_share),
        **_about(spread),
    }
    return FieldPosterior(tuple(members), np.array(shares), operator.frame, spread, settings.samples, settings.seed, summary)


def _about(spread: Spread) -> dict:
    return {"pixel_noise": spread.noise, "slice_shift_mm": spread.shift, "slice_displacement_mm": spread.displacement}


@dataclass(frozen=True)
class LeftOut:
    """What leaving slices out says about a stack.

    error: RMS of the predicted pixels of left-out slices; None when there are too few slices. tolerant_share: weight of
    the networks that tolerate slice shifts. shifts: by which slices seem displaced against the others' prediction.
    """

    error: float | None
    tolerant_share: float
    shifts: SeemingShifts


def leave_slices_out(operator: SliceOperator, evidence: Evidence, seed: int, noise: float, tick: Callable[[np.ndarray], None]) -> LeftOut:
    """Predict every third slice from the others, three times, with and without tolerance of slice shifts.

    The family that tolerates shifts gets a share where shifts are sure, or seen while it predicts clearly better.
    noise: of a pixel of weight 1.
    """
    numbers = operator.pixels.slices
    seen = [number for number in dict.fromkeys(numbers.tolist()) if evidence.weights[numbers == number].any()]
    if len(seen) < FOLDS + 1:
        return LeftOut(None, 0.0, NO_SHIFTS)
    errors, total, shifts = np.zeros(2), 0.0, NO_SHIFTS
    for fold in range(FOLDS):
        left = np.isin(numbers, seen[fold::FOLDS])
        kept_evidence = Evidence(evidence.values[~left], evidence.weights[~left])
        if not kept_evidence.weights.any():
            continue
        kept, out = operator.rows(~left), operator.rows(left)
        weights, values = evidence.weights[left], evidence.values[left]
        total += weights.sum()
        for family, tolerance in enumerate((None, ShiftTolerance())):
            one = fit_network(kept, kept_evidence, FOLD_RECIPE, seed + fold, noise, tolerance, tick)
            average, slope = one.slice_averages(out)
            errors[family] += weights @ (average - values) ** 2
            if tolerance is None:
                shifts = shifts.joined(seeming_shifts(out, Evidence(values, weights), average, slope))
    ratio = np.sqrt(errors[1] / max(errors[0], 1e-12))
    apart = np.sqrt(np.mean(list(alternation(shifts, operator).values()) or [0.0]))
    better = expit((1 - TOLERANT_GAIN - ratio) / GAIN_WIDTH) if apart > LEAST_ALTERNATION else 0.0
    share = float(max(better, expit((apart - SURE_ALTERNATION) / ALTERNATION_WIDTH)))
    return LeftOut(float(np.sqrt(errors[int(share > 0.5)] / total)), share, shifts)


class _Work:
    """Counts iterations into (done, all), never past the end."""

    def __init__(self, total: int, step: Callable[[int, int], None]):
        self.total, self.done, self.step = total, 0, step

    def tick(self, weights: np.ndarray) -> None:
        self.done = min(self.done + 1, self.total)
        self.step(self.done, self.total)

    def finish(self) -> None:
        self.step(self.total, self.total)
