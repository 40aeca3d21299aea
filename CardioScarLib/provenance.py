"""Where a result comes from: versions, settings, inputs and times, written beside it."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import scipy
import SimpleITK as sitk
import vtk

from CardioScarLib import __version__
from CardioScarLib.io.files import atomic_path
from CardioScarLib.settings import ReconstructionSettings


def provenance(
    settings: ReconstructionSettings | Mapping,
    inputs: Sequence[Path],
    seconds: Mapping[str, float],
    summary: Mapping,
    notes: Sequence[str],
) -> dict:
    """What is needed to make a result again, as plain JSON values (null for NaN and infinity).

    Inputs are named without their folders, which may name a patient, and known by their SHA-256. `started` is in
    UTC, the sum of `seconds` (per stage) before now.
    """
    total = float(sum(seconds.values()))
    settings = asdict(settings) if is_dataclass(settings) else dict(settings)
    record = {
        "cardioscar": __version__,
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "vtk": vtk.vtkVersion().GetVTKVersion(),
            "SimpleITK": sitk.Version().VersionString(),
        },
        "platform": f"{platform.system()} {platform.machine()}",
        "started": (datetime.now(timezone.utc) - timedelta(seconds=total)).isoformat(timespec="seconds"),
        "seconds": dict(seconds),
        "settings": settings,
        "seed": settings.get("model", {}).get("seed"),
        "inputs": [fingerprint(Path(path)) for path in inputs],
        "summary": dict(summary),
        "notes": list(notes),
    }
    return _finite(json.loads(json.dumps(record, default=_plain)))


def write_provenance(record: dict, path: Path, overwrite: bool = False) -> Path:
    """Write the record as `<path>.json`, beside the result `path`."""
    target = Path(path).with_name(Path(path).name + ".json")
    with atomic_path(target, overwrite) as temporary:
        temporary.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return target


def fingerprint(path: Path) -> dict:
    """Name, size and SHA-256 of a file; of a folder, those of its files together, in the order of their names."""
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.is_file())
        digest = hashlib.sha256("".join(_sha256(file) for file in files).encode())
        return {"name": path.name, "files": len(files), "bytes": sum(file.stat().st_size for file in files), "sha256": digest.hexdigest()}
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": _sha256(path)}


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _plain(value):
    """numpy numbers and arrays, and paths, as JSON knows them."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return value.name
    raise TypeError(f"{type(value).__name__} has no place in a provenance record.")


def _finite(value):
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
