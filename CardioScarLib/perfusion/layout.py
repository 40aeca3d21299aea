"""Folders of volumes and masks as PhysioNet's database has them: UID.nii.gz, UID_mask.nii.gz, demographics.csv."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from CardioScarLib.core.errors import BadTrainingData, UnreadableFile

SUBFOLDER, TABLE = "NIfTI", "demographics.csv"
SUFFIXES = (".nii.gz", ".nii")
OF_PATIENT = re.compile(r"(?i)(patient|subject)")
STUDY_ENDING = re.compile(r"(?i)[-_. ]*(stress|rest)$")


@dataclass(frozen=True)
class Study:
    """A volume and its mask. name: of the volume, without suffix. patient: as the table says, or the name without stress and rest."""

    name: str
    volume: Path
    mask: Path | None
    patient: str


@dataclass(frozen=True)
class Names:
    """volume_suffix, mask_suffix: at the end of the names of volumes and masks, before .nii. volumes, masks: their folders, if others."""

    volume_suffix: str = ""
    mask_suffix: str = "_mask"
    volumes: Path | None = None
    masks: Path | None = None
    recursive: bool = False


def find_studies(folder: Path, names: Names | None = None, allow_mask: bool = False) -> tuple[list[Study], list[str]]:
    """All volumes of a folder with their masks, and a sentence about each mask without a volume.

    allow_mask: such a mask is taken as a volume, too. Raises UnreadableFile without a folder, and BadTrainingData where there are
    masks only, or nothing.
    """
    names, folder = names or Names(), Path(folder)
    if not folder.is_dir():
        raise UnreadableFile(f"There is no folder {folder.name}; check the path.")
    main = folder / SUBFOLDER if (folder / SUBFOLDER).is_dir() else folder
    volumes = _stems(names.volumes or main, names.recursive)
    masks = volumes if names.masks is None else _stems(names.masks, names.recursive)
    ends = names.mask_suffix
    of_masks = {stem[: -len(ends)]: path for stem, path in masks.items() if ends and stem.endswith(ends)}
    kept = {
        stem[: len(stem) - len(names.volume_suffix)]: path
        for stem, path in volumes.items()
        if stem.endswith(names.volume_suffix) and not (ends and stem.endswith(ends))
    }
    alone = sorted(of_masks.keys() - kept.keys())
    if allow_mask:
        kept.update({stem: of_masks[stem] for stem in alone})
        alone = []
    if not kept:
        what = f"{len(alone)} masks without their volumes" if alone else "no volumes (.nii.gz)"
        raise BadTrainingData(f"The folder {folder.name} holds {what}; a volume has its mask's name, as in 1.nii.gz and 1{ends}.nii.gz.")
    patients = _patients(folder, main, sorted(kept))
    studies = [Study(stem, kept[stem], of_masks.get(stem), patients.get(stem) or STUDY_ENDING.sub("", stem)) for stem in sorted(kept)]
    return studies, [f"{stem}{ends} was left out: it has no volume." for stem in alone]


def _stems(folder: Path, recursive: bool) -> dict[str, Path]:
    """Files by their names without suffix."""
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*") if recursive else folder.glob("*")):
        suffix = next((one for one in SUFFIXES if path.name.lower().endswith(one)), None)
        if suffix is None or not path.is_file():
            continue
        stem = path.name[: -len(suffix)]
        if stem in found:
            raise BadTrainingData(f"Two files have the name {stem} ({found[stem].name}, {path.name}); names must be different.")
        found[stem] = path
    return found


def _patients(folder: Path, main: Path, stems: Sequence[str]) -> dict[str, str]:
    """The patient of each volume that the table knows."""
    table = next((one for one in (folder / TABLE, main / TABLE) if one.is_file()), None)
    if table is None:
        return {}
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = [{str(key): str(value).strip() for key, value in row.items()} for row in csv.DictReader(file)]
    except (UnicodeDecodeError, csv.Error) as problem:
        raise UnreadableFile(f"{TABLE} cannot be read as a table of comma-separated values in UTF-8.") from problem
    wanted = set(stems)
    found = {}
    for row in rows:
        patient = next((value for key, value in row.items() if OF_PATIENT.search(key) and value), None)
        for value in row.values():
            if value in wanted and patient and value != patient:
                found[value] = patient
    return found
