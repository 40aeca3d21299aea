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
from CardioScarLib.io.files import check_readable
from CardioScarLib.io.spect import SpectVolume
from CardioScarLib.perfusion.find_wall import SpectWall, find_wall
from CardioScarLib.perfusion.gated import beat, beat_quantities, resting_quantity
from CardioScarLib.perfusion.measure import Perfusion, difference, measure, quantities
from CardioScarLib.perfusion.scores import SEGMENTS, segment_scores
from CardioScarLib.perfusion.weights import SpectNetwork
from CardioScarLib.quantification.segments import SEGMENT_NAMES


@dataclass(frozen=True, eq=False)
class Study:
    """name: "stress", "rest" or "scan"."""

    name: str
    wall: SpectWall
    perfusion: Perfusion
    quantities: tuple[Quantity, ...]


@dataclass(frozen=True, eq=False)
class PerfusionReport:
    """studies: stress first. both: numbers of the pair. scar: of scar and perfusion together."""

    studies: tuple[Study, ...]
    both: tuple[Quantity, ...] = ()
    scar: tuple[Quantity, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "studies": {
                one.name: {
                    "quantities": {each.name: each.as_dict() for each in one.quantities},
                    "segment_scores": dict(zip(SEGMENT_NAMES, segment_scores(one.perfusion.means).tolist(), strict=True)),
                }
                for one in self.studies
            },
            "difference": {one.name: one.as_dict() for one in self.both},
            "scar_and_perfusion": {one.name: one.as_dict() for one in self.scar},
            "notes": list(self.notes),
        }


def measured(
    scans: Mapping[str, SpectVolume],
    trained: SpectNetwork,
    finding: SpectSettings,
    settings: PerfusionSettings,
    limits: np.ndarray | None = None,
    progress: Callable[..., None] | None = None,
) -> PerfusionReport:
    """scans: by "stress", "rest" or "scan". limits: see `measure`. Raises BadStack with a sentence."""
    progress = progress or (lambda stage, step, steps: None)
    studies, notes = [], []
    for name, volume in scans.items():
        wall = find_wall(volume.image, trained, finding, progress)
        found = measure(volume.image, wall, settings, limits, progress)
        if volume.gates:
            volumes = beat_quantities(beat(volume.gates, trained, finding, progress), settings.level)
        else:
            volumes = (resting_quantity(wall, settings.level),)
        studies.append(Study(name, wall, found, (*quantities(found, name), *volumes)))
        notes += [*volume.notes, *found.notes]
    both = difference(studies[0].perfusion, studies[1].perfusion) if [one.name for one in studies] == ["stress", "rest"] else ()
    return PerfusionReport(tuple(studies), both, (), tuple(dict.fromkeys(notes)))


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
