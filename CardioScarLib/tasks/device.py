"""The task of finding the device that PyTorch can use, which takes the seconds of importing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from CardioScarLib.reconstruction.dropout.device import choose_device
from CardioScarLib.runner.task import Task, TaskProgress


@dataclass(frozen=True)
class DeviceTask(Task[str]):
    """A sentence on what was found."""

    answer: ClassVar[type] = str

    def run(self, progress: TaskProgress) -> str:
        return choose_device("auto")[1]

    @property
    def environment(self) -> dict[str, str]:
        return {}
