"""Slices predicted by a process along the wall that has not seen them.

Its fit has one solution, wherever it starts from, so each slice and each pair of neighbors is left out of a fit of its own.
What is chosen once for the patient, the roughness, the widening and the share of an interpolation, stays that of the map: it is the
map that is audited.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.settings import ModelSettings
from CardioScarLib.geometry.operator import SliceOperator
from CardioScarLib.reconstruction.field.noise import quieted
from CardioScarLib.reconstruction.process.beside import Beside
from CardioScarLib.reconstruction.process.blocks import joined
from CardioScarLib.reconstruction.process.choose import Choice
from CardioScarLib.reconstruction.process.fit import fit_process
from CardioScarLib.reconstruction.process.left_out import CENTERS
from CardioScarLib.reconstruction.process.posterior import ProcessPosterior
from CardioScarLib.self_audit.left_out import LeftOutSlice, by_neighbor, chains, neighbors, without


def leave_each_out_of_process(
    operator: SliceOperator,
    evidence: Evidence,
    noise: float,
    posterior: ProcessPosterior,
    settings: ModelSettings,
    step: Callable[[int, int], None],
) -> list[LeftOutSlice]:
    """Every slice with evidence, predicted from the others; in the order of `chains`.

    noise: of a pixel of weight 1. posterior: of all slices. step: called with (fits done, all fits); may raise to end the run.
    """
    groups = chains(operator, evidence)
    pairs, numbers = neighbors(groups), [number for group in groups for number in group]
    seen = quieted(evidence, noise)
    blocks = joined(operator, seen)
    choice = Choice(posterior.features.roughness, posterior.widening, posterior.summary["scatter"])
    steps = len(pairs) + len(numbers)

    def fitted(done: int, left: tuple[int, ...]) -> ProcessPosterior:
        step(done, steps)
        kept = blocks.part(~np.isin(blocks.slices, left))
        rest = without(operator, seen, left)
        beside = None if posterior.beside is None else Beside.of(*rest, posterior.beside.share)
        return fit_process(kept, *rest, posterior.chart, choice, settings, CENTERS, noise, posterior.summary["noise_repeats"], beside)

    of_pairs = {pair: fitted(done, pair) for done, pair in enumerate(pairs)}
    of_slices = {number: fitted(done, (number,)) for done, number in enumerate(numbers, len(pairs))}
    step(steps, steps)
    slices = []
    for number in numbers:
        here = operator.pixels.slices == number
        values, weights = evidence.values[here], evidence.weights[here]
        slices.append(LeftOutSlice(number, operator.rows(here), values, weights, of_slices[number], by_neighbor(number, of_pairs)))
    return slices
