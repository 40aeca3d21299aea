"""The run: every method on every case, one after the other; nothing is measured twice."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from CardioScarLib.benchmark import scores
from CardioScarLib.benchmark.case import DEVELOPMENT_SEEDS, FROZEN_SEEDS, BenchmarkCase, make_case
from CardioScarLib.benchmark.families import FAMILIES, HANDS
from CardioScarLib.benchmark.methods import Method
from CardioScarLib.benchmark.phantom_cases import phantom_as_case
from CardioScarLib.benchmark.problem import Answer, Problem
from CardioScarLib.benchmark.records import Records, code_of
from CardioScarLib.benchmark.summary import GROUPS, group_of
from CardioScarLib.benchmark.task import MethodTask
from CardioScarLib.core.errors import BadSettings, Cancelled, CardioScarError, MissingPackage
from CardioScarLib.phantom.channel import scar_with_channel
from CardioScarLib.quantification.overlap import overlap_scores
from CardioScarLib.runner import start_job

PHANTOMS = "phantoms"
"""The part of the published tables: the library's own phantoms with the images they come with, instead of families."""
BETWEEN_POLLS = 0.05
CHANNEL_DRAWS = 32
CURVE_STEP = 5
"""Of the points of a sparsification curve every fifth is kept in a record."""


@dataclass(frozen=True)
class Plan:
    """What to run. records: the file that they are kept in. original_python: as for `find_method`."""

    part: str
    families: tuple[str, ...]
    seeds: tuple[int, ...]
    methods: tuple[Method, ...]
    nodes: int
    records: Path
    jobs: int = 1
    original_python: str | None = None

    @property
    def runs(self) -> int:
        return len(self.families) * len(self.seeds) * len(self.methods)


def chosen_families(part: str, named: Sequence[str]) -> tuple[str, ...]:
    """Those named, by themselves or as a group, or all of the part: development leaves out families that nothing was tuned on."""
    in_part = [name for name, family in FAMILIES.items() if part == "frozen" or family.part != "frozen"]
    of_groups = {hand: [name for name in in_part if FAMILIES[name].hand == hand] for hand in HANDS}
    of_groups |= {group: [name for name in in_part if group_of(name) == group] for group in GROUPS}
    named = list(dict.fromkeys(one for name in named for one in of_groups.get(name, [name])))
    for name in named:
        if name not in FAMILIES:
            raise BadSettings(
                f"There is no benchmark family '{name}'; choose among {', '.join(dict.fromkeys((*GROUPS, *HANDS, *FAMILIES)))}."
            )
        if part != "frozen" and FAMILIES[name].part == "frozen":
            raise BadSettings(f"The family '{name}' belongs to the frozen part, which is run only to report: --part frozen.")
    return tuple(named or in_part)


def chosen_seeds(part: str, named: Sequence[int]) -> tuple[int, ...]:
    """Those named, or all of the part. Raises BadSettings for seeds of the other part."""
    first = FROZEN_SEEDS.start
    for seed in named:
        if seed < 0:
            raise BadSettings(f"The seed {seed} is negative; seeds are whole numbers from 0.")
        if part == "frozen" and seed < first:
            raise BadSettings(f"The seed {seed} is not one of the frozen part; its seeds are {first} and up.")
        if part != "frozen" and seed >= first:
            raise BadSettings(f"The seed {seed} belongs to the frozen part, which is run only to report: --part frozen.")
    return tuple(named) or tuple(FROZEN_SEEDS if part == "frozen" else DEVELOPMENT_SEEDS)


def run_suite(plan: Plan, say: Callable[[str], None] = print) -> list[dict]:
    """Measure what no finished record holds yet; returns the records of the plan, in its order.

    A method that fails on a case, or a case that cannot be made, is recorded as failed with a sentence, and tried again by the
    next run. Ctrl-C ends it and keeps every finished record.
    """
    run = _Run(plan, say)
    tasks = [(family, seed) for seed in plan.seeds for family in plan.families]  # seeds outside: half a run covers all families
    with ThreadPoolExecutor(plan.jobs) as pool:
        futures = [pool.submit(run.one_case, family, seed) for family, seed in tasks]
        try:
            return [record for future in futures for record in future.result()]
        except BaseException:
            run.stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def earlier_records(plan: Plan) -> list[dict]:
    """Every record of the plan's part and mesh size, of this run or an earlier one, of any family or method."""
    return [one for one in Records(plan.records).all() if (one["part"], one["nodes"]) == (plan.part, plan.nodes)]


class _Run:
    def __init__(self, plan: Plan, say: Callable[[str], None]):
        self.plan, self.say = plan, say
        self.records = Records(plan.records)
        self.stop, self.lock, self.done = threading.Event(), threading.Lock(), 0

    def one_case(self, family: str, seed: int) -> list[dict]:
        made: list[BenchmarkCase] = []

        def case() -> BenchmarkCase:
            if not made:
                make = phantom_as_case if self.plan.part == PHANTOMS else make_case
                made.append(make(family, seed, self.plan.nodes))
            return made[0]

        return [self._one(case, family, seed, method) for method in self.plan.methods]

    def _one(self, case: Callable[[], BenchmarkCase], family: str, seed: int, method: Method) -> dict:
        key, code = (self.plan.part, family, seed, self.plan.nodes, method.name), code_of(method)
        record = self.records.known(key, code)
        if record is None:
            about = {"method": method.name, "part": self.plan.part, "family": family, "seed": seed, "nodes": self.plan.nodes}
            try:
                content = self._measured(case(), method)
            except Cancelled:
                raise
            except Exception as problem:  # one case or method of many: the others continue, and the run reports it at its end
                known_kind = isinstance(problem, CardioScarError)
                content = {"failed": str(problem) if known_kind else f"Internal error, {type(problem).__name__}: {problem}"}
            record = self.records.keep(key, code, {**about, **content})
            words = record.get("failed") or f"RMSE {record['scores']['rmse']:.4f}, {record['cpu_seconds']:.1f} CPU s"
        else:
            words = "kept"
        with self.lock:
            self.done += 1
            self.say(f"[{self.done}/{self.plan.runs}] {family} {seed} {method.name}: {words}")
        return record

    def _measured(self, case: BenchmarkCase, method: Method) -> dict:
        answer, used = answer_of(case, method, self.plan.original_python, self.stop)
        values, curves = scored(case, answer)
        about = {name: value for name, value in case.about.items() if isinstance(value, int | float | str) and not isinstance(value, bool)}
        scar = scar_with_channel(case.heart)
        channel = {"channel_mm": float(scar.channel), "channel_closed": int(scar.blocked > 0)} if scar else {}
        return {**used, "scores": values, "curves": curves, "about": {**about, **channel}}


def answer_of(
    case: BenchmarkCase, method: Method, original_python: str | None = None, stop: threading.Event | None = None, seed: int = 0
) -> tuple[Answer, dict]:
    """The answer of a method to a case without its truth, and the cost. seed: of the method.

    Raises Cancelled when `stop` is set, and what the method has failed with.
    """
    problem = Problem(case.stack, case.wall, case.settings, case.myocardium, seed)
    search_path = os.environ.get("PYTHONPATH", "") if ":" in method.name else ""
    job = start_job(MethodTask(problem, method.name, original_python, search_path))
    try:
        while job.poll() == "running":
            if stop is not None and stop.is_set():
                raise Cancelled
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
