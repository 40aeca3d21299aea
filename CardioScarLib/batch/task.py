"""The task "case": one case from files to files."""

from __future__ import annotations

import json
from pathlib import Path

import vtk

from CardioScarLib.batch.cases import Case
from CardioScarLib.io.files import atomic_path
from CardioScarLib.runner.environment import environment_for
from CardioScarLib.runner.job import Job, start_job
from CardioScarLib.runner.tasks import TaskProgress, read_job, write_job
from CardioScarLib.settings import ReconstructionSettings

REPORT = "report.json"


def start_case(case: Case, folder: Path, settings: ReconstructionSettings, thickness: float | None, audited: bool = False) -> Job:
    """Reconstruct a case in a child process, and audit its stack where asked.

    Its mesh, provenance and report go to `folder`, those of an earlier run are replaced.
    """
    content = {
        "name": case.name,
        "volume": str(case.volume.resolve()),
        "model": str(case.model.resolve()),
        "segmentation": str(case.segmentation.resolve()) if case.segmentation else None,
        "output": str(folder.resolve()),
        "settings": settings.as_dict(),
        "thickness": thickness,
        "audited": audited,
    }
    return start_job("case", lambda place: write_job(place, "case", content), environment_for(settings))


def run_task(folder: Path, progress: TaskProgress) -> None:
    from CardioScarLib.cli.case import Targets, with_mask, write
    from CardioScarLib.io.images import read_stack
    from CardioScarLib.io.meshes import read_wall
    from CardioScarLib.pipeline import reconstruct

    job = read_job(folder)
    settings = ReconstructionSettings.from_dict(job["settings"])
    images = [Path(job["volume"])]
    progress("read", 0, 1)
    mesh_file = read_wall(Path(job["model"]))
    suffix = ".vtp" if isinstance(mesh_file.dataset, vtk.vtkPolyData) else ".vtu"
    targets = Targets(Path(job["output"]) / f"{job['name']}{suffix}")
    targets.check_names(images, overwrite=True)
    stack = read_stack(images, thickness=job["thickness"])
    if job["segmentation"]:
        images.append(Path(job["segmentation"]))
        stack = with_mask(stack, read_stack(images[1:], thickness=job["thickness"], label_map=True))
    result = reconstruct(stack, mesh_file.wall, settings, progress, audited=job["audited"])
    progress("write", 0, 1)
    reading = {"slice_thickness": job["thickness"], "mask": bool(job["segmentation"])}
    report = write(result, mesh_file, targets, images, reading, spacing=min(min(one.spacing) for one in stack), overwrite=True)
    with atomic_path(Path(job["output"]) / REPORT, overwrite=True) as temporary:
        temporary.write_text(json.dumps(report, indent=2), encoding="utf-8")
