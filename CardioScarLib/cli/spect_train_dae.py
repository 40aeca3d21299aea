"""`cardioscar spect train-dae`."""

from __future__ import annotations

from pathlib import Path

import click

from CardioScarLib.cli.console import progress_bars, say
from CardioScarLib.core.settings import MOST_SEEDS


@click.command("train-dae", short_help="Train an autoencoder that mends walls.")
@click.option("-o", "--output", required=True, type=Path, metavar="FILE", help="The weights, .safetensors.")
@click.option("--phantoms", type=click.IntRange(2, 100_000), default=80, show_default=True, metavar="N", help="Walls to learn from.")
@click.option("--steps", type=click.IntRange(1, 10_000_000), default=500, show_default=True, metavar="N", help="Steps of the optimizer.")
@click.option("--seed", type=click.IntRange(0, MOST_SEEDS), default=0, show_default=True, metavar="N", help="Start of all random numbers.")
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
def train_dae(output, phantoms, steps, seed, overwrite) -> None:
    """Train a denoising autoencoder on walls of phantoms that are spoiled on purpose: eaten away, grown, rough.

    Give its file to predict or evaluate as --dae, and look whether evaluate tells more with it than without.
    """
    from CardioScarLib.perfusion.phantom_training import train_refiner_on_phantoms

    with progress_bars(quiet=False) as progress:
        written, before, after = train_refiner_on_phantoms(phantoms, steps, seed, output, progress, overwrite)
    say(f"Dice   {after:.3f} of spoiled walls that it did not learn from; {before:.3f} before it")
    say(f"Wrote  {written}")
