"""`cardioscar wall`: make an LV wall from label maps, contours or surfaces."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from CardioScarLib.cli.arguments import point
from CardioScarLib.cli.console import progress_bars, say, say_notes
from CardioScarLib.cli.options import keep_names_option, settings_options
from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.interrupts import hold_interrupts
from CardioScarLib.core.settings import ReadingSettings, WallSettings


@click.command(short_help="Make an LV wall from labels, contours or surfaces.")
@click.argument("images", nargs=-1, type=Path, metavar="[IMAGE]...")
@click.option("--output", required=True, type=Path, metavar="FILE", help="The wall, tetrahedra: .vtu or .vtk.")
@click.option("--labels", metavar="ORDER|NAME=VALUE,...", help="Meaning of the labels: emidec, scarnet, myops, acdc, monai, or names.")
@click.option(
    "--contours",
    multiple=True,
    type=Path,
    metavar="FILE...",
    help="Contour files or their folder, drawn on the images; or .mat of Segment.",
)
@click.option("--endo", type=Path, metavar="FILE", help="Surface of the endocardium, instead of images.")
@click.option("--epi", type=Path, metavar="FILE", help="Surface of the epicardium.")
@settings_options("settings", WallSettings)
@click.option("--refuse-islands", is_flag=True, help="Refuse labels apart from the heart instead of leaving them out.")
@click.option("--refuse-holes", is_flag=True, help="Refuse holes in the labeled myocardium instead of filling them.")
@settings_options("reading", ReadingSettings, leave_out=("--slice-indices", "--series", "--vtk-scalar-field", "--region"))
@click.option("--coordinates", is_flag=True, help="Also write wall coordinates: transmural, apicobasal, circumferential.")
@click.option(
    "--start", metavar='"X,Y,Z"', help="Where the angle of the coordinates starts, such as the anterior insertion of the RV; LPS mm."
)
@click.option("--surface", type=Path, metavar="FILE", help="Also write the surface of the wall, with its regions: .vtp or .vtk.")
@click.option("--overwrite", is_flag=True, help="Replace existing results.")
@keep_names_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def wall(
    images, output, labels, contours, endo, epi, settings, refuse_islands, refuse_holes, reading, coordinates, start, surface, overwrite,
    keep_names, as_json,
) -> None:  # fmt: skip
    """Make a closed LV wall of tetrahedra.

    From a label map (IMAGE, with --labels), from contour files drawn on IMAGE... (--contours; files of Segment need no images), or
    from two surfaces (--endo and --epi).
    """
    _check_sources(images, labels, contours, endo, epi)
    if start is not None and not coordinates:
        raise BadSettings("--start sets where the angle of the coordinates starts; add --coordinates.")
    settings = replace(settings, keep_largest=not refuse_islands, fill_holes=not refuse_holes)
    zero_at = point(start)
    # Everything heavy is imported here, so that --help answers at once.
    from CardioScarLib.core.provenance import Provenance, plain
    from CardioScarLib.core.pseudonyms import pseudonymous
    from CardioScarLib.io.lv_walls import check_wall_names, write_lv_wall
    from CardioScarLib.io.records import input_files
    from CardioScarLib.wall import build_wall
    from CardioScarLib.wall.finished import finished_wall

    check_wall_names(output, surface, [path for path in (*images, *contours, endo, epi) if path and path.is_file()], overwrite)
    begin = time.perf_counter()
    with progress_bars(quiet=as_json) as progress:
        progress("shape", 0, 1)
        shape, right_ventricle, notes = _shape(images, labels, contours, (endo, epi), reading, settings)
        progress("shape", 1, 1)
        built = build_wall(shape, settings, progress)
        finished = finished_wall(built, coordinates, zero_at, right_ventricle=right_ventricle, progress=progress)
    notes = [*notes, *finished.notes]
    say_notes(notes)
    volume = float(finished.wall.volumes.sum()) * 1e-3
    seconds = {"wall": time.perf_counter() - begin}
    chosen = {"wall": vars(settings), "labels": labels, "start": start}
    provenance = Provenance.now(
        chosen, seconds, input_files(path for path in (*images, *contours, endo, epi) if path), vars(reading), notes
    )
    distance = vars(finished.distance) if finished.distance else None
    summary = {"lv_volume_ml": volume, "quality": vars(finished.quality), "distance": distance}
    record = plain({"summary": summary, "provenance": provenance.as_dict()})
    record = record if keep_names else pseudonymous(record, provenance.inputs)
    with hold_interrupts():
        written = write_lv_wall(finished, built, output, surface, record, overwrite)
    if as_json:
        click.echo(json.dumps({"outputs": [str(path) for path in written], **record}, indent=2))
        return
    say(f"Wall   {volume:.1f} mL. {finished.description}")
    for number, path in enumerate(written):
        say(f"{'' if number else 'Wrote':<7}{path}")


def _check_sources(images: Sequence[Path], labels: str | None, contours: Sequence[Path], endo: Path | None, epi: Path | None) -> None:
    if (endo is None) != (epi is None):
        raise BadSettings("--endo and --epi belong together; give both surfaces.")
    if endo and (images or contours or labels):
        raise BadSettings("A wall is made from surfaces (--endo, --epi) or from images, not from both.")
    if not endo and not images and not (contours and all(path.suffix.lower() == ".mat" for path in contours)):
        missing = "the images the contours were drawn on" if contours else "a label map, images with --contours, or --endo and --epi"
        raise BadSettings(f"There is no input for a wall: give {missing}.")
    if contours and labels:
        raise BadSettings("--labels names the values of a label map, and --contours needs images; give one of the two.")


def _shape(images, labels, contours, surfaces, reading, settings):
    """The shape, points of the right ventricle if the labels hold it, and notes about reading."""
    from CardioScarLib.io.contours import read_contours
    from CardioScarLib.io.images import read_stack
    from CardioScarLib.io.meshes import read_wall
    from CardioScarLib.wall import label_names, shape_from_contours, shape_from_labels, shape_from_surfaces
    from CardioScarLib.wall.finished import label_points

    if all(surfaces):
        walls = [read_wall(path, reading.mesh_frame, reading.mesh_unit).wall for path in surfaces]
        return shape_from_surfaces(walls[0], walls[1], settings), None, [note for one in walls for note in one.notes]
    if contours:
        slices, notes = read_contours(contours, images, reading.slice_axis, reading.slice_thickness)
        return shape_from_contours(slices, settings), None, notes
    stack = read_stack(images, reading.slice_axis, None, reading.slice_thickness, label_map=True)
    values = label_names(labels).get("right ventricle", ()) if labels else ()
    points = label_points(stack, values)
    return shape_from_labels(stack, labels, settings), points if len(points) else None, stack.notes
