"""What is done with a damaged file: the readers as the commands use them. Each may raise a CardioScarError and nothing else."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np

import CardioScarLib as cs
from CardioScarLib.benchmark.records import Records
from CardioScarLib.cohort import find_cases, read_study
from CardioScarLib.cohort.collected import collect
from CardioScarLib.cohort.status import status_in_words
from CardioScarLib.cohort.units import read_record
from CardioScarLib.io.contours import read_contours, read_drawn_contours
from CardioScarLib.io.files import clear_leftovers
from CardioScarLib.io.images import read_stack
from CardioScarLib.io.maps import read_map
from CardioScarLib.io.spect import read_spect
from CardioScarLib.io.training_data import read_training_data
from CardioScarLib.reconstruction.posteriors import POSTERIORS
from CardioScarLib.report.describe import describe
from CardioScarLib.runner.job import Job
from CardioScarLib.runner.progress import ProgressClock
from CardioScarLib.segmentation.scarnet_files import read_scarnet_slice


def look(kind: str, path: Path) -> None:
    LOOKS[kind](path)


def _describe(path: Path) -> None:
    json.dumps(describe(path))


def _words(path: Path) -> None:
    """The words go back into their archive."""
    target = path.with_name(path.name.removesuffix(".words"))
    with np.load(target) as found:
        arrays = {name: found[name] for name in found.files}
    content = io.BytesIO()
    np.savez(content, **{**arrays, "words": np.frombuffer(path.read_bytes(), dtype=np.uint8)})
    target.write_bytes(content.getvalue())
    try:
        _describe(target)
    finally:
        cs.read_result(path.parent / "map.vtu")


def _journal(path: Path) -> None:
    staging = path.parent / ".cardioscar-x"
    staging.mkdir()
    (staging / "lock").touch()
    shutil.move(path, staging / "journal.json")
    clear_leftovers(path.parent)


def _events(path: Path) -> None:
    """As the thread that listens to a child takes its lines."""
    job: Job = Job.__new__(Job)
    found: list = []
    job._events = SimpleNamespace(put=found.append)  # type: ignore[assignment]
    job._process = SimpleNamespace(  # type: ignore[assignment]
        stdout=path.open("rb"), stderr=io.BytesIO(), stdin=io.BytesIO(), wait=lambda: 0
    )  # fmt: skip
    job.state, job.error, job._clock, job._lines, job._done = "running", None, ProgressClock(), [], False
    job._listen()
    for kind, content in found:
        getattr(job, f"_on_{kind}")(content)
        _ = job.progress


LOOKS = {
    "describe": _describe,
    "volume": lambda path: read_stack([path], thickness=8),
    "detached": lambda path: read_stack([next(one for one in path.parent.iterdir() if one.suffix in (".nhdr", ".mhd"))], thickness=8),
    "labels": lambda path: read_stack([path], thickness=8, label_map=True),
    "folder": lambda path: read_stack([path.parent]),
    "case": lambda path: cs.read_case(path, path.parent / "image.nrrd"),
    "training": read_training_data,
    "spect": read_spect,
    "scarnet": lambda path: read_scarnet_slice(path.with_name("image.h5"), path.with_name("mask.h5"), 1.5),
    "map": lambda path: read_map(path.parent / "map.vtu", POSTERIORS),
    "result": lambda path: cs.read_result(path.parent / "map.vtu"),
    "words": _words,
    "record": lambda path: read_record(path.parent),
    "drawn": lambda path: read_drawn_contours(path, read_stack([path.parent / "image.nrrd"], thickness=8)),
    "contour": lambda path: read_contours([path], [path.parent / "image.nrrd"], None, 8.0),
    "records": lambda path: Records(path).all(),
    "events": _events,
    "journal": _journal,
    "list": find_cases,
    "study": read_study,
    "plan": lambda path: collect(path.parent),
    "status": lambda path: status_in_words(path.parent),
}
