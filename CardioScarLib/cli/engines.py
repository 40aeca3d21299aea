"""Options of commands that do many pieces of work: where they are done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from CardioScarLib.cli.console import say

if TYPE_CHECKING:
    from CardioScarLib.cohort.run import Engine

OF_SLURM = ("walltime", "memory", "partition", "account", "setup", "slurm_option")
OF_ENGINES = ("workers", "scheduler", "use_slurm", "dashboard", *OF_SLURM)


def engine_options(flag: str, what: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the options of an engine; it gets them by the names `OF_ENGINES`.

    flag: of the number of workers. what: they do at a time, in the plural.
    """
    options = (
        click.option(
            flag, "workers", type=click.IntRange(1, 4096), default=1, show_default=True, metavar="N",
            help=f"{what} at a time: processes of this machine, or jobs of SLURM. More than one needs Dask.",
        ),
        click.option(
            "--scheduler", metavar="ADDRESS", help="A scheduler of Dask that is there with its workers, such as tcp://host:8786."
        ),
        click.option("--slurm", "use_slurm", is_flag=True, help="Send the workers to SLURM as jobs."),
        click.option("--walltime", default="01:00:00", show_default=True, metavar="HH:MM:SS", help="Of a job."),
        click.option("--memory", default="4GB", show_default=True, metavar="SIZE", help="Of a job."),
        click.option("--partition", metavar="NAME", help="For jobs."),
        click.option("--account", metavar="NAME", help="For jobs."),
        click.option(
            "--setup", multiple=True, metavar="LINE", help="A line of the shell before a job's worker, such as a module load."
        ),
        click.option("--slurm-option", multiple=True, metavar="OPTION", help='A further option of sbatch, such as "--qos=long".'),
        click.option("--dashboard", is_flag=True, help="Show Dask's dashboard at port 8787; needs bokeh."),
    )  # fmt: skip

    def with_options(command: Callable[..., Any]) -> Callable[..., Any]:
        for one in reversed(options):
            command = one(command)
        return command

    return with_options


@contextmanager
def chosen_engine(folder: Path, chosen: dict[str, Any]) -> Iterator[Engine]:
    """The engine of these options, which are taken out of what was chosen. folder: of the results."""
    from CardioScarLib.cohort.engines import Slurm, engine_for

    of_slurm = {name: chosen.pop(name) for name in OF_SLURM}
    of_slurm["others"] = of_slurm.pop("slurm_option")
    workers, scheduler, use_slurm, dashboard = (chosen.pop(name) for name in ("workers", "scheduler", "use_slurm", "dashboard"))
    with engine_for(workers, folder, scheduler, Slurm(**of_slurm) if use_slurm else None, dashboard) as engine:
        if engine.dashboard:
            say(f"Dask's dashboard: {engine.dashboard}", err=True)
        yield engine
