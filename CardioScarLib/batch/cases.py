"""The cases of a batch.

A folder: each folder in it is a case, named by it, with one LGE volume (a file, or a folder of DICOM files), one LV
model, and, if there is one, a label map of the scar whose name holds "seg", "mask" or "label".
A list: a CSV file with the columns case, volume, model and, if wanted, segmentation; paths are relative to the list.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from CardioScarLib.core.errors import BadSettings, UnreadableFile
from CardioScarLib.core.printable import printable
from CardioScarLib.core.pseudonyms import DIGITS
from CardioScarLib.core.settings import ReadingSettings, ReconstructionSettings
from CardioScarLib.io.files import check_readable
from CardioScarLib.io.records import input_files
from CardioScarLib.io.texts import read_text
from CardioScarLib.tasks.files import FilesTask

VOLUMES = (".nrrd", ".nhdr", ".nii", ".nii.gz", ".mha", ".mhd")
SURFACES = (".vtp", ".ply", ".stl", ".obj")
MODELS = (".vtu", ".vtk", *SURFACES, ".pts")
LABEL_MAP = re.compile(r"seg|mask|label", re.IGNORECASE)
BAD_NAME = "Names may contain letters, digits, spaces, '.', - and _, must not end with '.', and must be those of a folder."
LONGEST_PATH = 4000
NO_CHARACTER = "\ufffd"
"""Stands for a character that text cannot hold."""
CASE_NAME = re.compile(r"[\w.-]([\w. -]*[\w-])?")
LONGEST_NAME = 100
"""Characters; disks allow 255, and the names of results are longer by their suffixes."""
NO_NAMES = re.compile(r"\.*|cases\.csv|(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that are those of other things on some system."""


@dataclass(frozen=True)
class BatchCase:
    """name: as the user calls it. problem: why it cannot be run, in a sentence; None if its files are known.

    listed: whether a list names it, which then is how its results are to be called; the name of a folder may be a patient's.
    """

    name: str
    volume: Path | None = None
    model: Path | None = None
    segmentation: Path | None = None
    problem: str | None = None
    listed: bool = False

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(path for path in (self.volume, self.model, self.segmentation) if path is not None)

    def name_of_results(self, number: int, keep_names: bool) -> str:
        """The name, or what stands for it: the fingerprint of its files, else its number in the batch."""
        if keep_names or self.listed:
            return self.name
        try:
            entries = input_files(self.files)
        except OSError:
            entries = ()
        if self.problem or not entries:
            return f"case-{number:03d}"
        return f"case-{hashlib.sha256(''.join(one['sha256'] for one in entries).encode()).hexdigest()[:DIGITS]}"

    def task(
        self, output: Path, settings: ReconstructionSettings, reading: ReadingSettings, audited: bool, keep_names: bool = False
    ) -> FilesTask:
        """Its task, with the map `output`.vtu, or .vtp if the model is a surface file."""
        if self.volume is None or self.model is None:
            raise UnreadableFile(f"The case {self.name} has no LGE volume or no LV model.")
        suffix = ".vtp" if self.model.suffix.lower() in SURFACES else ".vtu"
        mask = (self.segmentation.resolve(),) if self.segmentation else ()
        output = output.absolute()
        output = output.with_name(output.name + suffix)
        return FilesTask(self.model.resolve(), (self.volume.resolve(),), output, mask, reading, settings, audited, keep_names)


def find_cases(source: Path) -> list[BatchCase]:
    """The cases of a folder, or of a CSV list, in the order of their names, or of the list.

    An incomplete case is in the list too, with its problem. Raises UnreadableFile or BadSettings if there
    is no case at all, or the list is wrong as a whole.
    """
    source = Path(source)
    cases = _cases_of_folder(source) if source.is_dir() else _cases_of_list(check_readable(source))
    if not cases:
        raise UnreadableFile(f"There are no cases in {source.name}; give a folder that holds one folder per case, or a CSV list.")
    return cases


