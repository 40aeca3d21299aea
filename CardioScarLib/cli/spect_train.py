"""`cardioscar spect train`."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import click

from CardioScarLib.cli.console import progress_bars, say, say_notes
from CardioScarLib.cli.options import settings_options
from CardioScarLib.cli.spect_config import config_option, layout_options
from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.perfusion_settings import SpectTrainingSettings
from CardioScarLib.perfusion.config import NAMES, TRAIN


@click.command(short_help="Train a network on volumes and masks, or on phantoms.")
@click.argument("folder", required=False, type=Path, metavar="[FOLDER]")
@click.option("-o", "--output", required=True, type=Path, metavar="FOLDER", help="Where the weights, the state and the curves are kept.")
@click.option("--phantoms", type=click.IntRange(2, 100_000), metavar="N", help="Train on as many phantoms instead of a folder.")
@click.option("--epochs", type=click.IntRange(1, 100_000), metavar="N", help="Instead of --steps: how often every volume is seen.")
@config_option({**TRAIN, **NAMES})
@settings_options("settings", SpectTrainingSettings)
@layout_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def train(folder, output, phantoms, epochs, settings, layout, allow_mask_as_volume, as_json) -> None:
    """Train a network on the volumes and masks in FOLDER, split by patient, and keep the weights that are best on those kept apart.

    A run that was stopped goes on when the same command is given again. The curves are for TensorBoard.
    """
    from CardioScarLib.perfusion.folder_training import train_on_folder
    from CardioScarLib.perfusion.layout import Names
    from CardioScarLib.perfusion.phantom_training import train_on_phantoms

    if (folder is None) == (phantoms is None):
        raise BadSettings("Give a folder of volumes and masks, or the number of phantoms (--phantoms).")
    skipped: tuple[str, ...] = ()
    with progress_bars(quiet=as_json) as progress:
        if folder is None:
            if epochs is not None:
                settings = replace(settings, steps=max(1, round(epochs * phantoms / settings.batch_size)))
            report, counts = train_on_phantoms(phantoms, output, settings, progress)
        else:
            report, counts, skipped = train_on_folder(folder, output, settings, progress, Names(**layout), allow_mask_as_volume, epochs)
    say_notes(skipped)
    if as_json:
        click.echo(json.dumps({**asdict(report), "volumes": list(counts), "skipped": list(skipped)}, default=str, indent=2))
        return
    say(f"Dice   {report.dice:.3f} on {counts[1]} volumes that the network did not learn from ({counts[0]} that it did)")
    say(f"Wrote  {report.weights}")
