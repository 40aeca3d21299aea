"""Many cases without a window, inside Slicer or with any Python that has the library's packages.

    Slicer --no-splash --no-main-window --python-script batch.py cases --output results
    python batch.py cases --output results

What `cardioscar cohort run` does, with Slicer scenes in addition; one worker needs no package that Slicer lacks. The exit code is 0
when every case is done, 1 when any has failed, 2 when nothing could be started.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_origin

# Of CardioScarMRML, and in a source checkout of CardioScarLib.
sys.path += [str(folder) for folder in Path(__file__).resolve().parents[1:3]]

from CardioScarLib.cohort import Study, find_cases, in_words, is_study, read_study, run_study
from CardioScarLib.cohort.engines import engine_for
from CardioScarLib.core.choices import Choice, choices_of, settings_of
from CardioScarLib.core.errors import CardioScarError
from CardioScarLib.core.interrupts import Ending, ends_by_signals
from CardioScarLib.core.printable import printable
from CardioScarLib.core.settings import AlignmentSettings, ReadingSettings, ReconstructionSettings
from CardioScarLib.core.surroundings import printable_output
from CardioScarLib.runner import Limits
from CardioScarLib.tasks.case_settings import ordered_steps, settings_of_map

CHOICES = (ReconstructionSettings, ReadingSettings, AlignmentSettings)
"""What the options are made from: a new choice gets its option by being described."""


def main(words: list[str] | None = None) -> int:
    """Run the batch that the words of a command line describe; returns the exit code."""
    printable_output()
    try:
        arguments = _parser().parse_args(words)
    except SystemExit as end:  # of argparse: it would not end Slicer
        return int(end.code or 0)
    with ends_by_signals() as ending:
        return _run(arguments, ending)


def _run(arguments: argparse.Namespace, ending: Ending) -> int:
    try:
        study = read_study(arguments.cases) if is_study(arguments.cases) else _study(arguments)
        with engine_for(arguments.workers, arguments.output) as engine:
            outcomes = run_study(study, arguments.output, engine, arguments.overwrite, _scene_saver() if arguments.scene else None, _say)
    except CardioScarError as error:
        print(f"Error: {printable(str(error))}", file=sys.stderr, flush=True)
        return 2
    except KeyboardInterrupt:
        print("Stopped; finished cases are kept, and the same command continues.", file=sys.stderr, flush=True)
        return ending.exit_code
    _say("\n" + in_words(outcomes))
    _say(f"Results and table: {arguments.output.resolve()}")
    return 1 if any(one.state == "failed" for one in outcomes) else 0


def _study(arguments: argparse.Namespace) -> Study:
    """Of a folder or a list, with the choices of the command line."""
    steps = ("reconstruct", *(["audit"] if arguments.audit else []), *(["align"] if arguments.align else []))
    chosen = (_settings(arguments, kind) for kind in CHOICES)
    settings = settings_of_map(*chosen, arguments.align, arguments.volume, arguments.interval)
    cases = tuple(find_cases(arguments.cases))
    return Study(cases, ordered_steps(steps), settings, limits=Limits(arguments.time_limit), keep_names=arguments.keep_names)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("batch.py", description="Scar maps of many cases. Research use only.")
    add = parser.add_argument
    add(
        "cases",
        type=Path,
        help="a folder with a folder per case, a CSV list with the columns case, volume, model[, segmentation], or a study file",
    )
    add("--output", type=Path, required=True, metavar="DIR", help="gets a folder per case, and the table cases.csv")
    add("--workers", type=int, default=1, metavar="N", help="cases at a time; more than one needs Dask in this Python [1]")
    add("--time-limit", type=float, metavar="S", help="seconds that a case may take")
    add("--audit", action="store_true", help="also audit each stack: slices are left out and predicted, which takes longer")
    add("--scene", action="store_true", help="also save each case as a Slicer scene (.mrb)")
    add("--align", choices=("mask", "image"), help="move the slices of each case to fit its LV model, by its label map or by the image")
    add("--volume", action="store_true", help="also write each map as a volume (.nrrd)")
    add("--interval", type=_percent, metavar="PERCENT", help="also write the ends of this interval per point")
    add("--overwrite", action="store_true", help="replace results of other settings; without it, what is done is kept")
    add("--keep-names", action="store_true", help="call cases and files by their names, which may be patients', not by fingerprints")
    for one in _offered(*CHOICES):
        described, unit = one.description, f" ({one.description.unit})" if one.description.unit else ""
        text = (described.help + unit + ("" if one.default is None else f" [{one.default}]")).replace("%", "%%")
        keys = None if described.options is None else tuple(described.options)
        add(described.flag, dest=_name(one), default=one.default, type=_type(one), choices=keys, metavar=described.metavar, help=text)
    return parser


def _percent(text: str) -> float:
    if not 50 <= float(text) <= 99.9:
        raise argparse.ArgumentTypeError("it must be between 50 and 99.9")
    return float(text)


def _settings(arguments: argparse.Namespace, kind: type) -> Any:
    return settings_of(kind, {one.path: getattr(arguments, _name(one)) for one in _offered(kind)})


def _offered(*kinds: type) -> list[Choice]:
    return [one for kind in kinds for one in choices_of(kind) if one.description.flag]


def _name(one: Choice) -> str:
    return ".".join(one.path)


def _type(one: Choice) -> Callable[[str], Any]:
    kinds = [kind for kind in get_args(one.kind) if kind is not type(None)] if type(None) in get_args(one.kind) else [one.kind]
    return numbers(get_args(kinds[0])[0]) if get_origin(kinds[0]) is tuple else kinds[0]


def numbers(kind: type) -> Callable[[str], tuple]:
    """From "2,5,8"."""

    def read(text: str) -> tuple:
        return tuple(kind(word) for word in text.split(","))

    return read


def _scene_saver():
    from CardioScarMRML.case_scene import saveCaseScene

    return saveCaseScene


def _say(text: str) -> None:
    print(text, flush=True)


def _exit(code: int) -> None:
    """Slicer stays open after a script unless it is told to go."""
    slicer = sys.modules.get("slicer")
    if slicer is not None and hasattr(slicer, "app"):
        slicer.util.exit(code)
    else:
        sys.exit(code)


if __name__ == "__main__":
    try:
        code = main()
    except Exception:  # a fault of ours; without a window nobody could close Slicer
        traceback.print_exc()
        code = 1
    _exit(code)
