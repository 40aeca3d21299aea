"""A step of a session: a task for a child process that works in the session's folder and answers in plain values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from CardioScarLib.core.threads import ONE_THREAD
from CardioScarLib.runner.environment import NO_GPU
from CardioScarLib.runner.task import Task


@dataclass(frozen=True, eq=False)
class Step(Task[dict[str, Any]]):
    """folder: of the session."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """The same for all steps, so that one process does them all."""
        return {**ONE_THREAD, **NO_GPU}
