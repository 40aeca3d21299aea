"""The model `field`: small Fourier-feature members on the slice averages, or a process along the wall."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from scipy.special import expit

from CardioScarLib.core.evidence import SEGMENTATION, Evidence
from CardioScarLib.core.jobs import side_by_side
from CardioScarLib.core.settings import ModelSettings
from CardioScarLib.core.wall import Wall
from CardioScarLib.geometry.operator import SliceOperator
from CardioScarLib.reconstruction.arrays import NUMPY, Space
from CardioScarLib.reconstruction.field.constants import FIELD
from CardioScarLib.reconstruction.field.member import Member, MemberPlan, fit_member
from CardioScarLib.reconstruction.field.noise import noise_of_blobs, noise_repeats, quieted, without_lift
from CardioScarLib.reconstruction.field.objective import ShiftTolerance
from CardioScarLib.reconstruction.field.posterior import FieldPosterior
from CardioScarLib.reconstruction.field.preview import PreviewPlan, fit_preview
from CardioScarLib.reconstruction.field.slice_shifts import NO_SHIFTS, SeemingShifts, alternation, seeming_shifts
from CardioScarLib.reconstruction.field.spread import Spread, find_spread
from CardioScarLib.reconstruction.process.beside import HALF, Beside, share_beside
from CardioScarLib.reconstruction.process.blocks import joined
from CardioScarLib.reconstruction.process.chart import Unrolled, plain_chart, wall_chart
from CardioScarLib.reconstruction.process.choose import choose_roughness, usual_choice
from CardioScarLib.reconstruction.process.fit import fit_process
from CardioScarLib.reconstruction.process.left_out import left_out_error
from CardioScarLib.reconstruction.process.posterior import ProcessPosterior
from CardioScarLib.reconstruction.process.variogram import variogram_of

FOLDS = 3
FOLD_PLAN = MemberPlan(frequencies=32, widths=(24, 24), entropy=30, squared=40, held_out=0.0)


@dataclass(frozen=True)
class Effort:
    """members: members; half of each family when both count. centers: of the process."""

    members: int
    plan: MemberPlan
    centers: int


EFFORTS = {
    "standard": Effort(4, MemberPlan(), 400),
    "fine": Effort(10, MemberPlan(frequencies=64, entropy=40, squared=120), 700),
}
TRIALS = 25
"""Choices of the process that are tried, about."""
PREVIEW_CENTERS = 250


FittedField = FieldPosterior | ProcessPosterior
"""What the model `field` is after a fit: a smooth function of space, or a process along the wall."""


def fit_field(
    operator: SliceOperator,
    evidence: Evidence,
    wall: Wall,
    settings: ModelSettings,
    step: Callable[[int, int], None],
    coordinates: Unrolled | str | None = None,
    space: Space = NUMPY,
) -> FittedField:
    """Fit the field with one of the presets.

    How rough the scar is in the slices themselves decides between two models: smooth functions of space, which draw smooth scars
    and channels more sharply, and a process along the wall, which predicts rough ones better and says how rough they are.
    step: called with (done, all) during the work; may raise to end it. coordinates: of the wall, see `unrolled`.
    space: to compute in.
    """
    repeats = noise_repeats(operator.pixels, evidence)
    evidence, noise = without_lift(operator.pixels, evidence)
    lasting = noise_of_blobs(noise, repeats)
    seen = quieted(evidence, noise)
    blocks = joined(operator, seen)
    if settings.preset == "preview":
        step(0, 1)
        plain = plain_chart()
        choice = usual_choice(blocks, plain, operator.anchors, space)
        if choice.scatter > FIELD.rough_at_first_look or hides_roughness(evidence):
            beside = Beside.of(operator, seen, HALF)
            return fit_process(blocks, operator, seen, plain, choice, settings, PREVIEW_CENTERS, noise, repeats, beside, space)
        member = fit_preview(operator, evidence, PreviewPlan(), settings.seed, noise)
        spread = find_spread([member], np.ones(1), operator, evidence, lasting)
        summary = {"prior": "smooth", "scatter": choice.scatter, "pixel_residual": member.residual, "pixel_noise": noise, **_about(spread)}
        return FieldPosterior((member,), np.ones(1), operator.frame, spread, settings.samples, settings.seed, summary)

    effort = EFFORTS[settings.preset]
    plan = effort.plan
    work = _Work(TRIALS + 2 * FOLDS * (FOLD_PLAN.entropy + FOLD_PLAN.squared) + effort.members * (plan.entropy + plan.squared), step)
    chart = wall_chart(wall, operator.frame, coordinates)
    always_rough = hides_roughness(evidence)
    smooth = 0.0 if always_rough else FIELD.smooth
    choice = choose_roughness(blocks, chart, operator.anchors, smooth, work.tick, settings.jobs, space)
    left_out = None
    if choice.scatter < FIELD.rough and not always_rough:
        left_out = leave_slices_out(operator, evidence, settings.seed, noise, work.tick, settings.jobs, space)
        if choice.scatter > FIELD.smooth and left_out.error is not None:
            if left_out_error(operator, seen, blocks, chart, choice.roughness, _folds(operator, evidence), space) < left_out.error:
                left_out = None
    if left_out is None:
        beside = Beside.of(operator, seen, share_beside(operator, seen, blocks, chart, choice))
        posterior = fit_process(blocks, operator, seen, chart, choice, settings, effort.centers, noise, repeats, beside, space)
        work.finish()
        told = variogram_of(blocks, chart, choice.roughness, posterior.summary["scatter"])
        return replace(posterior, summary={**posterior.summary, "pixel_noise": noise, "variogram": told})
    members, shares = fit_members(operator, evidence, settings, noise, left_out, work.tick, space)
    spread = find_spread(members, shares, operator, evidence, lasting, left_out.shifts)
    work.finish()
    summary = {
        "prior": "smooth",
        "members": len(members),
        "evaluations": [one.evaluations for one in members],
        "stopped_by_held_out_pixels": sum(one.held_out_stop for one in members),
        "pixel_residual": float(np.average([one.residual for one in members], weights=shares)),
        "left_out_slices_rms": left_out.error,
        "scatter": choice.scatter,
        "pixel_noise": noise,
        "shift_tolerant_share": float(left_out.tolerant_share),
        **_about(spread),
    }
    return FieldPosterior(tuple(members), shares, operator.frame, spread, settings.samples, settings.seed, summary)


def hides_roughness(evidence: Evidence) -> bool:
    """Whether scar counts as rough however smooth its evidence is: probabilities of a network are smoother than what they speak of."""
    return evidence.description.get("method") == SEGMENTATION


def fit_members(
    operator: SliceOperator,
    evidence: Evidence,
    settings: ModelSettings,
    noise: float,
    left_out: LeftOut,
    tick: Callable[..., None],
    space: Space = NUMPY,
) -> tuple[list[Member], np.ndarray]:
    """Members and (m,) their shares in the mean: of both families, or of the one that predicts left-out slices better.

    evidence: without a floor of noise. noise: of a pixel. tick: called at every iteration; may raise to end the fit.
    space: to compute in.
    """
    effort = EFFORTS[settings.preset]
    of_tolerant = effort.members // 2
    if not FIELD.smallest_share < left_out.tolerant_share < 1 - FIELD.smallest_share:
        left_out = replace(left_out, tolerant_share=round(left_out.tolerant_share))
        of_tolerant = effort.members * round(left_out.tolerant_share)
    counts = {False: effort.members - of_tolerant, True: of_tolerant}

    calls: list[Callable[[Callable[..., None]], Member]] = []
    shares: list[float] = []
    for tolerant, family_share in ((False, 1 - left_out.tolerant_share), (True, left_out.tolerant_share)):
        tolerance = ShiftTolerance() if tolerant else None
        of_family = replace(effort.plan, length=FIELD.tolerant_length * effort.plan.length) if tolerant else effort.plan
        for _ in range(counts[tolerant]):
            calls.append(partial(fit_member, operator, evidence, of_family, settings.seed + len(calls), noise, tolerance, space=space))
            shares.append(family_share / counts[tolerant])
    return side_by_side(calls, settings.jobs, tick), np.array(shares)


def _about(spread: Spread) -> dict:
    return {"slice_shift_mm": spread.shift, "slice_displacement_mm": spread.displacement}


@dataclass(frozen=True)
class LeftOut:
    """What leaving slices out shows about a stack.

    error: RMS of the predicted pixels of left-out slices; None when there are too few slices. tolerant_share: weight of
    the members that tolerate slice shifts. shifts: by which slices seem displaced against the others' prediction.
    """

    error: float | None
    tolerant_share: float
    shifts: SeemingShifts


def leave_slices_out(
    operator: SliceOperator,
    evidence: Evidence,
    seed: int,
    noise: float,
    tick: Callable[..., None],
    jobs: int = 1,
    space: Space = NUMPY,
) -> LeftOut:
    """Predict every third slice from the others, three times, and where slices seem displaced once more with tolerance of shifts.

    The family that tolerates shifts gets a share where shifts are sure, or seen while it predicts clearly better.
    noise: of a pixel of weight 1. jobs: fits at a time. space: to compute in.
    """
    folds = _folds(operator, evidence)
    if not folds:
        return LeftOut(None, 0.0, NO_SHIFTS)
    numbered = [(number, left) for number, left in enumerate(folds) if evidence.weights[~left].any()]
    kept = [(operator.rows(~left), Evidence(evidence.values[~left], evidence.weights[~left]), seed + number) for number, left in numbered]
    out = [(operator.rows(left), Evidence(evidence.values[left], evidence.weights[left])) for _, left in numbered]

    def predicted(tolerance: ShiftTolerance | None) -> tuple[float, SeemingShifts]:
        """The summed squared error of left-out pixels, and by which left-out slices seem displaced."""
        calls = [partial(fit_member, part, seen, FOLD_PLAN, own, noise, tolerance, space=space) for part, seen, own in kept]
        squared, shifts = 0.0, NO_SHIFTS
        for member, (part, seen) in zip(side_by_side(calls, jobs, tick), out, strict=True):
            average, slope = member.slice_averages(part)
            squared += seen.weights @ (average - seen.values) ** 2
            shifts = shifts.joined(seeming_shifts(part, seen, average, slope))
        return squared, shifts

    squared, shifts = predicted(None)
    apart = np.sqrt(np.mean(list(alternation(shifts, operator).values()) or [0.0]))
    share = expit((apart - FIELD.sure_alternation) / FIELD.alternation_width)
    if apart > FIELD.least_alternation:  # elsewhere tolerance has nothing to do, whatever it predicts
        tolerant, _ = predicted(ShiftTolerance())
        ratio = np.sqrt(tolerant / max(squared, 1e-12))
        share = max(share, expit((1 - FIELD.tolerant_gain - ratio) / FIELD.gain_width))
        squared = tolerant if share > 0.5 else squared
    total = sum(seen.weights.sum() for _, seen in out)
    return LeftOut(float(np.sqrt(squared / total)), float(share), shifts)


def _folds(operator: SliceOperator, evidence: Evidence) -> list[np.ndarray]:
    """(p,) bool, the pixels of every third slice; nothing where too few slices have evidence."""
    numbers = operator.pixels.slices
    seen = [number for number in dict.fromkeys(numbers.tolist()) if evidence.weights[numbers == number].any()]
    return [np.isin(numbers, seen[fold::FOLDS]) for fold in range(FOLDS)] if len(seen) > FOLDS else []


class _Work:
    """Counts iterations into (done, all), never past the end."""

    def __init__(self, total: int, step: Callable[[int, int], None]):
        self.total, self.done, self.step = total, 0, step

    def tick(self, weights: np.ndarray | None = None) -> None:
        self.done = min(self.done + 1, self.total)
        self.step(self.done, self.total)

    def finish(self) -> None:
        self.step(self.total, self.total)
