"""Writing the report of a map: web page, PDF and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from CardioScarLib.core.errors import CardioScarError
from CardioScarLib.core.interrupts import hold_interrupts
from CardioScarLib.core.result import Result
from CardioScarLib.core.scar_map import ScarMap
from CardioScarLib.core.settings import QuantifySettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.io.files import atomic_paths, check_writable, made_folder
from CardioScarLib.io.results import read_result
from CardioScarLib.pipeline import quantify
from CardioScarLib.quantification.numbers import Numbers
from CardioScarLib.quantification.thresholds import NARROW
from CardioScarLib.reconstruction.posteriors import POSTERIORS
from CardioScarLib.report.bulls_eye import check_matplotlib, write_bulls_eye
from CardioScarLib.report.document import document_of, numbered_slices
from CardioScarLib.report.html import html_page
from CardioScarLib.report.paper import write_pdf
from CardioScarLib.wall.coordinates import WallCoordinates

NAMES = ("report.html", "report.pdf", "numbers.json")


@dataclass(frozen=True, eq=False)
class Placed:
    """Where the right ventricle is, and the coordinates of the wall, as for `pipeline.quantify`."""

    insertions: np.ndarray | None = None
    right_ventricle: np.ndarray | None = None
    coordinates: WallCoordinates | None = None


def report_paths(folder: Path, overwrite: bool) -> list[Path]:
    """The files of a report in a folder, which is made. Raises UnwritableOutput, and MissingPackage without matplotlib."""
    check_matplotlib()
    return [check_writable(made_folder(folder) / name, overwrite) for name in NAMES]


def write_report(
    result: Path,
    source: ScarMap,
    paths: list[Path],
    settings: QuantifySettings,
    placed: Placed,
    overwrite: bool = False,
    progress: Callable[..., None] | None = None,
) -> list[str]:
    """Write a report, all or nothing; returns why pictures are missing. result: the map's mesh. source: what it holds.

    paths: see `report_paths`. Raises UnwritableOutput.
    """
    numbers = quantify(source, settings, placed.insertions, placed.right_ventricle, placed.coordinates, progress)
    try:
        whole: Result | None = read_result(result, POSTERIORS)
    except CardioScarError:
        whole = None
    labels = [one.label for one in whole.case.stack] if whole else ()
    evidence, audit = (whole.evidence, whole.audit) if whole else (None, None)
    # Other notes hold names of files; those on the evidence name slices only.
    caveats = [*numbers.missing.values(), *(one for one in numbers.notes if one == NARROW), *(evidence.notes if evidence else ())]
    with TemporaryDirectory(prefix="cardioscar-") as folder:
        pictures, notes = _pictures(source, whole, numbers, Path(folder))
        document = document_of(numbers, audit, pictures, [*caveats, *notes], evidence, labels)
        with hold_interrupts(), atomic_paths(paths, overwrite) as (page, pdf, record):
            page.write_text(html_page(document), encoding="utf-8")
            write_pdf(document, pdf)
            values = numbers.as_dict()
            values["provenance"]["inputs"] = [{"sha256": one.get("sha256")} for one in values["provenance"]["inputs"]]
            values["notes"] = [numbered_slices(one, labels) for one in caveats]
            values["provenance"]["notes"] = values["notes"]
            record.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return notes


def _pictures(source: ScarMap, whole: Result | None, numbers: Numbers, folder: Path) -> tuple[dict[str, Path], list[str]]:
    """PNG files by caption, and why some could not be made."""
    # What draws is loaded where something is drawn: it needs libraries that not every machine has.
    from CardioScarLib.report.offscreen import CannotDraw
    from CardioScarLib.report.pictures import UNCERTAINTY_SCALE, render_heart, render_slices, views_of_scar, wall_panel

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
    if "aha_segment" in numbers.arrays:
        found["Bull's-eye"] = write_bulls_eye(numbers.sectors, folder / "segments.png")
    return found, notes
