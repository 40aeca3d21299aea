"""`cardioscar report`: a map on paper and as a web page."""

from __future__ import annotations

from pathlib import Path

import click

from CardioScarLib.cli.options import settings_options
from CardioScarLib.cli.right_ventricle import Places, place_options
from CardioScarLib.core.settings import QuantifySettings


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
    from CardioScarLib.cli.console import progress_bars, say, say_notes
    from CardioScarLib.io.maps import read_map
    from CardioScarLib.reconstruction.posteriors import POSTERIORS
    from CardioScarLib.report.bulls_eye import check_matplotlib
    from CardioScarLib.tasks.report import Placed, report_paths, write_report

    check_matplotlib()
    mesh, source = read_map(result, POSTERIORS)
    placed = Placed(**places.read(mesh))
    paths = report_paths(output, overwrite)
    with progress_bars(quiet=False) as progress:
        notes = write_report(result, source, paths, settings, placed, overwrite, progress)
    say_notes(notes)
    for number, path in enumerate(paths):
        say(f"{'' if number else 'Wrote':<7}{path}")
