"""`cardioscar quantify`: the numbers of a map."""

from __future__ import annotations

import json
from pathlib import Path

import click

from CardioScarLib.cli.console import progress_bars, say, say_notes
from CardioScarLib.cli.options import settings_options
from CardioScarLib.cli.right_ventricle import Places, place_options
from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.interrupts import hold_interrupts
from CardioScarLib.core.settings import QuantifySettings

ARRAYS = ("scar_lower", "scar_upper", "aha_segment", "channel_probability")
"""Of numbers: what could not be made this time must not be left from an earlier one."""


@click.command(short_help="Tell the numbers of a map: mass, AHA segments, channels.")
@click.argument("result", type=Path, metavar="MAP")
@settings_options("settings", QuantifySettings)
@place_options
@click.option("--output", type=Path, metavar="FILE", help="Also write the numbers as JSON.")
@click.option("--mesh", "mesh_out", type=Path, metavar="FILE", help="Also write the map with segments, channels and intervals per point.")
@click.option("--bulls-eye", "picture", type=Path, metavar="FILE", help="Also draw the scar burden of the segments: .png, .svg, .pdf.")
@click.option("--overwrite", is_flag=True, help="Replace existing results.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def quantify(
    result: Path,
    settings: QuantifySettings,
    places: Places,
    output: Path | None,
    mesh_out: Path | None,
    picture: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Amounts of scar, core and border zone, AHA segments, transmurality and channels of a map, each with its interval.

    MAP is a map written by cardioscar reconstruct. The intervals come from the field beside it (.field.npz); without it the numbers
    come without intervals. The slices are needed for --signal alone.
    """
    # Everything heavy is imported here, so that --help answers at once.
    from CardioScarLib import pipeline
    from CardioScarLib.cli.number_words import numbers_in_words
    from CardioScarLib.io.files import atomic_path, check_not_read, check_writable, one_step
    from CardioScarLib.io.meshes import check_output_name, without_arrays, write_mesh
    from CardioScarLib.report.bulls_eye import check_picture_name, write_bulls_eye
    from CardioScarLib.tasks.sources import MapSource

    if picture:
        check_picture_name(picture)
        if not places.known:
            raise BadSettings("--bulls-eye needs the segments, and they need the right ventricle; add --rv-insertion or --rv-mask.")
    for path in filter(None, (output, mesh_out, picture)):
        check_writable(path, overwrite)
    check_not_read((output, mesh_out, picture), (result,))
    source = MapSource.of(result)
    mesh = source.mesh
    where = places.read(mesh)
    if mesh_out:
        check_output_name(mesh, mesh_out)
    with progress_bars(quiet=as_json) as progress:
        found = pipeline.quantify(source.for_numbers(settings), settings, **where, progress=progress)
    say_notes(found.notes)
    text = json.dumps(found.as_dict(), indent=2, ensure_ascii=False)
    with hold_interrupts(), one_step(next(filter(None, (output, mesh_out, picture)), result)):
        if output:
            with atomic_path(output, overwrite) as temporary:
                temporary.write_text(text + "\n", encoding="utf-8")
        if mesh_out:
            write_mesh(without_arrays(mesh, ARRAYS), found.arrays, mesh_out, overwrite)
        if picture and "aha_segment" in found.arrays:
            write_bulls_eye(found.sectors, picture, overwrite)
    if as_json:
        click.echo(text)
    else:
        say(numbers_in_words(found))
