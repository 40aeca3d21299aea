"""Making a unit: the same whether in this process, in a worker on this machine, or on a cluster.

A unit may be started by two workers at once, when one was given up too early. Each works in a folder of its own, which becomes the
folder of the results by one rename, so that results are those of one worker, and complete, or not there.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from CardioScarLib.cohort.outcome import POSTPONED, Outcome
from CardioScarLib.cohort.units import (
    FAILED,
    FAILURE,
    LOG,
    RECORD,
    STUDY,
    WORK,
    Refused,
    Unit,
    lacking,
    light_of,
    quantities_of,
    read_record,
)
from CardioScarLib.cohort.ways import Way
from CardioScarLib.core.errors import Cancelled, CardioScarError, OverLimit, RunFailed, UnreadableFile, UnwritableOutput
from CardioScarLib.core.pseudonyms import without_names
from CardioScarLib.io.claims import Claim, abandoned
from CardioScarLib.io.files import atomic_path, clear_leftovers
from CardioScarLib.io.records import input_files
from CardioScarLib.runner import Helper

MADE, KEY = "result", "key.json"
"""In the folder of a unit at work: the results to be, and what they are made of."""
PATIENCE = 900.0
"""Seconds to wait for a disk that is away."""
BETWEEN_TRIES = 2.0
MARGIN = 15.0
"""Seconds before the end of a worker that are left for writing."""
ENDS_AT = "CARDIOSCAR_ENDS_AT"
"""Environment variable of workers that are ended at a time, as by a scheduler of a cluster: in seconds since 1970."""
WORTH_TRYING_AGAIN = (OSError, UnreadableFile, UnwritableOutput, RunFailed)


def make(unit: Unit, results: Path, helper: Helper, stop: Callable[[], bool] = lambda: False) -> Outcome:
    """Make a unit, or find that it is made. Whatever happens to it is its outcome; only Cancelled is raised, when `stop` says so.

    results: the folder of all results, which is there, as its study is.
    """
    start, tries = time.monotonic(), 0
    while True:
        tries += 1
        try:
            return replace(_made(unit, results, helper, stop, start), tries=tries)
        except Cancelled:
            raise
        except Exception as error:  # whatever it is, the others are made
            if not _is_there(unit, results) and _came_back(unit, results, stop):
                tries -= 1
                continue
            if isinstance(error, WORTH_TRYING_AGAIN) and not isinstance(error, OverLimit | Refused) and tries <= unit.retries:
                time.sleep(BETWEEN_TRIES if isinstance(error, OSError) else 0)
                continue
            log = "\n".join(helper.log)
            if not isinstance(error, CardioScarError | OSError):
                log += "\n" + "".join(traceback.format_exception(error))
            failed = Outcome(unit.name, "failed", time.monotonic() - start, sentence(error), name=unit.name, variant=unit.variant)
            failed = replace(failed, told=_told(failed.message, unit), tries=tries)
            with suppress(CardioScarError, OSError):
                keep_failure(failed, results, _told(log, unit))
            return failed


def sentence(error: Exception) -> str:
    """What is told of an error."""
    if isinstance(error, CardioScarError):
        return str(error)
    if isinstance(error, OSError):
        return f"Its files cannot be read or written: {error.strerror or error}."
    return f"Internal error ({type(error).__name__}). Please report it with the log of the case."


def keep_failure(failed: Outcome, results: Path, log: str = "") -> None:
    """Keep why a unit failed, until it is done. Raises UnwritableOutput."""
    folder = results / FAILED / failed.name / failed.variant
    if not (results / STUDY).is_file():  # a disk that is away must not get a folder of the same name in its place
        raise UnwritableOutput("The folder of the results is not there.")
    folder.mkdir(parents=True, exist_ok=True)
    values = {"case": failed.name, "variant": failed.variant, "message": failed.told, "seconds": failed.seconds, "tries": failed.tries}
    for name, text in ((FAILURE, json.dumps(values, indent=2, ensure_ascii=False)), (LOG, log)):
        with atomic_path(folder / name, overwrite=True) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")


def clear_work(results: Path) -> None:
    """Remove what killed workers have begun and nobody has finished."""
    for left in abandoned(results / WORK, ""):
        shutil.rmtree(left, ignore_errors=True)


def fits_before_the_end(seconds: float) -> bool:
    """Whether this worker is there for so long, as far as that is known."""
    left = seconds_left()
    return left is None or left >= seconds + MARGIN


def seconds_left() -> float | None:
    """Until this worker is ended; None where that is not known."""
    try:
        return float(os.environ[ENDS_AT]) - time.time()
    except (KeyError, ValueError):
        return None


def _made(unit: Unit, results: Path, helper: Helper, stop: Callable[[], bool], start: float) -> Outcome:
    helper.log = []
    inputs, folder = input_files(unit.files), results / unit.place
    missing: set[str] = set()
    try:
        earlier = read_record(folder)
        missing = lacking(earlier, folder, unit, inputs) if earlier else {"all"}
    except Refused:
        if not unit.overwrite:
            raise
        earlier, missing = None, {"all"}
    if earlier and not missing:
        _forget_failure(unit, results)
        return _outcome(unit, "kept", 0.0, earlier)
    if helper.tasks and not fits_before_the_end(unit.expected):  # a new worker tries what may not fit into any
        return Outcome(unit.name, POSTPONED, name=unit.name, variant=unit.variant)
    (results / WORK).mkdir(exist_ok=True)
    key = {"files": [one["sha256"] for one in inputs], "steps": unit.steps, "settings": unit.shaping()}
    claim = Claim(results / WORK, _prefix(unit))
    try:
        made = claim.folder / MADE
        if not _adopted(unit, results, key, made):
            # Numbers are added to a map that is there.
            shutil.copytree(folder, made) if missing <= {"quantify", "report"} else made.mkdir()
        (claim.folder / KEY).write_text(json.dumps(key), encoding="utf-8")
        work = time.monotonic()
        answer = helper.do(unit.task(made), unit.limits, stop)
        seconds = time.monotonic() - start
        overhead = seconds - sum(answer["seconds"].values())
        answer = {**answer, "seconds": seconds, "seconds_of_steps": answer["seconds"], "seconds_of_child": time.monotonic() - work}
        (made / LOG).write_text(_told("\n".join(helper.log), unit) + "\n", encoding="utf-8")
        found = sorted(path for path in made.rglob("*") if path.is_file() and path.name != RECORD)
        sizes = {path.relative_to(made).as_posix(): path.stat().st_size for path in found}
        record = unit.record(inputs, answer, sizes)
        with atomic_path(made / RECORD, overwrite=True) as temporary:
            temporary.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        state = _publish(made, folder, unit, inputs, claim.folder, bool(earlier))
    finally:
        claim.release()
    _forget_failure(unit, results)
    return replace(_outcome(unit, state, seconds, record), overhead=overhead)


def _publish(made: Path, folder: Path, unit: Unit, inputs: tuple[dict[str, Any], ...], claimed: Path, replaces: bool) -> str:
    """Let results appear, complete; the state that they then have. replaces: whether results that lack something are there."""
    if not (folder.parents[1 if unit.variant else 0] / STUDY).is_file():
        raise UnwritableOutput("The folder of the results is not there.")
    folder.parent.mkdir(exist_ok=True)
    if folder.is_dir() and (unit.overwrite or replaces):
        with suppress(FileNotFoundError):
            os.rename(folder, claimed / "old")
    try:
        os.rename(made, folder)
    except OSError:
        if not folder.is_dir():
            raise
        other = read_record(folder)  # of a worker that was given up too early, and was first
        if other is None or lacking(other, folder, unit, inputs):
            raise
        return "kept"
    return "done"


def _adopted(unit: Unit, results: Path, key: Mapping[str, Any], made: Path) -> bool:
    """Whether the half-done work of a killed worker is now at `made`."""
    for left in abandoned(results / WORK, _prefix(unit)):
        with suppress(OSError, ValueError):
            if not made.exists() and json.loads((left / KEY).read_text(encoding="utf-8")) == json.loads(json.dumps(key)):
                os.rename(left / MADE, made)
        shutil.rmtree(left, ignore_errors=True)
    if made.exists():
        clear_leftovers(made)
    return made.exists()


def _prefix(unit: Unit) -> str:
    return hashlib.sha256(unit.place.as_posix().encode()).hexdigest()[:16] + "-"


def _outcome(unit: Unit, state: str, seconds: float, record: Mapping[str, Any]) -> Outcome:
    return Outcome(unit.name, state, seconds, "", quantities_of(record), light_of(record), unit.name, unit.variant)


def _forget_failure(unit: Unit, results: Path) -> None:
    folder = results / FAILED / unit.name / unit.variant
    for name in (FAILURE, LOG):
        with suppress(OSError):
            (folder / name).unlink()
    for one in (folder, folder.parent, results / FAILED):
        with suppress(OSError):  # others have failed, too
            if one != results:
                one.rmdir()


def _told(text: str, unit: Unit) -> str:
    return text if unit.keep_names else without_names(text, unit.aliases)


def _failed(unit: Unit, message: str) -> Outcome:
    return Outcome(unit.name, "failed", message=message, name=unit.name, variant=unit.variant, told=message)


UNITS = Way(Unit, Outcome, make, _failed)


def _is_there(unit: Unit, results: Path) -> bool:
    return (results / STUDY).is_file() and all(path.exists() for path in unit.files)


def _came_back(unit: Unit, results: Path, stop: Callable[[], bool]) -> bool:
    """Wait for a disk that is away, as one behind a network may be for a while. The files were there when the run began."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        time.sleep(BETWEEN_TRIES)
        if stop():
            raise Cancelled
        if _is_there(unit, results):
            return True
    return False
