"""How much a map depends on a method's own random numbers, and how much on the noise in the pixels, separately."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np

from CardioScarLib.benchmark.case import make_case
from CardioScarLib.benchmark.methods import Method
from CardioScarLib.benchmark.records import Records, code_of
from CardioScarLib.benchmark.runs import answer_of
from CardioScarLib.benchmark.suite import Plan
from CardioScarLib.benchmark.summary import Table
from CardioScarLib.core.errors import CardioScarError

CLEAN, NOISY = ("W", "I3", "S", "M"), ("I2", "B", "X", "E")
"""Families whose method seeds, and whose noise, are varied."""
REPEATS = 3


def run_repeatability(plan: Plan, say: Callable[[str], None] = print) -> list[dict]:
    """One record per family of the plan that is among CLEAN or NOISY, first seed only, and method; finished ones are kept.

    vary: "method" (Problem.seed, for methods that use one) or "noise" (noise_seed of the case). rmses: of REPEATS maps.
    change: range of the RMSE over its mean. correlation: the least between two of the maps, over nodes.
    """
    records, repeated = Records(plan.records), []
    for family in plan.families:
        vary = "method" if family in CLEAN else "noise" if family in NOISY else None
        for method in plan.methods:
            if vary is None or (vary == "method" and not method.random):
                continue
            key, code = ("repeatability", family, plan.seeds[0], plan.nodes, method.name), code_of(method)
            record = records.known(key, code)
            if record is None:
                about = {"part": key[0], "method": method.name, "family": family, "seed": plan.seeds[0], "nodes": plan.nodes, "vary": vary}
                try:
                    content = _measured(plan, family, method, vary)
                except CardioScarError as problem:
                    content = {"failed": str(problem)}
                record = records.keep(key, code, {**about, **content})
            words = record.get("failed") or f"RMSE changes by {record['change']:.1%}, maps correlate at {record['correlation']:.4f}"
            say(f"repeatability {family} {method.name}, other {vary}: {words}")
            repeated.append(record)
    return repeated


def repeatability_table(records: list[dict]) -> Table:
    rows = tuple(
        (
            one["method"], one["family"], "method's seed" if one["vary"] == "method" else "noise",
            " ".join(f"{rmse:.4f}" for rmse in one["rmses"]), f"{100 * one['change']:.1f}", f"{one['correlation']:.4f}",
        )
        for one in records
        if "failed" not in one
    )  # fmt: skip
    head = ("method", "family", "what varies", "RMSE of each", "range over mean, %", "least correlation of maps")
    return Table("Repeatability", head, rows, "One case per family. Noise varies alone: heart, slices and shifts are the same.")


def _measured(plan: Plan, family: str, method: Method, vary: str) -> dict:
    maps, rmses = [], []
    for number in range(REPEATS):
        noise_seed = plan.seeds[0] + (number if vary == "noise" else 0)
        case = make_case(family, plan.seeds[0], plan.nodes, noise_seed=noise_seed)
        answer, _ = answer_of(case, method.name, plan.original_python, seed=number if vary == "method" else 0)
        maps.append(answer.mean)
        rmses.append(float(np.sqrt(np.mean((answer.mean - case.truth) ** 2))))
    least = min(float(np.corrcoef(first, second)[0, 1]) for first, second in combinations(maps, 2))
    return {"rmses": rmses, "change": float(np.ptp(rmses) / np.mean(rmses)), "correlation": least}
