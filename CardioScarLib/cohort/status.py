"""How far a run is, from the files of its results, on whatever machine one asks."""

from __future__ import annotations

import time
from pathlib import Path

from CardioScarLib.cohort.collected import WAITING, count
from CardioScarLib.cohort.plan import read_plan
from CardioScarLib.cohort.run import STATUS, Progress
from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.io.json_files import parse_json, record_of, refused_as

NUMBER, WHOLE = {"type": "number"}, {"type": "integer"}
SCHEMA = record_of(
    {
        "state": {"type": "string"},
        **dict.fromkeys(("units", "done", "kept", "failed", "workers", "process"), WHOLE),
        **dict.fromkeys(("started", "updated"), NUMBER),
    }
)
SENTENCE = f"{STATUS} is not of this CardioScar; start the run again."
SILENT = 60.0
"""Seconds without a sign of a run after which it is taken for gone."""


def status_in_words(results: Path) -> str:
    """What is done, and whether a run is at work. Raises UnreadableFile for a folder that holds no cohort."""
    return look(results)[0]


def look(results: Path) -> tuple[str, bool]:
    """What `status_in_words` says, and whether a run is at work."""
    plan = read_plan(results)
    states = count(results, plan)
    lines = [f"{len(plan.units)} cases: {states['done']} done, {states['failed']} failed, {states[WAITING]} waiting."]
    progress = read_progress(results)
    if progress is None:
        return "\n".join([*lines, "No run has begun."]), False
    with refused_as(SENTENCE):  # JSON of Python holds numbers that are none, and such that no clock shows
        age = time.time() - progress.updated
        at_work = progress.state == "running" and age < SILENT
        if at_work:
            lines.append(f"A run is at work: {pace_in_words(progress)}.")
        elif progress.state == "ended":
            lines.append(f"No run is at work; the last one ended {duration_in_words(age)} ago.")
        else:
            lines.append(f"No run is at work; the last one stopped {duration_in_words(age)} ago. The same command continues.")
    return "\n".join(lines), at_work


def read_progress(results: Path) -> Progress | None:
    """What a run has last told of itself; None if there is nothing. Raises UnreadableFile."""
    path = results / STATUS
    if not path.is_file():
        return None
    try:
        values = parse_json(path.read_bytes(), SCHEMA, SENTENCE)
        with refused_as(SENTENCE):
            return Progress(**{name: values[name] for name in Progress.__dataclass_fields__})
    except OSError as problem:
        raise UnreadableFile(f"{STATUS} cannot be read: {problem.strerror}.") from problem


def pace_in_words(progress: Progress) -> str:
    """As in "3 workers, 120 cases an hour, 2 h 10 min left, 1 failed"."""
    words = [f"{progress.workers} worker{'s' * (progress.workers != 1)}"]
    if progress.rate:
        words.append(f"{progress.rate:.0f} cases an hour")
    if progress.remaining:
        words.append(f"{duration_in_words(progress.remaining)} left")
    if progress.failed:
        words.append(f"{progress.failed} failed")
    return ", ".join(words)


def duration_in_words(seconds: float) -> str:
    """As in "2 h 10 min", "4 min" or "12 s"."""
    minutes, hours = int(seconds // 60), int(seconds // 3600)
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{int(seconds)} s"
