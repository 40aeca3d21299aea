"""Perfusion of a patient's scans, beside a map of scar if there is one; and the task of measuring it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.packing import Variants
from CardioScarLib.core.perfusion_settings import PerfusionSettings, SpectSettings
from CardioScarLib.core.result import Result
from CardioScarLib.core.scar_map import ScarMap
from CardioScarLib.core.threads import ONE_THREAD
from CardioScarLib.core.wall import Wall
from CardioScarLib.io.spect import SpectVolume, check_counts, placed_image, read_pair
from CardioScarLib.perfusion.report import GIVEN, WALLS, OtherWall, PerfusionReport, measured, read_limits
from CardioScarLib.perfusion.weights import read_spect_weights
from CardioScarLib.pipeline import Progress
from CardioScarLib.reconstruction.posteriors import POSTERIORS
from CardioScarLib.runner.environment import NO_GPU
from CardioScarLib.runner.task import Task, TaskProgress
from CardioScarLib.tasks.sources import MapSource


def measure_perfusion(
    scan: Path,
    rest: Path | None = None,
    scar_map: MapSource | None = None,
    settings: PerfusionSettings | None = None,
    finding: SpectSettings | None = None,
    wall: str = WALLS[0],
    is_registered: bool = False,
    weights: str = "spect-default",
    normal_limits: Path | None = None,
    progress: Progress | None = None,
) -> PerfusionReport:
    """See `front_door.measure_perfusion`."""
    if wall not in WALLS:
        raise BadSettings(f"The wall is '{wall}'; it must be one of {', '.join(WALLS)}.")
    if scar_map is None and (wall == GIVEN or is_registered):
        raise BadSettings("Without a map of scar there is no other wall to measure along or to bring to the scan.")
    scans = read_pair(scan, rest)
    other = None
    if scar_map is not None:
        other = OtherWall(scar_map.map.wall, scar_map.map, is_registered, wall == GIVEN)
    limits = read_limits(normal_limits) if normal_limits else None
    trained = read_spect_weights(weights)
    return measured(scans, trained, finding or SpectSettings(), settings or PerfusionSettings(), limits, progress, other)


@dataclass(frozen=True, eq=False)
class ScanParts:
    """A scan on its way between processes. counts: (g, k, j, i) of each gate. matrix: 4x4 from voxels (i, j, k) to LPS mm.

    name: for sentences.
    """

    counts: np.ndarray
    matrix: np.ndarray
    name: str

    def volume(self) -> SpectVolume:
        """Raises BadStack for what is no volume of counts."""
        gates = [placed_image(one, self.matrix) for one in self.counts]
        for one in gates:
            check_counts(one, self.name)
        total = gates[0]
        for one in gates[1:]:
            total = total + one
        return SpectVolume(total, tuple(gates) if len(gates) > 1 else ())


@dataclass(frozen=True, eq=False)
class MeasuredPerfusion:
    """values: as of `PerfusionReport.as_dict`. arrays: at the nodes of the other wall; empty without one. labels: of each scan, (k, j, i)
    uint8, where the wall is along which perfusion was measured."""

    values: dict[str, Any]
    arrays: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class PerfusionTask(Task[MeasuredPerfusion]):
    """scans: by "stress", "rest" or "scan", stress first. wall: another wall that is read beside them. result: a map of scar, whose wall is
    taken instead. along: one of `perfusion.report.WALLS`. weights: "spect-default", or the file of a network."""

    answer: ClassVar[type] = MeasuredPerfusion
    variants: ClassVar[Variants] = POSTERIORS

    scans: Mapping[str, ScanParts]
    wall: Wall | None = None
    result: Result | None = None
    along: str = WALLS[0]
    is_registered: bool = False
    settings: PerfusionSettings = field(default_factory=PerfusionSettings)
    finding: SpectSettings = field(default_factory=SpectSettings)
    weights: str = "spect-default"

    def run(self, progress: TaskProgress) -> MeasuredPerfusion:
        scans = {name: one.volume() for name, one in self.scans.items()}
        progress("weights", 0, 1)
        trained = read_spect_weights(self.weights)
        progress("weights", 1, 1)
        report = measured(scans, trained, self.finding, self.settings, None, progress, self._other())
        arrays = report.beside.arrays if report.beside is not None else {}
        return MeasuredPerfusion(report.as_dict(), arrays, {one.name: one.wall.labels for one in report.studies})

    def _other(self) -> OtherWall | None:
        scar = None if self.result is None else ScarMap.of(self.result)
        wall = self.wall if scar is None else scar.wall
        if wall is None:
            if self.along == GIVEN:
                raise BadSettings("Without an LV wall there is none to measure perfusion along.")
            return None
        return OtherWall(wall, scar, self.is_registered, self.along == GIVEN)

    @property
    def environment(self) -> dict[str, str]:
        return {**ONE_THREAD, **(NO_GPU if self.finding.device == "cpu" else {})}
