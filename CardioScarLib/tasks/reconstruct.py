"""The task of making a map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from CardioScarLib.core.case import Case
from CardioScarLib.core.packing import Variants
from CardioScarLib.core.result import Reconstruction, Result
from CardioScarLib.core.settings import ReconstructionSettings
from CardioScarLib.core.threads import ONE_THREAD
from CardioScarLib.pipeline import reconstruct
from CardioScarLib.reconstruction.posteriors import POSTERIORS
from CardioScarLib.runner.environment import NO_GPU
from CardioScarLib.runner.task import Task, TaskProgress


@dataclass(frozen=True, eq=False)
class ReconstructTask(Task[Reconstruction]):
    """A map of a case; audited: with an audit of its slices.

    A child process returns everything but the case, which is here already; `result` joins them.
    """

    answer: ClassVar[type] = Reconstruction
    variants: ClassVar[Variants] = POSTERIORS

    case: Case
    settings: ReconstructionSettings
    audited: bool = False

    def run(self, progress: TaskProgress) -> Reconstruction:
        result = reconstruct(self.case, self.settings, progress, self.audited)
        return Reconstruction(**{name: value for name, value in vars(result).items() if name != "case"})

    def result(self, found: Reconstruction) -> Result:
        return Result.of(self.case, found)

    @property
    def environment(self) -> dict[str, str]:
        return environment_for(self.settings)


def environment_for(settings: ReconstructionSettings) -> dict[str, str]:
    """The environment for these settings: one thread, and no GPU for a network on the CPU."""
    without_gpu = settings.model.model == "network" and settings.model.network.device == "cpu"
    return {**ONE_THREAD, **(NO_GPU if without_gpu else {})}
