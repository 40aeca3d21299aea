"""Steps that make a map, its report and its exports."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import SimpleITK as sitk

from CardioScarLib import pipeline
from CardioScarLib.core.errors import BadSettings, UnreadableFile
from CardioScarLib.core.pseudonyms import pseudonymous
from CardioScarLib.core.quantity import Quantity
from CardioScarLib.core.result import Result
from CardioScarLib.core.settings import EvidenceSettings, ModelSettings, QuantifySettings, ReconstructionSettings
from CardioScarLib.io.files import atomic_path
from CardioScarLib.io.records import input_files
from CardioScarLib.io.results import Targets, beside, read_result, write_result
from CardioScarLib.quantification.sectors import Sector
from CardioScarLib.reconstruction.posteriors import POSTERIORS
from CardioScarLib.report.bulls_eye import write_bulls_eye
from CardioScarLib.report.colors import NOT_OBSERVED, PROBABILITY, UNCERTAINTY, color_table
from CardioScarLib.report.pictures import views_of_scar
from CardioScarLib.runner.task import TaskProgress, read_answer
from CardioScarLib.segmentation.to_case import case_of
from CardioScarLib.tasks.case import CaseTask
from CardioScarLib.tasks.case_settings import CaseSettings, QuantifyStep, ReconstructStep, WallStep
from CardioScarLib.tasks.export import export_map
from CardioScarLib.tasks.export_formats import FORMATS
from CardioScarLib.tasks.report import NAMES, write_report
from CardioScarLib.tasks.segment import SegmentTask
from CardioScarLib.tasks.sources import MapSource
from CardioScarLib.wall.finished import label_points
from CardioScarLib.web.case_files import LABELS, Answer, CaseFiles, Shown, order_of, read_drawn
from CardioScarLib.web.mz3 import write_values
from CardioScarLib.web.step import Step
from CardioScarLib.web.steps_labels import FOUND, write_label_files
from CardioScarLib.web.steps_open import write_wall_view

NETWORK = "network"
"""Evidence that is the probabilities of the network, not of the intensities."""


@dataclass(frozen=True, eq=False)
class MapStep(Step):
    """Make the map of a case and its numbers, and what the browser shows of them.

    place: name of a folder in the session's, which a step that was interrupted has begun to fill. evidence: a method of
    `EvidenceSettings`, or "network". insertions: of the right ventricle, LPS mm, the anterior one first.
    """

    answer: ClassVar[Any] = dict[str, Any]

    place: str = "map"
    evidence: str = "auto"
    preset: str = "standard"
    insertions: tuple[tuple[float, ...], ...] = ()

    def run(self, progress: TaskProgress) -> Answer:
        place = self.folder / self.place
        place.mkdir(exist_ok=True)
        files = CaseFiles.of(self.folder)
        made = self._of_network if self.evidence == NETWORK else self._of_files
        notes = made(files, place / "map.vtu", progress)
        progress("show", 0, 1)
        result = read_result(place / "map.vtu", POSTERIORS)
        shown = Shown.of(files, self.folder)
        return {**write_map_view(result, shown, place), "notes": notes, "place": self.place}

    def _of_files(self, files: CaseFiles, output: Path, progress: TaskProgress) -> list[str]:
        _, drawn = write_label_files(self.folder)
        order, has_labels = order_of(drawn), bool(drawn.any())
        if files.mesh is None and "myocardium" not in order:
            raise BadSettings(
                "There is no LV model and no myocardium is drawn; upload a model, segment the slices, or draw the myocardium."
            )
        by_labels = self.evidence in ("auto", "labels") and ("scar=" in order or "no-reflow=" in order)
        if self.evidence == "labels" and not by_labels:
            raise BadSettings("No scar is drawn, so labels cannot tell it; draw it, or let the intensities tell.")
        if has_labels and not by_labels:
            order = _without_scar(drawn)
        method = self.evidence if self.evidence not in ("auto", "labels") else "auto"
        model, evidence = ModelSettings(preset=self.preset), EvidenceSettings(method=method)
        settings = CaseSettings(
            read=files.reading,
            wall=WallStep(labels=order),
            reconstruct=ReconstructStep(model=model, evidence=evidence),
            quantify=QuantifyStep(),
        )
        mask = (self.folder / "labels.nrrd",) if has_labels else ()
        steps = ("reconstruct", "quantify") if files.mesh else ("wall", "reconstruct", "quantify")
        mesh = None if files.mesh is None else self.folder / files.mesh
        task = CaseTask(tuple(files.image_paths(self.folder)), output, mesh, mask, steps, settings, self.insertions)
        return list(task.run(progress)["notes"])

    def _of_network(self, files: CaseFiles, output: Path, progress: TaskProgress) -> list[str]:
        """As `cardioscar run` does, with the network's answer that is there already."""
        if not (self.folder / FOUND / "answer.npz").is_file():
            raise BadSettings("The network has not segmented these slices yet; segment them first.")
        if files.mesh is not None:
            raise BadSettings("The probabilities of the network come with a wall of its labels, not with an LV model; choose another.")
        shown = Shown.of(files, self.folder)
        found = read_answer(SegmentTask(shown.stack), self.folder / FOUND)
        labels = shown.frame.seen(shown.in_space([one.pixels.astype(np.uint8) for one in found.labels]))
        if not np.array_equal(labels, read_drawn(self.folder, shown.frame)):
            raise BadSettings(
                "The labels were changed since the network made them, and its probabilities do not follow; let the labels or the "
                "intensities tell the scar, or segment again."
            )
        inputs = input_files(files.image_paths(self.folder))
        case = case_of(found, None, progress, inputs, asdict(files.reading))
        result = pipeline.reconstruct(case, ReconstructionSettings(model=ModelSettings(preset=self.preset)), progress)
        write_result(result, Targets(output), POSTERIORS, overwrite=True)
        _write_numbers(result, output, self.insertions, self.folder, progress)
        return list(dict.fromkeys((*found.notes, *result.notes)))


