"""A session as one file, to be kept and opened again."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.io.results import read_result
from CardioScarLib.reconstruction.posteriors import POSTERIORS
from CardioScarLib.runner.task import TaskProgress
from CardioScarLib.web.case_files import Answer, CaseFiles, Shown, read_drawn
from CardioScarLib.web.step import Step
from CardioScarLib.web.steps_map import write_map_view
from CardioScarLib.web.steps_open import open_case
from CardioScarLib.web.steps_read import unpack

KEPT = re.compile(
    r"case\.json|labels\.bin|input/[\w.-]{1,120}|input/dicom/[\w.-]{1,120}|map/map\.vtu(\.json|\.field\.npz|\.case\.npz|\.numbers\.json)?"
)
"""Files of a session that make it; all else is made of them."""
ARCHIVE = "session.zip"


def write_session(folder: Path, place_of_map: str | None, target: Path) -> None:
    """Write the files that make a session into an archive. place_of_map: folder of its map."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if place_of_map is not None and name.startswith(f"{place_of_map}/"):
                name = f"map/{name.removeprefix(place_of_map + '/')}"
            elif name.startswith("map/"):
                continue
            if path.is_file() and KEPT.fullmatch(name):
                archive.write(path, name)


@dataclass(frozen=True, eq=False)
class RestoreStep(Step):
    """Open a saved session, whose archive lies in `input`."""

    answer: ClassVar[Any] = dict[str, Any]

    most_bytes: int = 1 << 30
    most_files: int = 5000

    def run(self, progress: TaskProgress) -> Answer:
        archives = sorted((self.folder / "input").glob("*"))
        if len(archives) != 1 or not zipfile.is_zipfile(archives[0]):
            raise UnreadableFile("This is no saved session; choose the .zip that was saved here.")
        archive = archives[0].rename(self.folder / ARCHIVE)
        try:
            names = unpack(archive, self.folder, self.most_bytes, self.most_files, _kept_name)
        finally:
            archive.unlink()
        if "case.json" not in names:
            raise UnreadableFile("This is no saved session; choose the .zip that was saved here.")
        opened = open_case(self.folder, progress, with_labels=False)
        files = CaseFiles.of(self.folder)
        shown = Shown.of(files, self.folder)
        drawn = read_drawn(self.folder, shown.frame)
        answer: Answer = {"case": opened, "has_labels": bool(drawn.any()), "map": None}
        if (self.folder / "map" / "map.vtu").is_file():
            result = read_result(self.folder / "map" / "map.vtu", POSTERIORS)
            answer["map"] = {**write_map_view(result, shown, self.folder / "map"), "notes": list(result.notes), "place": "map"}
        return answer


def _kept_name(name: str) -> str | None:
    return name if KEPT.fullmatch(name) and Path(name).name.strip(".") else None
