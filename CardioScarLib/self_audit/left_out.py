"""Slices predicted by members that have not seen them.

A member that continues a fit to all slices remembers the slice that is left out: its error on it is half of that of a
member that has never seen it (docs/measurements/audit.md). So each pair of neighbors is left out first, from scratch, and a single
slice is predicted by the members of its two pairs, which continue with its neighbor put back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from typing import Protocol, TypeVar

import numpy as np
from scipy.optimize import minimize

from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.settings import ModelSettings
from CardioScarLib.geometry.operator import SliceOperator
from CardioScarLib.reconstruction.field.fit import FOLD_PLAN, FittedField
from CardioScarLib.reconstruction.field.member import Member, fit_member
from CardioScarLib.reconstruction.field.objective import SliceObjective
from CardioScarLib.reconstruction.field.posterior import FieldPosterior
from CardioScarLib.reconstruction.field.slice_shifts import NO_SHIFTS, SeemingShifts, seeming_shifts
from CardioScarLib.reconstruction.field.spread import find_spread

Fitted = TypeVar("Fitted")

GOING_ON = 40
"""Evaluations after a neighbor has been put back."""


class Predictor(Protocol):
    """What is fitted to some of the slices."""

    def field(self, points: np.ndarray) -> np.ndarray:
        """(n,) mean at points in the canonical frame."""


@dataclass(frozen=True, eq=False)
class LeftOutSlice:
    """A slice and what is predicted without it.

    number: in the stack. operator: of its pixels alone. values, weights: (p,) its evidence. posterior: of the other
    slices. without: by number of a neighbor, what has seen neither.
    """

    number: int
    operator: SliceOperator
    values: np.ndarray
    weights: np.ndarray
    posterior: FittedField
    without: Mapping[int, Predictor]

    @cached_property
    def predicted(self) -> np.ndarray:
        """(p,) mean of the pixels."""
        return self.operator.matrix @ self.field(self.operator.points)

    def field(self, points: np.ndarray) -> np.ndarray:
        """(n,) mean at points in the canonical frame."""
        return self.posterior.mean(self.operator.frame.from_frame(points))

    @property
    def scar(self) -> float:
        """Mean scar fraction of its wall."""
        return float(np.average(self.values, weights=self.weights))

    @property
    def error(self) -> float:
        """RMS of the predicted pixels."""
        return self.error_of(self.predicted)

    def error_of(self, predicted: np.ndarray) -> float:
        return float(np.sqrt(np.average((predicted - self.values) ** 2, weights=self.weights)))

    def error_without(self, neighbor: int) -> float:
        return self.error_of(self.predicted_without(neighbor))

    def predicted_without(self, neighbor: int) -> np.ndarray:
        """(p,) the pixels as predicted when a neighbor is left out too."""
        return self.operator.matrix @ self.without[neighbor].field(self.operator.points)


def neighbors(groups: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """Numbers of slices that follow each other in a group of `chains`."""
    return [pair for group in groups for pair in zip(group[:-1], group[1:], strict=True)]


def chains(operator: SliceOperator, evidence: Evidence) -> list[list[int]]:
    """Numbers of the slices with evidence, parallel ones together in their order along the normal."""
    seen = set(np.unique(operator.pixels.slices[evidence.weights > 0]).tolist())
    groups = [[number for number in group if number in seen] for group in operator.stack.parallel_groups()]
    return [group for group in groups if group]


def leave_each_out(
    operator: SliceOperator, evidence: Evidence, noise: float, settings: ModelSettings, step: Callable[[int, int], None]
) -> list[LeftOutSlice]:
    """Every slice with evidence, predicted from the others; in the order of `chains`.

    noise: of a pixel of weight 1. step: called with (fits done, all fits) at every iteration; may raise to end the run.
    """
    groups = chains(operator, evidence)
    pairs = neighbors(groups)
    numbers = [number for group in groups for number in group]
    steps = len(pairs) + sum(max(2, sum(number in pair for pair in pairs)) for number in numbers)
    done = 0

    def watch(weights: np.ndarray) -> None:
        step(done, steps)

    def fitted(left: tuple[int, ...], seed: int, start: Member | None = None) -> Member:
        nonlocal done
        kept, kept_evidence = without(operator, evidence, left)
        if start is None:
            one = fit_member(kept, kept_evidence, FOLD_PLAN, seed, noise, watch=watch)
        else:
            one = _gone_on(start, kept, kept_evidence, noise, watch)
        done += 1
        return one

    without_pair = {pair: fitted(pair, settings.seed + place % 2) for place, pair in enumerate(pairs)}
    of_pairs = {number: {pair: one for pair, one in without_pair.items() if number in pair} for number in numbers}
    members = {}
    for number in numbers:
        members[number] = [fitted((number,), settings.seed, one) for one in of_pairs[number].values()]
        members[number] += [fitted((number,), settings.seed + 2 + place) for place in range(2 - len(members[number]))]
    shifts = {number: _seeming_shift(operator, evidence, number, members[number][0]) for number in numbers}
    step(steps, steps)
    return [_left_out(operator, evidence, number, members[number], of_pairs[number], shifts, noise, settings) for number in numbers]


def _gone_on(start: Member, operator: SliceOperator, evidence: Evidence, noise: float, watch) -> Member:
    objective = SliceObjective(start.function, operator, evidence, evidence.weights, FOLD_PLAN.decay, noise)
    options = {"maxfun": GOING_ON, "maxiter": GOING_ON, "maxcor": 20}
    found = minimize(objective.squared_error, start.weights, jac=True, method="L-BFGS-B", options=options, callback=watch)
    return replace(start, weights=found.x, evaluations=start.evaluations + found.nfev)


def _seeming_shift(operator: SliceOperator, evidence: Evidence, number: int, member: Member) -> SeemingShifts:
    here = operator.pixels.slices == number
    out = operator.rows(here)
    return seeming_shifts(out, Evidence(evidence.values[here], evidence.weights[here]), *member.slice_averages(out))


def _left_out(operator, evidence, number, members, of_pairs, shifts, noise, settings) -> LeftOutSlice:
    """The posterior knows by how much the other slices seem displaced, not this one."""
    here = operator.pixels.slices == number
    kept, kept_evidence = without(operator, evidence, (number,))
    of_others = reduce(SeemingShifts.joined, (shift for other, shift in shifts.items() if other != number), NO_SHIFTS)
    shares = np.full(len(members), 1 / len(members))
    spread = find_spread(members, shares, kept, kept_evidence, noise, of_others)
    posterior = FieldPosterior(tuple(members), shares, operator.frame, spread, settings.samples, settings.seed)
    values, weights = evidence.values[here], evidence.weights[here]
    return LeftOutSlice(number, operator.rows(here), values, weights, posterior, by_neighbor(number, of_pairs))


def by_neighbor(number: int, of_pairs: Mapping[tuple[int, int], Fitted]) -> dict[int, Fitted]:
    """What was fitted without each pair that a slice is in, by the other one of the pair."""
    return {pair[0] if pair[1] == number else pair[1]: one for pair, one in of_pairs.items() if number in pair}


def without(operator: SliceOperator, evidence: Evidence, left: tuple[int, ...]) -> tuple[SliceOperator, Evidence]:
    """Operator and evidence of the other slices."""
    kept = ~np.isin(operator.pixels.slices, left)
    return operator.rows(kept), Evidence(evidence.values[kept], evidence.weights[kept])
