"""One choice of the user, described once: its name, its allowed values, and its effect.

The command line, cohorts, the panel's parameter node with its limits and tooltips, and the tables of the documentation are
made from these descriptions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from typing import Any, get_type_hints

from CardioScarLib.core.errors import BadSettings


@dataclass(frozen=True)
class Description:
    """label: a few words, as next to a widget. help: a sentence, as in a tooltip.

    options: for a choice among a few: (label, help) by key, the keys in the order they are offered in.
    limits: lowest and highest value, both allowed. usual: a narrower range for sliders; None is `limits`.
    unit: of a number. flag: on the command line; None where it is not offered there. metavar: of the flag's value.
    """

    label: str
    help: str
    options: Mapping[str, tuple[str, str]] | None = None
    limits: tuple[float, float] | None = None
    usual: tuple[float, float] | None = None
    unit: str = ""
    flag: str | None = None
    metavar: str | None = None

    def check(self, value: Any) -> None:
        """Raise BadSettings for a value that is not allowed."""
        if value is None:
            return
        if self.options is not None and value not in self.options:
            raise BadSettings(f"{self.label}: '{value}' is not known; it must be one of {', '.join(self.options)}.")
        if self.limits is not None:
            low, high = self.limits
            if not low <= value <= high:  # NaN is not allowed either
                unit = f" {self.unit}" if self.unit else ""
                raise BadSettings(f"{self.label}: {value:.10g} is out of range; it must be between {low:.10g} and {high:.10g}{unit}.")


def choice(default: Any, label: str, help: str, **described: Any) -> Any:
    """A field of a settings dataclass; see `Description`. options may also be a plain tuple of keys."""
    options = described.pop("options", None)
    if isinstance(options, tuple):
        options = {key: (key, "") for key in options}
    return field(default=default, metadata={"choice": Description(label, help, options, **described)})


def whole(kind: type) -> Any:
    """A field that is a settings dataclass itself, at its defaults."""
    return field(default_factory=kind)


@dataclass(frozen=True)
class Choice:
    """One choice as found in a settings dataclass, or in one within it.

    path: names of the fields that lead to it. kind: its type, as in `float | None`. default: its value if none is chosen.
    """

    path: tuple[str, ...]
    kind: Any
    default: Any
    description: Description

    @property
    def name(self) -> str:
        return self.path[-1]


def choices_of(settings: type) -> Iterator[Choice]:
    """All choices of a settings dataclass and of those within it, in the order in which they are written."""
    types = get_type_hints(settings)
    for one in fields(settings):
        kind = types[one.name]
        if isinstance(kind, type) and is_dataclass(kind):
            for inner in choices_of(kind):
                yield Choice((one.name, *inner.path), inner.kind, inner.default, inner.description)
        elif "choice" in one.metadata:
            yield Choice((one.name,), kind, _default(one), one.metadata["choice"])


def keys_of(settings: type, name: str) -> tuple[str, ...]:
    """The keys of a choice among a few."""
    options = next(one for one in choices_of(settings) if one.path == (name,)).description.options
    if options is None:
        raise KeyError(name)
    return tuple(options)


def _default(one: Field[Any]) -> Any:
    return one.default_factory() if one.default_factory is not MISSING else one.default


class Settings:
    """What all settings dataclasses share: every choice is checked when they are made."""

    def __post_init__(self) -> None:
        for one in fields(self):  # type: ignore[arg-type]
            if "choice" in one.metadata:
                one.metadata["choice"].check(getattr(self, one.name))


def settings_from(kind: type, values: Mapping[str, Any]) -> Any:
    """The settings that `asdict`, or JSON made of it, came from."""
    types = get_type_hints(kind)
    made = {}
    for name, value in values.items():
        if is_dataclass(types.get(name)):
            made[name] = settings_from(types[name], value)
        else:
            made[name] = tuple(value) if isinstance(value, list) else value
    return kind(**made)


def settings_of(kind: type, values: Mapping[tuple[str, ...], Any]) -> Any:
    """Settings from values by path (see `Choice`); those without a value keep their defaults."""
    types = get_type_hints(kind)
    made = {}
    for one in fields(kind):
        inner = {path[1:]: value for path, value in values.items() if path[0] == one.name}
        if is_dataclass(types[one.name]):
            made[one.name] = settings_of(types[one.name], inner)
        elif inner:
            made[one.name] = inner[()]
    return kind(**made)
