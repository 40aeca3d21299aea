"""Choices as a study file writes them: names of settings, values of the right kind, and a grid of variants."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from itertools import product
from types import NoneType
from typing import Any, get_args, get_origin

from CardioScarLib.core.choices import Choice, choices_of
from CardioScarLib.core.errors import BadSettings
from CardioScarLib.tasks.case_settings import CaseSettings

Values = dict[tuple[str, ...], Any]
"""Choices by path, such as ("reconstruct", "model", "preset")."""
IN_WORDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
ALIGN_SOURCE = ("align", "source")
WEIGHTS = ("segment", "weights")
NOTHING = "none"
"""As the source of an alignment: the step is left out."""
MOST_VARIANTS = 1000


def choices() -> dict[tuple[str, ...], Choice]:
    """All choices of a case by their paths."""
    return {one.path: one for one in choices_of(CaseSettings)}


def read_values(nested: Any, where: str) -> Values:
    """The choices in a mapping of steps: nested, or by names with dots. Raises BadSettings with a sentence; where: for it."""
    known, found = choices(), {}
    for path, value in _flat(nested, where):
        found[path] = _checked(known, path, value, where)
    return found


def read_variants(given: Any) -> list[Values]:
    """Every combination of the values of a grid: lists of values by names of choices. Raises BadSettings.

    The source of an alignment may be "none" in a grid: that variant moves nothing.
    """
    known, lists = choices(), []
    for path, values in _flat(given, "variants"):
        if not isinstance(values, list) or not values:
            raise BadSettings(f"The variants of {'.'.join(path)} must be a list of values.")
        named = [
            (path, value if path == ALIGN_SOURCE and value == NOTHING else _checked(known, path, value, "variants")) for value in values
        ]
        if len({repr(one) for one in named}) < len(named):
            raise BadSettings(f"The variants of {'.'.join(path)} name a value twice.")
        lists.append(named)
    combined = [dict(one) for one in product(*lists)]
    if len(combined) > MOST_VARIANTS:
        raise BadSettings(f"The grid has {len(combined)} variants; {MOST_VARIANTS} are possible.")
    return combined


def variant_names(variants: list[Values]) -> list[str]:
    """A name for each, which can be that of a folder, such as "preset-fine_n_sd-5"; "" where there is one variant without values."""
    ends: dict[str, int] = {}
    for path in variants[0] if variants else ():
        ends[path[-1]] = ends.get(path[-1], 0) + 1
    names: list[str] = []
    for values in variants:
        words = [f"{path[-1] if ends[path[-1]] == 1 else '.'.join(path)}-{_word(value)}" for path, value in values.items()]
        names.append(re.sub(r"[^\w.+-]+", "-", "_".join(words))[:100])
    return [name if names.count(name) == 1 else f"{name}-{number}" for number, name in enumerate(names, 1)]


def _word(value: Any) -> str:
    if isinstance(value, tuple):
        return "+".join(map(_word, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _flat(nested: Any, where: str, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not isinstance(nested, Mapping):
        raise BadSettings(f"The {where} must be names with values, not {nested!r}.")
    for name, value in nested.items():
        longer = (*path, *str(name).split("."))
        if isinstance(value, Mapping):
            yield from _flat(value, where, longer)
        else:
            yield longer, value


def _checked(known: Mapping[tuple[str, ...], Choice], path: tuple[str, ...], value: Any, where: str) -> Any:
    name = ".".join(path)
    if path not in known:
        close = get_close_matches(name, [".".join(one) for one in known], 1)
        hint = f"; did you mean {close[0]}?" if close else "; see the settings in the documentation."
        raise BadSettings(f"The {where} name '{name}', which is no choice of this CardioScar{hint}")
    one = known[path]
    made = _of_kind(one.kind, value, name)
    one.description.check(made)
    return made


def _of_kind(kind: Any, value: Any, name: str) -> Any:
    kinds = [one for one in get_args(kind) if one is not NoneType] if NoneType in get_args(kind) else [kind]
    if value is None and len(kinds) < len(get_args(kind)):
        return None
    wanted = kinds[0]
    if get_origin(wanted) is tuple:
        inner = get_args(wanted)[0]
        return tuple(_of_kind(inner, one, name) for one in (value if isinstance(value, list | tuple) else [value]))
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        raise BadSettings(f"{name} is {value!r}; it must be {IN_WORDS[wanted]}.")
    return value
