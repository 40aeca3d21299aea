"""Progress and notes of a run at the terminal, on stderr."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from CardioScarLib.core.printable import printable

if TYPE_CHECKING:
    from CardioScarLib.pipeline import Progress as ProgressCall


def stderr() -> Console:
    return Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def progress_bars(quiet: bool) -> Iterator[ProgressCall]:
    """Yield a progress callback: one bar per stage on a terminal, nothing in a pipe."""
    console = stderr()
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"), TimeElapsedColumn()
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def advance(stage: str, step: int, steps: int, loss: float | None = None) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage)
            bars.update(tasks[stage], completed=step, total=steps, description=stage if loss is None else f"{stage}, loss {loss:.4f}")

        yield advance


def say(text: str, err: bool = False) -> None:
    """Print words that may come from files: names of arrays, of slices."""
    click.echo(printable(text), err=err)


def say_notes(notes) -> None:
    """Print each note once."""
    console = stderr()
    for note in dict.fromkeys(notes):
        console.print(f"Note: {printable(note)}", markup=False)


def say_written(paths: Iterable[Path]) -> None:
    """Print the files that were written, one a line."""
    for number, path in enumerate(paths):
        say(f"{'' if number else 'Wrote':<7}{path}")
