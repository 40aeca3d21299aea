"""Safetensors files with a JSON header of ours: tensors and what they mean, and nothing that can be executed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from CardioScarLib.core.errors import MissingPackage, UnreadableFile
from CardioScarLib.core.version import __version__
from CardioScarLib.io.files import check_readable

HEADER = "cardioscar"
"""Key of our header in the file's metadata, whose values are text."""


def read_tensors(path: Path, kind: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The tensors, in the order they were written, and the header. Raises UnreadableFile unless the file is marked as this kind."""
    path = check_readable(path)
    safe_open = _safetensors().safe_open
    try:
        with safe_open(str(path), framework="numpy") as file:
            header = json.loads((file.metadata() or {}).get(HEADER, "null"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a dictionary)
    except Exception as problem:  # whatever a damaged file makes the parsers raise
        raise UnreadableFile(f"{path.name} cannot be read as a safetensors file; it is truncated, damaged or of another kind.") from problem
    if not isinstance(header, dict) or header.get("kind") != kind:
        raise UnreadableFile(f"{path.name} is not a {kind} of CardioScar: its header does not identify it as one.")
    shapes = header.get("shapes")
    if not isinstance(shapes, dict) or set(shapes) != set(tensors) or header.get("tensors_sha256") != _hash(tensors):
        raise UnreadableFile(f"The tensors in {path.name} are not those its header was written for; the file is damaged.")
    return {name: tensors[name] for name in shapes}, header  # safetensors keeps no order


def write_tensors(tensors: Mapping[str, np.ndarray], header: Mapping[str, Any], kind: str, path: Path) -> None:
    """header: values that JSON knows, or numpy's; NaN and infinity, which it does not know, become null."""
    tensors = {name: np.ascontiguousarray(values) for name, values in tensors.items()}
    header = {
        "kind": kind,
        "written_by": f"CardioScar {__version__}",
        "shapes": {name: list(values.shape) for name, values in tensors.items()},
        "tensors_sha256": _hash(tensors),
        **plain(header),
    }
    # Not save_file, which makes files that only their owner may read.
    path.write_bytes(_safetensors().numpy.save(tensors, {HEADER: json.dumps(header, allow_nan=False)}))


def plain(value: Any) -> Any:
    """Mappings, sequences, numpy numbers and arrays as JSON knows them."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)


def _hash(tensors: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        values = np.ascontiguousarray(tensors[name])
        digest.update(f"{name} {values.dtype.str} {values.shape}".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


def _safetensors():
    try:
        import safetensors.numpy
    except ImportError as error:
        raise MissingPackage(
            "Safetensors files need the package safetensors, which is not installed here: `pip install torch safetensors`."
        ) from error
    return safetensors
