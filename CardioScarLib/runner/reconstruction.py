"""The task "reconstruct": a stack, a wall and settings in files; the arrays and how they came about in files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from CardioScarLib.geometry.alignment import Alignment
from CardioScarLib.geometry.slices import SliceStack
from CardioScarLib.geometry.wall import Wall
from CardioScarLib.runner.environment import environment_for
from CardioScarLib.runner.job import Job, start_job
from CardioScarLib.runner.results import read_results, write_results
from CardioScarLib.runner.stack_files import stack_arrays, stack_from, stack_values
from CardioScarLib.runner.tasks import TaskProgress, read_job, write_job
from CardioScarLib.settings import ReconstructionSettings

INPUTS = "inputs.npz"


@dataclass(frozen=True, eq=False)
class StoredReconstruction:
    """What is left of a `Reconstruction` when it comes from another process: all but the field itself.

    arrays, settings, summary, notes, seconds: as there. record: its provenance, plain JSON values.
    """

    arrays: dict[str, np.ndarray]
    settings: ReconstructionSettings
    summary: dict
    notes: tuple[str, ...]
    seconds: dict[str, float]
    record: dict


def start_reconstruction(stack: SliceStack, wall: Wall, settings: ReconstructionSettings, alignment: Alignment | None = None) -> Job:
    """`pipeline.reconstruct` in a child process; its result is read by `read_reconstruction(job.folder)`.

    stack: as it is, not yet moved by the alignment.
    """
    return start_job("reconstruct", lambda folder: write_inputs(folder, stack, wall, settings, alignment), environment_for(settings))


def write_inputs(
    folder: Path, stack: SliceStack, wall: Wall, settings: ReconstructionSettings, alignment: Alignment | None = None
) -> None:
    np.savez(folder / INPUTS, nodes=wall.nodes, tetrahedra=wall.tetrahedra, triangles=wall.triangles, **stack_arrays(stack))
    content = {
        "settings": settings.as_dict(),
        **stack_values(stack),
        "wall": {"kind": wall.kind, "notes": wall.notes},
        "alignment": alignment.as_dict() if alignment else None,
    }
    write_job(folder, "reconstruct", content)


def read_inputs(folder: Path) -> tuple[SliceStack, Wall, ReconstructionSettings]:
    job = read_job(folder)
    with np.load(folder / INPUTS) as file:
        stack = stack_from(file, job)
        wall = Wall(file["nodes"], file["tetrahedra"], file["triangles"], job["wall"]["kind"], tuple(job["wall"]["notes"]))
    return stack, wall, ReconstructionSettings.from_dict(job["settings"])


def read_alignment(folder: Path) -> Alignment | None:
    found = read_job(folder)["alignment"]
    return Alignment.from_dict(found) if found else None


def run_task(folder: Path, progress: TaskProgress) -> None:
    from CardioScarLib.pipeline import reconstruct
    from CardioScarLib.provenance import provenance

    stack, wall, settings = read_inputs(folder)
    result = reconstruct(stack, wall, settings, progress, read_alignment(folder))
    progress("write", 0, 1)
    record = provenance(settings, (), result.seconds, result.summary, result.notes)
    write_results(folder, result.arrays, record)


def read_reconstruction(folder: Path) -> StoredReconstruction:
    """What the task has left. Raises RunFailed when it cannot be read."""
    arrays, record = read_results(folder)
    settings = ReconstructionSettings.from_dict(record["settings"])
    return StoredReconstruction(arrays, settings, record["summary"], tuple(record["notes"]), record["seconds"], record)
