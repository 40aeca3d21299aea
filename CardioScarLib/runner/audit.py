"""The task "audit": a stack, a wall and settings in files; what the stack supports in a file."""

from __future__ import annotations

from pathlib import Path

from CardioScarLib.geometry.alignment import Alignment
from CardioScarLib.geometry.slices import SliceStack
from CardioScarLib.geometry.wall import Wall
from CardioScarLib.runner.environment import environment_for
from CardioScarLib.runner.job import Job, start_job
from CardioScarLib.runner.reconstruction import read_alignment, read_inputs, write_inputs
from CardioScarLib.runner.results import read_results, write_results
from CardioScarLib.runner.tasks import TaskProgress, read_job, write_job
from CardioScarLib.settings import ReconstructionSettings


def start_audit(stack: SliceStack, wall: Wall, settings: ReconstructionSettings, alignment: Alignment | None = None) -> Job:
    """`pipeline.reconstruct(..., audited=True)` in a child process; its result is read by `read_audit(job.folder)`.

    stack: as it is, not yet moved by the alignment.
    """

    def write(folder: Path) -> None:
        write_inputs(folder, stack, wall, settings, alignment)
        write_job(folder, "audit", {**read_job(folder), "task": "audit"})

    return start_job("audit", write, environment_for(settings))


def run_task(folder: Path, progress: TaskProgress) -> None:
    from CardioScarLib.pipeline import reconstruct
    from CardioScarLib.provenance import provenance

    stack, wall, settings = read_inputs(folder)
    result = reconstruct(stack, wall, settings, progress, read_alignment(folder), audited=True)
    progress("write", 0, 1)
    record = provenance(settings, (), result.seconds, result.summary, result.notes)
    write_results(folder, {}, record["summary"].pop("audit") | record)


def read_audit(folder: Path) -> dict:
    """`Audit.as_dict()` of what the task has found, and the provenance beside it. Raises RunFailed when it cannot be read."""
    return read_results(folder)[1]
