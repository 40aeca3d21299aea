"""Run case after case: none stops the others, and finished cases are not repeated."""

from __future__ import annotations

import csv
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from CardioScarLib.batch.cases import BatchCase
from CardioScarLib.core.errors import CardioScarError, UnreadableFile, UnwritableOutput
from CardioScarLib.core.printable import printable, table_cell
from CardioScarLib.core.provenance import plain
from CardioScarLib.core.pseudonyms import without_names
from CardioScarLib.core.quantity import Quantity
from CardioScarLib.core.result import SCHEMA
from CardioScarLib.core.settings import AlignmentSettings, ReadingSettings, ReconstructionSettings
from CardioScarLib.io.files import atomic_path, check_writable, clear_leftovers
from CardioScarLib.io.json_files import parse_json, record_of, refused_as
from CardioScarLib.io.records import input_files, same_inputs
from CardioScarLib.io.results import Targets
from CardioScarLib.runner import start_job
from CardioScarLib.tasks.files import FilesTask

TABLE = "cases.csv"
LOG = "log.txt"
BETWEEN_POLLS = 0.05
OBJECT, WORD, NUMBER = {"type": "object"}, {"type": "string"}, {"type": ["number", "null"]}
QUANTITY = {
    **record_of(
        {"label": WORD, "value": {"type": "number"}, "unit": WORD, "method": WORD},
        dict.fromkeys(("low", "high", "level", "threshold"), NUMBER),
    ),
    "additionalProperties": False,
}
INPUT = record_of({"bytes": {"type": "integer"}, "sha256": WORD})
RECORD = record_of(
    {
        "schema": {"const": SCHEMA},
        "quantities": {"type": "object", "required": ["scar_burden_percent"], "additionalProperties": QUANTITY},
        "audit": {"anyOf": [{"type": "null"}, record_of({"light": WORD})]},
        "summary": record_of({"alignment": {"anyOf": [{"type": "null"}, record_of({"source": WORD, "settings": OBJECT})]}}),
        "provenance": record_of(
            {"settings": OBJECT, "reading": record_of({"mesh_frame": WORD, "mesh_unit": WORD}), "inputs": {"type": "array", "items": INPUT}}
        ),
    }
)
"""Schema of what is looked at in the record of a result."""
COLUMNS = {"scar_burden_percent": "Scar %", "scar_volume_ml": "Scar mL", "scar_mass_g": "Scar g", "lv_mass_g": "LV g"}
"""Heads of the quantities in the table."""


@dataclass(frozen=True)
class Outcome:
    """state: "done", "kept" (done by an earlier batch) or "failed". message: why it failed. quantities: by name.

    light: "green", "yellow" or "red" by its audit; empty without one. name: of the results. told: the message, for the table.
    """

    case: str
    state: str
    seconds: float = 0.0
    message: str = ""
    quantities: dict[str, Quantity] = field(default_factory=dict)
    light: str = ""
    name: str = ""
    told: str = ""


@dataclass(frozen=True)
class _Choices:
    """See `run_batch`."""

    settings: ReconstructionSettings
    reading: ReadingSettings
    overwrite: bool
    after_case: Callable[[BatchCase, Path], None] | None
    audited: bool
    keep_names: bool
    align: str | None
    alignment: AlignmentSettings
    volume: bool
    interval: float | None


