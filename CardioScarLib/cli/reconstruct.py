"""`cardioscar reconstruct`: files in, files out."""

from __future__ import annotations

import json
from pathlib import Path

import click

from CardioScarLib.cli.arguments import Integers, setting
from CardioScarLib.cli.console import hold_interrupts, progress_bars, say_notes
from CardioScarLib.errors import BadSettings
from CardioScarLib.settings import (
    DEVICES,
    EVIDENCE_METHODS,
    LGE_TYPES,
    MODELS,
    PIXEL_SUPPORTS,
    PRESETS,
    RECIPES,
    SLICE_PROFILES,
    EvidenceSettings,
    ModelSettings,
    NetworkSettings,
    OperatorSettings,
    ReconstructionSettings,
)


@click.command(short_help="Make a scar map from slices and a wall.")
@click.option("--mesh-vtk", "mesh", required=True, type=Path, metavar="FILE", help="LV wall: VTK files, PLY, STL, openCARP.")
@click.option("--image", "images", required=True, multiple=True, type=Path, metavar="FILE...", help="LGE: volumes, DICOM, VTK layers.")
@click.option("--mask", "masks", multiple=True, type=Path, metavar="FILE...", help="Labels on the image's grid, used instead of it.")
@click.option("--output", required=True, type=Path, metavar="FILE", help="The mesh with the results: .vtu .vtk .vtp, openCARP .dat.")
@setting("--model", ModelSettings, "model", type=click.Choice(MODELS), help="The field, the network, or a baseline.")
@setting("--preset", ModelSettings, "preset", type=click.Choice(PRESETS), help="Effort of the field.")
@setting("--recipe", NetworkSettings, "recipe", type=click.Choice(RECIPES), help="How the network is trained.")
@setting("--device", NetworkSettings, "device", type=click.Choice(DEVICES), help="Where the network is trained.")
@setting("--hidden-size", NetworkSettings, "width", type=int, metavar="N", help="Units in a hidden layer of the network.")
@setting("--hidden-layers", NetworkSettings, "depth", type=int, metavar="N", help="Hidden layers of the network.")
@setting("--dropout", NetworkSettings, "dropout", type=float, metavar="P", help="Dropout rate of the network.")
@setting("--max-epochs", NetworkSettings, "epochs", type=int, metavar="N", help="Epochs at most, instead of the recipe's.")
@setting("--evidence", EvidenceSettings, "method", type=click.Choice(EVIDENCE_METHODS), help="From pixels to scar evidence.")
@setting("--n-sd", EvidenceSettings, "n_sd", type=float, help="Standard deviations above remote myocardium, for nsd.")
@setting("--scar-labels", EvidenceSettings, "scar_labels", type=Integers(), metavar='"3,4"', help="Labels that mean scar.")
@setting("--lge-type", EvidenceSettings, "lge_type", type=click.Choice(LGE_TYPES), help="Kind of LGE image.")
@setting("--null-level", EvidenceSettings, "null_level", type=float, metavar="X", help="Intensity of nulled signal in PSIR.")
@setting("--pixel-support", OperatorSettings, "pixel_support", type=click.Choice(PIXEL_SUPPORTS), help="What a pixel averages.")
@setting("--slice-profile", OperatorSettings, "slice_profile", type=click.Choice(SLICE_PROFILES), help="Sensitivity through the slice.")
@click.option("--slice-axis", metavar="x|y|z", help="Index axis of a volume that runs across its slices; z if not given.")
@click.option("--slice-indices", type=Integers(), metavar='"2,5,8"', help="Use these slices only, counted from 0.")
@click.option("--slice-thickness", type=float, metavar="MM", help="Slice thickness, where the file does not say it.")
@click.option("--mesh-frame", default="auto", metavar="auto|lps|ras", help="Frame of the mesh.")
@click.option("--mesh-unit", default="auto", metavar="auto|mm|um|m", help="Length unit of the mesh.")
@click.option("--vtk-scalar-field", default="ScalarValue", show_default=True, metavar="NAME", help="Array of VTK layers.")
@setting("--threshold", ReconstructionSettings, "threshold", type=float, metavar="T", help="Also write scar_binary, T or more.")
@setting("--samples", ModelSettings, "samples", type=int, metavar="N", help="Joint samples behind the uncertainty.")
@setting("--seed", ModelSettings, "seed", type=int, metavar="N", help="Of everything random.")
@click.option("--volume", type=Path, metavar="FILE", help="Also write the probability as a volume: .nrrd, .nii.gz, .mha.")
@click.option("--overwrite", is_flag=True, help="Replace existing results.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def reconstruct(
    mesh, images, masks, output, model, preset, recipe, device, hidden_size, hidden_layers, dropout, max_epochs,
    evidence, n_sd, scar_labels, lge_type, null_level, pixel_support, slice_profile, slice_axis, slice_indices,
    slice_thickness, mesh_frame, mesh_unit, vtk_scalar_field, threshold, samples, seed, volume, overwrite, as_json,
) -> None:  # fmt: skip
    """Reconstruct scar probability and uncertainty on an LV wall from a stack of LGE slices."""
    if masks and evidence not in ("auto", "labels"):
        raise BadSettings(f"--mask takes the place of the intensities, so --evidence {evidence} has nothing to work on; drop one.")
    settings = ReconstructionSettings(
        OperatorSettings(pixel_support, slice_profile),
        EvidenceSettings("labels" if masks else evidence, lge_type, n_sd, null_level, scar_labels),
        ModelSettings(model, preset, samples, seed, NetworkSettings(recipe, device, hidden_size, hidden_layers, dropout, max_epochs)),
        threshold,
    )
    # Everything heavy is imported here, so that --help answers at once.
    from CardioScarLib.cli import case
    from CardioScarLib.io.images import read_stack
    from CardioScarLib.io.meshes import read_wall

    targets = case.Targets(output, volume)
    targets.check_names((*images, *masks), overwrite)
    mesh_file = read_wall(mesh, mesh_frame, mesh_unit)
    targets.check_for(mesh_file, settings, overwrite)
    stack = read_stack(images, slice_axis, slice_indices, slice_thickness, vtk_scalar_field)
    if masks:
        mask = read_stack(masks, slice_axis, slice_indices, slice_thickness, vtk_scalar_field, label_map=True)
        stack = case.with_mask(stack, mask)
    with progress_bars(quiet=as_json) as progress:
        result = case.run(stack, mesh_file.wall, settings, progress)
    say_notes(result.notes)
    reading = {
        "slice_axis": slice_axis,
        "slice_indices": slice_indices,
        "slice_thickness": slice_thickness,
        "vtk_scalar_field": vtk_scalar_field,
        "mask": bool(masks),
    }
    voxel = min(min(one.spacing) for one in stack)
    with hold_interrupts():
        report = case.write(result, mesh_file, targets, (*images, *masks), reading, voxel, overwrite)
    click.echo(json.dumps(report, indent=2) if as_json else case.in_words(report))
