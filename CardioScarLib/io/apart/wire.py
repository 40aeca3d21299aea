"""JSON values and arrays through a pipe."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import BufferedReader, BufferedWriter
from typing import Any

import numpy as np

LONGEST_LINE = 1 << 28
"""Bytes of the JSON before the arrays."""
NUMBERS = "biuf"
"""Kinds of numpy arrays that may come: plain numbers."""


class BrokenWire(Exception):
    """The other end is gone, or sends something else than it should."""


def send(stream: BufferedWriter, values: Any, arrays: Mapping[str, np.ndarray] | None = None) -> None:
    """One line of JSON, then the bytes of the arrays in their order."""
    whole = {name: np.ascontiguousarray(one) for name, one in (arrays or {}).items()}
    heads = [[name, one.dtype.str, list(one.shape)] for name, one in whole.items()]
    stream.write(json.dumps({"values": values, "arrays": heads}).encode() + b"\n")
    for one in whole.values():
        if one.size:
            stream.write(one.reshape(-1).view(np.uint8).data)
    stream.flush()


def receive(stream: BufferedReader, most_bytes: int = 0) -> tuple[Any, dict[str, np.ndarray]]:
    """What was sent. most_bytes: of all arrays together. Raises BrokenWire."""
    line = stream.readline(LONGEST_LINE)
    if not line.endswith(b"\n"):
        raise BrokenWire
    try:
        message = json.loads(line)
        values, heads = message["values"], [(str(name), np.dtype(kind), tuple(shape)) for name, kind, shape in message["arrays"]]
        sizes = [kind.itemsize * int(np.prod(shape, dtype=object)) for _, kind, shape in heads]
    except (ValueError, KeyError, TypeError) as problem:
        raise BrokenWire from problem
    if any(kind.kind not in NUMBERS for _, kind, _ in heads) or any(size < 0 for size in sizes) or sum(sizes) > most_bytes:
        raise BrokenWire
    return values, {name: _array(stream, kind, shape) for name, kind, shape in heads}


def _array(stream: BufferedReader, kind: np.dtype[Any], shape: tuple[int, ...]) -> np.ndarray:
    array = np.empty(shape, kind)
    if array.size:
        rest = memoryview(array.reshape(-1).view(np.uint8).data)
        while len(rest):
            count = stream.readinto(rest)
            if not count:
                raise BrokenWire
            rest = rest[count:]
    return array
