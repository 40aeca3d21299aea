"""`cardioscar segment train`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from CardioScarLib.cli.console import progress_bars, say, say_notes
from CardioScarLib.cli.options import settings_options
from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.segmentation_settings import SegmentTrainingSettings


@click.command(short_help="Train a network on images and label maps.")
@click.argument("folder", type=Path, metavar="FOLDER")
@click.option("-o", "--output", required=True, type=Path, metavar="FOLDER", help="Where the weights, the state and the curves are kept.")
@click.option(
    "--labels",
    required=True,
    metavar="ORDER|NAME=VALUE,...",
    help="Meaning of the labels: emidec, scarnet, myops, acdc, monai, or names.",
)
@settings_options("settings", SegmentTrainingSettings)
@click.option("--pixel-spacing", type=float, metavar="MM", help="Distance between pixels of files that tell none, as ScarNet's.")
@click.option("--encoder", type=Path, metavar="FILE", help="Weights of MedSAM or SAM (ViT-B) to begin with, for scarnet-vit-b.")
@click.option(
    "--start", "begin_with", metavar="default|FILE", help="Weights of the same network to go on from, such as those that are shipped."
)
@click.option(
    "--synthetic", type=Path, multiple=True, metavar="FOLDER",
    help="Made images and label maps (`simulate`, `synthesize apply`) to learn from, too. Repeatable.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def train(folder, output, labels, settings, pixel_spacing, encoder, begin_with, synthetic, as_json) -> None:
    """Train a network on the images and label maps in FOLDER, and keep the weights that are best on patients it did not learn from.

    A run that was stopped goes on when the same command is given again. Several GPUs or machines: start it with torchrun. The curves
    are for TensorBoard.
    """
    from CardioScarLib.segmentation.encoders import load_encoder
    from CardioScarLib.segmentation.folder_training import train_on_folder
    from CardioScarLib.segmentation.weights import load_start

    if encoder is not None and settings.network != "scarnet-vit-b":
        raise BadSettings("--encoder is for the network scarnet-vit-b; choose it (--network), or omit the encoder.")
    if encoder is not None and begin_with is not None:
        raise BadSettings("--start has weights of the whole network, --encoder of a part of it; give one of them.")

    def start(network):
        if encoder is not None:
            load_encoder(network.transformer.encoder, encoder)
        if begin_with is not None:
            load_start(network, begin_with, settings.network)

    with progress_bars(quiet=as_json) as progress:
        report = train_on_folder(folder, output, labels, settings, progress, pixel_spacing, start, synthetic)
    say_notes(report.skipped)
    if as_json:
        click.echo(json.dumps({"weights": str(report.training.weights), **asdict(report)}, default=str, indent=2))
        return
    for name, value in report.training.dice.items():
        say(f"Dice   {value:.3f} {name}, on {report.patients[1]} patients that the network did not learn from")
    if report.synthetic:
        say(f"Of it  {report.synthetic} synthetic stacks, {settings.synthetic_share:g} % of the slices; none was validated with")
    say(f"Wrote  {report.training.weights}")
