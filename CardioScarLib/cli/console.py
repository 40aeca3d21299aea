"""Progress and notes of a run at the terminal, on stderr."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

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


def tell(values: Mapping[str, Any], words: Callable[[], str], as_json: bool, output: Path | None, overwrite: bool) -> None:
    """Print values in words, or as JSON, which is also written to a file where one is asked for."""
    from CardioScarLib.io.files import atomic_path

    text = json.dumps(values, indent=2)
    if output:
        with atomic_path(output, overwrite) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")
    if as_json:
        click.echo(text)
    else:
        say(words())
