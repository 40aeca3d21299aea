"""The task "next_slice": a stack, a wall and settings in files; proposals of a further slice in a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from CardioScarLib.geometry.slices import SliceStack
from CardioScarLib.geometry.wall import Wall
from CardioScarLib.runner.environment import environment_for
from CardioScarLib.runner.job import Job, start_job
from CardioScarLib.runner.reconstruction import read_inputs, write_inputs
from CardioScarLib.runner.results import read_results, write_results
from CardioScarLib.runner.tasks import TaskProgress, read_job, write_job
from CardioScarLib.settings import ReconstructionSettings


def start_next_slice(
    stack: SliceStack,
    wall: Wall,
    settings: ReconstructionSettings,
    thickness: float | None = None,
    kinds: Sequence[str] = ("short axis", "long axis"),
    count: int = 5,
) -> Job:
    """`reconstruct` and `advise` in a child process; its result is read by `read_next_slice(job.folder)`."""

    def write(folder: Path) -> None:
        write_inputs(folder, stack, wall, settings)
        wish = {"thickness": thickness, "kinds": list(kinds), "count": count}
        write_job(folder, "next_slice", {**read_job(folder), "task": "next_slice", "wish": wish})

    return start_job("next_slice", write, environment_for(settings))


def run_task(folder: Path, progress: TaskProgress) -> None:
    from CardioScarLib.pipeline import reconstruct
    from CardioScarLib.reconstruction.next_slice import advise

    stack, wall, settings = read_inputs(folder)
    wish = read_job(folder)["wish"]
    result = reconstruct(stack, wall, settings, progress)
    advice = advise(
        stack, result.posterior, wall, wish["thickness"], tuple(wish["kinds"]), wish["count"],
        lambda done, steps: progress("next slice", done, steps),
    )  # fmt: skip
    progress("write", 0, 1)
    write_results(folder, {}, advice.as_dict() | {"notes": [*result.notes, *advice.notes]})


def read_next_slice(folder: Path) -> dict:
    """`Advice.as_dict()` of what the task has found. Raises RunFailed when it cannot be read."""
    return read_results(folder)[1]