@dataclass(frozen=True, eq=False)
class NumbersStep(Step):
    """The numbers of a map anew, with other insertions of the right ventricle."""

    answer: ClassVar[Any] = dict[str, Any]

    place: str = "map"
    insertions: tuple[tuple[float, ...], ...] = ()

    def run(self, progress: TaskProgress) -> Answer:
        place = _place_of_map(self.folder, self.place)
        result = read_result(place / "map.vtu", POSTERIORS)
        _write_numbers(result, place / "map.vtu", self.insertions, self.folder, progress)
        return write_map_view(result, Shown.of(CaseFiles.of(self.folder), self.folder), place)


def _write_numbers(result: Result, output: Path, insertions: tuple[tuple[float, ...], ...], folder: Path, progress: TaskProgress) -> None:
    """The numbers beside a map, with the right ventricle as its insertions tell it, or else as it is drawn."""
    numbers = pipeline.quantify(result, QuantifySettings(), *_where(insertions, folder), progress=progress)
    values = pseudonymous(numbers.as_dict(), result.provenance.inputs)
    with atomic_path(beside(output, ".numbers.json"), overwrite=True) as temporary:
        temporary.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _where(insertions: tuple[tuple[float, ...], ...], folder: Path) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Insertions and points of the right ventricle, as `pipeline.quantify` takes them."""
    return (np.array(insertions), None) if insertions else (None, _right_ventricle(folder))


def _right_ventricle(folder: Path) -> np.ndarray | None:
    """(k, 3) LPS mm of what is drawn as right ventricle; None where nothing is."""
    shown = Shown.of(CaseFiles.of(folder), folder)
    labels = shown.stack.with_pixels([one.astype(np.float64) for one in shown.voxels(read_drawn(folder, shown.frame))])
    points = label_points(labels, [LABELS["right ventricle"]])
    return points if len(points) else None


def _without_scar(drawn: np.ndarray) -> str:
    """The meaning of the labels where scar is told by other means: what is drawn as scar is myocardium."""
    present = set(np.unique(drawn).tolist()) - {0}
    wall = "+".join(str(value) for value in (2, 3, 4) if value in present)
    names = {"cavity": "1" * (1 in present), "myocardium": wall, "right ventricle": "5" * (5 in present)}
    return ",".join(f"{name}={value}" for name, value in names.items() if value)


def write_map_view(result: Result, shown: Shown, place: Path) -> Answer:
    """What the browser shows of a map: its surface with values, the map on the slices, the bull's-eye; and its numbers."""
    view = place / "view"
    shutil.rmtree(view, ignore_errors=True)
    view.mkdir()
    wall = result.case.wall
    used = write_wall_view(wall, shown, view, "map")
    if len(used):
        seen = result.arrays["scar_observed"][used] > 0
        for name in ("scar_probability", "scar_uncertainty"):
            if name in result.arrays:
                write_values(np.where(seen, result.arrays[name][used], -1), view / f"{name}.mz3")
    if wall.has_thickness:
        _write_slices(result, shown, view)
    numbers = json.loads(beside(place / "map.vtu", ".numbers.json").read_text(encoding="utf-8"))
    sectors = [_sector(key, one) for key, one in numbers["sectors"].items()]
    if any(one.key.startswith("aha_") for one in sectors):
        write_bulls_eye(sectors, view / "bulls_eye.svg")
    toward = views_of_scar(wall, result.arrays["scar_probability"])[0].direction
    return {
        "facing": (np.linalg.inv(shown.frame.to_lps)[:3, :3] @ toward).tolist(),
        "numbers": {name: numbers[name] for name in ("quantities", "sectors", "channels", "missing")},
        "views": sorted(path.name for path in view.iterdir()),
    }


