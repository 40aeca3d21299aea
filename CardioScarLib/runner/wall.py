"""The task "wall": a label map and settings in files; an LV wall, its arrays and what is told about it in files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from CardioScarLib.geometry.slices import SliceStack
from CardioScarLib.geometry.wall import Wall
from CardioScarLib.runner.environment import ONE_THREAD
from CardioScarLib.runner.job import Job, start_job
from CardioScarLib.runner.results import read_results, write_results
from CardioScarLib.runner.stack_files import stack_arrays, stack_from, stack_values
from CardioScarLib.runner.tasks import TaskProgress, read_job, write_job
from CardioScarLib.settings import WallSettings

INPUTS = "inputs.npz"
Labels = Mapping[str, Sequence[int]] | str | None


@dataclass(frozen=True, eq=False)
class StoredWall:
    """What is left of a `FinishedWall` when it comes from another process: wall, arrays, description, notes as there."""

    wall: Wall
    arrays: dict[str, np.ndarray]
    description: str
    notes: tuple[str, ...]


def start_wall(
    stack: SliceStack, labels: Labels, settings: WallSettings, right_ventricle: Sequence[int] = (), zero_at: Sequence[float] | None = None
) -> Job:
    """An LV wall from a label map in a child process; its result is read by `read_wall(job.folder)`.

    labels: values by name, as for `shape_from_labels`. right_ventricle: values of the label that says where the angle
        around the wall starts; zero_at: (3,) a point that says so, LPS mm, which counts before it.
    """
    return start_job("wall", lambda folder: write_inputs(folder, stack, labels, settings, right_ventricle, zero_at), dict(ONE_THREAD))


def write_inputs(
    folder: Path,
    stack: SliceStack,
    labels: Labels,
    settings: WallSettings,
    right_ventricle: Sequence[int] = (),
    zero_at: Sequence[float] | None = None,
) -> None:
    np.savez(folder / INPUTS, **stack_arrays(stack))
    by_name = {name: [int(one) for one in values] for name, values in labels.items()} if isinstance(labels, Mapping) else labels
    zero = None if zero_at is None else [float(one) for one in zero_at]
    content = {"settings": asdict(settings), "labels": by_name, "right_ventricle": [int(one) for one in right_ventricle], "zero_at": zero}
    write_job(folder, "wall", {**content, **stack_values(stack)})


def run_task(folder: Path, progress: TaskProgress) -> None:
    from CardioScarLib.geometry.finished_wall import finished_wall, label_points
    from CardioScarLib.geometry.lv_wall import build_wall, shape_from_labels

    job = read_job(folder)
    settings = WallSettings(**job["settings"])
    with np.load(folder / INPUTS) as file:
        stack = stack_from(file, job)
    progress("shape", 0, 1)
    shape = shape_from_labels(stack, job["labels"], settings)
    built = build_wall(shape, settings, progress)
    right_ventricle = label_points(stack, job["right_ventricle"]) if job["right_ventricle"] else None
    zero_at = None if job["zero_at"] is None else np.array(job["zero_at"])
    finished = finished_wall(built, zero_at=zero_at, right_ventricle=right_ventricle, progress=progress)
    progress("write", 0, 1)
    record = {"description": finished.description, "notes": (*stack.notes, *finished.notes)}
    write_results(folder, {"nodes": finished.wall.nodes, "tetrahedra": finished.wall.tetrahedra, **finished.arrays}, record)


def read_wall(folder: Path) -> StoredWall:
    """What the task has left. Raises RunFailed when it cannot be read."""
    arrays, record = read_results(folder)
    wall = Wall.from_tetrahedra(arrays.pop("nodes"), arrays.pop("tetrahedra"))
    return StoredWall(wall, arrays, record["description"], tuple(record["notes"]))
