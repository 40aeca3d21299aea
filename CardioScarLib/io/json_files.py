"""JSON of foreign or damaged files, checked against a schema before anything is taken from it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from CardioScarLib.core.errors import CardioScarError, UnreadableFile

Schema = Mapping[str, Any]
"""A JSON Schema, draft 2020-12."""


def record_of(required: Mapping[str, Any], others: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A schema of an object with these entries, and any others."""
    return {"type": "object", "required": list(required), "properties": {**required, **(others or {})}}


def parse_json(text: str | bytes, schema: Schema, sentence: str) -> Any:
    """The values in a JSON text. Raises UnreadableFile with the sentence, and what is wrong, where they do not fit the schema."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise UnreadableFile(sentence) from problem
    check_json(values, schema, sentence)
    return values


def check_json(values: Any, schema: Schema, sentence: str) -> None:
    """Raise UnreadableFile with the sentence, and what is wrong, unless the values fit the schema.

    Slicer does not bring jsonschema; there, wrong values are found where they are used (`refused_as`).
    """
    try:
        from jsonschema import Draft202012Validator
        from jsonschema.exceptions import best_match
    except ImportError:
        return
    with refused_as(sentence):
        problem = best_match(Draft202012Validator(schema).iter_errors(values))
    if problem is not None:
        place = ".".join(str(step) for step in problem.absolute_path)
        found = _shortened(f"{place}: {problem.message}" if place else problem.message)
        raise UnreadableFile(f"{sentence.removesuffix('.')} ({found}).")


@contextmanager
def refused_as(sentence: str) -> Iterator[None]:
    """Within, whatever damaged values raise becomes UnreadableFile with this sentence."""
    try:
        yield
    except CardioScarError:
        raise
    except Exception as problem:
        raise UnreadableFile(sentence) from problem


def _shortened(text: str, most: int = 120) -> str:
    return text if len(text) <= most else f"{text[:most]}..."
