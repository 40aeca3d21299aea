"""`cardioscar layers`: a map on surfaces of equal depth."""

from __future__ import annotations

from pathlib import Path

import click

from CardioScarLib.cli.arguments import Numbers
from CardioScarLib.core.errors import BadSettings

NINE = tuple(range(10, 100, 10))


@click.command(short_help="Write a map on layers from endocardium to epicardium.")
@click.argument("result", type=Path, metavar="MAP")
@click.option("--output", required=True, type=Path, metavar="DIR", help="Folder for the layers; made if it does not exist.")
@click.option(
    "--depths", type=Numbers(int), default=NINE, metavar='"10,50,90"', help="Percent of the way through the wall; default 10 to 90."
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(("vtp", "vtk", "carto")),
    default="vtp",
    show_default=True,
    help="VTK surfaces: new, legacy, or legacy 4.2 as text, as programs of electroanatomic mapping exchange them.",
)
@click.option("--overwrite", is_flag=True, help="Replace existing layers.")
def layers(result: Path, output: Path, depths: tuple[int, ...], kind: str, overwrite: bool) -> None:
    """Write layer_10 and so on: surfaces of equal depth in the wall, with the arrays of the map on them, LPS mm."""
    if not depths or any(not 0 < one < 100 for one in depths) or len(set(depths)) < len(depths):
        raise BadSettings("--depths must be different whole numbers between 1 and 99, in percent from the endocardium.")
    # Everything heavy is imported here, so that --help answers at once.
    from CardioScarLib.cli.console import say, say_notes
    from CardioScarLib.core.interrupts import hold_interrupts
    from CardioScarLib.io.files import atomic_paths, check_writable, made_folder
    from CardioScarLib.io.maps import point_arrays, read_map
    from CardioScarLib.io.meshes import mesh_of_surface, write_mesh
    from CardioScarLib.io.shells import write_shell
    from CardioScarLib.quantification.places import known_coordinates
    from CardioScarLib.quantification.shells import wall_shell
    from CardioScarLib.reconstruction.posteriors import POSTERIORS
    from CardioScarLib.wall.coordinates import wall_coordinates

    mesh, source = read_map(result, POSTERIORS)
    paths = [output / f"layer_{depth:02}.{'vtk' if kind == 'carto' else kind}" for depth in depths]
    made_folder(output)
    for path in paths:
        check_writable(path, overwrite)
    arrays = point_arrays(mesh)
    coordinates = known_coordinates(source.wall, arrays) or wall_coordinates(source.wall)
    say_notes(source.wall.notes)
    shown = {"scar_probability": arrays["scar_probability"], **arrays}  # first, since a shell shows its first array
    of_map = {name: values for name, values in shown.items() if name.startswith("scar_") and name != "scar_observed"}
    shells = [wall_shell(source.wall, coordinates.transmural, depth / 100, of_map) for depth in depths]
    with hold_interrupts(), atomic_paths(paths, overwrite) as temporary:
        for shell, path in zip(shells, temporary, strict=True):
            if kind == "carto":
                write_shell(shell.points, shell.triangles, shell.arrays, path)
            else:
                write_mesh(mesh_of_surface(shell.points, shell.triangles, path), shell.arrays, path)
    say(f"Wrote  {len(paths)} layers to {output}")
