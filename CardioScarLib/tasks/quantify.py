"""The task of computing the numbers of a map."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from CardioScarLib.core.packing import Variants
from CardioScarLib.core.settings import QuantifySettings
from CardioScarLib.pipeline import quantify
from CardioScarLib.quantification.numbers import Numbers
from CardioScarLib.reconstruction.posteriors import POSTERIORS
from CardioScarLib.runner.task import Task, TaskProgress
from CardioScarLib.tasks.start import MapTask


@dataclass(frozen=True, eq=False)
class QuantifyTask(MapTask, Task[Numbers]):
    """The numbers of a map; starts from a map if given, otherwise makes it first.

    insertions, right_ventricle: see `pipeline.quantify`.
    """

    answer: ClassVar[type] = Numbers
    variants: ClassVar[Variants] = POSTERIORS

    quantify: QuantifySettings = field(default_factory=QuantifySettings)
    insertions: np.ndarray | None = None
    right_ventricle: np.ndarray | None = None

    def run(self, progress: TaskProgress) -> Numbers:
        return quantify(self.map(progress), self.quantify, self.insertions, self.right_ventricle, progress=progress)
