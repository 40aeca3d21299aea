"""Running a study: none of its units stops the others, and what is done is not repeated."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from CardioScarLib.cohort.cases import CohortCase
from CardioScarLib.cohort.outcome import Outcome
from CardioScarLib.cohort.plan import Planned, labeled, planned, write_plan
from CardioScarLib.cohort.study import Study
from CardioScarLib.cohort.tables import CASES, QUANTITIES, write_cases
from CardioScarLib.cohort.units import Unit
from CardioScarLib.cohort.ways import A, P, Way
from CardioScarLib.cohort.work import UNITS, clear_work, keep_failure, sentence
from CardioScarLib.core.errors import CardioScarError, UnwritableOutput
from CardioScarLib.core.printable import printable
from CardioScarLib.io.files import atomic_path, check_writable
from CardioScarLib.runner import Helper

STATUS = "status.json"
BETWEEN_TABLES = 5.0
"""Seconds between two tables while cases are made: one of many cases takes a moment."""
BETWEEN_REPORTS = 1.0


class Engine(Protocol):
    """Does pieces of work, in any order and anywhere.

    workers: how many are there now. dashboard: address of a page about them, if there is one.
    """

    workers: int
    dashboard: str

    def make(self, pieces: Iterable[P], results: Path, way: Way[P, A]) -> Iterator[tuple[P, A] | None]:
        """Each piece with its answer; None while nothing happens, about once a second."""


class InProcess:
    """One after another, in a child process of this one; needs no further package."""

    workers = 1
    dashboard = ""

    def make(self, pieces: Iterable[P], results: Path, way: Way[P, A]) -> Iterator[tuple[P, A] | None]:
        helper = Helper()
        try:
            for piece in pieces:
                yield piece, way.do(piece, results, helper)
        finally:
            helper.close()


@dataclass
class Progress:
    """How far a run is. state: "running", "ended", or "stopped". rate: units per hour of those made. remaining: seconds; None if unknown.

    Times are seconds since 1970.
    """

    state: str
    units: int
    done: int = 0
    kept: int = 0
    failed: int = 0
    workers: int = 0
    started: float = 0.0
    updated: float = 0.0
    process: int = 0

    @property
    def finished(self) -> int:
        return self.done + self.kept + self.failed

    @property
    def rate(self) -> float | None:
        """Units per hour; what was kept took no time."""
        seconds, made = self.updated - self.started, self.done + self.failed
        return 3600 * made / seconds if made and seconds > 0 else None

    @property
    def remaining(self) -> float | None:
        return 3600 * (self.units - self.finished) / self.rate if self.rate else None


def run_study(
    study: Study,
    results: Path,
    engine: Engine | None = None,
    overwrite: bool = False,
    after_case: Callable[[CohortCase, Path], None] | None = None,
    say: Callable[[str], None] = print,
    tell: Callable[[Progress], None] = lambda progress: None,
) -> list[Outcome]:
    """Make every unit of a study, each in a folder of its own below `results`; the outcomes in the order of the study.

    Results of the same files, choices and version are kept; others make their unit fail, unless `overwrite`.
    after_case: called in this process with each case that is done, now or earlier, and the path of its map; when it raises a
        CardioScarError, the case has failed.
    say: told a line per unit. tell: told often how far the run is.
    Raises UnwritableOutput for a folder that cannot be used.
    """
    engine = engine or InProcess()
    study.limits.check()
    for name in (CASES, QUANTITIES, STATUS):
        if results.is_dir():
            check_writable(results / name, overwrite=True)
    units = planned(study, overwrite, say)
    write_plan(study, units, results, overwrite)
    return _Run(units, results, engine, after_case, say, tell).outcomes()


class _Run:
    def __init__(
        self,
        units: list[Planned],
        results: Path,
        engine: Engine,
        after_case: Callable[[CohortCase, Path], None] | None,
        say: Callable[[str], None],
        tell: Callable[[Progress], None],
    ):
        self.results, self.engine, self.after_case, self.say, self.tell = results.absolute(), engine, after_case, say, tell
        self.units = units
        self.labels = {(one.name, one.variant): label for label, one in labeled(units)}
        self.cases = {(one.name, one.variant): one.case for one in units}
        self.found: dict[tuple[str, str], Outcome] = {}
        now = time.time()
        self.progress = Progress("running", len(units), workers=engine.workers, started=now, updated=now, process=os.getpid())
        self.tables_at = self.report_at = 0.0

    def outcomes(self) -> list[Outcome]:
        self.report(now=True)
        try:
            for one in self.units:
                if one.failed is not None:
                    self.keep(one.failed, failed_here=True)
            possible = [one.unit for one in self.units if one.unit is not None]
            for made in self.engine.make(possible, self.results, UNITS):
                if made is not None:
                    self.made(*made)
                self.progress.workers = self.engine.workers
                self.report()
            self.progress.state = "ended"
        except BaseException:
            self.progress.state = "stopped"
            raise
        finally:
            self.report(now=True)
            self.tables(now=True)
        clear_work(self.results)
        return self.in_order()

    def made(self, unit: Unit, outcome: Outcome) -> None:
        case, failed_here = self.cases[unit.name, unit.variant], False
        if self.after_case is not None and outcome.state != "failed":
            try:
                self.after_case(case, self.results / unit.place / unit.output)
            except Exception as error:
                outcome, failed_here = replace(outcome, state="failed", message=sentence(error)), True
        told = outcome.message if unit.keep_names else outcome.told or case.without_names(outcome.message)
        self.keep(replace(outcome, case=case.name, told=told), failed_here)

    def keep(self, outcome: Outcome, failed_here: bool = False) -> None:
        key = (outcome.name, outcome.variant)
        self.found[key] = outcome
        setattr(self.progress, outcome.state, getattr(self.progress, outcome.state) + 1)
        if failed_here:
            with suppress(CardioScarError, OSError):
                keep_failure(outcome, self.results)
        self.say(printable(f"[{self.progress.finished}/{len(self.units)}] {self.labels[key]}: {in_a_line(outcome)}"))
        self.tables()

    def in_order(self) -> list[Outcome]:
        return [self.found[key] for key in self.labels if key in self.found]

    def tables(self, now: bool = False) -> None:
        if not now and time.monotonic() < self.tables_at:
            return
        self.tables_at = time.monotonic() + BETWEEN_TABLES
        try:
            write_cases(self.in_order(), self.results / CASES)
        except UnwritableOutput as problem:  # such as a table that is open in a spreadsheet; it is tried again
            self.say(f"    The table is not up to date: {problem}")

    def report(self, now: bool = False) -> None:
        if not now and time.monotonic() < self.report_at:
            return
        self.report_at = time.monotonic() + BETWEEN_REPORTS
        self.progress.updated = time.time()
        self.tell(self.progress)
        with suppress(CardioScarError, OSError):
            with atomic_path(self.results / STATUS, overwrite=True) as temporary:
                temporary.write_text(json.dumps(vars(self.progress)) + "\n", encoding="utf-8")


def in_a_line(outcome: Outcome) -> str:
    if outcome.state == "failed":
        return f"failed: {outcome.message}"
    audit = f", audit {outcome.light}" if outcome.light else ""
    words = f"{outcome.state}: {outcome.quantities['scar_burden_percent'].value:.1f} % scar{audit}"
    return words if outcome.state == "kept" else f"{words}, {outcome.seconds:.0f} s"
