"""All numbers of a patient's scans together: stress, rest, both, and scar beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from CardioScarLib.core.errors import BadSettings, UnreadableFile
from CardioScarLib.core.perfusion_settings import PerfusionSettings, SpectSettings
from CardioScarLib.core.quantity import Quantity
from CardioScarLib.core.scar_map import ScarMap
from CardioScarLib.core.wall import Wall
from CardioScarLib.io.files import check_readable
from CardioScarLib.io.spect import SpectVolume
from CardioScarLib.perfusion.beside_scar import BesideScar, beside_scar
from CardioScarLib.perfusion.find_wall import SpectWall, find_wall
from CardioScarLib.perfusion.gated import EJECTION_NOTE, beat, beat_quantities, resting_quantity
from CardioScarLib.perfusion.given_wall import given_wall
from CardioScarLib.perfusion.measure import Perfusion, difference, measure, quantities
from CardioScarLib.perfusion.registered import register
from CardioScarLib.perfusion.scores import SEGMENTS, segment_scores
from CardioScarLib.perfusion.viability import CLASSES
from CardioScarLib.perfusion.weights import SpectNetwork
from CardioScarLib.quantification.segments import SEGMENT_NAMES

NETWORK, GIVEN = WALLS = ("network", "map")
"""Along which wall perfusion is measured: the one that a network finds, or the given one, as of a map of scar."""


@dataclass(frozen=True, eq=False)
class OtherWall:
    """A wall of another modality that is read beside the scans. scar: the map of scar on it, None without one.

    is_registered: it lies on the scans already. is_measured: perfusion is measured along it, and not along the wall of the network.
    """

    wall: Wall
    scar: ScarMap | None = None
    is_registered: bool = False
    is_measured: bool = False


@dataclass(frozen=True, eq=False)
class Study:
    """name: "stress", "rest" or "scan". matrix: 4x4 from the LPS mm of the other wall to those of the scan; None without one."""

    name: str
    wall: SpectWall
    perfusion: Perfusion
    quantities: tuple[Quantity, ...]
    matrix: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class PerfusionReport:
    """studies: stress first. both: numbers of the pair. beside: of another wall. files: notes that may have names of files.

    weights_sha256: of the network.
    """

    studies: tuple[Study, ...]
    both: tuple[Quantity, ...] = ()
    beside: BesideScar | None = None
    notes: tuple[str, ...] = field(default=())
    files: tuple[str, ...] = field(default=())
    weights_sha256: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values; `perfusion.record` reads them."""
        made = self.beside.viability if self.beside is not None else None
        values: dict[str, Any] = {
            "studies": {
                one.name: {
                    "quantities": {each.name: each.as_dict() for each in one.quantities},
                    "segment_scores": dict(zip(SEGMENT_NAMES, segment_scores(one.perfusion.means).tolist(), strict=True)),
                }
                for one in self.studies
            },
            "difference": {one.name: one.as_dict() for one in self.both},
            "scar_and_perfusion": {one.name: one.as_dict() for one in made.quantities} if made else {},
            "notes": list(self.notes),
            "file_notes": list(self.files),
            "weights_sha256": self.weights_sha256,
        }
        if made and self.beside:
            segments = {name: _or_none(row) for name, row in zip(CLASSES, made.segments, strict=True)}
            values["segments"] = {"scar_percent": _or_none(made.scar_percent), "class_percent": segments}
            values["map_sha256"] = self.beside.map
        return values


def _or_none(values: np.ndarray) -> list[float | None]:
    return [float(one) if np.isfinite(one) else None for one in values]


def measured(
    scans: Mapping[str, SpectVolume],
    trained: SpectNetwork,
    finding: SpectSettings,
    settings: PerfusionSettings,
    limits: np.ndarray | None = None,
    progress: Callable[..., None] | None = None,
    other: OtherWall | None = None,
) -> PerfusionReport:
    """scans: by "stress", "rest" or "scan". limits: see `measure`. other: a wall that is read beside them.

    Raises BadStack with a sentence; BadAlignment where the other wall does not come to lie on a scan; BadWall.
    """
    progress = progress or (lambda stage, step, steps: None)
    studies: list[Study] = []
    notes: list[str] = []
    files: list[str] = []
    for name, volume in scans.items():
        wall = find_wall(volume.image, trained, finding, progress)
        matrix: np.ndarray | None = None
        said: list[str] = []
        if other is not None:
            matrix = np.eye(4)
            if not other.is_registered:
                progress("registration", 0, 1)
                motion = register(other.wall, wall)
                matrix, said = motion.matrix, [f"{name.capitalize()}: {one}" for one in motion.notes]
                progress("registration", 1, 1)
            if other.is_measured:
                wall = given_wall(volume.image, other.wall, matrix)
        found = measure(volume.image, wall, settings, limits, progress)
        if volume.gates:
            volumes = beat_quantities(beat(volume.gates, trained, finding, progress), settings.level)
            said = [*said, EJECTION_NOTE]
        else:
            volumes = (resting_quantity(wall, settings.level),)
        studies.append(Study(name, wall, found, (*quantities(found, name), *volumes), matrix))
        notes += [*said, *found.notes]
        files += volume.notes
    both = difference(studies[0].perfusion, studies[1].perfusion) if [one.name for one in studies] == ["stress", "rest"] else ()
    beside = None
    if other is not None:
        beside = beside_scar(other.wall, other.scar, [(one.name, one.perfusion, one.matrix) for one in studies if one.matrix is not None])
        notes += beside.viability.notes if beside.viability is not None else ()
    return PerfusionReport(tuple(studies), both, beside, tuple(dict.fromkeys(notes)), tuple(dict.fromkeys(files)), trained.sha256)


def read_limits(path: Path) -> np.ndarray:
    """(17,) lower limits of normal perfusion, shares of the reference, from a text file of 17 percentages, one for each segment in order.

    Raises UnreadableFile and BadSettings.
    """
    try:
        words = check_readable(path).read_text(encoding="utf-8-sig").replace(",", " ").replace(";", " ").split()
        values = np.array([float(one) for one in words])
    except ValueError as problem:  # of UTF-8, too
        raise UnreadableFile(f"{path.name} must hold {SEGMENTS} numbers, the lower limits of the segments in percent.") from problem
    if len(values) != SEGMENTS or not ((values > 1) & (values < 100)).all():
        raise BadSettings(
            f"{path.name} must hold {SEGMENTS} percentages between 1 and 100, one for each segment; it has {len(values)} numbers."
        )
    return values / 100
