"""What the choices of a person mean for a run."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, get_args, get_origin

import slicer

from CardioScarLib.core.choices import Choice, choices_of, settings_of
from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.settings import ReconstructionSettings
from CardioScarMRML.case import CardioScarCase
from CardioScarMRML.choices import USE
from CardioScarMRML.shifts import shiftsFromText
from CardioScarMRML.translation import tr as _

if TYPE_CHECKING:
    from CardioScarMRML.parameter_node import CardioScarParameterNode

REMOTE_RADIUS = 8.0
"""mm around a point that marks remote myocardium: about the thickness of a wall."""


def settingsFrom(parameters, kind: type = ReconstructionSettings) -> Any:
    """The settings that were chosen.

    :param parameters: the parameter node, or a pack in it.
    :param kind: the dataclass of the settings that it holds.
    :raises BadSettings: a choice cannot be read.
    """
    settings = settings_of(kind, {one.path: _value(parameters, one) for one in _choices(kind)})
    region = remoteRegion(parameters.remoteRegion) if kind is ReconstructionSettings else None
    return settings if region is None else settings.with_evidence(remote_region=region)


def remoteRegion(node: slicer.vtkMRMLMarkupsFiducialNode | None) -> tuple[float, float, float, float] | None:
    """Center (LPS) and radius in mm of the region around a point in remote myocardium; None without a point."""
    if node is None or node.GetNumberOfControlPoints() == 0:
        return None
    x, y, z = node.GetNthControlPointPositionWorld(0)
    return (-x, -y, z, REMOTE_RADIUS)


def caseFrom(parameters: CardioScarParameterNode) -> CardioScarCase:
    """The case that was chosen.

    :raises BadSettings: see `sliceIndices`.
    """
    return CardioScarCase(
        parameters.lgeVolume,
        parameters.lvModel,
        parameters.scarSegmentation,
        parameters.scarSegmentID or None,
        sliceIndices(parameters),
        parameters.sliceThickness or None,
        shiftsFromText(parameters.shifts) if parameters.useShifts else None,
    )


def sliceIndices(parameters: CardioScarParameterNode) -> list[int] | None:
    """Numbers along k of the slices to use; None takes all.

    :raises BadSettings: none is left, or the list cannot be read.
    """
    if parameters.lgeVolume is None or parameters.lgeVolume.GetImageData() is None:
        return None
    last = parameters.lgeVolume.GetImageData().GetDimensions()[2] - 1
    if parameters.sliceSelection == "range":
        chosen = list(range(parameters.sliceRangeMinimum, min(parameters.sliceRangeMaximum, last) + 1))
    elif parameters.sliceSelection == "list":
        listed = set(_numbers(parameters.sliceList, "The list of slices"))
        chosen = sorted(number for number in listed if 0 <= number <= last)
    else:
        return None
    if not chosen:
        raise BadSettings(_("No slice is chosen; choose at least one."))
    return chosen


@cache
def _choices(kind: type) -> tuple[Choice, ...]:
    return tuple(choices_of(kind))


def _value(parameters, one: Choice) -> Any:
    name, kinds = ".".join(one.path), get_args(one.kind)
    if any(get_origin(kind) is tuple for kind in (one.kind, *kinds)):
        number = next(get_args(kind)[0] for kind in (one.kind, *kinds) if get_origin(kind) is tuple)
        found = _numbers(parameters.getValue(name), one.description.label, number)
        return found if found or type(None) not in kinds else None
    switch = ".".join((*one.path[:-1], USE + one.name))
    if type(None) in kinds and _has(parameters, switch) and not parameters.getValue(switch):
        return None
    return parameters.getValue(name)


def _has(parameters, name: str) -> bool:
    """Not every choice that may be left open for the library may be so in the panel, see `PLAIN_THRESHOLD`."""
    try:
        parameters.dataType(name)
    except ValueError:
        return False
    return True


def _numbers(text: str, what: str, kind: type = int) -> tuple:
    try:
        return tuple(kind(number) for number in text.split(",") if number.strip())
    except ValueError:
        raise BadSettings(_("{what}: '{text}' cannot be read; it must be numbers such as 2,5,8.").format(what=what, text=text)) from None
