"""`cardioscar fine-tune`: continue training a network on other data."""

from __future__ import annotations

from pathlib import Path

import click

from CardioScarLib.cli.console import say_notes
from CardioScarLib.cli.training import finish, ready_to_write, training_bar, training_options

LAYOUT_1 = (
    "The network has two dropout layers (layout 1): the older script of the original loads its .pth, but not its command line. "
    "`cardioscar apply` takes both."
)


@click.command(short_help="Continue training a network on other data.")
@click.option("--checkpoint", required=True, type=Path, metavar="FILE", help="The network to start from: .safetensors or .pth.")
@click.option("--training-data", required=True, type=Path, metavar="FILE", help="Training data of the patient, from `cardioscar prepare`.")
@click.option("--output", required=True, type=Path, metavar="FILE", help="The network: .safetensors, or .pth for the original.")
@click.option(
    "--freeze-stages",
    type=int,
    default=0,
    show_default=True,
    metavar="N",
    help="Number of hidden layers, from the first, that keep their weights.",
)
@click.option("--max-epochs", type=int, metavar="N", help="Maximum number of epochs. [default: 1000, modern networks the recipe's]")
@click.option(
    "--early-stopping-patience", "patience", type=int, metavar="N", help="Epochs without improvement. [default: 200, modern none]"
)
@click.option("--base-lr", type=float, default=1e-4, show_default=True, metavar="X", help="Lowest learning rate.")
@click.option("--max-lr", type=float, default=1e-3, show_default=True, metavar="X", help="Highest learning rate.")
@training_options
def fine_tune(
    checkpoint, training_data, output, freeze_stages, max_epochs, patience, base_lr, max_lr, batch_size, mc_samples, normalize, seed,
    cpu, checkpoint_every, resume, overwrite,
) -> int:  # fmt: skip
    """Continue training a network on a patient's data, in the network's own coordinates; architecture and recipe are kept."""
    from CardioScarLib.io.checkpoints import as_original, is_pth, read_checkpoint
    from CardioScarLib.io.training_data import read_training_data
    from CardioScarLib.original.training import fine_tune as run
    from CardioScarLib.original.training import fine_tuning_settings
    from CardioScarLib.reconstruction.dropout.architecture import Architecture
    from CardioScarLib.reconstruction.dropout.device import require_torch

    require_torch()
    unfinished = ready_to_write(output, (checkpoint, training_data), checkpoint_every, resume, overwrite)
    parent = read_checkpoint(checkpoint)
    settings = fine_tuning_settings(
        parent, device="cpu" if cpu else "auto", epochs=max_epochs, patience=patience, batch_size=batch_size,
        training_samples=mc_samples, lowest_rate=base_lr, highest_rate=max_lr,
    )  # fmt: skip
    if is_pth(output):
        as_original(parent)  # fails before the long work if a .pth cannot hold this network
    data = read_training_data(training_data, normalize)
    say_notes((*data.notes, *((LAYOUT_1,) if is_pth(output) and Architecture.from_state(parent.state).layout == 1 else ())))
    with training_bar() as progress:
        result = run(data, parent, checkpoint, settings, freeze_stages, seed, progress, unfinished)
    return finish(result, unfinished)
