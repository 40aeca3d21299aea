"""`cardioscar prepare`: make training data from slices and a mesh."""

from __future__ import annotations

from pathlib import Path

import click

from CardioScarLib.cli.arguments import Numbers
from CardioScarLib.cli.console import say, say_notes
from CardioScarLib.core.errors import BadSettings

PADDING = 5.0
"""mm to both sides of a grid layer; the original's."""


@click.command(short_help="Make training data for the network.")
@click.option("--mesh-vtk", "mesh", required=True, type=Path, metavar="FILE", help="LV wall: VTK files, PLY, STL, openCARP.")
@click.option("--image", "images", multiple=True, type=Path, metavar="FILE...", help="Slices: NIfTI, NRRD, MHA, DICOM.")
@click.option("--grid-layers", "layers", multiple=True, type=Path, metavar="FILE...", help="Slices: VTK grid layers, one per file.")
@click.option("--output", required=True, type=Path, metavar="FILE", help="The training data, .npz.")
@click.option("--vtk-scalar-field", default="ScalarValue", show_default=True, metavar="NAME", help="Array of the grid layers.")
@click.option("--slice-axis", metavar="x|y|z", help="Index axis of a volume that runs across its slices; z if not given.")
@click.option("--slice-indices", type=Numbers(int), metavar='"2,5,8"', help="Use these slices only, counted from 0.")
@click.option("--slice-thickness", type=float, metavar="MM", help="Slice thickness of images, if the file does not give it.")
@click.option(
    "--slice-thickness-padding", "padding", type=float, metavar="MM", help=f"Reach of grid layers to either side. [default: {PADDING}]"
)
@click.option("--normalize", type=click.Choice(("none", "minmax")), default="none", show_default=True, help="Stretch values to 0-1.")
@click.option("--exclude-zero-intensity", "exclude_zero", is_flag=True, help="Leave out pixels of value 0. Not for LGE intensities.")
@click.option("--mesh-frame", default="auto", metavar="auto|lps|ras", help="Frame of the mesh.")
@click.option("--mesh-unit", default="auto", metavar="auto|mm|um|cm|m", help="Length unit of the mesh.")
@click.option("--overwrite", is_flag=True, help="Replace existing results.")
def prepare(
    mesh, images, layers, output, vtk_scalar_field, slice_axis, slice_indices, slice_thickness, padding, normalize, exclude_zero,
    mesh_frame, mesh_unit, overwrite,
) -> None:  # fmt: skip
    """Group the mesh's nodes by the pixel they lie in, with the pixel's value: the input of `cardioscar train`."""
    if bool(images) == bool(layers):
        raise BadSettings("Give the slices either as --image or as --grid-layers.")
    if layers and slice_thickness is not None:
        raise BadSettings("Grid layers have no thickness of their own; give their reach to either side with --slice-thickness-padding.")
    if padding is not None and padding <= 0:
        raise BadSettings(f"The padding is {padding:g} mm; a layer without thickness holds no nodes, so it must be greater than zero.")

    from CardioScarLib.io.files import check_not_read, check_writable
    from CardioScarLib.io.images import read_stack
    from CardioScarLib.io.meshes import read_wall
    from CardioScarLib.io.training_data import check_training_name, write_training_data
    from CardioScarLib.original.prepare import prepare as run

    check_training_name(output)
    check_not_read((output,), (mesh, *images, *layers))
    check_writable(output, overwrite)
    wall = read_wall(mesh, mesh_frame, mesh_unit).wall
    thickness = 2 * (PADDING if padding is None else padding) if layers else slice_thickness
    stack = read_stack(layers or images, slice_axis, slice_indices, thickness, vtk_scalar_field)
    data = run(wall, stack, normalize, exclude_zero)
    notes = data.notes
    if images and padding is not None:
        notes += ("--slice-thickness-padding was not used: it is for grid layers; an image's slice thickness is --slice-thickness.",)
    say_notes(notes)
    write_training_data(data, output, overwrite)
    sizes = data.group_sizes
    say(f"Nodes  {len(data.group)} of {len(wall.nodes)}, in {len(sizes)} pixels ({sizes.mean():.1f} per pixel)\nWrote  {output}")
