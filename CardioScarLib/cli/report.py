"""`cardioscar report`: a map on paper and as a web page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from CardioScarLib.cli.options import settings_options
from CardioScarLib.cli.right_ventricle import Places, place_options
from CardioScarLib.core.settings import QuantifySettings

if TYPE_CHECKING:
    from CardioScarLib.core.result import Result
    from CardioScarLib.core.scar_map import ScarMap
    from CardioScarLib.quantification.numbers import Numbers

NAMES = ("report.html", "report.pdf", "numbers.json")


@click.command(short_help="Write a report of a map: web page, PDF and JSON.")
@click.argument("result", type=Path, metavar="MAP")
@click.option("--output", required=True, type=Path, metavar="DIR", help="Folder for the report; made if it does not exist.")
@settings_options("settings", QuantifySettings)
@place_options
@click.option("--overwrite", is_flag=True, help="Replace an existing report.")
def report(result: Path, output: Path, settings: QuantifySettings, places: Places, overwrite: bool) -> None:
    """Write report.html, which needs no other file, report.pdf, and numbers.json with every number in them.

    MAP is a map written by cardioscar reconstruct. The report has no names of files and no identifiers of images.
    """
    # Everything heavy is imported here, so that --help answers at once.
    from CardioScarLib import pipeline
    from CardioScarLib.cli.console import progress_bars, say, say_notes
    from CardioScarLib.core.errors import CardioScarError
    from CardioScarLib.core.interrupts import hold_interrupts
    from CardioScarLib.io.files import atomic_paths, check_writable, made_folder
    from CardioScarLib.io.maps import read_map
    from CardioScarLib.io.results import read_result
    from CardioScarLib.quantification.thresholds import NARROW
    from CardioScarLib.reconstruction.posteriors import POSTERIORS
    from CardioScarLib.report.bulls_eye import check_matplotlib
    from CardioScarLib.report.document import document_of, numbered_slices
    from CardioScarLib.report.html import html_page
    from CardioScarLib.report.paper import write_pdf

    check_matplotlib()
    mesh, source = read_map(result, POSTERIORS)
    where = places.read(mesh)
    paths = [made_folder(output) / name for name in NAMES]
    for path in paths:
        check_writable(path, overwrite)
    try:
        whole = read_result(result, POSTERIORS)
    except CardioScarError:
        whole = None
    with progress_bars(quiet=False) as progress:
        numbers = pipeline.quantify(source, settings, **where, progress=progress)
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
    say_notes(notes)
    for number, path in enumerate(paths):
        say(f"{'' if number else 'Wrote':<7}{path}")


def _pictures(source: ScarMap, whole: Result | None, numbers: Numbers, folder: Path) -> tuple[dict[str, Path], list[str]]:
    """PNG files by caption, and why some could not be made."""
    from CardioScarLib.core.slices import SliceStack
    from CardioScarLib.report.bulls_eye import write_bulls_eye
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
