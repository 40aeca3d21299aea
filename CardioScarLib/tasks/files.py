"""The task of reading a case, making its map and writing it, as for a batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from CardioScarLib.core.result import Result
from CardioScarLib.core.settings import AlignmentSettings, ReadingSettings, ReconstructionSettings
from CardioScarLib.io.cases import read_case
from CardioScarLib.io.results import Targets, array_names, record_of_result, write_result
from CardioScarLib.pipeline import align, reconstruct, settings_for, with_interval
from CardioScarLib.reconstruction.posteriors import POSTERIORS
from CardioScarLib.runner.task import Task, TaskProgress
from CardioScarLib.tasks.reconstruct import environment_for

WITH_SPREAD = ("field", "network")
"""Models that give an uncertainty."""


@dataclass(frozen=True, eq=False)
class FilesTask(Task[dict[str, Any]]):
    """Read a case, make its map, and write it; the answer is the record of the result.

    mesh, images, mask: see `read_case`. output: name of the map; earlier results there are replaced. audited: with an audit.
    keep_names: of the files, in the results. align: source of an alignment, see `pipeline.align`; None moves nothing. alignment: how,
    and which labels mean myocardium. volume: also write the probability as a volume, next to the map. interval: percent, also write
    its ends at each point.
    """

    answer: ClassVar[Any] = dict[str, Any]

    mesh: Path
    images: tuple[Path, ...]
    output: Path
    mask: tuple[Path, ...] = ()
    reading: ReadingSettings = field(default_factory=ReadingSettings)
    settings: ReconstructionSettings = field(default_factory=ReconstructionSettings)
    audited: bool = False
    keep_names: bool = False
    align: str | None = None
    alignment: AlignmentSettings = field(default_factory=AlignmentSettings)
    volume: bool = False
    interval: float | None = None

    @property
    def targets(self) -> Targets:
        return Targets(self.output, self.output.with_suffix(".nrrd") if self.volume else None)

    def run(self, progress: TaskProgress) -> dict[str, Any]:
        targets = self.targets
        targets.check_names((*self.images, *self.mask, self.mesh), overwrite=True)
        progress("read", 0, 1)
        scar_labels, wall_labels = self.settings.evidence.scar_labels or (), self.alignment.wall_labels or ()
        case = read_case(self.mesh, self.images, self.mask, (), scar_labels, wall_labels, self.reading)
        if self.align is not None:
            progress("shifts", 0, 1)
            case = case.aligned(align(case, self.align, self.alignment))
        check_targets(targets, case.mesh, settings_for(case, self.settings), True, self.interval is not None)
        result = reconstruct(case, self.settings, progress, self.audited)
        if self.interval is not None:
            result = with_interval(result, self.interval / 100)
        progress("write", 0, 1)
        write_result(result, targets, POSTERIORS, overwrite=True, keep_names=self.keep_names)
        return record_of_result(result, self.keep_names)

    @property
    def environment(self) -> dict[str, str]:
        return environment_for(self.settings)


def check_targets(targets: Targets, mesh: Any, settings: ReconstructionSettings, overwrite: bool, interval: bool = False) -> None:
    """Raise for files that cannot be written with these settings, before the long work. interval: whether its ends are written."""
    names = array_names(settings.model.model in WITH_SPREAD, settings.threshold)
    targets.check_for(mesh, [*names, *(["scar_lower", "scar_upper"] if interval else [])], overwrite)


def write(
    result: Result, output: Path | str, volume: Path | str | None = None, overwrite: bool = False, keep_names: bool = False
) -> list[Path]:
    """Write a result; see `io.results`. Returns the files written."""
    targets = Targets(Path(output), Path(volume) if volume else None)
    mesh = result.case.mesh
    # A map that was read may be written in its own place; a mesh that is no map of ours may not be replaced by one.
    targets.check_names(() if mesh is None or Targets(mesh.path).field.is_file() else (mesh.path,), overwrite)
    return write_result(result, targets, POSTERIORS, overwrite, keep_names)
