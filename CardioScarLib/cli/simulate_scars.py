"""`cardioscar simulate-scars`: scar around seed points of a mesh and slices of it, as the original program's data were made."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("simulate-scars", short_help="Make scars on a mesh, and slices of them, as the original's data.")
@click.option("--mesh-vtk", required=True, type=Path, metavar="FILE", help="Volume mesh of the LV wall.")
@click.option("--output", required=True, type=Path, metavar="DIR", help="Folder for all files; made if it does not exist.")
@click.option("--subsets", type=click.IntRange(1, 999), default=10, show_default=True, metavar="N", help="Number of scars.")
@click.option("--min-seeds", type=click.IntRange(1), default=15, show_default=True, metavar="N", help="Fewest seed points of a scar.")
@click.option("--max-seeds", type=click.IntRange(1), default=25, show_default=True, metavar="N", help="Most seed points of a scar.")
@click.option("--neighbors", type=click.IntRange(1), default=100, show_default=True, metavar="N", help="Points that a seed reaches.")
@click.option("--falloff", type=click.IntRange(1), default=2, show_default=True, metavar="K", help="Power with which scar fades out.")
@click.option("--strength", type=float, default=1.0, show_default=True, metavar="S", help="Scar at a seed.")
@click.option("--base-value", type=float, default=0.1, show_default=True, metavar="S", help="Added everywhere in the wall.")
@click.option("--voxel-size", type=float, default=1.0, show_default=True, metavar="MM", help="Of the volume that slices are averaged over.")
@click.option(
    "--xy-spacing", type=float, multiple=True, default=(1.0, 1.5, 2.0), show_default=True, metavar="MM", help="Pixels. Repeatable."
)
@click.option("--z-spacing", type=float, default=8.0, show_default=True, metavar="MM", help="Between slices, and their thickness.")
@click.option("--random-seed", type=click.IntRange(0), default=42, show_default=True, metavar="N", help="Random seed.")
@click.option("--overwrite", is_flag=True, help="Replace existing files.")
def simulate_scars(
    mesh_vtk, output, subsets, min_seeds, max_seeds, neighbors, falloff, strength, base_value, voxel_size, xy_spacing, z_spacing,
    random_seed, overwrite,
) -> None:  # fmt: skip
    """Write subset_000.pts (seeds), the mesh with the array synthetic_scar, the volume, and one stack of slices for each pixel size.

    Names are those that `cardioscar foundation` reads. A pixel is the mean over the wall in its prism.
    """
    from CardioScarLib.cli.console import say, say_notes
    from CardioScarLib.io.files import made_folder
    from CardioScarLib.io.meshes import read_wall
    from CardioScarLib.synthesis.seeded_scars import Recipe, write_subsets

    recipe = Recipe(
        subsets, (min_seeds, max_seeds), neighbors, falloff, strength, base_value, voxel_size, tuple(xy_spacing), z_spacing, random_seed
    )
    mesh = read_wall(mesh_vtk)
    say_notes(mesh.wall.notes)
    written = write_subsets(mesh, made_folder(output), recipe, overwrite)
    say(f"Wrote  {len(written)} files of {subsets} scars to {output}")
