"""Common to commands that start from a map, or from images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from CardioScarLib.cli.inputs import CaseFiles
from CardioScarLib.cli.options import flags_of
from CardioScarLib.core.choices import choices_of
from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.settings import NetworkSettings, ReconstructionSettings

OF_OTHER_MODELS = ("--model", "--threshold", "--contour-sd", *flags_of(NetworkSettings))
"""Flags that do not apply to audit and adviser, which rest on the model "field" and write no map."""


def check_start(result: Path | None, files: CaseFiles | None) -> None:
    """Raise BadSettings unless there is exactly one starting point."""
    if result is None and files is None:
        raise BadSettings("Give a map made by cardioscar reconstruct, or the slices and the wall with --image and --mesh-vtk.")
    if result is None or files is not None:
        return
    context = click.get_current_context()
    names = {f"settings_{'_'.join(one.path)}": one.description.flag for one in choices_of(ReconstructionSettings)}
    for name, flag in names.items():
        if context.get_parameter_source(name) == click.core.ParameterSource.COMMANDLINE:
            raise BadSettings(f"{flag} was chosen when the map was made and cannot be changed; make another map, or omit it.")


def start(result: Path | None, files: CaseFiles | None, settings: ReconstructionSettings) -> dict[str, Any]:
    """The starting point of a `MapTask`, read from files. With both: the map at `result`, and its case, which was not kept."""
    case = files.read(settings) if files else None
    if result is None:
        return {"case": case, "settings": settings}
    from CardioScarLib.io.results import read_result
    from CardioScarLib.reconstruction.posteriors import POSTERIORS

    return {"result": read_result(result, POSTERIORS, case)}
