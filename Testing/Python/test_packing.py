"""Dataclasses through JSON and arrays: the same values come back, and a file decides nothing but values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest

from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.core.packing import pack, unpack


class Shape(Protocol):
    def area(self) -> float: ...


@dataclass(frozen=True)
class Square:
    side: float

    def area(self) -> float:
        return self.side**2


@dataclass(frozen=True)
class Disc:
    radius: float
    middle: tuple[float, float] = (0.0, 0.0)

    def area(self) -> float:
        return np.pi * self.radius**2


@dataclass(frozen=True, eq=False)
class Box:
    name: str
    values: np.ndarray
    shapes: tuple[Shape, ...] = ()
    parts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    inner: Box | None = None
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    place: Path = Path("somewhere")
    handle: object = field(default=None, metadata={"packed": False})


SHAPES = {Shape: {"square": Square, "disc": Disc}}


def a_box() -> Box:
    inner = Box("inner", np.arange(3, dtype=np.float32))
    return Box(
        "größer", np.array([[1.5, np.nan]]), (Square(2.0), Disc(1.0, (3.0, 4.0))), {"scar": (3, 4)}, inner,
        {"a": np.zeros((2, 0)), "b": np.array([True, False])}, {"list": [1, None, {"deep": 2.5}], "number": np.float64(0.5)},
        Path("a/b"), handle=object(),
    )  # fmt: skip


def through_json(kind, value, variants=SHAPES):
    words, arrays = pack(value, variants)
    return unpack(kind, json.loads(json.dumps(words)), arrays, variants)


def test_what_was_packed_comes_back_to_the_last_bit_and_type():
    box, back = a_box(), through_json(Box, a_box())
    assert (back.name, back.shapes, back.parts, back.place) == (box.name, box.shapes, box.parts, box.place)
    assert back.values.tobytes() == box.values.tobytes() and back.values.dtype == box.values.dtype
    assert back.inner.values.dtype == np.float32 and back.inner.inner is None
    assert {name: (one.dtype, one.shape) for name, one in back.arrays.items()} == {"a": (float, (2, 0)), "b": (bool, (2,))}
    assert back.about == {"list": [1, None, {"deep": 2.5}], "number": 0.5}
    assert isinstance(back.shapes, tuple) and isinstance(back.parts["scar"], tuple)


def test_what_belongs_to_this_process_stays_here():
    assert through_json(Box, a_box()).handle is None
    assert "handle" not in pack(a_box(), SHAPES)[0]


def test_a_file_cannot_name_a_class_that_is_not_in_the_table():
    words, arrays = pack(a_box(), SHAPES)
    words["shapes"][0]["variant"] = "subprocess.Popen"
    with pytest.raises(UnreadableFile, match="do not fit"):
        unpack(Box, words, arrays, SHAPES)


@pytest.mark.parametrize(
    "damage",
    [
        lambda words: words.update(name=5),
        lambda words: words.pop("name"),
        lambda words: words.update(values={"array": "nothing"}),
        lambda words: words.update(values=[1, 2]),
        lambda words: words.update(shapes=[{"variant": "disc", "radius": "wide"}]),
        lambda words: words.update(shapes=[{"variant": "disc", "radius": 1.0, "middle": [1.0]}]),
        lambda words: words.update(parts=[1]),
        lambda words: words.update(inner=7),
    ],
)
def test_words_that_do_not_fit_the_type_are_refused_in_one_sentence(damage):
    words, arrays = pack(a_box(), SHAPES)
    damage(words)
    with pytest.raises(UnreadableFile, match="The stored values do not fit"):
        unpack(Box, words, arrays, SHAPES)


def test_things_without_a_place_in_a_file_are_named():
    with pytest.raises(TypeError, match=r"object cannot be stored in a file \(about.x\)"):
        pack(Box("a", np.empty(0), about={"x": object()}), SHAPES)
