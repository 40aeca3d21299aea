"""One method on one case as a piece of work for the engines of cohorts: in this process, by workers of Dask, or by jobs of SLURM."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from CardioScarLib.benchmark import scores
from CardioScarLib.benchmark.case import BenchmarkCase, make_case
from CardioScarLib.benchmark.methods import METHODS
from CardioScarLib.benchmark.phantom_cases import phantom_as_case
from CardioScarLib.benchmark.problem import Answer, Problem
from CardioScarLib.benchmark.records import code_of
from CardioScarLib.benchmark.task import MethodTask
from CardioScarLib.cohort.outcome import POSTPONED
from CardioScarLib.cohort.ways import Way
from CardioScarLib.cohort.work import fits_before_the_end
from CardioScarLib.core.errors import Cancelled, CardioScarError, MissingPackage
from CardioScarLib.phantom.channel import scar_with_channel
from CardioScarLib.quantification.overlap import overlap_scores
from CardioScarLib.runner import Helper, start_job

PHANTOMS = "phantoms"
"""The part of the published tables: the library's own phantoms with the images they come with, instead of families."""
BETWEEN_POLLS = 0.05
CHANNEL_DRAWS = 32
CURVE_STEP = 5
"""Of the points of a sparsification curve every fifth is kept in a record."""


@dataclass(frozen=True)
class Run:
    """A method on a case. original_python: as for `find_method`. search_path: for methods of one's own, see `MethodTask`."""

    part: str
    family: str
    seed: int
    nodes: int
    method: str
    original_python: str | None = None
    search_path: str = ""
    expected: float = 0.0

    @property
    def key(self) -> tuple[str, str, int, int, str]:
        """Of its record."""
        return self.part, self.family, self.seed, self.nodes, self.method

    @property
    def place(self) -> Path:
        return Path(self.family, str(self.seed), self.method)


@dataclass(frozen=True)
class Measured:
    """state: "done" or "postponed". content: of the record; with "failed", a sentence, where there are no scores.

    code: hash of the code of the process that measured, for methods of ours.
    """

    state: str = "done"
    seconds: float = 0.0
    content: dict[str, Any] = field(default_factory=dict)
    code: str = ""


def measure(run: Run, folder: Path, helper: Helper) -> Measured:
    """The scores of a method on a case, and its cost; what it fails with is told. Raises Cancelled.

    helper: the case is kept as long as it lives, as methods on one case follow each other.
    """
    if helper.tasks and not fits_before_the_end(run.expected):
        return Measured(POSTPONED)
    helper.tasks += 1
    start = time.monotonic()
    try:
        case = _case(run, helper)
        answer, used = answer_of(case, run.method, run.original_python, search_path=run.search_path)
        values, curves = scored(case, answer)
        content = {**used, "scores": values, "curves": curves, "about": _about(case)}
    except Cancelled:
        raise
    except Exception as problem:  # one case or method of many: the others continue, and the run reports it at its end
        known_kind = isinstance(problem, CardioScarError)
        content = {"failed": str(problem) if known_kind else f"Internal error, {type(problem).__name__}: {problem}"}
    code = code_of(METHODS[run.method]) if run.method in METHODS else ""
    return Measured("done", time.monotonic() - start, content, code)


def _failed(run: Run, sentence: str) -> Measured:
    return Measured(content={"failed": sentence})


RUNS = Way(Run, Measured, measure, _failed)
_cases: WeakKeyDictionary[Helper, tuple[tuple[Any, ...], BenchmarkCase]] = WeakKeyDictionary()


def _case(run: Run, helper: Helper) -> BenchmarkCase:
    key = (run.part, run.family, run.seed, run.nodes)
    if _cases.get(helper, ((), None))[0] != key:
        make = phantom_as_case if run.part == PHANTOMS else make_case
        _cases[helper] = key, make(run.family, run.seed, run.nodes)
    return _cases[helper][1]


def _about(case: BenchmarkCase) -> dict[str, Any]:
    about = {name: value for name, value in case.about.items() if isinstance(value, int | float | str) and not isinstance(value, bool)}
    scar = scar_with_channel(case.heart)
    channel = {"channel_mm": float(scar.channel), "channel_closed": int(scar.blocked > 0)} if scar else {}
    return {**about, **channel}


def own_search_path(method: str) -> str:
    """Where the child process that runs a method looks for it, if it is one of one's own."""
    return os.environ.get("PYTHONPATH", "") if ":" in method else ""


def answer_of(
    case: BenchmarkCase, method: str, original_python: str | None = None, seed: int = 0, search_path: str | None = None
) -> tuple[Answer, dict]:
    """The answer of a method to a case without its truth, and the cost, in a child process. seed: of the method. Others: see `Run`.

    Raises what the method has failed with.
    """
    problem = Problem(case.stack, case.wall, case.settings, case.myocardium, seed)
    search_path = own_search_path(method) if search_path is None else search_path
    job = start_job(MethodTask(problem, method, original_python, search_path))
    try:
        while job.poll() == "running":
            time.sleep(BETWEEN_POLLS)
        if job.error is not None:
            raise job.error
        found = job.answer()
        return found.answer, found.used
    finally:
        job.close()


def scored(case: BenchmarkCase, answer: Answer) -> tuple[dict, dict]:
    """All scores an answer allows, and the points of its curves."""
    mean, sd, draws = answer.mean, answer.sd, answer.draws
    values: dict = scores.map_scores(case, mean)
    curves: dict = {}
    near = scores.band_nodes(case)
    try:
        values.update(overlap_scores(case.wall, case.truth, mean))
    except MissingPackage:
        pass  # the page says which scores are missing, and why
    if case.has_channel:
        values["channel_open"], values["truth_open"] = bool(case.channel_is_open(mean)), bool(case.channel_is_open(case.truth))
    if draws is not None and sd is not None:
        values.update(scores.spread_scores(case, mean, sd, draws))
        values.update(scores.component_scores(case, draws))
        values.update(scores.slice_scores(case, case.stack, draws))
        if near.any():
            curves["calibration"] = scores.calibration_curve(case, draws)
        if case.has_channel:
            values["channel_open_share"] = float(np.mean([bool(case.channel_is_open(draw)) for draw in draws[:CHANNEL_DRAWS]]))
    elif sd is not None:
        values.update(scores.sd_scores(case, mean, sd))
    if sd is not None and near.any():
        error = np.abs(mean - case.truth)
        rankings = {"sd": sd, "p": mean * (1 - mean), "best": error}
        curves["sparsification"] = {
            name: scores.sparsification_curve(values_[near], error[near], case.wall.node_measure[near])[::CURVE_STEP].tolist()
            for name, values_ in rankings.items()
        }
    return values, curves
