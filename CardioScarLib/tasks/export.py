"""A map in the formats of other programs; and the task of writing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from CardioScarLib import pipeline
from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.interrupts import hold_interrupts
from CardioScarLib.core.packing import Variants
from CardioScarLib.core.settings import QuantifySettings
from CardioScarLib.core.threads import one_thread
from CardioScarLib.io.files import atomic_paths, made_folder
from CardioScarLib.io.meshes import read_wall
from CardioScarLib.pipeline import Progress
from CardioScarLib.reconstruction.posteriors import POSTERIORS
from CardioScarLib.runner.task import Task, TaskProgress
from CardioScarLib.tasks.export_formats import FORMATS, Files, Order
from CardioScarLib.tasks.sources import MapSource, Written
from CardioScarLib.tasks.start import MapTask
from CardioScarLib.wall.coordinates import WallCoordinates


def export_map(
    source: MapSource,
    folder: Path,
    kinds: Sequence[str],
    settings: QuantifySettings | None = None,
    insertions: np.ndarray | None = None,
    right_ventricle: np.ndarray | None = None,
    coordinates: WallCoordinates | None = None,
    identity_from: Path | None = None,
    pdf: Path | None = None,
    progress: Progress | None = None,
    overwrite: bool = False,
) -> Written:
    """Write a map into a folder, which is made, in some of `FORMATS`; all files or none.

    settings: their thresholds tell border zone and core. The others are of DICOM: insertions, right_ventricle and coordinates as for
    `pipeline.quantify`; identity_from: a folder of the source images, to copy patient and study from; pdf: a file to wrap.
    Raises BadSettings for another format, and UnwritableOutput.
    """
    for kind in kinds:
        if kind not in FORMATS:
            raise BadSettings(f"There is no format '{kind}'; use some of {', '.join(FORMATS)}.")
    settings = settings or QuantifySettings()
    tell = progress or (lambda stage, step, steps, **detail: None)
    order = Order(
        source, made_folder(folder), settings, overwrite,
        lambda: pipeline.quantify(source.for_numbers(settings), settings, insertions, right_ventricle, coordinates, progress),
        identity_from, pdf,
    )  # fmt: skip
    tell("write", 0, 1)
    files: Files = {}
    with one_thread():
        for kind in dict.fromkeys(kinds):
            files |= FORMATS[kind](order)
    with hold_interrupts(), atomic_paths(list(files), overwrite) as temporary:
        for write, target in zip(files.values(), temporary, strict=True):
            write(target)
    tell("write", 1, 1)
    return Written(tuple(files), tuple(dict.fromkeys(order.notes)))


@dataclass(frozen=True, eq=False)
class ExportTask(MapTask, Task[Written]):
    """Write a map into a folder, in which nothing is replaced; starts from a map if given, otherwise makes it first.

    mesh: a file with the points of the map, LPS mm, and with what else is known of them, such as fibers; None for nothing else.
    """

    answer: ClassVar[type] = Written
    variants: ClassVar[Variants] = POSTERIORS

    folder: Path = Path()
    kinds: tuple[str, ...] = ()
    mesh: Path | None = None
    quantify: QuantifySettings = field(default_factory=QuantifySettings)
    insertions: np.ndarray | None = None

    def run(self, progress: TaskProgress) -> Written:
        source = MapSource.of(self.map(progress), None if self.mesh is None else read_wall(self.mesh, "lps", "mm"))
        return export_map(source, self.folder, self.kinds, self.quantify, self.insertions, progress=progress)
