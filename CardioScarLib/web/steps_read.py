"""Steps before there is a case: unpacking what was uploaded, and saying what it is."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from CardioScarLib.core.errors import CardioScarError, UnreadableFile
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.io.dicom import is_dicom, list_series
from CardioScarLib.io.dicom_series import proposed
from CardioScarLib.io.meshes import MeshFile
from CardioScarLib.report.describe import read_any
from CardioScarLib.runner.task import TaskProgress
from CardioScarLib.web.case_files import DICOM, Answer
from CardioScarLib.web.names import safe_name
from CardioScarLib.web.step import Step

BLOCK = 1 << 20
MOST_LABELS = 12
"""Whole numbers that a label map holds at most."""
NOT_LOOKED_AT = (".raw", ".zraw", ".img", ".pts", ".json", ".csv")
"""Parts of other files, and what is no image and no model."""


@dataclass(frozen=True, eq=False)
class ReadUploadStep(Step):
    """Unpack archives in `input`, gather DICOM images in a folder, and list what there is; what cannot be read is removed.

    most_bytes, most_files: that archives may hold, unpacked.
    """

    answer: ClassVar[Any] = dict[str, Any]

    most_bytes: int = 1 << 30
    most_files: int = 5000

    def run(self, progress: TaskProgress) -> Answer:
        place = self.folder / "input"
        for path in sorted(place.glob("*")):
            if path.is_file() and zipfile.is_zipfile(path) and path.suffix.lower() in (".zip", ""):
                progress("unpack", 0, 1)
                try:
                    taken = {one.name.lower() for one in place.glob("*")}
                    unpack(path, place, self.most_bytes, self.most_files, partial(_plain_name, taken=taken))
                finally:
                    path.unlink()
        _gather_dicom(place)
        items, refused = _listed(place, progress)
        if not items:
            raise UnreadableFile(refused[0] if refused else "The upload holds no file that can be read.")
        return {"items": items, "notes": refused}


def _plain_name(name: str, taken: set[str]) -> str | None:
    hidden = Path(name).name.startswith(".") or "__MACOSX" in name
    return None if hidden else safe_name(name, taken)


def unpack(archive: Path, place: Path, most_bytes: int, most_files: int, named: Callable[[str], str | None]) -> list[str]:
    """Unpack an archive into a folder. named: what a file of the archive is called in the folder; None for one that is left out.

    Bytes are counted as they come, whatever the archive says. Raises UnreadableFile, and nothing stays.
    """
    made: list[str] = []
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [one for one in opened.infolist() if not one.is_dir() and not stat.S_ISLNK(one.external_attr >> 16)]
            if len(members) > most_files:
                raise UnreadableFile(f"The archive holds {len(members):,} files; at most {most_files:,} are taken.")
            left = most_bytes
            for one in members:
                if one.flag_bits & 1:
                    raise UnreadableFile("The archive is encrypted; upload its files, or an archive without a password.")
                name = named(one.filename)
                if name is None:
                    continue
                made.append(name)
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                left = _copy(opened, one, place / name, left, most_bytes)
    except CardioScarError:
        _remove(place, made)
        raise
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, ValueError) as problem:
        _remove(place, made)
        raise UnreadableFile("The archive is damaged, or of a kind that is not read; upload its files, or a .zip.") from problem
    return made


def _copy(opened: zipfile.ZipFile, one: zipfile.ZipInfo, target: Path, left: int, most_bytes: int) -> int:
    with opened.open(one) as source, target.open("xb") as file:
        while block := source.read(BLOCK):
            left -= len(block)
            if left < 0:
                raise UnreadableFile(f"The archive holds more than {most_bytes >> 20:,} MiB; upload the LGE series alone.")
            file.write(block)
    return left


def _remove(place: Path, names: list[str]) -> None:
    for name in names:
        (place / name).unlink(missing_ok=True)


def _gather_dicom(place: Path) -> None:
    folder = place / DICOM
    for path in sorted(place.glob("*")):
        if path.is_file() and path.stat().st_size and is_dicom(path):
            folder.mkdir(exist_ok=True)
            path.rename(folder / path.name)


def _listed(place: Path, progress: TaskProgress) -> tuple[list[dict[str, Any]], list[str]]:
    items: list[dict[str, Any]] = []
    refused: list[str] = []
    paths = sorted(place.glob("*"))
    for number, path in enumerate(paths):
        progress("look", number, len(paths))
        if path.suffix.lower() in NOT_LOOKED_AT:
            continue
        try:
            items += _series(path) if path.is_dir() else [_item(path)]
        except CardioScarError as problem:
            refused.append(str(problem))
            if path.is_file():
                path.unlink()
    if not any(one["proposed"] for one in items if one["role"] == "slices"):
        first = next((one for one in items if one["role"] == "slices"), None)
        if first is not None and len([one for one in items if one["role"] == "slices"]) == 1:
            first["proposed"] = True
    return items, refused


def _series(folder: Path) -> list[dict[str, Any]]:
    series, _ = list_series(folder)
    best = proposed(series)
    found = []
    for one in series:
        names = [one.name] if len(one.passes) == 1 else [f"{one.name}.{number}" for number in range(1, len(one.passes) + 1)][:3]
        for name in names:
            words = f"DICOM series {name}: {one.words}" + (f", '{one.description}'" if one.description else "")
            chosen = one is best or (len(series) == 1 and len(names) == 1)
            found.append({"file": f"input/{folder.name}", "series": name, "role": "slices", "words": words, "proposed": chosen})
    return found


def _item(path: Path) -> dict[str, Any]:
    content = read_any(path)
    item: dict[str, Any] = {"file": f"input/{path.name}", "series": None, "proposed": True}
    if isinstance(content, MeshFile):
        return {**item, "role": "model", "words": f"{path.name}: LV model, {len(content.wall.nodes):,} points"}
    if not isinstance(content, SliceStack):
        raise UnreadableFile(f"{path.name} holds neither slices nor an LV model; the browser opens DICOM, NIfTI, NRRD, MHA and meshes.")
    rows, columns = content.slices[0].pixels.shape
    size = f"{len(content)} slices of {columns} x {rows} pixels"
    if _is_label_map(content):
        return {**item, "role": "labels", "words": f"{path.name}: label map, {size}"}
    return {**item, "role": "slices", "proposed": False, "words": f"{path.name}: {size}"}


def _is_label_map(stack: SliceStack) -> bool:
    values = np.unique(np.concatenate([np.unique(one.pixels) for one in stack]))
    return len(values) <= MOST_LABELS and bool(np.all(values == np.round(values))) and values[0] == 0 and len(values) > 1
