"""`cardioscar cohort`: many cases, on the cores of one machine or on a cluster; how far they are; what came of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from CardioScarLib.cli.console import say, stderr
from CardioScarLib.cli.engines import OF_ENGINES, chosen_engine, engine_options
from CardioScarLib.cli.options import settings_options
from CardioScarLib.core.settings import AlignmentSettings, ReadingSettings, ReconstructionSettings

if TYPE_CHECKING:
    from CardioScarLib.cohort.run import Progress
    from CardioScarLib.cohort.study import Study

BETWEEN_LOOKS = 3.0
"""Seconds between two looks at results, which may lie on a slow disk."""
STOPPED = "Stopped; finished cases are kept, and the same command continues."
OF_THE_RUN = {"source", "output", "overwrite", *OF_ENGINES}


@click.group(short_help="Make maps of many cases, on one machine or a cluster.")
def cohort() -> None:
    """Many cases: each in every variant of a study; a run goes on where one stopped."""


@cohort.command(short_help="Run a study, or all cases of a folder or list.")
@click.argument("source", type=Path, metavar="STUDY.yaml|FOLDER|LIST.csv")
@click.option("--output", required=True, type=Path, metavar="RESULTS", help="Folder of the results: one per case, and the tables.")
@engine_options("--workers", "Cases")
@click.option("--segment", is_flag=True, help="Have a network label a case without a label map: its scar, and its wall without a model.")
@click.option("--audit", is_flag=True, help="Also audit each stack: slices are left out and predicted, which takes longer.")
@click.option("--quantify", is_flag=True, help="Also tell all numbers of each map, as cardioscar quantify does.")
@click.option("--report", is_flag=True, help="Also write a report of each map.")
@click.option("--align", type=click.Choice(("mask", "image")), help="Move the slices of each case to fit its LV model.")
@settings_options("settings", ReconstructionSettings)
@settings_options("reading", ReadingSettings)
@settings_options("alignment", AlignmentSettings)
@click.option("--volume", is_flag=True, help="Also write each map as a volume (.nrrd).")
@click.option("--interval", type=click.FloatRange(50, 99.9), metavar="PERCENT", help="Also write the ends of this interval per point.")
@click.option("--time-limit", type=click.FloatRange(min=1), metavar="S", help="Seconds that a case may take.")
@click.option("--memory-limit", type=click.FloatRange(min=100), metavar="MIB", help="Memory that a case may take.")
@click.option("--retries", type=click.IntRange(0, 100), default=1, show_default=True, metavar="N", help="Of a case that crashed.")
@click.option("--keep-names", is_flag=True, help="Call cases and files by their names, which may be patients', not by fingerprints.")
@click.option("--overwrite", is_flag=True, help="Replace results of other settings; without it, what is done is kept.")
@click.pass_context
def run(context: click.Context, source: Path, output: Path, overwrite: bool, **chosen: Any) -> None:
    """Make a map of every case, with the steps and variants of a study.

    A FOLDER holds one folder per case, or a tree as of BIDS; a LIST names cases and their files. For them the options say what is done;
    a study file says it itself. The exit code is 0 when every case is done, 1 when any has failed.
    """
    # Everything heavy is imported here, so that --help answers at once.
    from CardioScarLib.cohort import in_words, run_study

    engines = {name: chosen.pop(name) for name in OF_ENGINES}
    study = _study(context, source, chosen)
    with _stopping(), chosen_engine(output, engines) as engine, _progress() as (line, tell):
        outcomes = run_study(study, output, engine, overwrite, say=line, tell=tell)
    say("\n" + in_words(outcomes))
    say(f"Results and table: {output.resolve()}")
    if any(one.state == "failed" for one in outcomes):
        raise click.exceptions.Exit(1)


@cohort.command(short_help="Tell how far a run is.")
@click.argument("results", type=Path, metavar="RESULTS")
@click.option("--watch", is_flag=True, help="Tell it again every few seconds, until no run is at work.")
def status(results: Path, watch: bool) -> None:
    """Tell how many cases of a folder of results are done, whether a run is at work, and how long it will take."""
    from rich.console import Console
    from rich.live import Live

    from CardioScarLib.cohort.status import look

    text, at_work = look(results)
    console = Console(highlight=False)
    live = watch and at_work and console.is_terminal
    if not live:
        say(text)
    with Live(text, console=console, auto_refresh=False) if live else nullcontext() as shown:
        while watch and at_work:
            time.sleep(BETWEEN_LOOKS)
            earlier = text
            text, at_work = look(results)
            if shown is not None:
                shown.update(text, refresh=True)
            elif text != earlier:
                say(text)


@cohort.command(short_help="Write tables, pictures and one web page of the results.")
@click.argument("results", type=Path, metavar="RESULTS")
def report(results: Path) -> None:
    """Write cohort.html, which needs no other file, and quantities.csv and cohort.json with every number.

    Also while a run is at work, of what is done by then. With pyarrow installed the numbers are written as Parquet, too.
    """
    from CardioScarLib.cohort.page import write_page

    for number, path in enumerate(write_page(results)):
        say(f"{'' if number else 'Wrote':<7}{path}")


def _study(context: click.Context, source: Path, chosen: dict[str, Any]) -> Study:
    from CardioScarLib.cohort import Study, find_cases, is_study, read_study
    from CardioScarLib.core.errors import BadSettings
    from CardioScarLib.runner import Limits
    from CardioScarLib.tasks.case_settings import ordered_steps, settings_of_map

    if is_study(source):
        for option in context.command.params:
            given = context.get_parameter_source(str(option.name)) not in (None, click.core.ParameterSource.DEFAULT)
            if given and option.name not in OF_THE_RUN:
                raise BadSettings(f"{option.opts[0]} cannot be given with a study file; write it into {source.name}.")
        return read_study(source)
    steps = ("reconstruct", *(name for name in ("segment", "align", "audit", "quantify", "report") if chosen[name]))
    settings = settings_of_map(
        chosen["settings"], chosen["reading"], chosen["alignment"], chosen["align"], chosen["volume"], chosen["interval"]
    )
    limits = Limits(chosen["time_limit"], chosen["memory_limit"])
    study = Study(tuple(find_cases(source, steps)), ordered_steps(steps), settings, limits=limits)
    return replace(study, retries=chosen["retries"], keep_names=chosen["keep_names"])


@contextmanager
def _stopping() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt as end:
        click.echo(STOPPED, err=True)
        raise click.exceptions.Exit(128 + getattr(end, "number", 2)) from None


@contextmanager
def _progress() -> Iterator[tuple[Callable[[str], None], Callable[[Progress], None]]]:
    """Where lines go, and a bar with the rate on a terminal."""
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    from CardioScarLib.cohort.status import pace_in_words

    console = stderr()
    columns = BarColumn(), TextColumn("{task.completed}/{task.total}  {task.description}")
    with Bars(*columns, console=console, disable=not console.is_terminal) as bars:
        bar = bars.add_task("", total=None)

        def tell(progress: Progress) -> None:
            bars.update(bar, completed=progress.finished, total=progress.units, description=pace_in_words(progress))

        def line(text: str) -> None:
            if console.is_terminal:
                bars.console.print(text, markup=False)
            else:
                say(text)

        yield line, tell
