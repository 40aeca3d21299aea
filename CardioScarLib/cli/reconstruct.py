"""`cardioscar reconstruct`: files in, files out."""

from __future__ import annotations

import json
from pathlib import Path

import click

from CardioScarLib.cli.alignment import align_options, in_words
from CardioScarLib.cli.arguments import setting
from CardioScarLib.cli.console import hold_interrupts, progress_bars, say_notes
from CardioScarLib.cli.inputs import Inputs, input_options
from CardioScarLib.settings import DEVICES, MODELS, PRESETS, RECIPES, ModelSettings, NetworkSettings, ReconstructionSettings


@click.command(short_help="Make a scar map from slices and a wall.")
@input_options
@align_options()
@click.option("--output", required=True, type=Path, metavar="FILE", help="The mesh with the results: .vtu .vtk .vtp, openCARP .dat.")
@setting("--model", ModelSettings, "model", type=click.Choice(MODELS), help="The field, the network, or a baseline.")
@setting("--preset", ModelSettings, "preset", type=click.Choice(PRESETS), help="Effort of the field.")
@setting("--recipe", NetworkSettings, "recipe", type=click.Choice(RECIPES), help="How the network is trained.")
@setting("--device", NetworkSettings, "device", type=click.Choice(DEVICES), help="Where the network is trained.")
@setting("--hidden-size", NetworkSettings, "width", type=int, metavar="N", help="Units in a hidden layer of the network.")
@setting("--hidden-layers", NetworkSettings, "depth", type=int, metavar="N", help="Hidden layers of the network.")
@setting("--dropout", NetworkSettings, "dropout", type=float, metavar="P", help="Dropout rate of the network.")
@setting("--max-epochs", NetworkSettings, "epochs", type=int, metavar="N", help="Epochs at most, instead of the recipe's.")
@setting("--threshold", ReconstructionSettings, "threshold", type=float, metavar="T", help="Also write scar_binary, T or more.")
@setting("--samples", ModelSettings, "samples", type=int, metavar="N", help="Joint samples behind the uncertainty.")
@setting("--seed", ModelSettings, "seed", type=int, metavar="N", help="Of everything random.")
@click.option("--audit", "audited", is_flag=True, help="Also leave slices out and say what the stack supports.")
@click.option("--volume", type=Path, metavar="FILE", help="Also write the probability as a volume: .nrrd, .nii.gz, .mha.")
@click.option("--overwrite", is_flag=True, help="Replace existing results.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def reconstruct(
    inputs: Inputs, align, output, model, preset, recipe, device, hidden_size, hidden_layers, dropout, max_epochs,
    threshold, samples, seed, audited, volume, overwrite, as_json,
) -> None:  # fmt: skip
    """Reconstruct scar probability and uncertainty on an LV wall from a stack of LGE slices."""
    settings = ReconstructionSettings(
        inputs.operator_settings,
        inputs.evidence_settings,
        ModelSettings(model, preset, samples, seed, NetworkSettings(recipe, device, hidden_size, hidden_layers, dropout, max_epochs)),
        threshold,
    )
    # Everything heavy is imported here, so that --help answers at once.
    from CardioScarLib.cli import case

    targets = case.Targets(output, volume)
    files = (*inputs.files, *align.files)
    targets.check_names(files, overwrite)
    mesh_file = inputs.read_wall()
    targets.check_for(mesh_file, settings, overwrite)
    stack = inputs.read_stack()
    alignment = align.find(inputs, stack, mesh_file.wall)
    if alignment and not as_json:
        click.echo(in_words(alignment), err=True)
    with progress_bars(quiet=as_json) as progress:
        result = case.run(stack, mesh_file.wall, settings, progress, alignment, audited)
    say_notes(result.notes)
    voxel = min(min(one.spacing) for one in stack)
    with hold_interrupts():
        report = case.write(result, mesh_file, targets, files, inputs.reading, voxel, overwrite)
    click.echo(json.dumps(report, indent=2) if as_json else case.in_words(report))
