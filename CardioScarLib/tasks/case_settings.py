"""The choices of all steps that a case of a cohort goes through, one dataclass per step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from CardioScarLib.core.choices import Settings, choice, whole
from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.segmentation_settings import SegmentSettings
from CardioScarLib.core.settings import AlignmentSettings, QuantifySettings, ReadingSettings, ReconstructionSettings, WallSettings

STEPS = ("segment", "wall", "align", "reconstruct", "audit", "quantify", "report")
"""In the order in which they are done."""
SHAPING = ("segment", "wall", "align", "reconstruct")
"""Steps that the map depends on; the others are done with it."""
SHIPPED_WEIGHTS = "default"
T = TypeVar("T")


@dataclass(frozen=True)
class SegmentStep(SegmentSettings):
    """weights: of the network that segments cases without a label map; those that come with the library, or a file."""

    weights: str = choice(SHIPPED_WEIGHTS, "Weights", "The network: default, or a file of weights.")


@dataclass(frozen=True)
class WallStep(WallSettings):
    """labels: what the values of the label map mean: a data set's order such as "emidec", or "myocardium=2,cavity=1"."""

    labels: str = choice("", "Labels", "Meaning of the labels: emidec, scarnet, myops, acdc, monai, or names.")


@dataclass(frozen=True)
class AlignStep(AlignmentSettings):
    source: str = choice("mask", "Source", "What the slices are moved by.", options=("mask", "image"))


@dataclass(frozen=True)
class ReconstructStep(ReconstructionSettings):
    """interval: percent, also written at each point. volume: also the map as a volume."""

    volume: bool = choice(False, "Volume", "Also write the map as a volume.")
    interval: float | None = choice(None, "Interval", "Also write the ends of this interval per point.", limits=(50.0, 99.9), unit="%")


@dataclass(frozen=True)
class QuantifyStep(QuantifySettings):
    right_ventricle: tuple[int, ...] | None = choice(
        None, "Right ventricle", "Values of the label map that are the right ventricle; those of the order of the labels if not given."
    )


@dataclass(frozen=True)
class CaseSettings(Settings):
    """What each step does; `plain_settings` gives those of the library's functions."""

    read: ReadingSettings = whole(ReadingSettings)
    segment: SegmentStep = whole(SegmentStep)
    wall: WallStep = whole(WallStep)
    align: AlignStep = whole(AlignStep)
    reconstruct: ReconstructStep = whole(ReconstructStep)
    quantify: QuantifyStep = whole(QuantifyStep)


def plain_settings(kind: type[T], step: Any) -> T:
    """The settings of a step without what only a cohort knows. kind: the class that the step's is made from."""
    return kind(**{one.name: getattr(step, one.name) for one in fields(kind)})  # type: ignore[arg-type]


def ordered_steps(names: tuple[str, ...]) -> tuple[str, ...]:
    """The steps in their order, with those that they need: segment has a wall made, report tells the numbers.

    Raises BadSettings for names that are none, and for steps without a map.
    """
    for name in names:
        if name not in STEPS:
            raise BadSettings(f"There is no step '{name}'; the steps are {', '.join(STEPS)}.")
    wanted = {*names, *(("quantify",) if "report" in names else ()), *(("wall",) if "segment" in names else ())}
    if "reconstruct" not in wanted:
        raise BadSettings("The steps must contain reconstruct: all others prepare a map or start from one.")
    return tuple(one for one in STEPS if one in wanted)


def with_values(settings: CaseSettings, values: Mapping[tuple[str, ...], Any]) -> CaseSettings:
    """The settings with other values by path, such as ("reconstruct", "model", "preset")."""
    return _replaced(settings, values)


def _replaced(settings: Any, values: Mapping[tuple[str, ...], Any]) -> Any:
    made = {one.name: getattr(settings, one.name) for one in fields(settings)}
    for name in {path[0] for path in values}:
        inner = {path[1:]: value for path, value in values.items() if path[0] == name}
        made[name] = inner[()] if () in inner else _replaced(made[name], inner)
    return type(settings)(**made)


def settings_of_map(
    reconstruct: ReconstructionSettings,
    read: ReadingSettings,
    alignment: AlignmentSettings,
    source: str | None = None,
    volume: bool = False,
    interval: float | None = None,
) -> CaseSettings:
    """The choices of a case whose steps are those of a single map. source: of the alignment; None for a case without one."""
    moved, told = AlignStep(**vars(alignment), source=source or AlignStep().source), QuantifyStep(contour_sd=reconstruct.contour_sd)
    made = ReconstructStep(**vars(reconstruct), volume=volume, interval=interval)
    return CaseSettings(read=read, align=moved, reconstruct=made, quantify=told)
