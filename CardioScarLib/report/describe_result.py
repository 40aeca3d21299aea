"""Descriptions of the files that belong to a map, for `cardioscar info`; identifiers of images are not among them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from CardioScarLib.core.quantity import Quantity
from CardioScarLib.io.json_files import refused_as
from CardioScarLib.io.npz import read_npz
from CardioScarLib.io.results import CASE_SCHEMA, FIELD_SCHEMA
from CardioScarLib.report.model_words import model_in_words

SCHEMAS = {".field.npz": FIELD_SCHEMA, ".case.npz": CASE_SCHEMA}


@dataclass(frozen=True)
class ResultPart:
    """The JSON values of a file that belongs to a map. suffix: a key of SCHEMAS."""

    suffix: str
    values: dict[str, Any]


def suffix_of(path: Path) -> str | None:
    """The key of SCHEMAS that a file name ends with; None for any other file."""
    return next((suffix for suffix in SCHEMAS if path.name.lower().endswith(suffix)), None)


def read_result_part(path: Path, suffix: str) -> ResultPart:
    """Raises UnreadableFile."""
    return ResultPart(suffix, read_npz(path, SCHEMAS[suffix], path.name)[0])


def describe_result_part(part: ResultPart) -> dict[str, Any]:
    """Plain values. Raises UnreadableFile for values that do not fit."""
    with refused_as("The file of the map is damaged; make the map again."):
        return _describe_field(part.values) if part.suffix == ".field.npz" else _describe_case(part.values)


def _describe_field(values: dict[str, Any]) -> dict[str, Any]:
    found = values["found"]
    quantities = [Quantity(**one) for one in found["quantities"]]
    return {
        "kind": "the field of a map, with its evidence and provenance",
        "written_by": f"CardioScar {values['cardioscar']}",
        "model": found["settings"]["model"]["model"],
        "preset": found["settings"]["model"]["preset"] if found["settings"]["model"]["model"] == "field" else None,
        "fit": model_in_words(found["summary"]["fit"], found["settings"]["model"]["preset"]),
        "nodes": values["wall"]["nodes"],
        "quantities": {one.label: str(one) for one in quantities},
        "audit": found["audit"]["light"] if found["audit"] else None,
    }


def _describe_case(values: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "the slices that a map was made from: contains patient images",
        "slices": len(values["stack"]["slices"]),
        "scar_mask": values["scar"] is not None,
        "myocardium_mask": values["myocardium"] is not None,
        "aligned_by": values["alignment"]["source"] if values["alignment"] else None,
    }
