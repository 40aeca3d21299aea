"""Case after case: none stops the others, and what is done already is not done again."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from CardioScarLib.batch.cases import Case
from CardioScarLib.batch.task import REPORT, start_case
from CardioScarLib.errors import CardioScarError, UnwritableOutput
from CardioScarLib.io.files import atomic_path
from CardioScarLib.provenance import fingerprint
from CardioScarLib.settings import ReconstructionSettings

TABLE = "cases.csv"
LOG = "log.txt"
BETWEEN_POLLS = 0.05
NUMBERS = {"scar_percent": "Scar %", "scar_ml": "Scar mL", "scar_g": "Scar g", "lv_g": "LV g"}


@dataclass(frozen=True)
class Outcome:
    """state: "done", "kept" (done by an earlier batch) or "failed". message: why it failed. numbers: by key of NUMBERS.

    light: "green", "yellow" or "red" by its audit; empty without one.
    """

    case: str
    state: str
    seconds: float = 0.0
    message: str = ""
    numbers: dict[str, float] = field(default_factory=dict)
    light: str = ""


def run_batch(
    cases: Iterable[Case],
    output: Path,
    settings: ReconstructionSettings,
    thickness: float | None = None,
    overwrite: bool = False,
    after_case: Callable[[Case, Path], None] | None = None,
    say: Callable[[str], None] = print,
    audited: bool = False,
) -> list[Outcome]:
    """Reconstruct every case into a folder of its own below `output`, and keep a table of all in `output`/cases.csv.

    A case whose results were made by the same settings from the same files is kept. Results of other settings or files
    make it fail, unless `overwrite`.
    thickness: mm, of the slices of all cases; None takes what the files say.
    after_case: called with each case that is done, now or earlier, and its folder; when it raises a CardioScarError,
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
        outcome = _one_case(case, output / case.name, settings, thickness, overwrite, after_case, audited)
        outcomes.append(outcome)
        say(f"    {_in_a_line(outcome)}")
        _write_table(outcomes, output / TABLE)
    return outcomes


def in_words(outcomes: list[Outcome]) -> str:
    """The table at the end of a batch, for a person."""
    audited = any(one.light for one in outcomes)
    heads = ["Case", "Result", *NUMBERS.values(), *(["Audit"] if audited else []), "Seconds"]
    rows = [
        [
            one.case,
            one.state,
            *(f"{one.numbers[key]:.1f}" if key in one.numbers else "" for key in NUMBERS),
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


def _one_case(case, folder, settings, thickness, overwrite, after_case, audited) -> Outcome:
    start = time.monotonic()
    if case.problem:
        return Outcome(case.name, "failed", message=case.problem)
    if case.segmentation:
        settings = replace(settings, evidence=replace(settings.evidence, method="labels"))
    job = None
    try:
        earlier = _report_in(folder)
        is_now = earlier is not None and _is_of(earlier, case, settings, thickness)
        if earlier is not None and not overwrite and not (is_now and audited and not _light(earlier)):
            if not is_now:
                raise UnwritableOutput("There are results of other settings or files; choose another output folder, or say --overwrite.")
            if after_case is not None:
                after_case(case, folder)
            return Outcome(case.name, "kept", numbers=_numbers(earlier), light=_light(earlier))
        folder.mkdir(exist_ok=True)
        job = start_case(case, folder, settings, thickness, audited)
        while job.poll() == "running":
            time.sleep(BETWEEN_POLLS)
        _write_log(job.log, folder / LOG)
        if job.error is not None:
            raise job.error
        if after_case is not None:
            after_case(case, folder)
        report = _report_in(folder)
        return Outcome(case.name, "done", time.monotonic() - start, numbers=_numbers(report), light=_light(report))
    except (CardioScarError, OSError) as error:
        sentence = f"Its files cannot be read or written: {error.strerror}." if isinstance(error, OSError) else str(error)
        return Outcome(case.name, "failed", time.monotonic() - start, sentence)
    finally:
        if job is not None:
            job.close()


def _report_in(folder: Path) -> dict | None:
    """What an earlier batch has left of a case; None if it is not there or not whole."""
    try:
        report = json.loads((folder / REPORT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return report if all(Path(folder, Path(path).name).is_file() for path in report["outputs"]) else None


def _is_of(report: dict, case: Case, settings: ReconstructionSettings, thickness: float | None) -> bool:
    files = [path for path in (case.model, case.volume, case.segmentation) if path]
    same_settings = ReconstructionSettings.from_dict(report["settings"]) == settings
    same_thickness = report["reading"]["slice_thickness"] == thickness
    return same_settings and same_thickness and report["inputs"] == [fingerprint(path) for path in files]


def _numbers(report: dict) -> dict[str, float]:
    return {key: report["scar"][key] for key in NUMBERS if key in report["scar"]}


def _light(report: dict) -> str:
    return report["summary"].get("audit", {}).get("light", "")


def _in_a_line(outcome: Outcome) -> str:
    if outcome.state == "failed":
        return f"failed: {outcome.message}"
    words = f"{outcome.state}: {outcome.numbers['scar_percent']:.1f} % scar{', audit ' + outcome.light if outcome.light else ''}"
    return words if outcome.state == "kept" else f"{words}, {outcome.seconds:.0f} s"


def _write_log(text: str, path: Path) -> None:
    with atomic_path(path, overwrite=True) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def _write_table(outcomes: list[Outcome], path: Path) -> None:
    with atomic_path(path, overwrite=True) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["case", "result", *NUMBERS, "audit", "seconds", "message"])
        for one in outcomes:
            numbers = [f"{one.numbers[key]:.6g}" if key in one.numbers else "" for key in NUMBERS]
            writer.writerow([one.case, one.state, *numbers, one.light, f"{one.seconds:.1f}", one.message])
