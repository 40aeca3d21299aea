"""Entry point of the command line: the one place where errors become messages and exit codes.

0: done. 2: the input or the settings cannot be used; one sentence says why. 1: internal error; a log file has the details.
130: stopped by Ctrl-C; 143 and 129: by SIGTERM and SIGHUP, as cleanly.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from CardioScarLib.cli.align import align
from CardioScarLib.cli.apply import apply
from CardioScarLib.cli.arguments import repeat_flags
from CardioScarLib.cli.audit import audit
from CardioScarLib.cli.benchmark import benchmark
from CardioScarLib.cli.cohort import cohort
from CardioScarLib.cli.compare import compare
from CardioScarLib.cli.console import say
from CardioScarLib.cli.coordinates import coordinates
from CardioScarLib.cli.demo import demo
from CardioScarLib.cli.export import export
from CardioScarLib.cli.fine_tune import fine_tune
from CardioScarLib.cli.foundation import foundation
from CardioScarLib.cli.info import info
from CardioScarLib.cli.layers import layers
from CardioScarLib.cli.next_slice import next_slice
from CardioScarLib.cli.prepare import prepare
from CardioScarLib.cli.quantify import quantify
from CardioScarLib.cli.reconstruct import reconstruct
from CardioScarLib.cli.report import report
from CardioScarLib.cli.run import run
from CardioScarLib.cli.samples import samples
from CardioScarLib.cli.segment import segment
from CardioScarLib.cli.simulate import simulate
from CardioScarLib.cli.simulate_scars import simulate_scars
from CardioScarLib.cli.spect import spect
from CardioScarLib.cli.synthesize import synthesize
from CardioScarLib.cli.train import train
from CardioScarLib.cli.wall import wall
from CardioScarLib.cli.web import web
from CardioScarLib.core.errors import Cancelled, CardioScarError
from CardioScarLib.core.interrupts import Ending, ends_by_signals
from CardioScarLib.core.surroundings import printable_output
from CardioScarLib.core.threads import ONE_THREAD
from CardioScarLib.core.version import __version__

FLAGS_WITH_SEVERAL_VALUES = ("--image", "--mask", "--grid-layers", "--contours", "--align-from", "--wall-from", "--scar-from", "--beside")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, prog_name="cardioscar", message="%(prog)s %(version)s")
def cardioscar() -> None:
    """3D maps of scar probability and uncertainty from a stack of LGE slices and an LV wall mesh. Research use only."""


for command in (
    run,
    reconstruct,
    quantify,
    report,
    export,
    layers,
    samples,
    compare,
    audit,
    align,
    info,
    demo,
    prepare,
    train,
    fine_tune,
    apply,
    foundation,
    segment,
    spect,
    wall,
    coordinates,
    next_slice,
    simulate,
    simulate_scars,
    synthesize,
    cohort,
    benchmark,
    web,
):
    cardioscar.add_command(command)


def main(arguments: Sequence[str] | None = None) -> int:
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    printable_output()
    for name, value in ONE_THREAD.items():  # in time: no module of the command line imports numpy before its command runs
        os.environ.setdefault(name, value)
    with ends_by_signals() as ending:
        return _run(arguments, ending)


def _run(arguments: list[str], ending: Ending) -> int:
    try:
        words = repeat_flags(arguments, FLAGS_WITH_SEVERAL_VALUES) or ["--help"]
        return cardioscar.main(words, prog_name="cardioscar", standalone_mode=False) or 0
    except click.ClickException as error:
        say(f"Error: {error.format_message()}", err=True)
        return 2
    except CardioScarError as error:
        say(f"Error: {error}", err=True)
        return 2
    except (KeyboardInterrupt, click.Abort, Cancelled):
        click.echo("Stopped; nothing was written.", err=True)
        return ending.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains on its way out
        return 1
    except Exception as error:
        click.echo(f"Internal error ({type(error).__name__}). Please report it with the log: {_write_log(arguments)}", err=True)
        return 1


def _write_log(arguments: Sequence[str]) -> Path:
    """Write the traceback without the arguments of the command line: names of files and folders may contain names of patients."""
    text = traceback.format_exc()
    forms = {form for word in arguments[1:] for form in (word, Path(word).name, Path(word).stem, str(Path(word).parent))}
    for form in sorted((form for form in forms if len(form) > 2), key=len, reverse=True):
        text = text.replace(form, "<argument>")
    handle, path = tempfile.mkstemp(prefix="cardioscar-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(f"cardioscar {__version__}, Python {platform.python_version()}, {platform.platform()}\n\n{text}")
    return Path(path)


if __name__ == "__main__":
    sys.exit(main())
