"""Packed values in one .npz file: JSON words and arrays together, no pickle."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.io.json_files import parse_json, record_of
from CardioScarLib.io.packed import check_zip

WORDS = "words"
"""Entry with the JSON text, as bytes; the names of packed arrays never are that word alone."""

STORED = record_of({"schema": {"type": "string"}, "values": {}})
"""Schema of that text; the values are checked by the types that they are unpacked as."""


def write_npz(target: Path | BinaryIO, schema: str, values: Any, arrays: Mapping[str, np.ndarray], compressed: bool = True) -> None:
    """schema: of what is written, with its version, as in "cardioscar-field 1"."""
    text = json.dumps({"schema": schema, "values": values})
    entries: dict[str, Any] = {f"array:{name}": one for name, one in arrays.items()}
    save: Callable[..., None] = np.savez_compressed if compressed else np.savez
    save(target, **{WORDS: np.frombuffer(text.encode(), dtype=np.uint8), **entries})


def read_npz(source: Path | bytes, schema: str, name: str) -> tuple[Any, dict[str, np.ndarray]]:
    """Values and arrays of a file of this schema. name: of the file, for messages. Raises UnreadableFile."""
    try:
        check_zip(source, name)
        with np.load(BytesIO(source) if isinstance(source, bytes) else source, allow_pickle=False) as file:
            words = parse_json(bytes(file[WORDS]), STORED, f"{name} is not a file of CardioScar.")
            found = words["schema"]
            if found != schema:
                raise UnreadableFile(_other_schema(name, found, schema))
            arrays = {entry.removeprefix("array:"): file[entry] for entry in file.files if entry != WORDS}
            return words["values"], arrays
    except FileNotFoundError:
        raise UnreadableFile(f"There is no file {name}; check the path.") from None
    except OSError as problem:
        raise UnreadableFile(f"{name} cannot be opened: {problem.strerror or 'it is damaged'}.") from problem
    except UnreadableFile:
        raise
    except Exception as problem:  # whatever a damaged file makes the parsers raise
        raise UnreadableFile(f"{name} is truncated, damaged, or not a file of CardioScar.") from problem


def _other_schema(name: str, found: Any, schema: str) -> str:
    kind, version = schema.rsplit(" ", 1)
    if isinstance(found, str) and found.rsplit(" ", 1)[0] == kind:
        return f"{name} was written by another version of CardioScar ({found}, this one reads {kind} {version}); make it again."
    return f"{name} is not a file of the kind {kind}."
