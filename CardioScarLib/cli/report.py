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
@click.option(
    "--perfusion", type=Path, metavar="FILE", help="Also report perfusion that cardioscar spect measure --output wrote with this map."
)
@click.option("--overwrite", is_flag=True, help="Replace an existing report.")
def report(result: Path, output: Path, settings: QuantifySettings, places: Places, perfusion: Path | None, overwrite: bool) -> None:
    """Write report.html, which needs no other file, report.pdf, and numbers.json with every number in them.

    MAP is a map written by cardioscar reconstruct. The report has no names of files and no identifiers of images.
    """
    # Everything heavy is imported here, so that --help answers at once.
    from CardioScarLib.cli.console import progress_bars, say_notes, say_written
    from CardioScarLib.perfusion.record import read_perfusion
    from CardioScarLib.report.bulls_eye import check_matplotlib
    from CardioScarLib.tasks.report import write_report
    from CardioScarLib.tasks.sources import MapSource

    check_matplotlib()
    source = MapSource.of(result)
    where = places.read(source.mesh)
    measured = read_perfusion(perfusion) if perfusion else None
    with progress_bars(quiet=False) as progress:
        written = write_report(source, output, settings, **where, progress=progress, overwrite=overwrite, perfusion=measured)
    say_notes(written.notes)
    say_written(written.files)
