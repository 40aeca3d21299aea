"""`cardioscar samples`: joint samples of a map in files, for ensembles of simulations."""

from __future__ import annotations

from pathlib import Path

import click

from CardioScarLib.core.errors import NoSpread

ARRAY = "scar_fraction"


@click.command(short_help="Write joint samples of a map, for ensembles of simulations.")
@click.argument("result", type=Path, metavar="MAP")
@click.option("--count", type=click.IntRange(1, 10_000), default=64, show_default=True, metavar="N", help="Number of samples.")
@click.option("--output", required=True, type=Path, metavar="DIR", help="Folder for the samples; made if it does not exist.")
@click.option("--format", "kind", type=click.Choice(("vtu", "dat")), default="vtu", show_default=True, help="Mesh files, or openCARP .dat.")
@click.option("--overwrite", is_flag=True, help="Replace existing samples.")
def samples(result: Path, count: int, output: Path, kind: str, overwrite: bool) -> None:
    """Write sample_0000 and so on: scar fractions at the points of the map, each sample one whole field that the slices allow.

    They come from the field beside the map (.field.npz). Sample i is the same field whatever the count. A .vtu has the array
    scar_fraction; a .dat one number per line, in the order of the points.
    """
    # Everything heavy is imported here, so that --help answers at once.
    from CardioScarLib.cli.console import say
    from CardioScarLib.core.interrupts import hold_interrupts
    from CardioScarLib.core.threads import one_thread
    from CardioScarLib.io.files import atomic_paths, check_writable, made_folder
    from CardioScarLib.io.maps import read_map
    from CardioScarLib.io.meshes import bare_mesh, write_mesh
    from CardioScarLib.io.opencarp import write_dat
    from CardioScarLib.reconstruction.posteriors import POSTERIORS

    mesh, source = read_map(result, POSTERIORS)
    if source.posterior is None or not source.sampled:
        reason = source.notes[-1] if source.posterior is None else "Its model gives none; use the model field."
        raise NoSpread(f"{result.name} has no joint samples. {reason}")
    made_folder(output)
    paths = [output / f"sample_{number:04}.{kind}" for number in range(count)]
    for path in paths:
        check_writable(path, overwrite)
    with one_thread():
        fields = source.posterior.samples(count, source.wall.nodes)
    bare = bare_mesh(mesh)
    with hold_interrupts(), atomic_paths(paths, overwrite) as temporary:
        for field, path in zip(fields, temporary, strict=True):
            if kind == "dat":
                write_dat(field, path)
            else:
                write_mesh(bare, {ARRAY: field}, path)
    say(f"Wrote  {count} samples to {output}")
