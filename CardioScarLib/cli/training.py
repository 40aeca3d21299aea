"""Common to `cardioscar train` and `cardioscar fine-tune`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from CardioScarLib.cli.console import say, say_notes, stderr
from CardioScarLib.core.interrupts import hold_interrupts

if TYPE_CHECKING:
    from CardioScarLib.original.training import Progress as ProgressCall
    from CardioScarLib.original.training import Training
    from CardioScarLib.original.unfinished import Unfinished

STOPPED = 130
SEED = 42
"""The original's."""


def training_options(command: Callable) -> Callable:
    """The flags of both commands that end their lists."""
    options = (
        click.option("--batch-size", type=int, metavar="N", help="Nodes per step, in whole groups. [default: the recipe's]"),
        click.option("--mc-samples", type=int, metavar="N", help="Dropout samples per step. [default: the recipe's]"),
        click.option(
            "--normalize", type=click.Choice(("none", "minmax")), default="none", show_default=True, help="Stretch values to 0-1."
        ),
        click.option("--seed", type=int, default=SEED, show_default=True, metavar="N", help="Random seed."),
        click.option("--cpu", is_flag=True, help="Do not use a GPU. [default: a GPU if available]"),
        click.option(
            "--checkpoint-every", type=click.IntRange(1), default=50, show_default=True, metavar="N", help="Epochs between saved states."
        ),
        click.option("--resume", is_flag=True, help="Resume a training that was stopped or killed."),
        click.option("--overwrite", is_flag=True, help="Replace existing results."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def ready_to_write(output: Path, inputs: Sequence[Path], every_epochs: int, resume: bool, overwrite: bool) -> Unfinished:
    """Raise UnwritableOutput for what can be known before the long work; else where to keep the unfinished training.

    inputs: never overwritten.
    """
    from CardioScarLib.io.checkpoints import check_checkpoint_name
    from CardioScarLib.io.files import check_not_read, check_writable
    from CardioScarLib.original.unfinished import Unfinished

    check_checkpoint_name(output)
    unfinished = Unfinished(output, every_epochs, resume, overwrite)
    unfinished.check()
    check_not_read((output, unfinished.path), inputs)
    # What Ctrl-C left behind is this run's own.
    check_writable(output, overwrite or (resume and unfinished.path.exists()))
    return unfinished


@contextmanager
def training_bar() -> Iterator[ProgressCall]:
    """Yield a progress callback: epochs, loss, learning rate and remaining time on a terminal, nothing in a pipe."""
    console = stderr()
    columns = (
        TextColumn("epoch {task.completed}/{task.total}"),
        BarColumn(),
        TextColumn("loss {task.fields[loss]:.5f}  rate {task.fields[rate]:.1e}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("training", loss=float("nan"), rate=0.0)

        def advance(done: int, epochs: int, loss: float, rate: float) -> None:
            bar.update(task, completed=done, total=epochs, loss=loss, rate=rate)

        yield advance


def finish(result: Training, unfinished: Unfinished) -> int:
    """Write the network, report the training, and return the exit code."""
    from CardioScarLib.io.checkpoints import write_checkpoint

    say_notes(result.notes)
    with hold_interrupts():
        path = write_checkpoint(result.checkpoint, unfinished.output, overwrite=True)
        if not result.interrupted:
            unfinished.done()
    history, settings = result.checkpoint.history, result.checkpoint.settings
    best, pixels = history["best_epoch"], history["held_out_groups"]
    seen = f"{pixels} held-out pixels" if pixels else "the pixels it was trained on"
    lines = [
        f"Trained {history['converged_epoch']} epochs in {history['training_time']:.1f} s, recipe {settings['recipe']}",
        f"Best    epoch {best + 1}: RMS error {history['held_out_errors'][best]:.4f} over {seen}",
        f"Device  {settings['device']}",
        f"Wrote   {path}",
    ]
    if result.interrupted:
        later = "; --resume continues it" if unfinished.path.exists() else ""
        lines.append(f"Stopped before the end; the best network so far was kept{later}.")
    say("\n".join(lines))
    return STOPPED if result.interrupted else 0
