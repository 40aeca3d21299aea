"""The task of one case of a cohort: from its files through all steps to files in a folder."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from CardioScarLib.core.case import Case, LabelMap
from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.core.provenance import Provenance, plain
from CardioScarLib.core.pseudonyms import pseudonymous
from CardioScarLib.core.result import Result
from CardioScarLib.core.settings import AlignmentSettings, QuantifySettings, ReconstructionSettings, WallSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.io.cases import read_case
from CardioScarLib.io.files import atomic_path
from CardioScarLib.io.images import read_stack
from CardioScarLib.io.lv_walls import write_lv_wall
from CardioScarLib.io.maps import point_arrays
from CardioScarLib.io.meshes import mesh_of_wall
from CardioScarLib.io.records import input_files
from CardioScarLib.io.results import Targets, beside, read_result, record_of_result, write_result
from CardioScarLib.pipeline import align, quantify, reconstruct, settings_for, with_interval
from CardioScarLib.quantification.places import known_coordinates
from CardioScarLib.reconstruction.posteriors import POSTERIORS
from CardioScarLib.runner.environment import NO_GPU
from CardioScarLib.runner.task import Task, TaskProgress
from CardioScarLib.segmentation.classes import WALL
from CardioScarLib.segmentation.predict import Segmentation
from CardioScarLib.segmentation.shares import shares_of
from CardioScarLib.segmentation.to_case import case_of
from CardioScarLib.tasks.case_settings import CaseSettings, plain_settings
from CardioScarLib.tasks.files import check_targets
from CardioScarLib.tasks.reconstruct import environment_for
from CardioScarLib.tasks.report import write_report
from CardioScarLib.tasks.segmented import segment_case, told_of_labels
from CardioScarLib.tasks.sources import MapSource
from CardioScarLib.wall import build_wall, label_names, shape_from_labels
from CardioScarLib.wall.finished import finished_wall, label_points
from CardioScarLib.wall.labels import SCAR_NAMES, WALL_NAMES

REPORT = "report"
"""Folder of the report, beside the map."""


@dataclass(frozen=True, eq=False)
class CaseTask(Task[dict[str, Any]]):
    """Do the steps of a case; the answer holds quantities, sectors, audit, notes and seconds by step, as plain JSON values.

    images, mesh, mask: see `read_case`; without a mesh the step wall makes one of the mask, and without a mask the step segment has a
    network tell the scar, and the wall where there is no mesh. output: name of the map; what an earlier, interrupted task of the same
    settings has finished beside it is used. steps: as `ordered_steps` gives them. insertions: of the right ventricle, LPS mm, the
    anterior one first. keep_names: of the files, in the results.
    """

    answer: ClassVar[Any] = dict[str, Any]

    images: tuple[Path, ...]
    output: Path
    mesh: Path | None = None
    mask: tuple[Path, ...] = ()
    steps: tuple[str, ...] = ("reconstruct",)
    settings: CaseSettings = field(default_factory=CaseSettings)
    insertions: tuple[tuple[float, ...], ...] = ()
    keep_names: bool = False

    @property
    def targets(self) -> Targets:
        return Targets(self.output, self.output.with_suffix(".nrrd") if self.settings.reconstruct.volume else None)

    @property
    def environment(self) -> dict[str, str]:
        without_gpu = self.segments and self.settings.segment.device == "cpu"
        return {**environment_for(self.settings.reconstruct), **(NO_GPU if without_gpu else {})}

    @property
    def segments(self) -> bool:
        """Whether a network segments the case: a label map that is there is used instead."""
        return "segment" in self.steps and not self.mask

    @property
    def labels(self) -> Path:
        """The file of the labels that a network gives."""
        return self.output.with_name(f"{self.output.stem}-labels.nii.gz")

    def run(self, progress: TaskProgress) -> dict[str, Any]:
        seconds: dict[str, float] = {}
        clock = time.perf_counter()

        def lap(step: str) -> None:
            nonlocal clock
            seconds[step], clock = time.perf_counter() - clock, time.perf_counter()

        targets = self.targets
        if all(one.is_file() for one in (self.output, targets.record, targets.field, targets.case)):
            result = read_result(self.output, POSTERIORS)
        else:
            result = self._map(self._case(progress, lap), progress)
        lap("reconstruct")
        found = record_of_result(result, self.keep_names)
        answer = {"quantities": found["quantities"], "sectors": {}, "audit": found["audit"], "notes": found["provenance"]["notes"]}
        if "quantify" in self.steps:
            answer |= self._numbers(result, progress)
            lap("quantify")
        if self.segments:
            quantities, notes = told_of_labels(self.labels)
            answer |= {"quantities": {**answer["quantities"], **quantities}, "notes": list(dict.fromkeys([*notes, *answer["notes"]]))}
        return {**answer, "alignment": found["summary"]["alignment"], "seconds": seconds}

    def _case(self, progress: TaskProgress, lap: Callable[[str], None]) -> Case:
        """The case as its map is made from it, its slices moved. lap: called after each step."""
        if self.segments:
            case = self._segmented(progress, lap)
        else:
            mesh = self.mesh
            if mesh is None:
                mesh = self._wall(progress)
                lap("wall")
            case = self._read(mesh, progress)
        if "align" in self.steps:
            progress("shifts", 0, 1)
            case = case.aligned(align(case, self.settings.align.source, plain_settings(AlignmentSettings, self.settings.align)))
        return case

    def _segmented(self, progress: TaskProgress, lap: Callable[[str], None]) -> Case:
        reading = self.settings.read
        if self.mesh is not None:
            progress("read", 0, 1)
            case = read_case(self.mesh, self.images, reading=reading)
            found = self._segmentation(case.stack, progress)
            lap("segment")
            return replace(case, shares=shares_of(found), myocardium=LabelMap(found.labels, {"myocardium": WALL}))
        stack = read_stack(self.images, reading.slice_axis, reading.slice_indices, reading.slice_thickness, series=reading.series)
        found = self._segmentation(stack, progress)
        lap("segment")
        case = case_of(found, plain_settings(WallSettings, self.settings.wall), progress, input_files(self.images), asdict(reading))
        lap("wall")
        return replace(case, myocardium=LabelMap(found.labels, {"myocardium": WALL}))

    def _segmentation(self, stack: SliceStack, progress: TaskProgress) -> Segmentation:
        return segment_case(stack, self.images, self.labels, self.settings.segment, self.settings.read, self.keep_names, progress)

    def _wall(self, progress: TaskProgress) -> Path:
        path = self.output.with_name(f"{self.output.stem}-wall.vtu")
        if path.is_file() and beside(path, ".json").is_file():
            return path
        if "wall" not in self.steps or not self.mask:
            raise UnreadableFile("The case has no LV model; add one, or a label map of the heart and the step wall, or the step segment.")
        chosen, reading = self.settings.wall, self.settings.read
        settings = plain_settings(WallSettings, chosen)
        start = time.perf_counter()
        progress("shape", 0, 1)
        stack = self._labels()
        built = build_wall(shape_from_labels(stack, chosen.labels or None, settings), settings, progress)
        finished = finished_wall(built, True, right_ventricle=self._right_ventricle(), progress=progress)
        inputs, took = input_files(self.mask), {"wall": time.perf_counter() - start}
        provenance = Provenance.now({"wall": vars(chosen)}, took, inputs, vars(reading), (*stack.notes, *finished.notes))
        summary = {"lv_volume_ml": float(finished.wall.volumes.sum()) * 1e-3, "quality": vars(finished.quality)}
        record = plain({"summary": summary, "provenance": provenance.as_dict()})
        write_lv_wall(finished, built, path, None, record if self.keep_names else pseudonymous(record, inputs), overwrite=True)
        return path

    def _read(self, mesh: Path, progress: TaskProgress) -> Case:
        progress("read", 0, 1)
        scar, myocardium = self._meaning()
        of_scar, of_heart = (self.mask, ()) if scar is None or scar else ((), self.mask)
        return read_case(
            mesh, self.images, of_scar, of_heart, scar or (), self.settings.align.wall_labels or myocardium, self.settings.read
        )

    def _map(self, case: Case, progress: TaskProgress) -> Result:
        targets, interval = self.targets, self.settings.reconstruct.interval
        settings = plain_settings(ReconstructionSettings, self.settings.reconstruct)
        if scar := self._meaning()[0]:
            settings = settings.with_evidence(scar_labels=scar)
        targets.check_names((*self.images, *self.mask, *([] if case.mesh is None else [case.mesh.path])), overwrite=True)
        check_targets(targets, case.mesh or mesh_of_wall(case.wall, self.output), settings_for(case, settings), True, interval is not None)
        result = reconstruct(case, settings, progress, "audit" in self.steps)
        if interval is not None:
            result = with_interval(result, interval / 100)
        progress("write", 0, 1)
        write_result(result, targets, POSTERIORS, overwrite=True, keep_names=self.keep_names)
        return result

    def _meaning(self) -> tuple[tuple[int, ...] | None, tuple[int, ...]]:
        """Which values of the label map are scar, and which are myocardium, as far as the choices say; None: its labels decide.

        A label map that a wall is made from need not hold scar, and must not be taken for scar then.
        """
        chosen, order = self.settings.reconstruct.evidence.scar_labels, self.settings.wall.labels
        if not self.mask or (self.mesh is not None and not order):
            return chosen, ()
        names = label_names(order) if order else {"myocardium": (1,)}
        scar, wall = (tuple(value for name in kind for value in names.get(name, ())) for kind in (SCAR_NAMES, WALL_NAMES))
        return chosen or scar, wall

    def _numbers(self, result: Result, progress: TaskProgress) -> dict[str, Any]:
        """Quantities and sectors; they, and the report, are written beside the map."""
        settings = plain_settings(QuantifySettings, self.settings.quantify)
        points = np.array(self.insertions) if self.insertions else None
        mesh = result.case.mesh
        coordinates = None if mesh is None else known_coordinates(mesh.wall, point_arrays(mesh))
        placed = points, self._right_ventricle() if points is None else None, coordinates
        numbers = quantify(result, settings, *placed, progress)
        values = numbers.as_dict()
        values = values if self.keep_names else pseudonymous(values, result.provenance.inputs)
        with atomic_path(beside(self.output, ".numbers.json"), overwrite=True) as temporary:
            temporary.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        if "report" in self.steps:
            progress("report", 0, 1)
            write_report(MapSource.of(result), self.output.with_name(REPORT), settings, *placed, progress, overwrite=True)
        return {"quantities": values["quantities"], "sectors": values["sectors"], "notes": values["notes"]}

    def _right_ventricle(self) -> np.ndarray | None:
        """(k, 3) LPS mm of the pixels of the right ventricle in the label map; None where there are none."""
        values, order = self.settings.quantify.right_ventricle, self.settings.wall.labels
        if values is None and order:
            values = tuple(label_names(order).get("right ventricle", ()))
        if not values or not self.mask:
            return None
        points = label_points(self._labels(), values)
        return points if len(points) else None

    def _labels(self) -> SliceStack:
        reading = self.settings.read
        return read_stack(self.mask, reading.slice_axis, None, reading.slice_thickness, label_map=True)
