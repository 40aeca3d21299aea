"""Which step each kind of job is, and what its answer changes in a session."""

from __future__ import annotations

import secrets
import shutil
from typing import Any

from CardioScarLib.core.errors import BadSettings
from CardioScarLib.web.options import MEBIBYTE, ServerOptions
from CardioScarLib.web.sessions import Session
from CardioScarLib.web.step import Step
from CardioScarLib.web.uploads import MOST_FILES

UPLOAD, RESTORE, EXAMPLE, OPEN, SEGMENT, FILL, WALL, MAP, NUMBERS, REPORT, EXPORT, LABELS = (
    "upload", "restore", "example", "open", "segment", "fill", "wall", "map", "numbers", "report",
    "export", "labels",
)  # fmt: skip
FROM_THE_PAGE = (SEGMENT, FILL, WALL, MAP, NUMBERS, REPORT, EXPORT, LABELS)
"""Jobs that a page orders by their kind."""


class Kinds:
    """Makes steps, and takes their answers."""

    def __init__(self, options: ServerOptions):
        self._options = options

    def step(self, session: Session, kind: str, choices: dict[str, Any]) -> Step:
        """Raises BadSettings for a kind that there is not, and for choices that do not fit."""
        # Here, because what the steps need takes seconds to load.
        from CardioScarLib.web import steps_labels, steps_map, steps_open, steps_read, steps_session

        folder, state = session.folder, session.state()
        limits = {"most_bytes": self._options.session_mb * MEBIBYTE, "most_files": MOST_FILES}
        insertions = tuple(tuple(float(value) for value in one) for one in state["insertions"])
        place = (state["map"] or {}).get("place", "map")
        if kind == UPLOAD:
            return steps_read.ReadUploadStep(folder, **limits)
        if kind == RESTORE:
            return steps_session.RestoreStep(folder, **limits)
        if kind == EXAMPLE:
            return steps_open.ExampleStep(folder)
        if kind == OPEN:
            return steps_open.OpenStep(folder)
        if kind == SEGMENT:
            return steps_labels.SegmentStep(folder)
        if kind == FILL:
            return steps_labels.FillStep(folder, int(choices["label"]))
        if kind == LABELS:
            return steps_labels.LabelFilesStep(folder)
        if kind == WALL:
            return steps_labels.WallStep(folder)
        if kind == MAP:
            made = {name: str(choices[name]) for name in ("place", "evidence", "preset")}
            return steps_map.MapStep(folder, **made, insertions=insertions)
        if kind == NUMBERS:
            return steps_map.NumbersStep(folder, place, insertions)
        if kind == REPORT:
            return steps_map.ReportStep(folder, place, insertions)
        if kind == EXPORT:
            return steps_map.ExportStep(folder, place, tuple(str(one) for one in choices["kinds"]), insertions)
        raise BadSettings(f"There is no step '{kind}'.")

    def finished(self, session: Session, kind: str, choices: dict[str, Any], answer: dict[str, Any]) -> None:
        """Keep the answer of a job."""
        old: list[str] = []

        def change(state: dict[str, Any]) -> None:
            if kind == UPLOAD:
                state.update(items=answer["items"], notes=answer["notes"])
            elif kind in (EXAMPLE, OPEN):
                _opened(state, answer, answer["has_labels"])
            elif kind == RESTORE:
                _opened(state, answer["case"], answer["has_labels"])
                if answer["map"]:
                    labels = state["labels"]["version"] if state["labels"] else 0
                    state.update(map={**answer["map"], "labels": labels, "drawn": _mark()})
            elif kind == SEGMENT:
                state.update(segmentation=answer, labels=_next_labels(state, "network"), wall=None)
            elif kind == FILL:
                state.update(labels=_next_labels(state, "drawn"), wall=None)
            elif kind == LABELS:
                state.update(label_files=state["labels"]["version"] if state["labels"] else 0)
            elif kind == WALL:
                state.update(wall=answer)
            elif kind == MAP:
                if state["map"] and state["map"]["place"] != answer["place"]:
                    old.append(state["map"]["place"])
                labels = state["labels"]["version"] if state["labels"] else 0
                state.update(map={**answer, "labels": labels, "drawn": _mark()}, report=None, exports=[])
            elif kind == NUMBERS:
                state.update(map={**state["map"], **answer, "drawn": _mark()}, report=None, exports=[])
            elif kind == REPORT:
                state.update(report=answer)
            elif kind == EXPORT:
                state.update(exports=sorted({*state["exports"], *answer["files"]}), export_notes=answer["notes"])

        session.change(change)
        for place in old:
            shutil.rmtree(session.folder / place, ignore_errors=True)


def _opened(state: dict[str, Any], case: dict[str, Any], has_labels: bool) -> None:
    state.update(case=case, wall=None, map=None, report=None, exports=[], segmentation=None, insertions=[], label_files=None)
    state["labels"] = _next_labels(state, "file") if has_labels else None


def _mark() -> str:
    """Tells views of one map from those of another, in a browser's cache too."""
    return secrets.token_hex(8)


def _next_labels(state: dict[str, Any], source: str) -> dict[str, Any]:
    """The labels were changed: a page that has an older version loads them again. source: file, network or drawn."""
    return {"version": (state["labels"] or {"version": 0})["version"] + 1, "source": source}


def downloads(state: dict[str, Any]) -> dict[str, str]:
    """Files that can be had, by their names, and where they are in the session's folder."""
    found: dict[str, str] = {}
    if state.get("label_files") and state["labels"] and state["label_files"] == state["labels"]["version"]:
        found |= {name: name for name in ("labels.nii.gz", "labels.nrrd")}
    if state["map"]:
        place = state["map"]["place"]
        found |= {name: f"{place}/{name}" for name in ("map.vtu", "map.vtu.json", "map.vtu.numbers.json")}
        if state["report"]:
            found |= {name.rpartition("/")[2]: f"{place}/{name}" for name in state["report"]["files"]}
        found |= {name: f"{place}/{name}" for name in state["exports"]}
    return found
