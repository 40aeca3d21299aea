"""The run: every method on every case; nothing is measured twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from CardioScarLib.benchmark.case import DEVELOPMENT_SEEDS, FROZEN_SEEDS
from CardioScarLib.benchmark.families import FAMILIES, HANDS
from CardioScarLib.benchmark.methods import Method
from CardioScarLib.benchmark.records import Records, code_of
from CardioScarLib.benchmark.runs import RUNS, Run, own_search_path
from CardioScarLib.benchmark.summary import GROUPS, group_of
from CardioScarLib.cohort.run import Engine, InProcess
from CardioScarLib.core.errors import BadSettings

OTHER_CODE = "A worker has another version of CardioScar, which may give other numbers; install the same one on all machines."


@dataclass(frozen=True)
class Plan:
    """What to run. records: the file that they are kept in. original_python: as for `find_method`."""

    part: str
    families: tuple[str, ...]
    seeds: tuple[int, ...]
    methods: tuple[Method, ...]
    nodes: int
    records: Path
    original_python: str | None = None

    @property
    def all_runs(self) -> list[Run]:
        """Seeds outside: half a plan covers all families."""
        asked = product(self.seeds, self.families, self.methods)
        python = self.original_python
        return [Run(self.part, family, seed, self.nodes, one.name, python, own_search_path(one.name)) for seed, family, one in asked]


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


def run_suite(plan: Plan, say: Callable[[str], None] = print, engine: Engine | None = None) -> list[dict]:
    """Measure what no finished record holds yet; returns the records of the plan, in its order.

    engine: what runs the methods; in this process, one after the other, if none is given. A method that fails on a case, or a case that
    cannot be made, is recorded as failed with a sentence, and tried again by the next run. Ctrl-C ends it and keeps every finished
    record.
    """
    records, found, runs = Records(plan.records), {}, plan.all_runs
    codes = {method.name: code_of(method) for method in plan.methods}

    def keep(run: Run, record: dict, words: str) -> None:
        found[run.place] = record
        say(f"[{len(found)}/{len(runs)}] {run.family} {run.seed} {run.method}: {words}")

    known = {run.place: records.known(run.key, codes[run.method]) for run in runs}
    for run in runs:
        if (record := known[run.place]) is not None:
            keep(run, record, "kept")
    for made in (engine or InProcess()).make([run for run in runs if known[run.place] is None], plan.records.parent, RUNS):
        if made is not None:
            run, measured = made
            about = {"method": run.method, "part": run.part, "family": run.family, "seed": run.seed, "nodes": run.nodes}
            same = measured.code in ("", codes[run.method])
            record = records.keep(run.key, codes[run.method], {**about, **(measured.content if same else {"failed": OTHER_CODE})})
            keep(run, record, record.get("failed") or f"RMSE {record['scores']['rmse']:.4f}, {record['cpu_seconds']:.1f} CPU s")
    return [found[run.place] for run in runs]


def earlier_records(plan: Plan) -> list[dict]:
    """Every record of the plan's part and mesh size, of this run or an earlier one, of any family or method."""
    return [one for one in Records(plan.records).all() if (one["part"], one["nodes"]) == (plan.part, plan.nodes)]
