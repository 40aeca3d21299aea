"""`cardioscar coordinates`: add wall coordinates to an LV wall of any origin."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from CardioScarLib.cli.arguments import point
from CardioScarLib.cli.console import progress_bars, say, say_notes
from CardioScarLib.cli.options import OF_IMAGES, keep_names_option, settings_options
from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.interrupts import hold_interrupts
from CardioScarLib.core.settings import ReadingSettings


@click.command(short_help="Give an LV wall coordinates: depth, apex to base, around.")
@click.argument("mesh", type=Path)
@click.option("--output", required=True, type=Path, metavar="FILE", help="The mesh with the coordinates: .vtu .vtk, openCARP .dat.")
@click.option("--start", metavar='"X,Y,Z"', help="Point where the angle starts, such as the anterior insertion of the RV; LPS mm.")
@click.option("--regions", metavar="NAME", help="Point array: 1 endocardium, 2 epicardium, 3 base; default wall_region, if present.")
@settings_options("reading", ReadingSettings, leave_out=OF_IMAGES)
@click.option("--overwrite", is_flag=True, help="Replace existing results.")
@keep_names_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def coordinates(mesh, output, start, regions, reading, overwrite, keep_names, as_json) -> None:
    """Add the point arrays wall_transmural (0 endocardium, 1 epicardium), wall_apicobasal (0 apex, 1 base),
    wall_circumferential (radians) and wall_thickness (mm) to an LV wall of volume cells."""
    zero_at = point(start)
    # Everything heavy is imported here, so that --help answers at once.
    from CardioScarLib.core.provenance import Provenance, plain
    from CardioScarLib.core.pseudonyms import pseudonymous
    from CardioScarLib.io.files import check_not_read, check_writable, one_step
    from CardioScarLib.io.meshes import check_output_name, read_wall, write_mesh
    from CardioScarLib.io.records import input_files, write_record
    from CardioScarLib.wall.coordinates import wall_coordinates
    from CardioScarLib.wall.quality import mesh_quality

    check_not_read((output, output.with_name(output.name + ".json")), (mesh,))
    check_writable(output, overwrite)
    check_writable(output.with_name(output.name + ".json"), overwrite)
    mesh_file = read_wall(mesh, reading.mesh_frame, reading.mesh_unit, reading.mesh_regions)
    check_output_name(mesh_file, output)
    begin = time.perf_counter()
    with progress_bars(quiet=as_json) as progress:
        surfaces = _surfaces(mesh_file, regions)
        found = wall_coordinates(mesh_file.wall, surfaces, zero_at, step=lambda done, steps: progress("coordinates", done, steps))
    quality = mesh_quality(mesh_file.wall)
    notes = (*mesh_file.wall.notes, *found.notes)
    say_notes(notes)
    seconds = {"coordinates": time.perf_counter() - begin}
    how = {"mesh_frame": mesh_file.frame, "mesh_unit": mesh_file.unit}
    provenance = Provenance.now({"start": start, "regions": regions}, seconds, input_files([mesh_file.path]), how, notes)
    summary = {"axis_lps_mm": found.axis, "quality": vars(quality)}
    record = plain({"summary": summary, "provenance": provenance.as_dict()})
    record = record if keep_names else pseudonymous(record, provenance.inputs)
    with hold_interrupts(), one_step(output):
        written = [*write_mesh(mesh_file, found.arrays, output, overwrite), write_record(record, output, overwrite)]
    if as_json:
        click.echo(json.dumps({"outputs": [str(path) for path in written], **record}, indent=2))
        return
    say(f"Wall   {quality}")
    for number, path in enumerate(written):
        say(f"{'' if number else 'Wrote':<7}{path}")


def _surfaces(mesh_file, regions: str | None):
    """Regions from a point array of the file; None if there is none."""
    from vtkmodules.util.numpy_support import vtk_to_numpy

    from CardioScarLib.wall.surfaces import labeled_surfaces

    array = mesh_file.dataset.GetPointData().GetArray(regions or "wall_region")
    if array is None and regions:
        raise BadSettings(f"{mesh_file.path.name} has no point array {regions}.")
    return None if array is None else labeled_surfaces(mesh_file.wall, vtk_to_numpy(array))
