"""The task of segmenting a stack with a trained network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from CardioScarLib.core.segmentation_settings import SegmentSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.threads import ONE_THREAD
from CardioScarLib.runner.environment import NO_GPU
from CardioScarLib.runner.task import Task, TaskProgress
from CardioScarLib.segmentation.predict import Segmentation, segment
from CardioScarLib.segmentation.weights import read_weights


@dataclass(frozen=True, eq=False)
class SegmentTask(Task[Segmentation]):
    """stack: short-axis LGE slices. weights: "default", or the file of a network."""

    answer: ClassVar[type] = Segmentation

    stack: SliceStack
    settings: SegmentSettings = field(default_factory=SegmentSettings)
    weights: str = "default"

    def run(self, progress: TaskProgress) -> Segmentation:
        progress("weights", 0, 1)
        trained, finder = read_weights(self.weights), read_weights("finder")
        progress("weights", 1, 1)
        return segment(self.stack, trained, finder, self.settings, progress)

    @property
    def environment(self) -> dict[str, str]:
        return {**ONE_THREAD, **(NO_GPU if self.settings.device == "cpu" else {})}
