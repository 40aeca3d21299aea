"""The audit of one stack."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from CardioScarLib.core.audit import Audit, Claim, PairAudit, SliceAudit, Suspect
from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.settings import ModelSettings
from CardioScarLib.core.wall import Wall
from CardioScarLib.geometry.operator import SliceOperator
from CardioScarLib.reconstruction.field.fit import FittedField
from CardioScarLib.reconstruction.field.noise import without_lift
from CardioScarLib.reconstruction.field.posterior import FieldPosterior
from CardioScarLib.self_audit import verdict
from CardioScarLib.self_audit.constants import AUDIT
from CardioScarLib.self_audit.disagreement import find_suspects
from CardioScarLib.self_audit.displacement import Displacement, find_displacement
from CardioScarLib.self_audit.left_out import LeftOutSlice, chains, leave_each_out
from CardioScarLib.self_audit.left_out_process import leave_each_out_of_process
from CardioScarLib.self_audit.scores import SliceScores, border_pixels, recalibration, score

FEWEST_SLICES = 5
"""That show wall: left-out pairs leave three."""
LEAST_SCAR = 0.5
"""Mean evidence in the most scarred pixels below which there is no scar to audit."""


def audit(
    operator: SliceOperator,
    evidence: Evidence,
    posterior: FittedField,
    wall: Wall,
    settings: ModelSettings,
    step: Callable[[int, int], None] = lambda done, steps: None,
    shifts: np.ndarray | None = None,
) -> Audit:
    """Leave every slice and every pair of neighbors out, predict them, and judge what the stack supports.

    posterior: of all slices, by the model "field"; slices are left out of what it is, smooth members or a process along the
    wall. step: called with (done, all) during the work; may raise to end it. shifts: what the images leave open, see
    `Evidence.share_shifts`; it is part of the interval of the scar's mass.
    The same input and settings give the same audit.
    """
    seen = [number for group in chains(operator, evidence) for number in group]
    if len(seen) < FEWEST_SLICES:
        return _refused(
            "red",
            "The audit leaves slices out and predicts them from the others, for which at least "
            f"{FEWEST_SLICES} slices must show the LV wall; this stack has {len(seen)}.",
        )
    if not np.any(evidence.weights * (evidence.values > LEAST_SCAR)):
        return _refused("yellow", "These slices show no scar to audit; they cannot exclude scar between them.")
    evidence, noise = without_lift(operator.pixels, evidence)
    if isinstance(posterior, FieldPosterior):
        slices = leave_each_out(operator, evidence, noise, settings, step)
    else:
        slices = leave_each_out_of_process(operator, evidence, noise, posterior, settings, step)
    scores = {one.number: score(one, noise) for one in slices}
    displacements = {one.number: find_displacement(one) for one in slices}
    suspects = find_suspects(slices, displacements)
    coverage = _pooled_coverage(slices, scores)
    missed = verdict.border_error(slices, noise)
    facts = verdict.Facts(slices, suspects, missed, verdict.map_border(slices, missed), coverage, posterior, wall, shifts)
    expected = verdict.expected_error(facts)
    made = verdict.claims(facts, expected)
    light, sentence = verdict.light(facts, expected, made)
    totals = [one.weights.sum() for one in slices]
    return Audit(
        light, sentence, made, suspects, expected,
        rmse=float(np.sqrt(np.average([one.error**2 for one in slices], weights=totals))),
        coverage_95=coverage,
        crps=float(np.average([scores[one.number].crps for one in slices], weights=totals)),
        factor=recalibration(slices, noise),
        slices=tuple(_slice(one, scores[one.number], displacements[one.number], suspects) for one in slices),
        pairs=_pairs(slices),
    )  # fmt: skip


def _refused(light: str, sentence: str) -> Audit:
    return Audit(light, sentence, tuple(Claim(name, False, f"{name.capitalize()}: not audited.") for name in verdict.CLAIMS))


def _pooled_coverage(slices: Sequence[LeftOutSlice], scores: dict[int, SliceScores]) -> float | None:
    weights = {one.number: one.weights[border_pixels(one)].sum() for one in slices}
    with_borders = [number for number in weights if scores[number].coverage_95 is not None]
    if not with_borders:
        return None
    return float(np.average([scores[one].coverage_95 for one in with_borders], weights=[weights[one] for one in with_borders]))


def _slice(one: LeftOutSlice, scores: SliceScores, displacement: Displacement, suspects: Sequence[Suspect]) -> SliceAudit:
    plane = one.operator.stack.slices[one.number]
    remark = next((suspect.kind for suspect in suspects if suspect.number == one.number), "")
    tells = np.count_nonzero(border_pixels(one)) * np.prod(plane.spacing) > AUDIT.borders
    shift = displacement.shift if tells else None
    return SliceAudit(one.number, plane.label, one.scar, one.error, scores.coverage_95, scores.crps, shift, remark)


def _pairs(slices: Sequence[LeftOutSlice]) -> tuple[PairAudit, ...]:
    by_number = {one.number: one for one in slices}
    pairs = []
    for first in slices:
        for second in (by_number[number] for number in first.without):
            if slices.index(second) < slices.index(first):
                continue
            errors = first.error_without(second.number), second.error_without(first.number)
            rmse = float(np.sqrt(np.average(np.square(errors), weights=[first.weights.sum(), second.weights.sum()])))
            earlier, later = (first.operator.stack.slices[one.number].label for one in (first, second))
            pairs.append(PairAudit((first.number, second.number), (earlier, later), rmse))
    return tuple(pairs)