def run_batch(
    cases: Iterable[BatchCase],
    output: Path,
    settings: ReconstructionSettings,
    reading: ReadingSettings | None = None,
    overwrite: bool = False,
    after_case: Callable[[BatchCase, Path], None] | None = None,
    say: Callable[[str], None] = print,
    audited: bool = False,
    keep_names: bool = False,
    align: str | None = None,
    alignment: AlignmentSettings | None = None,
    volume: bool = False,
    interval: float | None = None,
) -> list[Outcome]:
    """Reconstruct every case into a folder of its own below `output`, and keep a table of all in `output`/cases.csv.

    Results of the same settings and files are kept. Results of other settings or files
    make it fail, unless `overwrite`.
    reading: how the files of all cases are read.
    after_case: called with each case that is done, now or earlier, and the path of its map; when it raises a CardioScarError,
        the case has failed.
    audited: whether slices are left out and predicted, see `pipeline.reconstruct`; a result without an audit is then made again.
    keep_names: of folders and files, in the results and their names; a case from a folder is otherwise called by its fingerprint.
    align: "mask" or "image" to move the slices by; None moves nothing. alignment: how, and which labels mean myocardium.
    volume: also write each map as a volume (.nrrd). interval: percent, also write its ends at each point; the numbers then have it, too.
    """
    cases, outcomes = list(cases), []
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise UnwritableOutput(f"The folder {output.name} cannot be made: {problem.strerror}.") from problem
    check_writable(output / TABLE, overwrite=True)
    alignment = alignment or AlignmentSettings()
    choices = _Choices(
        settings, reading or ReadingSettings(), overwrite, after_case, audited, keep_names, align, alignment, volume, interval
    )
    taken: Counter[str] = Counter()
    for number, case in enumerate(cases, 1):
        say(f"[{number}/{len(cases)}] {printable(case.name)}")
        name = case.name_of_results(number, keep_names)
        taken[name] += 1
        if taken[name] > 1:  # the same files once more
            name = f"{name}-{taken[name]}"
        if name != case.name:
            say(f"    Its results are called {name}.")
        outcome = _one_case(case, output / name / name, choices)
        outcomes.append(replace(outcome, name=name, told=outcome.message if keep_names else _without_names(outcome.message, case)))
        say(f"    {printable(_in_a_line(outcome))}")
        try:
            _write_table(outcomes, output / TABLE)
        except UnwritableOutput as problem:  # such as a table that is open in a spreadsheet; the next case tries again
            say(f"    The table is not up to date: {problem}")
    return outcomes


