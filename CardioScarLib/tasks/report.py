"""A report of a map: web page, PDF and JSON; and the task of writing it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import numpy as np

from CardioScarLib import pipeline
from CardioScarLib.core.errors import CardioScarError
from CardioScarLib.core.interrupts import hold_interrupts
from CardioScarLib.core.packing import Variants
from CardioScarLib.core.result import Result
from CardioScarLib.core.scar_map import ScarMap
from CardioScarLib.core.settings import QuantifySettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.io.files import atomic_paths, check_writable, made_folder
from CardioScarLib.perfusion.bulls_eyes import bulls_eyes
from CardioScarLib.perfusion.in_report import CAPTION, sentences_of, tables_of
from CardioScarLib.perfusion.pictures import write_figure
from CardioScarLib.perfusion.record import PerfusionRecord
from CardioScarLib.pipeline import Progress
from CardioScarLib.quantification.contours import CONTOURS_ENTER
from CardioScarLib.quantification.numbers import Numbers
from CardioScarLib.quantification.thresholds import CAVEATS
from CardioScarLib.reconstruction.posteriors import POSTERIORS
from CardioScarLib.report.bulls_eye import check_matplotlib, write_bulls_eye
from CardioScarLib.report.document import Table, document_of, numbered_slices
from CardioScarLib.report.html import html_page
from CardioScarLib.report.offscreen import CannotDraw
from CardioScarLib.report.paper import write_pdf
from CardioScarLib.report.pictures import UNCERTAINTY_SCALE, render_heart, render_slices, views_of_scar, wall_panel
from CardioScarLib.report.variograms import write_variogram
from CardioScarLib.runner.task import Task, TaskProgress
from CardioScarLib.tasks.sources import MapSource, Written
from CardioScarLib.tasks.start import MapTask
from CardioScarLib.wall.coordinates import WallCoordinates

NAMES = ("report.html", "report.pdf", "numbers.json")


def write_report(
    source: MapSource,
    folder: Path,
    settings: QuantifySettings | None = None,
    insertions: np.ndarray | None = None,
    right_ventricle: np.ndarray | None = None,
    coordinates: WallCoordinates | None = None,
    progress: Progress | None = None,
    overwrite: bool = False,
    perfusion: PerfusionRecord | None = None,
) -> Written:
    """Write report.html, report.pdf and numbers.json into a folder, which is made; all or nothing.

    insertions, right_ventricle, coordinates: see `pipeline.quantify`. perfusion: measured beside this map, to be reported with it.
    There are no names of files and no identifiers of images in it.
    Raises MissingPackage without matplotlib, OtherCase for perfusion measured beside another map, and UnwritableOutput.
    """
    check_matplotlib()
    if perfusion is not None:
        perfusion.check_map(source.map.probability)
    paths = [made_folder(folder) / name for name in NAMES]
    for path in paths:
        check_writable(path, overwrite)
    try:
        whole = source.result()
    except CardioScarError:
        whole = None
    tell = progress or (lambda stage, step, steps, **detail: None)
    settings = settings or QuantifySettings()
    numbers = pipeline.quantify(source.for_numbers(settings), settings, insertions, right_ventricle, coordinates, progress)
    tell("report", 0, 1)
    labels = [one.label for one in whole.case.stack] if whole else ()
    evidence, audit = (whole.evidence, whole.audit) if whole else (None, None)
    # Other notes hold names of files; those on the evidence name slices only.
    told = (one for one in numbers.notes if one in (*CAVEATS, CONTOURS_ENTER))
    caveats = [*numbers.missing.values(), *told, *(evidence.notes if evidence else ())]
    more: tuple[Table, ...] = ()
    if perfusion is not None:
        caveats += sentences_of(perfusion)
        more = tables_of(perfusion)
    with TemporaryDirectory(prefix="cardioscar-") as drawn:
        pictures, notes = _pictures(source.map, whole, numbers, Path(drawn))
        if perfusion is not None:
            pictures[CAPTION] = write_figure(bulls_eyes(perfusion), Path(drawn) / "perfusion.png")
        document = document_of(numbers, audit, pictures, [*caveats, *notes], evidence, labels, more)
        with hold_interrupts(), atomic_paths(paths, overwrite) as (page, pdf, record):
            page.write_text(html_page(document), encoding="utf-8")
            write_pdf(document, pdf)
            values = numbers.as_dict()
            values["provenance"]["inputs"] = [{"sha256": one.get("sha256")} for one in values["provenance"]["inputs"]]
            values["notes"] = [numbered_slices(one, labels) for one in caveats]
            values["provenance"]["notes"] = values["notes"]
            if perfusion is not None:
                values["perfusion"] = perfusion.told()
            record.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    tell("report", 1, 1)
    return Written(tuple(paths), tuple(notes))


def _pictures(source: ScarMap, whole: Result | None, numbers: Numbers, folder: Path) -> tuple[dict[str, Path], list[str]]:
    """PNG files by caption, and why some could not be made."""
    found: dict[str, Path] = {}
    notes = []
    panels = [wall_panel("Scar probability", source.wall, source.probability, observed=source.observed)]
    if whole is not None and "scar_uncertainty" in whole.arrays:
        panels.append(wall_panel("Uncertainty", source.wall, whole.arrays["scar_uncertainty"], UNCERTAINTY_SCALE, source.observed))
    try:
        render_heart(source.wall, panels, folder / "heart.png", views_of_scar(source.wall, source.probability))
        found["The map from outside, facing the scar, and from inside"] = folder / "heart.png"
        if whole is not None and source.wall.kind != "points":
            # The labels of slices hold names of files, which may name a patient.
            slices = tuple(replace(one, label=f"slice {number}") for number, one in enumerate(whole.case.stack, 1))
            render_slices(SliceStack(slices), source.wall, [("Scar", source.probability)], folder / "slices.png")
            found["Slices with the outline of the wall, and the map on them"] = folder / "slices.png"
    except CannotDraw as problem:
        notes.append(f"Views of the heart were left out. {problem}")
    if whole is None:
        notes.append("The slices were not kept beside the map, so neither they nor what was noted of them is shown.")
    if whole is not None and whole.summary["fit"].get("variogram"):
        caption = "How much scar differs over a distance: points in the slices, lines in the map's process, dotted its length"
        found[caption] = write_variogram(whole.summary["fit"], folder / "variogram.png")
    if "aha_segment" in numbers.arrays:
        found["Bull's-eye"] = write_bulls_eye(numbers.sectors, folder / "segments.png")
    return found, notes


@dataclass(frozen=True, eq=False)
class ReportTask(MapTask, Task[Written]):
    """Write the report of a map into a folder, in which nothing is replaced; starts from a map if given, otherwise makes it first.

    perfusion: as of `PerfusionReport.as_dict`, of the same map; None leaves it out.
    """

    answer: ClassVar[type] = Written
    variants: ClassVar[Variants] = POSTERIORS

    folder: Path = Path()
    quantify: QuantifySettings = field(default_factory=QuantifySettings)
    insertions: np.ndarray | None = None
    perfusion: dict[str, Any] | None = None

    def run(self, progress: TaskProgress) -> Written:
        source = MapSource.of(self.map(progress))
        perfusion = None if self.perfusion is None else PerfusionRecord.of(self.perfusion)
        return write_report(source, self.folder, self.quantify, self.insertions, progress=progress, perfusion=perfusion)