def _write_slices(result: Result, shown: Shown, view: Path) -> None:
    """The map on the slices; -1 outside the wall."""
    folder = view / "slices"
    folder.mkdir()
    written = export_map(MapSource.of(result), folder, ["nifti"])
    for path in written.files:
        image = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
        if path.name == "scar_labels.nii.gz":
            continue
        labels = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "scar_labels.nii.gz")))
        shown.frame.write(np.where(labels > 0, image, -1).astype(np.float32), view / f"slices_{path.name}")
    shutil.rmtree(folder)


def _sector(key: str, values: Mapping[str, Any]) -> Sector:
    quantities = tuple(Quantity.from_dict(name, one) for name, one in values["quantities"].items())
    return Sector(key, values["name"], quantities, values["transmurality_class_percent"])


@dataclass(frozen=True, eq=False)
class ReportStep(Step):
    """The report of a map, and its bull's-eye."""

    answer: ClassVar[Any] = dict[str, Any]

    place: str = "map"
    insertions: tuple[tuple[float, ...], ...] = ()

    def run(self, progress: TaskProgress) -> Answer:
        place = _place_of_map(self.folder, self.place)
        where = _where(self.insertions, self.folder)
        written = write_report(MapSource.of(place / "map.vtu"), place / "report", None, *where, progress=progress, overwrite=True)
        return {"files": [f"report/{name}" for name in NAMES], "notes": list(written.notes)}


@dataclass(frozen=True, eq=False)
class ExportStep(Step):
    """A map in the formats of other programs, in an archive for each."""

    answer: ClassVar[Any] = dict[str, Any]

    place: str = "map"
    kinds: tuple[str, ...] = field(default_factory=tuple)
    insertions: tuple[tuple[float, ...], ...] = ()

    def run(self, progress: TaskProgress) -> Answer:
        place = _place_of_map(self.folder, self.place)
        where = _where(self.insertions, self.folder)
        notes: list[str] = []
        archives = []
        for kind in self.kinds:
            if kind not in FORMATS:
                raise BadSettings(f"There is no format '{kind}'; use some of {', '.join(FORMATS)}.")
            folder = place / f"export-{kind}"
            written = export_map(MapSource.of(place / "map.vtu"), folder, [kind], None, *where, progress=progress, overwrite=True)
            notes += written.notes
            archives.append(f"export-{kind}.zip")
            shutil.make_archive(str(place / f"export-{kind}"), "zip", folder)
            shutil.rmtree(folder)
        return {"files": archives, "notes": list(dict.fromkeys(notes))}


def _place_of_map(folder: Path, name: str) -> Path:
    place = folder / name
    if not (place / "map.vtu").is_file():
        raise UnreadableFile("There is no map yet; make one first.")
    return place


def color_tables() -> dict[str, list[list[int]]]:
    """Red, green and blue of 256 colors for each kind of map, and of what was not observed."""
    tables = {name: color_table(points) for name, points in (("probability", PROBABILITY), ("uncertainty", UNCERTAINTY))}
    found = {name: (255 * np.asarray(table)[:, :3]).round().astype(int).tolist() for name, table in tables.items()}
    return {**found, "not_observed": [[round(255 * part) for part in NOT_OBSERVED]]}
