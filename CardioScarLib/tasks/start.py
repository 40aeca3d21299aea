"""Common to tasks that start from a map."""

from __future__ import annotations

from dataclasses import dataclass

from CardioScarLib.core.case import Case
from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.result import Result
from CardioScarLib.core.settings import ReconstructionSettings
from CardioScarLib.pipeline import reconstruct
from CardioScarLib.runner.task import TaskProgress
from CardioScarLib.tasks.reconstruct import environment_for


@dataclass(frozen=True, eq=False)
class MapTask:
    """result: an existing map; or case and settings of a map that is made first, and not kept."""

    result: Result | None = None
    case: Case | None = None
    settings: ReconstructionSettings | None = None

    def __post_init__(self) -> None:
        if (self.result is None) == (self.case is None):
            raise BadSettings("Start from a result, or from a case, not from both.")

    def map(self, progress: TaskProgress) -> Result:
        """The map to start from."""
        if self.result is not None:
            return self.result
        assert self.case is not None  # see __post_init__
        return reconstruct(self.case, self.settings, progress)

    @property
    def environment(self) -> dict[str, str]:
        """Changes to the environment of a child process."""
        return environment_for(self.result.settings if self.result is not None else self.settings or ReconstructionSettings())
