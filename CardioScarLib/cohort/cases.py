"""The cases of a cohort.

A case needs an LGE volume and an LV model; the model may be missing where the step wall makes it of a label map, or the step segment
makes both of the volume.
A folder: each folder in it is a case, named by it, with one LGE volume (a file, or a folder of DICOM files), one LV
model, and, if there is one, a label map whose name holds "seg", "mask" or "label".
A tree as of BIDS: each `sub-*` folder is a case, or each `ses-*` folder in it, whatever lies between it and the files; files of
`derivatives/*` with the same folders belong to it.
A list: a CSV file with the columns case, volume, model and, if wanted, segmentation and rv_insertion; paths are relative to the list.
"""

from __future__ import annotations

import csv
import hashlib
import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from CardioScarLib.core.errors import BadSettings, UnreadableFile
from CardioScarLib.core.printable import printable
from CardioScarLib.core.pseudonyms import DIGITS, without_names
from CardioScarLib.io.files import check_readable
from CardioScarLib.io.records import input_files
from CardioScarLib.io.texts import read_text

VOLUMES = (".nrrd", ".nhdr", ".nii", ".nii.gz", ".mha", ".mhd")
SURFACES = (".vtp", ".ply", ".stl", ".obj")
MODELS = (".vtu", ".vtk", *SURFACES, ".pts")
LABEL_MAP = re.compile(r"seg|mask|label", re.IGNORECASE)
BAD_NAME = "Names may contain letters, digits, spaces, '.', - and _, must not end with '.', and must be those of a folder."
SUBJECT, SESSION = "sub-", "ses-"
LONGEST_PATH = 4000
NO_CHARACTER = "\ufffd"
"""Stands for a character that text cannot hold."""
CASE_NAME = re.compile(r"[\w.-]([\w. -]*[\w-])?")
LONGEST_NAME = 100
"""Characters; disks allow 255, and the names of results are longer by their suffixes."""
OF_RESULTS = r"(cases|quantities)\.csv|(study|status|cohort)\.(json|html)|failed"
NO_NAMES = re.compile(rf"\.*|{OF_RESULTS}|(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that are those of other things on some system."""


@dataclass(frozen=True)
class CohortCase:
    """name: as the user calls it. problem: why it cannot be run, in a sentence; None if its files are known.

    listed: whether a list names it, which then is how its results are to be called; the name of a folder may be a patient's.
    insertions: of the right ventricle, LPS mm, the anterior one first. values: choices of this case alone, by path.
    """

    name: str
    volume: Path | None = None
    model: Path | None = None
    segmentation: Path | None = None
    problem: str | None = None
    listed: bool = False
    insertions: tuple[tuple[float, ...], ...] = ()
    values: Mapping[tuple[str, ...], Any] = field(default_factory=dict)

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(path for path in (self.volume, self.model, self.segmentation) if path is not None)

    def name_of_results(self, number: int, keep_names: bool) -> str:
        """The name, or what stands for it: the fingerprint of its files, else its number in the cohort. Always that of a folder."""
        if (keep_names or self.listed) and self.problem != BAD_NAME and not NO_NAMES.fullmatch(self.name):
            return self.name
        try:
            entries = input_files(self.files)
        except OSError:
            entries = ()
        if self.problem or not entries:
            return f"case-{number:03d}"
        return f"case-{hashlib.sha256(''.join(one['sha256'] for one in entries).encode()).hexdigest()[:DIGITS]}"

    @property
    def aliases(self) -> dict[str, str]:
        """What its files are called in words for people that must not hold their names."""
        parts = {"LGE volume": self.volume, "LV model": self.model, "label map": self.segmentation}
        names = {path.name: f"the {part}" for part, path in parts.items() if path is not None}
        names |= {str(path.parent): "its folder" for path in parts.values() if path is not None}
        return {**names, **({} if self.listed else {self.name: "the case"})}

    def without_names(self, text: str) -> str:
        return without_names(text, self.aliases)


def find_cases(source: Path, steps: Collection[str] = ()) -> list[CohortCase]:
    """The cases of a folder, or of a CSV list, in the order of their names, or of the list.

    steps: of the study; some make what a case lacks. An incomplete case is in the list too, with its problem.
    Raises UnreadableFile or BadSettings if there is no case at all, or the list is wrong as a whole.
    """
    source = Path(source)
    cases = _cases_of_folder(source, steps) if source.is_dir() else _cases_of_list(check_readable(source), steps)
    if not cases:
        raise UnreadableFile(f"There are no cases in {source.name}; give a folder that holds one folder per case, or a CSV list.")
    return cases


def _needs_model(steps: Collection[str], label_map: bool) -> bool:
    return not ("segment" in steps or ("wall" in steps and label_map))


def _cases_of_folder(source: Path, steps: Collection[str]) -> list[CohortCase]:
    try:
        folders = [folder for folder in sorted(source.iterdir()) if folder.is_dir() and not folder.name.startswith(".")]
        subjects = [folder for folder in folders if folder.name.startswith(SUBJECT)]
        if subjects:
            return [_looked_at(name, places, steps) for name, places in _subjects(source, subjects)]
    except OSError as problem:
        raise UnreadableFile(f"The folder {source.name} cannot be opened: {problem.strerror}.") from problem
    return [_looked_at(folder.name, [folder], steps) for folder in folders]


def _subjects(source: Path, subjects: Sequence[Path]) -> Iterator[tuple[str, list[Path]]]:
    """Name and folders of each case of a tree as of BIDS."""
    for subject in subjects:
        for place in [one for one in sorted(subject.glob(f"{SESSION}*")) if one.is_dir()] or [subject]:
            way = place.relative_to(source)
            roots = [place, *sorted(one for one in source.glob(f"derivatives/*/{way}") if one.is_dir())]
            inner = [one for root in roots for one in sorted(root.rglob("*")) if one.is_dir() and not one.name.startswith(".")]
            yield "_".join(way.parts), [*roots, *inner]


def _looked_at(name: str, places: Sequence[Path], steps: Collection[str]) -> CohortCase:
    try:
        return _case_of_folders(name, places, steps)
    except OSError as problem:
        return CohortCase(name, problem=f"The folder cannot be opened: {problem.strerror}.")


def _case_of_folders(name: str, places: Sequence[Path], steps: Collection[str]) -> CohortCase:
    """places: the folder of the case; of a tree also the folders within it."""
    entries = [entry for place in places for entry in sorted(place.iterdir()) if not entry.name.startswith(".")]
    images = [entry for entry in entries if entry.is_file() and entry.name.lower().endswith(VOLUMES)]
    label_maps = [image for image in images if LABEL_MAP.search(image.name)]
    folders = [entry for entry in entries if entry.is_dir() and entry not in places]
    if len(places) > 1:  # folders of DICOM files are those that hold nothing known
        folders = [one for one in places if any(one.glob("*.dcm"))]
    volumes = [image for image in images if image not in label_maps] or folders
    models = [entry for entry in entries if entry.is_file() and entry.suffix.lower() in MODELS]
    made = not models and not _needs_model(steps, bool(label_maps))
    for found, what in ((volumes, "LGE volumes"), *(() if made else ((models, "LV models"),))):
        if len(found) != 1:
            names = f" ({', '.join(one.name for one in found)})" if found else ""
            return CohortCase(name, problem=f"The folder contains {len(found)} {what}{names}; it must contain exactly one.")
    if len(label_maps) > 1:
        names = ", ".join(one.name for one in label_maps)
        return CohortCase(name, problem=f"The folder contains {len(label_maps)} label maps ({names}); it may contain at most one.")
    return CohortCase(name, volumes[0], models[0] if models else None, label_maps[0] if label_maps else None)


def _cases_of_list(path: Path, steps: Collection[str]) -> list[CohortCase]:
    try:
        text = read_text(path)
    except UnicodeDecodeError:
        raise UnreadableFile(f"{path.name} is neither a folder nor a CSV list in UTF-8.") from None
    first = text.partition("\n")[0]
    rows = _rows(text, ";" if first.count(";") > first.count(",") else ",", path.name)
    needed = ("case", "volume", *(("model",) if _needs_model(steps, True) else ()))
    missing = [column for column in needed if rows and column not in rows[0]]
    if missing:
        raise BadSettings(f"The list {path.name} lacks the column {missing[0]}; it needs {', '.join(needed[:-1])} and {needed[-1]}.")
    return checked_list([listed_case(row, path.parent, steps) for row in rows], path.name)


def checked_list(cases: list[CohortCase], name: str) -> list[CohortCase]:
    """The cases of a list. Raises BadSettings for names that occur twice, and where none can be used. name: of the list."""
    if cases and all(case.problem == BAD_NAME for case in cases):
        raise BadSettings(f"The list {name} has a case '{cases[0].name}'. {BAD_NAME}")
    counts = Counter(case.name.casefold() for case in cases if case.problem != BAD_NAME)
    for case in cases:
        if counts[case.name.casefold()] > 1:
            raise BadSettings(f"The list {name} names the case {case.name} more than once.")
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


def listed_case(row: Mapping[str, Any], folder: Path, steps: Collection[str]) -> CohortCase:
    """A case as a list names it. folder: of the list, which relative paths start from."""
    columns = ("volume", "model", "segmentation", "rv_insertion")
    files = {column: str(row.get(column) or "").strip() for column in columns}
    name = str(row.get("case") or "").strip()
    if not CASE_NAME.fullmatch(name) or NO_NAMES.fullmatch(name) or len(name) > LONGEST_NAME:
        return CohortCase(printable(name[:LONGEST_NAME]), problem=BAD_NAME, listed=True)
    points, paths = files.pop("rv_insertion"), {}
    for column, file in files.items():
        if NO_CHARACTER in file or "\0" in file or len(file) > LONGEST_PATH:
            sentence = f"The {column} is not a path of a file: it is too long, or holds characters that no path has."
            return CohortCase(name, problem=sentence, listed=True)
        paths[column] = folder / file if file else None
    for column in ("volume", *(("model",) if _needs_model(steps, bool(files["segmentation"])) else ())):
        if not files[column]:
            return CohortCase(name, problem=f"The list does not name the {column}.", listed=True)
    try:
        insertions = _points(points)
    except ValueError:
        sentence = "The rv_insertion must be one or two points x,y,z in LPS mm, separated by a semicolon or a space."
        return CohortCase(name, problem=sentence, listed=True)
    return CohortCase(name, paths["volume"], paths["model"], paths["segmentation"], listed=True, insertions=insertions)


def _points(text: str) -> tuple[tuple[float, ...], ...]:
    """From "x,y,z" or "x,y,z;x,y,z". Raises ValueError."""
    points = tuple(tuple(float(word) for word in one.split(",")) for one in re.split(r"[;\s]+", text) if one)
    if len(points) > 2 or any(len(one) != 3 or not all(map(math.isfinite, one)) for one in points):
        raise ValueError(text)
    return points