def _cases_of_folder(source: Path) -> list[BatchCase]:
    try:
        folders = [folder for folder in sorted(source.iterdir()) if folder.is_dir() and not folder.name.startswith(".")]
    except OSError as problem:
        raise UnreadableFile(f"The folder {source.name} cannot be opened: {problem.strerror}.") from problem
    return [_looked_at(folder) for folder in folders]


def _looked_at(folder: Path) -> BatchCase:
    try:
        return _case_of_folder(folder)
    except OSError as problem:
        return BatchCase(folder.name, problem=f"The folder cannot be opened: {problem.strerror}.")


def _case_of_folder(folder: Path) -> BatchCase:
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    images = [entry for entry in entries if entry.is_file() and entry.name.lower().endswith(VOLUMES)]
    label_maps = [image for image in images if LABEL_MAP.search(image.name)]
    volumes = [image for image in images if image not in label_maps] or [entry for entry in entries if entry.is_dir()]
    models = [entry for entry in entries if entry.is_file() and entry.suffix.lower() in MODELS]
    for found, what in ((volumes, "LGE volumes"), (models, "LV models")):
        if len(found) != 1:
            names = f" ({', '.join(one.name for one in found)})" if found else ""
            return BatchCase(folder.name, problem=f"The folder contains {len(found)} {what}{names}; it must contain exactly one.")
    if len(label_maps) > 1:
        names = ", ".join(one.name for one in label_maps)
        return BatchCase(folder.name, problem=f"The folder contains {len(label_maps)} label maps ({names}); it may contain at most one.")
    return BatchCase(folder.name, volumes[0], models[0], label_maps[0] if label_maps else None)


def _cases_of_list(path: Path) -> list[BatchCase]:
    try:
        text = read_text(path)
    except UnicodeDecodeError:
        raise UnreadableFile(f"{path.name} is neither a folder nor a CSV list in UTF-8.") from None
    first = text.partition("\n")[0]
    rows = _rows(text, ";" if first.count(";") > first.count(",") else ",", path.name)
    missing = [column for column in ("case", "volume", "model") if rows and column not in rows[0]]
    if missing:
        raise BadSettings(f"The list {path.name} lacks the column {missing[0]}; it needs case, volume and model.")
    cases = [_case_of_row(row, path.parent) for row in rows]
    if cases and all(case.problem == BAD_NAME for case in cases):
        raise BadSettings(f"The list {path.name} has a case '{cases[0].name}'. {BAD_NAME}")
    counts = Counter(case.name.casefold() for case in cases if case.problem != BAD_NAME)
    for case in cases:
        if counts[case.name.casefold()] > 1:
            raise BadSettings(f"The list {path.name} names the case {case.name} more than once.")
    return cases


def _rows(text: str, delimiter: str, name: str) -> list[dict[str, str]]:
    """The rows by their heads. A cell of any length is a cell: one that cannot be used is the fault of its case alone."""
    limit = csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    try:
        return list(csv.DictReader(text.replace("\0", NO_CHARACTER).splitlines(), delimiter=delimiter))
    except csv.Error as problem:
        raise UnreadableFile(f"{name} is not a CSV list ({problem}).") from problem
    finally:
        csv.field_size_limit(limit)


def _case_of_row(row: dict[str, str], folder: Path) -> BatchCase:
    files = {column: (row.get(column) or "").strip() for column in ("volume", "model", "segmentation")}
    name = (row["case"] or "").strip()
    if not CASE_NAME.fullmatch(name) or NO_NAMES.fullmatch(name) or len(name) > LONGEST_NAME:
        return BatchCase(printable(name[:LONGEST_NAME]), problem=BAD_NAME, listed=True)
    for column, file in files.items():
        if NO_CHARACTER in file or len(file) > LONGEST_PATH:
            sentence = f"The {column} is not a path of a file: it is too long, or holds characters that no path has."
            return BatchCase(name, problem=sentence, listed=True)
    for column in ("volume", "model"):
        if not files[column]:
            return BatchCase(name, problem=f"The list does not name the {column}.", listed=True)
    segmentation = folder / files["segmentation"] if files["segmentation"] else None
    return BatchCase(name, folder / files["volume"], folder / files["model"], segmentation, listed=True)
