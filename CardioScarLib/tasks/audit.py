"""The task of auditing a stack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from CardioScarLib.core.packing import Variants
from CardioScarLib.pipeline import audit
from CardioScarLib.reconstruction.posteriors import POSTERIORS
from CardioScarLib.runner.task import Task, TaskProgress
from CardioScarLib.self_audit import Audit
from CardioScarLib.tasks.start import MapTask


@dataclass(frozen=True, eq=False)
class AuditTask(MapTask, Task[Audit]):
    """What the slices of a map support; starts from a map if given, otherwise makes it first."""

    answer: ClassVar[type] = Audit
    variants: ClassVar[Variants] = POSTERIORS

    def run(self, progress: TaskProgress) -> Audit:
        return audit(self.map(progress), progress)
