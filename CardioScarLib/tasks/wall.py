"""The task of making an LV wall from a label map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from CardioScarLib.core.settings import WallSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.runner.task import Task, TaskProgress
from CardioScarLib.wall import build_wall, shape_from_labels
from CardioScarLib.wall.finished import finished_wall, label_points


@dataclass(frozen=True, eq=False)
class LabeledWall:
    """A wall that was made from labels: wall, arrays per node, description and notes as of `FinishedWall`."""

    wall: Wall
    arrays: dict[str, np.ndarray]
    description: str
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class WallTask(Task[LabeledWall]):
    """stack: a label map. labels: values by name, as for `shape_from_labels`, or order: the name of a data set's order.

    right_ventricle: values of the label that sets where the angle around the wall starts; zero_at: (3,) a point that does so,
        LPS mm, which takes precedence.
    """

    answer: ClassVar[type] = LabeledWall

    stack: SliceStack
    labels: Mapping[str, tuple[int, ...]] | None = None
    order: str | None = None
    settings: WallSettings = field(default_factory=WallSettings)
    right_ventricle: tuple[int, ...] = ()
    zero_at: tuple[float, float, float] | None = None

    def run(self, progress: TaskProgress) -> LabeledWall:
        progress("shape", 0, 1)
        shape = shape_from_labels(self.stack, self.labels if self.order is None else self.order, self.settings)
        built = build_wall(shape, self.settings, progress)
        right_ventricle = label_points(self.stack, self.right_ventricle) if self.right_ventricle else None
        zero_at = None if self.zero_at is None else np.array(self.zero_at)
        finished = finished_wall(built, zero_at=zero_at, right_ventricle=right_ventricle, progress=progress)
        return LabeledWall(finished.wall, finished.arrays, finished.description, (*self.stack.notes, *finished.notes))
