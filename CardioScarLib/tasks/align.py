"""The task of finding shifts of slices."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from CardioScarLib.alignment import Alignment
from CardioScarLib.core.case import Case
from CardioScarLib.core.settings import AlignmentSettings
from CardioScarLib.pipeline import align
from CardioScarLib.runner.task import Task, TaskProgress


@dataclass(frozen=True, eq=False)
class AlignTask(Task[Alignment]):
    """The shift of each slice of a case; source: see `pipeline.align`."""

    answer: ClassVar[type] = Alignment

    case: Case
    source: str
    settings: AlignmentSettings = field(default_factory=AlignmentSettings)

    def run(self, progress: TaskProgress) -> Alignment:
        progress("shifts", 0, 1)
        return align(self.case, self.source, self.settings)
