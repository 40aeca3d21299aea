"""The origin of a result: program, input, choices and time."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import SimpleITK as sitk
from vtkmodules.vtkCommonCore import vtkVersion

from CardioScarLib.core.version import __version__


@dataclass(frozen=True)
class Provenance:
    """Everything that is needed to repeat a run, as plain JSON values (null for NaN and infinity).

    cardioscar: version. versions: of the libraries. started: UTC. seconds: wall-clock time of each stage.
    settings: all choices. inputs: name without folders, size and SHA-256 of each file. reading: how they were read.
    notes: sentences about what was assumed on the way. constants: fitted ones, with their version.
    """

    cardioscar: str
    versions: dict[str, str]
    platform: str
    started: str
    seconds: dict[str, float]
    settings: dict[str, Any]
    inputs: tuple[dict[str, Any], ...] = ()
    reading: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    constants: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def now(
        cls,
        settings: Any,
        seconds: Mapping[str, float],
        inputs: Sequence[Mapping[str, Any]] = (),
        reading: Mapping[str, Any] | None = None,
        notes: Sequence[str] = (),
        constants: Mapping[str, Any] | None = None,
    ) -> Provenance:
        """The provenance of something that has just been made. settings: a settings dataclass, or a mapping. seconds: they end now."""
        total = float(sum(seconds.values()))
        return cls(
            __version__,
            {
                "python": platform.python_version(),
                "numpy": np.__version__,
                "scipy": scipy.__version__,
                "vtk": vtkVersion().GetVTKVersion(),
                "SimpleITK": sitk.Version().VersionString(),  # type: ignore[no-untyped-call]
            },
            f"{platform.system()} {platform.machine()}",
            (datetime.now(timezone.utc) - timedelta(seconds=total)).isoformat(timespec="seconds"),
            dict(seconds),
            plain(settings if isinstance(settings, Mapping) else asdict(settings)),
            tuple(dict(one) for one in inputs),
            plain(reading or {}),
            tuple(notes),
            plain(constants or {}),
        )

    def as_dict(self) -> dict[str, Any]:
        return plain(asdict(self))


def plain(values: Any) -> Any:
    """Values as JSON knows them: numbers of numpy, tuples and paths (by their names) included; null for NaN and infinity."""
    return _finite(json.loads(json.dumps(values, default=_known)))


def _known(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return value.name
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be stored in a provenance record.")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
