"""The task of reading a case, making its map and writing it, as for a batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from CardioScarLib.core.result import Result
from CardioScarLib.core.settings import ReadingSettings, ReconstructionSettings
from CardioScarLib.io.cases import read_case
from CardioScarLib.io.results import Targets, array_names, write_result
from CardioScarLib.pipeline import reconstruct, settings_for
from CardioScarLib.reconstruction.posteriors import POSTERIORS
from CardioScarLib.runner.task import Task, TaskProgress
from CardioScarLib.tasks.reconstruct import environment_for

WITH_SPREAD = ("field", "network")
"""Models that give an uncertainty."""


@dataclass(frozen=True, eq=False)
class FilesTask(Task[dict[str, Any]]):
    """Read a case, make its map, and write it; the answer is the record of the result.

    mesh, images, mask: see `read_case`. output: name of the map; earlier results there are replaced. audited: with an audit.
    """

    answer: ClassVar[Any] = dict[str, Any]

    mesh: Path
    images: tuple[Path, ...]
    output: Path
    mask: tuple[Path, ...] = ()
    reading: ReadingSettings = field(default_factory=ReadingSettings)
    settings: ReconstructionSettings = field(default_factory=ReconstructionSettings)
    audited: bool = False

    def run(self, progress: TaskProgress) -> dict[str, Any]:
        targets = Targets(self.output)
        targets.check_names((*self.images, *self.mask, self.mesh), overwrite=True)
        progress("read", 0, 1)
        case = read_case(self.mesh, self.images, self.mask, reading=self.reading)
        check_targets(targets, case.mesh, settings_for(case, self.settings), overwrite=True)
        result = reconstruct(case, self.settings, progress, self.audited)
        progress("write", 0, 1)
        write_result(result, targets, POSTERIORS, overwrite=True)
        return result.record()

    @property
    def environment(self) -> dict[str, str]:
        return environment_for(self.settings)


def check_targets(targets: Targets, mesh: Any, settings: ReconstructionSettings, overwrite: bool, interval: bool = False) -> None:
    """Raise for files that cannot be written with these settings, before the long work. interval: whether its ends are written."""
    names = array_names(settings.model.model in WITH_SPREAD, settings.threshold)
    targets.check_for(mesh, [*names, *(["scar_lower", "scar_upper"] if interval else [])], overwrite)


def write(result: Result, output: Path | str, volume: Path | str | None = None, overwrite: bool = False) -> list[Path]:
    """Write a result; see `io.results`. Returns the files written."""
    targets = Targets(Path(output), Path(volume) if volume else None)
    targets.check_names((), overwrite)
    return write_result(result, targets, POSTERIORS, overwrite)
