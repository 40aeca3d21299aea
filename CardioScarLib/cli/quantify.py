"""`cardioscar quantify`: the numbers of a map."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from CardioScarLib.cli.arguments import Integers, point
from CardioScarLib.cli.console import hold_interrupts, progress_bars, say_notes
from CardioScarLib.cli.options import settings_options
from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.settings import QuantifySettings

if TYPE_CHECKING:
    import numpy as np

    from CardioScarLib.io.meshes import MeshFile
    from CardioScarLib.wall.coordinates import WallCoordinates


@click.command(short_help="Tell the numbers of a map: mass, AHA segments, channels.")
@click.argument("result", type=Path, metavar="MAP")
@settings_options("settings", QuantifySettings)
@click.option(
    "--rv-insertion",
    "insertions",
    multiple=True,
    metavar='"X,Y,Z"',
    help="Insertion of the right ventricle, LPS mm: the anterior one; give the option again for the inferior one.",
)
@click.option("--rv-mask", type=Path, metavar="FILE", help="Label map with the right ventricle, instead of its insertions.")
@click.option("--rv-labels", type=Integers(), metavar='"3"', help="Label values of the right ventricle in --rv-mask.")
@click.option("--coordinates", type=Path, metavar="FILE", help="The mesh of the map with its wall coordinates, which saves their time.")
@click.option("--output", type=Path, metavar="FILE", help="Also write the numbers as JSON.")
@click.option("--mesh", "mesh_out", type=Path, metavar="FILE", help="Also write the map with segments, channels and intervals per point.")
@click.option("--bulls-eye", "picture", type=Path, metavar="FILE", help="Also draw the scar burden of the segments: .png, .svg, .pdf.")
@click.option("--overwrite", is_flag=True, help="Replace existing results.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def quantify(
    result: Path,
    settings: QuantifySettings,
    insertions: tuple[str, ...],
    rv_mask: Path | None,
    rv_labels: tuple[int, ...] | None,
    coordinates: Path | None,
    output: Path | None,
    mesh_out: Path | None,
    picture: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Amounts of scar, core and border zone, AHA segments, transmurality and channels of a map, each with its interval.

    MAP is a map written by cardioscar reconstruct. The intervals come from the field beside it (.field.npz); without it the numbers
    come without intervals. The slices are not needed.
    """
    # Everything heavy is imported here, so that --help answers at once.
    import numpy as np

    from CardioScarLib import pipeline
    from CardioScarLib.cli.number_words import numbers_in_words
    from CardioScarLib.io.files import atomic_path, check_writable
    from CardioScarLib.io.maps import read_map
    from CardioScarLib.io.meshes import check_output_name, write_mesh
    from CardioScarLib.reconstruction.posteriors import POSTERIORS
    from CardioScarLib.report.bulls_eye import check_picture_name, write_bulls_eye

    if picture:
        check_picture_name(picture)
        if not insertions and not rv_mask:
            raise BadSettings("--bulls-eye needs the segments, and they need the right ventricle; add --rv-insertion or --rv-mask.")
    if len(insertions) > 2:
        raise BadSettings("The right ventricle has two insertions; give --rv-insertion at most twice.")
    if (rv_mask is None) != (rv_labels is None) or (rv_mask and insertions):
        raise BadSettings("Give the right ventricle either as --rv-insertion, or as --rv-mask together with --rv-labels.")
    points = np.array([point(one, "--rv-insertion") for one in insertions]) if insertions else None
    for path in filter(None, (output, mesh_out, picture)):
        check_writable(path, overwrite)
    mesh, source = read_map(result, POSTERIORS)
    right_ventricle = _right_ventricle(rv_mask, rv_labels) if rv_mask and rv_labels else None
    if mesh_out:
        check_output_name(mesh, mesh_out)
        if mesh_out.exists() and mesh_out.samefile(mesh.path):
            raise BadSettings(f"{mesh_out.name} is the map that is read; choose another name for the result.")
    with progress_bars(quiet=as_json) as progress:
        found = pipeline.quantify(source, settings, points, right_ventricle, _coordinates(mesh, coordinates), progress)
    say_notes(found.notes)
    text = json.dumps(found.as_dict(), indent=2, ensure_ascii=False)
    with hold_interrupts():
        if output:
            with atomic_path(output, overwrite) as temporary:
                temporary.write_text(text + "\n", encoding="utf-8")
        if mesh_out:
            write_mesh(mesh, found.arrays, mesh_out, overwrite)
        if picture and "aha_segment" in found.arrays:
            write_bulls_eye(found.sectors, picture, overwrite)
    click.echo(text if as_json else numbers_in_words(found))


def _right_ventricle(mask: Path, labels: tuple[int, ...]) -> np.ndarray:
    """(k, 3) LPS mm of the pixels with these labels."""
    from CardioScarLib.io.images import read_stack
    from CardioScarLib.wall.finished import label_points

    points = label_points(read_stack([mask]), labels)
    if not len(points):
        raise BadSettings(f"{mask.name} has no pixel with the label {' or '.join(map(str, labels))}; check --rv-labels.")
    return points


def _coordinates(mesh: MeshFile, path: Path | None) -> WallCoordinates | None:
    """Coordinates from a file, or from the mesh of the map if it has them; None has them computed."""
    from CardioScarLib.io.maps import point_arrays
    from CardioScarLib.io.meshes import read_wall
    from CardioScarLib.quantification.places import known_coordinates, stored_coordinates

    if path is not None:
        other = read_wall(path, mesh.frame, mesh.unit)
        return stored_coordinates(mesh.wall, point_arrays(other), other.wall.nodes)
    return known_coordinates(mesh.wall, point_arrays(mesh))
