"""Run case after case: none stops the others, and finished cases are not repeated."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from CardioScarLib.batch.cases import BatchCase
from CardioScarLib.core.errors import CardioScarError, UnwritableOutput
from CardioScarLib.core.provenance import plain
from CardioScarLib.core.quantity import Quantity
from CardioScarLib.core.result import SCHEMA
from CardioScarLib.core.settings import ReadingSettings, ReconstructionSettings
from CardioScarLib.io.files import atomic_path
from CardioScarLib.io.records import input_files
from CardioScarLib.io.results import Targets
from CardioScarLib.runner import start_job
from CardioScarLib.tasks.files import FilesTask

TABLE = "cases.csv"
LOG = "log.txt"
BETWEEN_POLLS = 0.05
COLUMNS = {"scar_burden_percent": "Scar %", "scar_volume_ml": "Scar mL", "scar_mass_g": "Scar g", "lv_mass_g": "LV g"}
"""Heads of the quantities in the table."""


@dataclass(frozen=True)
class Outcome:
    """state: "done", "kept" (done by an earlier batch) or "failed". message: why it failed. quantities: by name.

    light: "green", "yellow" or "red" by its audit; empty without one.
    """

    case: str
    state: str
    seconds: float = 0.0
    message: str = ""
    quantities: dict[str, Quantity] = field(default_factory=dict)
    light: str = ""


def run_batch(
    cases: Iterable[BatchCase],
    output: Path,
    settings: ReconstructionSettings,
    reading: ReadingSettings | None = None,
    overwrite: bool = False,
    after_case: Callable[[BatchCase, Path], None] | None = None,
    say: Callable[[str], None] = print,
    audited: bool = False,
) -> list[Outcome]:
    """Reconstruct every case into a folder of its own below `output`, and keep a table of all in `output`/cases.csv.

    Results of the same settings and files are kept. Results of other settings or files
    make it fail, unless `overwrite`.
    reading: how the files of all cases are read.
    after_case: called with each case that is done, now or earlier, and the path of its map; when it raises a CardioScarError,
        the case has failed.
    audited: whether slices are left out and predicted, see `pipeline.reconstruct`; a result without an audit is then made again.
    """
    cases, outcomes = list(cases), []
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise UnwritableOutput(f"The folder {output.name} cannot be made: {problem.strerror}.") from problem
    for number, case in enumerate(cases, 1):
        say(f"[{number}/{len(cases)}] {case.name}")
        outcome = _one_case(case, output / case.name, settings, reading or ReadingSettings(), overwrite, after_case, audited)
        outcomes.append(outcome)
        say(f"    {_in_a_line(outcome)}")
        _write_table(outcomes, output / TABLE)
    return outcomes


def in_words(outcomes: list[Outcome]) -> str:
    """The summary at the end of a batch."""
    audited = any(one.light for one in outcomes)
    heads = ["Case", "Result", *COLUMNS.values(), *(["Audit"] if audited else []), "Seconds"]
    rows = [
        [
            one.case,
            one.state,
            *(f"{one.quantities[key].value:.1f}" if key in one.quantities else "" for key in COLUMNS),
            *([one.light] if audited else []),
            f"{one.seconds:.0f}",
        ]
        for one in outcomes
    ]
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in [heads, *rows]]
    counts = {state: sum(one.state == state for one in outcomes) for state in ("done", "kept", "failed")}
    total = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    reasons = [f"{one.case}: {one.message}" for one in outcomes if one.state == "failed"]
    return "\n".join([*lines, "", *reasons, f"{len(outcomes)} cases: {total}."])


def _one_case(
    case: BatchCase,
    folder: Path,
    settings: ReconstructionSettings,
    reading: ReadingSettings,
    overwrite: bool,
    after_case: Callable[[BatchCase, Path], None] | None,
    audited: bool,
) -> Outcome:
    start = time.monotonic()
    if case.problem:
        return Outcome(case.name, "failed", message=case.problem)
    job = None
    try:
        task = case.task(folder, settings, reading, audited)
        earlier = _record_of(task.output)
        is_now = earlier is not None and _is_of(earlier, task)
        if earlier is not None and not overwrite and not (is_now and audited and not _light(earlier)):
            if not is_now:
                raise UnwritableOutput(
                    "The folder holds results of other settings or files; choose another output folder, or add --overwrite."
                )
            if after_case is not None:
                after_case(case, task.output)
            return Outcome(case.name, "kept", quantities=_quantities(earlier), light=_light(earlier))
        folder.mkdir(exist_ok=True)
        job = start_job(task)
        while job.poll() == "running":
            time.sleep(BETWEEN_POLLS)
        _write_log(job.log, folder / LOG)
        if job.error is not None:
            raise job.error
        record = job.answer()
        if after_case is not None:
            after_case(case, task.output)
        return Outcome(case.name, "done", time.monotonic() - start, quantities=_quantities(record), light=_light(record))
    except (CardioScarError, OSError) as error:
        sentence = f"Its files cannot be read or written: {error.strerror}." if isinstance(error, OSError) else str(error)
        return Outcome(case.name, "failed", time.monotonic() - start, sentence)
    finally:
        if job is not None:
            job.close()


def _record_of(output: Path) -> dict[str, Any] | None:
    """The record of a case from an earlier batch; None if it is missing or incomplete."""
    targets = Targets(output)
    if not all(path.is_file() for path in (targets.output, targets.record, targets.field, targets.case)):
        return None
    try:
        record = json.loads(targets.record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and record.get("schema") == SCHEMA else None


def _is_of(record: dict[str, Any], task: FilesTask) -> bool:
    """Whether a record is of the same files, read in the same way, and of the same choices."""
    made = record["provenance"]
    settings = task.settings.with_evidence(method="labels") if task.mask else task.settings
    asked = {**asdict(task.reading), "mesh_frame": made["reading"]["mesh_frame"], "mesh_unit": made["reading"]["mesh_unit"]}
    same_reading = {name: made["reading"].get(name) for name in asked} == plain(asked)
    files = (task.mesh, *task.images, *task.mask)
    return made["settings"] == plain(settings.as_dict()) and same_reading and made["inputs"] == list(input_files(files))


def _quantities(record: dict[str, Any]) -> dict[str, Quantity]:
    return {name: Quantity.from_dict(name, values) for name, values in record["quantities"].items()}


def _light(record: dict[str, Any]) -> str:
    return record["audit"]["light"] if record["audit"] else ""


def _in_a_line(outcome: Outcome) -> str:
    if outcome.state == "failed":
        return f"failed: {outcome.message}"
    audit = f", audit {outcome.light}" if outcome.light else ""
    words = f"{outcome.state}: {outcome.quantities['scar_burden_percent'].value:.1f} % scar{audit}"
    return words if outcome.state == "kept" else f"{words}, {outcome.seconds:.0f} s"


def _write_log(text: str, path: Path) -> None:
    with atomic_path(path, overwrite=True) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def _write_table(outcomes: list[Outcome], path: Path) -> None:
    with atomic_path(path, overwrite=True) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["case", "result", *COLUMNS, "audit", "seconds", "message"])
        for one in outcomes:
            numbers = [f"{one.quantities[key].value:.6g}" if key in one.quantities else "" for key in COLUMNS]
            writer.writerow([one.case, one.state, *numbers, one.light, f"{one.seconds:.1f}", one.message])
