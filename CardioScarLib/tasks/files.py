"""Common to those who write a result: what can be written is checked before the long work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from CardioScarLib.core.result import Result
from CardioScarLib.core.settings import ReconstructionSettings
from CardioScarLib.io.results import Targets, array_names, write_result
from CardioScarLib.reconstruction.posteriors import POSTERIORS

WITH_SPREAD = ("field", "network")
"""Models that give an uncertainty."""


def check_targets(targets: Targets, mesh: Any, settings: ReconstructionSettings, overwrite: bool, interval: bool = False) -> None:
    """Raise for files that cannot be written with these settings, before the long work. interval: whether its ends are written."""
    names = array_names(settings.model.model in WITH_SPREAD, settings.threshold)
    targets.check_for(mesh, [*names, *(["scar_lower", "scar_upper"] if interval else [])], overwrite)


def write(
    result: Result, output: Path | str, volume: Path | str | None = None, overwrite: bool = False, keep_names: bool = False
) -> list[Path]:
    """Write a result; see `io.results`. Returns the files written."""
    targets = Targets(Path(output), Path(volume) if volume else None)
    mesh = result.case.mesh
    # A map that was read may be written in its own place; a mesh that is no map of ours may not be replaced by one.
    targets.check_names(() if mesh is None or Targets(mesh.path).field.is_file() else (mesh.path,), overwrite)
    return write_result(result, targets, POSTERIORS, overwrite, keep_names)
