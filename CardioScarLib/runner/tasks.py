"""What a child process can be asked to do, by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

TaskProgress = Callable[..., None]
"""Called with (stage, step, steps) and, where it is known, loss=."""

TASKS = {
    "reconstruct": "CardioScarLib.runner.reconstruction",
    "audit": "CardioScarLib.runner.audit",
    "wall": "CardioScarLib.runner.wall",
    "align": "CardioScarLib.runner.alignment",
    "device": "CardioScarLib.runner.device",
    "next_slice": "CardioScarLib.runner.next_slice",
    "case": "CardioScarLib.batch.task",
    "benchmark": "CardioScarLib.benchmark.task",
}
"""Module of each task; it has a function `run_task(folder: Path, progress: TaskProgress) -> None`, which finds what to
do in files of the job folder and leaves its results there. Imported only by the child that runs it."""

JOB_FILE = "job.json"


def write_job(folder: Path, task: str, content: dict) -> None:
    """What the child reads first. content: plain JSON values."""
    (folder / JOB_FILE).write_text(json.dumps({"task": task, **content}), encoding="utf-8")


def read_job(folder: Path) -> dict:
    return json.loads((folder / JOB_FILE).read_text(encoding="utf-8"))


def run_task(folder: Path, progress: TaskProgress) -> None:
    """Do what the job file of this folder says."""
    import_module(TASKS[read_job(folder)["task"]]).run_task(folder, progress)
