"""The task of proposing a further slice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from CardioScarLib.advice.ranking import Advice
from CardioScarLib.core.packing import Variants
from CardioScarLib.core.settings import AdviceSettings
from CardioScarLib.pipeline import advise
from CardioScarLib.reconstruction.posteriors import POSTERIORS
from CardioScarLib.runner.task import Task, TaskProgress
from CardioScarLib.tasks.start import MapTask


@dataclass(frozen=True, eq=False)
class AdviseTask(MapTask, Task[Advice]):
    """Where a further slice would help a map most; starts from a map if given, otherwise makes it first."""

    answer: ClassVar[type] = Advice
    variants: ClassVar[Variants] = POSTERIORS

    advice: AdviceSettings = field(default_factory=AdviceSettings)

    def run(self, progress: TaskProgress) -> Advice:
        return advise(self.map(progress), self.advice, progress)
