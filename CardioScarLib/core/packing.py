"""Frozen dataclasses as JSON values and arrays, and back: one way for files, child processes and the scene.

Nothing in a file names a class: what is made is decided by the type that the reader asks for, and by fixed tables of
variants. So a file can hold wrong numbers, but it cannot run anything. (General libraries for this know no arrays, and
Slicer's Python brings none of them.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import Field, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from CardioScarLib.core.errors import CardioScarError, UnreadableFile

T = TypeVar("T")
Variants = Mapping[Any, Mapping[str, type]]
"""For a protocol or a base class: the classes that stand for it in a file, by a name that is written with the values."""
PLAIN = (bool, int, float, str, NoneType)


def pack(value: Any, variants: Variants | None = None) -> tuple[Any, dict[str, np.ndarray]]:
    """JSON values, and the arrays that they name.

    Dataclasses become their fields; those with `metadata={"packed": False}` are left out and come back as their defaults.
    """
    arrays: dict[str, np.ndarray] = {}
    names = {kind: name for table in (variants or {}).values() for name, kind in table.items()}
    return _packed(value, "", arrays, names), arrays


def unpack(kind: type[T], values: Any, arrays: Mapping[str, np.ndarray], variants: Variants | None = None) -> T:
    """The value of this type that `pack` made JSON values and arrays of.

    Raises UnreadableFile where they do not fit the type.
    """
    try:
        return _unpacked(kind, values, arrays, variants or {})
    except CardioScarError:
        raise  # what a class itself says against its values
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError) as problem:
        raise UnreadableFile(f"The stored values do not fit: {type(problem).__name__} in {getattr(kind, '__name__', kind)}.") from problem


def _packed(value: Any, path: str, arrays: dict[str, np.ndarray], names: Mapping[type, str]) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, PLAIN):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, np.ndarray):
        arrays[path] = value
        return {"array": path}
    if is_dataclass(value):
        found = {
            one.name: _packed(getattr(value, one.name), f"{path}.{one.name}".lstrip("."), arrays, names) for one in _stored(type(value))
        }
        return {"variant": names[type(value)], **found} if type(value) in names else found
    if isinstance(value, Mapping):
        return {str(name): _packed(one, f"{path}.{name}", arrays, names) for name, one in value.items()}
    if isinstance(value, Sequence):
        return [_packed(one, f"{path}.{number}", arrays, names) for number, one in enumerate(value)]
    raise TypeError(f"{type(value).__name__} cannot be stored in a file ({path}).")


def _unpacked(kind: Any, value: Any, arrays: Mapping[str, np.ndarray], variants: Variants) -> Any:
    if kind in variants:
        return _dataclass(variants[kind][value["variant"]], value, arrays, variants)
    if kind is np.ndarray:
        return arrays[value["array"]]
    if isinstance(kind, type) and is_dataclass(kind):
        return _dataclass(kind, value, arrays, variants)
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        others = [one for one in inner if one is not NoneType]
        if value is None and len(others) < len(inner):
            return None
        return _unpacked(others[0], value, arrays, variants) if len(others) == 1 else _plain(value)
    if origin is tuple:
        kinds = [inner[0]] * len(value) if inner[-1] is Ellipsis else inner
        return tuple(_unpacked(one, part, arrays, variants) for one, part in zip(kinds, value, strict=True))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {name: _unpacked(inner[1], one, arrays, variants) for name, one in value.items()}
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return [_unpacked(inner[0], one, arrays, variants) for one in value]
    if kind is Path:
        return Path(value)
    if kind is float:
        return float(value)
    if kind in PLAIN:
        if not isinstance(value, kind):
            raise TypeError(f"{value!r} is no {kind.__name__}")
        return value
    return _plain(value)


def _plain(value: Any) -> Any:
    """JSON values as they are: in fields that hold anything, such as summaries."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return {name: _plain(one) for name, one in value.items()} if isinstance(value, dict) else value


def _dataclass(kind: type, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray], variants: Variants) -> Any:
    types = _types(kind)
    made = {one.name: _unpacked(types[one.name], values[one.name], arrays, variants) for one in _stored(kind) if one.name in values}
    return kind(**made)


def _stored(kind: type) -> list[Field[Any]]:
    return [one for one in fields(kind) if one.init and one.metadata.get("packed", True)]


@cache
def _types(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
