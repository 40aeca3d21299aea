"""The task "align": slices, a wall and what tells of the myocardium in files; the shifts of the slices in a file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from CardioScarLib.geometry.slices import SliceStack
from CardioScarLib.geometry.wall import Wall
from CardioScarLib.runner.environment import ONE_THREAD
from CardioScarLib.runner.job import Job, start_job
from CardioScarLib.runner.reconstruction import read_inputs, write_inputs
from CardioScarLib.runner.results import read_results, write_results
from CardioScarLib.runner.tasks import TaskProgress, read_job, write_job
from CardioScarLib.settings import AlignmentSettings, ReconstructionSettings

if TYPE_CHECKING:
    from CardioScarLib.geometry.alignment import Alignment

MASK = "mask.npz"


def start_alignment(
    stack: SliceStack, wall: Wall, source: str, mask: SliceStack | None = None, settings: AlignmentSettings | None = None
) -> Job:
    """`find_shifts` in a child process; its result is read by `read_alignment(job.folder)`.

    source: "mask", with labels on the grid of the stack, or "image".
    """
    settings = settings or AlignmentSettings()

    def write(folder: Path) -> None:
        write_inputs(folder, stack, wall, ReconstructionSettings())
        if mask is not None:
            np.savez(folder / MASK, *(one.pixels for one in mask))
        write_job(folder, "align", {**read_job(folder), "task": "align", "source": source, "search": asdict(settings)})

    return start_job("align", write, dict(ONE_THREAD))


def run_task(folder: Path, progress: TaskProgress) -> None:
    from CardioScarLib.geometry.alignment import find_shifts

    progress("shifts", 0, 1)
    stack, wall = read_inputs(folder)[:2]
    job, mask = read_job(folder), None
    if (folder / MASK).is_file():
        with np.load(folder / MASK) as file:
            mask = stack.with_pixels([file[name] for name in file.files])
    labels = job["search"].pop("wall_labels")
    settings = AlignmentSettings(**job["search"], wall_labels=None if labels is None else tuple(labels))
    found = find_shifts(stack, wall, job["source"], mask=mask, settings=settings)
    progress("write", 0, 1)
    write_results(folder, {}, found.as_dict())


def read_alignment(folder: Path) -> Alignment:
    """The shifts that the task has found. Raises RunFailed when they cannot be read."""
    from CardioScarLib.geometry.alignment import Alignment

    return Alignment.from_dict(read_results(folder)[1])
