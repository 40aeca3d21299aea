"""Cases, and an engine whose child process stays from test to test: starting one takes longer than a tiny case."""

import csv
from pathlib import Path

import SimpleITK as sitk

from CardioScarLib.cohort import Study, run_study
from CardioScarLib.cohort.work import make
from CardioScarLib.core.settings import AlignmentSettings, ModelSettings, ReadingSettings, ReconstructionSettings
from CardioScarLib.runner import Helper
from CardioScarLib.tasks.case_settings import ordered_steps, settings_of_map

QUICK = ReconstructionSettings(model=ModelSettings("nearest"))


class Here:
    """An engine in this process, with one child process for all."""

    workers = 1

    def __init__(self):
        self.helper = Helper()

    def make(self, units, results, way):
        for unit in units:
            yield unit, make(unit, results, self.helper)


class InThisProcess:
    """An engine, and its helper, without a child process: for stand-ins that a child would not know."""

    workers = 1

    def __init__(self):
        self.log, self.tasks = [], 0

    def make(self, units, results, way):
        for unit in units:
            yield unit, make(unit, results, self)

    def do(self, task, limits=None, stop=lambda: False):
        return task.run(lambda stage, step, steps, loss=None: None)


def settings(reconstruct=QUICK, reading=None, alignment=None, align=None, volume=False, interval=None):
    return settings_of_map(reconstruct, reading or ReadingSettings(), alignment or AlignmentSettings(), align, volume, interval)


def study(cases, reconstruct=QUICK, steps=(), keep_names=True, **choices):
    """A study of these cases with the choices of a single map."""
    of_study = {name: choices.pop(name) for name in ("limits", "retries", "variants", "any_version") if name in choices}
    aligned = ("align",) if choices.get("align") else ()
    return Study(
        tuple(cases), ordered_steps(("reconstruct", *aligned, *steps)), settings(reconstruct, **choices), keep_names=keep_names, **of_study
    )


def run(engine, cases, output, reconstruct=QUICK, overwrite=False, after_case=None, say=lambda text: None, **choices):
    return run_study(study(cases, reconstruct, **choices), output, engine, overwrite, after_case, say)


def states(outcomes):
    return [one.state for one in outcomes]


def rows_of(table: Path):
    return list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))


def copied_case(files, folder: Path) -> Path:
    folder.mkdir(parents=True)
    for file in files:
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def without_scar(case: Path) -> None:
    image = sitk.ReadImage(str(case / "slices.nrrd"))
    sitk.WriteImage(image * 0, str(case / "slices.nrrd"))