def in_words(outcomes: list[Outcome]) -> str:
    """The summary at the end of a batch."""
    audited = any(one.light for one in outcomes)
    heads = ["Case", "Result", *COLUMNS.values(), *(["Audit"] if audited else []), "Seconds"]
    rows = [
        [
            printable(one.case),
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
    reasons = [printable(f"{one.case}: {one.message}") for one in outcomes if one.state == "failed"]
    return "\n".join([*lines, "", *reasons, f"{len(outcomes)} cases: {total}."])


def _one_case(case: BatchCase, output: Path, choices: _Choices) -> Outcome:
    """output: name of the map, without its suffix, in a folder of its own."""
    folder, settings, audited = output.parent, choices.settings, choices.audited
    start = time.monotonic()
    if case.problem:
        return Outcome(case.name, "failed", message=case.problem)
    job = None
    try:
        task = case.task(output, settings, choices.reading, audited, choices.keep_names)
        task = replace(task, align=choices.align, alignment=choices.alignment, volume=choices.volume, interval=choices.interval)
        earlier = _record_of(task.output, choices.overwrite)
        is_now = earlier is not None and _is_of(earlier, task)
        lacks = (audited and earlier is not None and not _light(earlier)) or (choices.volume and not _has_volume(task))
        lacks = lacks or (earlier is not None and choices.interval is not None and _level(earlier) != choices.interval / 100)
        if earlier is not None and not choices.overwrite and not (is_now and lacks):
            if not is_now:
                raise UnwritableOutput(
                    "The folder holds results of other settings or files; choose another output folder, or add --overwrite."
                )
            if choices.after_case is not None:
                choices.after_case(case, task.output)
            return Outcome(case.name, "kept", quantities=_quantities(earlier), light=_light(earlier))
        folder.mkdir(exist_ok=True)
        job = start_job(task)
        while job.poll() == "running":
            time.sleep(BETWEEN_POLLS)
        _write_log(job.log if choices.keep_names else _without_names(job.log, case), folder / LOG)
        if job.error is not None:
            raise job.error
        record = job.answer()
        if choices.after_case is not None:
            choices.after_case(case, task.output)
        return Outcome(case.name, "done", time.monotonic() - start, quantities=_quantities(record), light=_light(record))
    except Exception as error:  # whatever it is, the other cases are made
        return Outcome(case.name, "failed", time.monotonic() - start, _sentence(error, folder / LOG))
    finally:
        if job is not None:
            job.close()


def _sentence(error: Exception, log: Path) -> str:
    if isinstance(error, CardioScarError):
        return str(error)
    if isinstance(error, OSError):
        return f"Its files cannot be read or written: {error.strerror or error}."
    if log.parent.is_dir():
        with suppress(UnwritableOutput):
            _write_log("".join(traceback.format_exception(error)), log)
    return f"Internal error ({type(error).__name__}). Please report it with the log of the case."


def _record_of(output: Path, overwrite: bool) -> dict[str, Any] | None:
    """The record of a case from an earlier batch; None if there is none, or not all of its files.

    Raises UnwritableOutput for a file of its name that is something else, unless that may be overwritten.
    """
    targets = Targets(output)
    clear_leftovers(output.parent)
    if not targets.record.is_file():
        return None
    sentence = f"{targets.record.name} in the results is no record of this CardioScar; choose another output folder, or add --overwrite."
    try:
        record = parse_json(targets.record.read_bytes(), RECORD, sentence)
        with refused_as(sentence):
            _quantities(record), _light(record), record["provenance"]["inputs"], record["provenance"]["reading"]["mesh_unit"]
            if record["schema"] != SCHEMA:
                raise UnreadableFile(sentence)
    except (OSError, UnreadableFile) as problem:
        if overwrite:
            return None
        raise UnwritableOutput(sentence) from problem
    return record if all(path.is_file() for path in (targets.output, targets.field, targets.case)) else None


def _is_of(record: dict[str, Any], task: FilesTask) -> bool:
    """Whether a record is of the same files, read in the same way, and of the same choices."""
    made = record["provenance"]
    settings = task.settings.with_evidence(method="labels") if task.mask else task.settings
    asked = {**asdict(task.reading), "mesh_frame": made["reading"]["mesh_frame"], "mesh_unit": made["reading"]["mesh_unit"]}
    asked["wall_labels"] = task.alignment.wall_labels or ()
    if made["reading"].get("scar_by_name") and settings.evidence.scar_labels is None:
        settings = settings.with_evidence(scar_labels=made["settings"]["evidence"]["scar_labels"])
    moved = record["summary"]["alignment"]
    same_shifts = (moved and (moved["source"], moved["settings"])) == (task.align and (task.align, plain(asdict(task.alignment))))
    same_reading = {name: made["reading"].get(name) for name in asked} == plain(asked)
    files = (task.mesh, *task.images, *task.mask)
    same_choices = made["settings"] == plain(settings.as_dict()) and same_reading and same_shifts
    return same_choices and same_inputs(made["inputs"], input_files(files))


def _has_volume(task: FilesTask) -> bool:
    return task.targets.volume is not None and task.targets.volume.is_file()


def _level(record: dict[str, Any]) -> float | None:
    """Of the interval at each point that was written with a map; None without one."""
    return record["summary"].get("node_interval")


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


def _without_names(text: str, case: BatchCase) -> str:
    """What a case says, with its files called by what they are."""
    parts = {"LGE volume": case.volume, "LV model": case.model, "label map": case.segmentation}
    names = {path.name: f"the {part}" for part, path in parts.items() if path is not None}
    names |= {str(path.parent): "its folder" for path in parts.values() if path is not None}
    return without_names(text, {**names, **({} if case.listed else {case.name: "the case"})})


def _write_log(text: str, path: Path) -> None:
    with atomic_path(path, overwrite=True) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def _write_table(outcomes: list[Outcome], path: Path) -> None:
    with atomic_path(path, overwrite=True) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["case", "result", *COLUMNS, "audit", "seconds", "message"])
        for one in outcomes:
            numbers = [f"{one.quantities[key].value:.6g}" if key in one.quantities else "" for key in COLUMNS]
            writer.writerow([table_cell(one.name), one.state, *numbers, one.light, f"{one.seconds:.1f}", table_cell(one.told)])
