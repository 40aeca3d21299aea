"""`cardioscar train`: train a network on training data."""

from __future__ import annotations

from pathlib import Path

import click

from CardioScarLib.cli.console import say_notes
from CardioScarLib.cli.options import flags_of, settings_options
from CardioScarLib.cli.training import finish, ready_to_write, training_bar, training_options
from CardioScarLib.core.choices import keys_of
from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.settings import NetworkSettings


@click.command(short_help="Train the network on training data.")
@click.option("--training-data", required=True, type=Path, metavar="FILE", help=".npz from `cardioscar prepare`, or an older .npy table.")
@click.option("--output", required=True, type=Path, metavar="FILE", help="The network: .safetensors, or .pth for the original.")
@click.option(
    "--recipe", type=click.Choice(keys_of(NetworkSettings, "recipe")), help="How to train. [default: modern; original for a .pth]"
)
@click.option("--max-epochs", type=int, metavar="N", help="Maximum number of epochs. [default: the recipe's]")
@click.option("--early-stopping-patience", "patience", type=int, metavar="N", help="Epochs without improvement. [default: the recipe's]")
@settings_options("network", NetworkSettings, leave_out=flags_of(NetworkSettings, but=("--hidden-size", "--hidden-layers")))
@training_options
def train(
    training_data, output, recipe, max_epochs, patience, network, batch_size, mc_samples, normalize, seed, cpu,
    checkpoint_every, resume, overwrite,
) -> int:  # fmt: skip
    """Train a coordinate network with Monte Carlo dropout until it predicts held-out pixels."""
    from CardioScarLib.io.checkpoints import is_pth
    from CardioScarLib.io.training_data import read_training_data
    from CardioScarLib.original.training import train as run
    from CardioScarLib.reconstruction.dropout.device import require_torch

    recipe = recipe or ("original" if is_pth(output) else "modern")
    if is_pth(output) and recipe != "original":
        raise BadSettings(f"A .pth of the original has no place for the recipe {recipe}; write .safetensors, or use --recipe original.")
    settings = NetworkSettings(
        recipe, "cpu" if cpu else "auto", network.width, network.depth,
        epochs=max_epochs, patience=patience, batch_size=batch_size, training_samples=mc_samples,
    )  # fmt: skip
    require_torch()
    unfinished = ready_to_write(output, (training_data,), checkpoint_every, resume, overwrite)
    data = read_training_data(training_data, normalize)
    say_notes(data.notes)
    with training_bar() as progress:
        # Layout 2 is the one that the original's own command line loads.
        result = run(data, settings, seed, 2 if is_pth(output) else 1, progress, unfinished)
    return finish(result, unfinished)
