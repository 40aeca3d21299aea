"""The record of a result as JSON, and the fingerprints of its input files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from CardioScarLib.core.printable import printable
from CardioScarLib.io.files import atomic_path


def write_record(record: Mapping[str, Any], path: Path, overwrite: bool = False) -> Path:
    """Write a record as `<path>.json`, next to the result `path`."""
    target = Path(path).with_name(Path(path).name + ".json")
    with atomic_path(target, overwrite) as temporary:
        temporary.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return target


def same_inputs(one: Iterable[Mapping[str, Any]], other: Iterable[Mapping[str, Any]]) -> bool:
    """Whether two lists of inputs are of the same content, whatever the files are called."""
    return [(entry.get("bytes"), entry.get("sha256")) for entry in one] == [(entry.get("bytes"), entry.get("sha256")) for entry in other]


def input_files(paths: Iterable[Path]) -> tuple[dict[str, Any], ...]:
    """Name, size and SHA-256 of files or folders; names without their folders, which may name a patient."""
    return tuple(_input_file(Path(path)) for path in paths)


def _input_file(path: Path) -> dict[str, Any]:
    """Of a folder: of its files and those of folders in it together, in the order of their names."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        digest = hashlib.sha256("".join(_sha256(file) for file in files).encode())
        return {
            "name": printable(path.name),
            "files": len(files),
            "bytes": sum(file.stat().st_size for file in files),
            "sha256": digest.hexdigest(),
        }
    return {"name": printable(path.name), "bytes": path.stat().st_size, "sha256": _sha256(path)}


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
