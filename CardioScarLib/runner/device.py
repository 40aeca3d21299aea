"""The task "device": what PyTorch finds to compute on, looked up by a process that may take its time to import it."""

from __future__ import annotations

from pathlib import Path

from CardioScarLib.runner.job import Job, start_job
from CardioScarLib.runner.tasks import TaskProgress, write_job

FOUND = "device.txt"


def start_device_check() -> Job:
    """Its result is read by `read_device(job.folder)`."""
    return start_job("device", lambda folder: write_job(folder, "device", {}))


def run_task(folder: Path, progress: TaskProgress) -> None:
    from CardioScarLib.reconstruction.mc_dropout.device import choose_device

    _device, sentence = choose_device("auto")
    (folder / FOUND).write_text(sentence, encoding="utf-8")


def read_device(folder: Path) -> str:
    """A sentence on what was found."""
    return (folder / FOUND).read_text(encoding="utf-8")
