"""Names of the files and folders that a result was made from, and what stands for them in its files.

A name often holds that of a patient. The fingerprint of the content says as well which file it was, to those who have the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

SUFFIXES = (
    ".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm", ".vtk", ".vtu", ".vtp", ".ply", ".stl", ".obj", ".pts", ".elem", ".mat",
    ".xml", ".txt", ".json", ".npz", ".npy", ".safetensors", ".pth",
)  # fmt: skip
"""Endings that tell the kind of a file; what else follows a dot may belong to a name."""
WORDS = ("notes", "label", "labels", "sentence", "remark", "message", "name")
"""Keys of values that are words for people, in which names may stand."""
DIGITS = 10
FEWEST_LETTERS = 5
"""Shorter names, and numbers, are replaced only where a name must stand: they may be words of ours."""


def pseudonym(entry: Mapping[str, Any]) -> str:
    """For an entry of `io.records.input_files`: "input-3f2a8c01d7.nii.gz"."""
    name = str(entry["name"]).lower()
    suffix = "" if "files" in entry else next((one for one in SUFFIXES if name.endswith(one)), "")
    return f"input-{str(entry['sha256'])[:DIGITS]}{suffix}"


def pseudonymous(values: Any, inputs: Iterable[Mapping[str, Any]]) -> Any:
    """JSON values in which the words for people call the inputs by their pseudonyms."""
    names = {str(one["name"]): pseudonym(one) for one in inputs if one.get("name")}
    for name, other in list(names.items()):
        if name.lower().endswith(".pts"):  # of two files with one name
            names[f"{name[:-4]}.elem"] = f"{other[:-4]}.elem"
    return _replaced(values, names) if names else values


def without_names(text: str, names: Mapping[str, str]) -> str:
    """A text with other words for these names."""
    for name in sorted(names, key=len, reverse=True):
        inside = rf"(?<![\w.-]){re.escape(name)}(?![\w-])"
        if len(name) < FEWEST_LETTERS or not re.search(r"[^\W\d]|\.", name):
            inside = rf"^{re.escape(name)}(?= |$)|(?<=folder ){re.escape(name)}(?![\w-])|(?<![\w.-]){re.escape(name)}(?= slice )"
        text = re.sub(inside, lambda _, other=names[name]: other, text)  # type: ignore[misc]
    return text


def _replaced(values: Any, names: Mapping[str, str], words: bool = False) -> Any:
    if isinstance(values, Mapping):
        return {key: _replaced(one, names, words or key in WORDS) for key, one in values.items()}
    if isinstance(values, (list, tuple)):
        return [_replaced(one, names, words) for one in values]
    return without_names(values, names) if words and isinstance(values, str) else values
