"""What the panel remembers, saved with the scene: made from the descriptions of the choices, so that a new one needs no line here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import slicer
from slicer import (
    vtkMRMLLabelMapVolumeNode,
    vtkMRMLMarkupsFiducialNode,
    vtkMRMLModelNode,
    vtkMRMLScalarVolumeNode,
    vtkMRMLSegmentationNode,
)
from slicer.parameterNodeWrapper import Choice, WithinRange, parameterNodeWrapper, parameterPack

from CardioScarLib.core.choices import Choice as DescribedChoice
from CardioScarLib.core.choices import choices_of
from CardioScarMRML.choices import DESCRIBED, PLAIN_THRESHOLD, USE


class Chosen:
    """What the panel remembers beside the choices that are described.

    lgeVolume - The stack of slices.
    lvModel - The LV wall.
    resultModel - What the last run wrote its map onto: the LV model, or a copy of it.
    scarSegmentation, scarSegmentID - Where the scar is drawn on the slices; without a segmentation, intensities tell.
    wallSegmentation, wallMyocardiumID, wallCavityID - What an LV wall is made from; an empty ID is found by its name.
    alignmentSegmentation, alignmentSegmentID, alignmentLabelMap - What shows the myocardium on the slices.
    remoteRegion - A point in remote myocardium; without one it is found.
    insertions - Insertions of the right ventricle, the anterior one first; without them there are no AHA segments.
    spectVolume, spectRest - Perfusion SPECT, at stress if there is one at rest, too.
    shifts - Shifts of slices that were found (JSON, see `CardioScarMRML.shifts`).
    """

    lgeVolume: vtkMRMLScalarVolumeNode
    lvModel: vtkMRMLModelNode
    resultModel: vtkMRMLModelNode
    scarSegmentation: vtkMRMLSegmentationNode
    scarSegmentID: str
    wallSegmentation: vtkMRMLSegmentationNode
    wallMyocardiumID: str
    wallCavityID: str
    alignmentSegmentation: vtkMRMLSegmentationNode
    alignmentSegmentID: str
    alignmentLabelMap: vtkMRMLLabelMapVolumeNode
    remoteRegion: vtkMRMLMarkupsFiducialNode
    insertions: vtkMRMLMarkupsFiducialNode
    spectVolume: vtkMRMLScalarVolumeNode
    spectRest: vtkMRMLScalarVolumeNode
    shifts: str


@dataclass(frozen=True)
class Parameter:
    """kind: bool, int, float or str. validator: of Slicer, or None."""

    kind: type
    default: Any
    validator: Any = None

    @property
    def annotation(self) -> Any:
        return self.kind if self.validator is None else Annotated[self.kind, self.validator]

    def allows(self, text: str) -> bool:
        """Whether a scene may hold this."""
        try:
            value = {"True": True, "False": False}[text] if self.kind is bool else self.kind(text)
            if self.validator is not None:
                self.validator.validate(value)
        except (ValueError, KeyError):
            return False
        return True


def parametersOf(one: DescribedChoice) -> Iterator[tuple[str, Parameter]]:
    """The parameters of a choice: one, and another that says whether it is made, where it may be left open.

    Numbers in a row are kept as text, as in "3,4"; no text leaves them open.
    """
    described, kinds = one.description, [kind for kind in get_args(one.kind) if kind is not NoneType]
    isOpen = NoneType in get_args(one.kind)
    kind = kinds[0] if isOpen else one.kind
    if get_origin(kind) is tuple:
        yield one.name, Parameter(str, ",".join(map(str, one.default or ())))
        return
    if one.path == ("threshold",):
        isOpen, default = False, PLAIN_THRESHOLD
    else:
        default = one.default
    validator = None
    if described.options is not None:
        keys = tuple(described.options)
        validator, default = Choice(keys), keys[0] if default is None else default
    elif described.limits is not None:
        low, high = (kind(limit) for limit in described.usual or described.limits)
        validator, default = WithinRange(low, high), min(max(kind(0), low), high) if default is None else default
    yield one.name, Parameter(kind, kind() if default is None else default, validator)
    if isOpen:
        yield USE + one.name, Parameter(bool, one.default is not None)


def _classOf(name: str, members: Mapping[str, Any]) -> type:
    """A class with annotations and defaults for Slicer's decorators; members that are not a `Parameter` are types without default."""
    annotations = {name: one.annotation if isinstance(one, Parameter) else one for name, one in members.items()}
    defaults = {name: one.default for name, one in members.items() if isinstance(one, Parameter)}
    return type(name, (), {"__annotations__": annotations, "__module__": __name__, **defaults})


def _members(settings: type) -> dict[str, Any]:
    """What a dataclass of choices has: a parameter or two for each choice, and a pack for each dataclass in it."""
    members: dict[str, Any] = {}
    types = get_type_hints(settings)
    choices = {one.name: one for one in choices_of(settings) if len(one.path) == 1}
    for name in settings.__dataclass_fields__:
        if is_dataclass(types[name]):
            members[name] = packOf(types[name])
        elif name in choices:
            members.update(parametersOf(choices[name]))
    return members


def packOf(settings: type) -> type:
    """A parameter pack with the choices of a dataclass."""
    return parameterPack(_classOf(f"{settings.__name__}Pack", _members(settings)))


def parameterNodeClass(described=DESCRIBED) -> type:
    """A parameter node wrapper with `Chosen` and all choices. described: as `CardioScarMRML.choices.DESCRIBED`."""
    members: dict[str, Any] = get_type_hints(Chosen)
    for settings, pack in described:
        members.update({pack: packOf(settings)} if pack else _members(settings))
    return parameterNodeWrapper(_classOf("CardioScarParameterNode", members))


def leavesOf(described=DESCRIBED) -> dict[str, Parameter]:
    """All parameters of choices by their names in the parameter node."""
    leaves = {}
    for settings, pack in described:
        for one in choices_of(settings):
            prefix = ".".join((pack, *one.path[:-1]) if pack else one.path[:-1])
            leaves.update({f"{prefix}.{name}" if prefix else name: parameter for name, parameter in parametersOf(one)})
    return leaves


CardioScarParameterNode = parameterNodeClass()
LEAVES = leavesOf()


def wrapped(node, described=DESCRIBED):
    """A `CardioScarParameterNode` around a node.

    What a scene of another version lacks, or holds although it is not allowed here, gets its default: Slicer could not read it.
    """
    isUsual = described is DESCRIBED
    kind, leaves = (CardioScarParameterNode, LEAVES) if isUsual else (parameterNodeClass(described), leavesOf(described))
    with slicer.util.NodeModify(node):
        for name, parameter in leaves.items():
            if not (node.HasParameter(name) and parameter.allows(node.GetParameter(name))):
                node.SetParameter(name, str(parameter.default))
    return kind(node)
