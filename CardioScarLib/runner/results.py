"""What a task leaves in its job folder: arrays in one file, words and numbers in another."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from CardioScarLib.errors import RunFailed
from CardioScarLib.io.files import atomic_paths

ARRAYS, RECORD = "arrays.npz", "record.json"


def write_results(folder: Path, arrays: Mapping[str, np.ndarray], record: Mapping) -> None:
    """record: plain JSON values. Both files are there, or none."""
    with atomic_paths([folder / ARRAYS, folder / RECORD]) as (numbers, words):
        np.savez(numbers, **arrays)
        words.write_text(json.dumps(record), encoding="utf-8")


def read_results(folder: Path) -> tuple[dict[str, np.ndarray], dict]:
    """Raises RunFailed when they cannot be read."""
    try:
        with np.load(folder / ARRAYS) as file:
            arrays = {name: file[name] for name in file.files}
        return arrays, json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError, EOFError, BadZipFile) as problem:
        raise RunFailed("The result of the run cannot be read back; see whether the disk of the temporary folder is full.") from problem
