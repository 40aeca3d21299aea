"""CPU seconds and peak memory of whole reconstructions by the model field, each in a process of its own, on one thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from CardioScarLib.benchmark.methods import METHODS
from CardioScarLib.benchmark.phantom_cases import phantom_as_case
from CardioScarLib.benchmark.problem import Answer, Problem
from CardioScarLib.benchmark.records import Records, code_of
from CardioScarLib.benchmark.runs import answer_of
from CardioScarLib.core.case import Case
from CardioScarLib.core.settings import ModelSettings
from CardioScarLib.pipeline import reconstruct

KIND, SEED, NODES = "I3", 0, 20_000
SIZES = (("preview", 20_000), ("standard", 20_000), ("preview", 500_000), ("standard", 500_000), ("fine", 20_000))
"""Presets and numbers of nodes."""
GROWTH: dict[str, list[dict]] = {
    "nodes": [{"nodes": nodes} for nodes in (5_000, 20_000, 100_000, 500_000)],
    "pixel": [{"pixel": pixel} for pixel in (2.4, 1.7, 1.2, 0.85)],
    "spacing": [{"spacing": spacing, "thickness": spacing} for spacing in (16.0, 8.0, 4.0, 2.0)],
}
"""What the cost of the preset standard is measured against."""


def costs(records: Records, say: Callable[[str], None] = print) -> None:
    for preset, nodes in SIZES:
        cost(records, preset, {"nodes": nodes}, say)
    for changes in GROWTH.values():
        for change in changes:
            cost(records, "standard", change, say)


def cost(records: Records, preset: str, change: dict, say: Callable[[str], None] = print) -> dict:
    """The record of one reconstruction. change: nodes of the wall, or fields of the phantom's `Acquisition`.

    cpu_seconds, wall_seconds: after imports, with the mean and the standard deviation at all nodes. peak_mb: of the process.
    """
    key = ("cost", preset, *(f"{name}={value:g}" for name, value in change.items()))
    code = code_of(METHODS[f"field-{preset}"])
    record = records.known(key, code)
    if record is None:
        case = phantom_as_case(KIND, SEED, **{"nodes": NODES, **change})
        answer, used = answer_of(case, f"{__name__}:{preset}")
        rmse = float(np.sqrt(np.mean((answer.mean - case.truth) ** 2)))
        record = records.keep(key, code, {"part": "cost", "preset": preset, **change, **used, **answer.summary, "rmse": rmse})
        say(f"{record['key']}: {record['cpu_seconds']:.1f} CPU s")
    return record


def preview(problem: Problem) -> Answer:
    return _map(problem, "preview")


def standard(problem: Problem) -> Answer:
    return _map(problem, "standard")


def fine(problem: Problem) -> Answer:
    return _map(problem, "fine")


def _map(problem: Problem, preset: str) -> Answer:
    """The work for a user, without the draws that other methods of the benchmark add to it."""
    result = reconstruct(Case(problem.stack, problem.wall), replace(problem.settings, model=ModelSettings("field", preset)))
    summary = {"pixels": result.summary["evidence"]["pixels"], "slices": result.summary["slices"]}
    return Answer(result.arrays["scar_probability"], result.arrays["scar_uncertainty"], summary=summary)
