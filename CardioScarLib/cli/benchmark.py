"""`cardioscar benchmark`: methods against phantoms with exact truth, and on real label maps; tables, plots and pages.

The benchmark itself is not installed with the Slicer extension. The commands import it, and report in one sentence if it is missing.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import click

from CardioScarLib.cli.arguments import Numbers
from CardioScarLib.cli.console import stderr
from CardioScarLib.cli.engines import chosen_engine, engine_options

PARTS = ("accuracy", "cost", "race", "gpu")
QUICK_FAMILIES, QUICK_SEEDS, QUICK_NODES = ("W", "I3", "I3C", "X"), (100,), 3_000
NODES = 20_000
STOPPED = 130
PARTS_IN_WORDS = {
    "development": "The development part: constants of CardioScar's models were tuned on cases like these.",
    "frozen": "The frozen part, run to report: nothing was tuned on these seeds, nor on the walls that are marked so.",
}
FROM_SOURCE = 'pip install --editable ".[benchmark]"'


class Names(click.ParamType):
    """Words separated by commas: "W,I3"."""

    name = "names"

    def convert(self, value, param, ctx):
        return value if isinstance(value, tuple) else tuple(word for word in (part.strip() for part in value.split(",")) if word)


class RunByDefault(click.Group):
    """`cardioscar benchmark --quick` is `cardioscar benchmark run --quick`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group(cls=RunByDefault, short_help="Compare methods on phantoms with exact truth.")
def benchmark() -> None:
    """Compare methods on phantoms with exact truth, or on what is left out of real label maps. Without a command: run."""
    from importlib.util import find_spec

    try:
        installed = find_spec("CardioScarLib.benchmark.suite")
    except ModuleNotFoundError:
        installed = None
    if installed is None:
        from CardioScarLib.core.errors import MissingPackage

        raise MissingPackage(
            f"The benchmark is not installed with the Slicer extension; in a copy of CardioScar's source, install it with: {FROM_SOURCE}."
        )


@benchmark.command(short_help="Run methods on families of phantoms. The default.")
@click.option(
    "--part", type=click.Choice(("development", "frozen")), default="development", show_default=True,
    help="The frozen part is run to report, never to choose anything by.",
)  # fmt: skip
@click.option(
    "--families", type=Names(), default=(), metavar="A,B", help="Families of cases, or groups of them. [default: all of the part]"
)
@click.option("--methods", type=Names(), default=(), metavar="A,B", help="Also module:function. [default: the usual ones]")
@click.option(
    "--method", "own", multiple=True, metavar="MODULE:FUNCTION", help="A method of your own in addition to the others; may be repeated."
)
@click.option("--search-path", type=Path, metavar="FOLDER", help="Folder of the modules with methods of your own.")
@click.option("--seeds", type=Numbers(int), default=(), metavar="N,N", help="Seeds of hearts and noise. [default: three of the part]")
@click.option(
    "--nodes", type=click.IntRange(500, 2_000_000), metavar="N", help=f"Approximate number of nodes of a wall. [default: {NODES}]"
)
@click.option("--quick", is_flag=True, help="A trial run of a few minutes: few cases, small meshes.")
@click.option("--repeatability", is_flag=True, help="Also vary the seeds of the methods, and the noise.")
@engine_options("--jobs", "Runs")
@click.option(
    "--original-python", type=Path, metavar="FILE", help="Python where the original cardioscar is installed; adds it as a method."
)
@click.option(
    "--real", multiple=True, type=Path, metavar="FOLDER",
    help="Real label maps instead of phantoms: predict what is left out of every one in the folder; may be repeated.",
)  # fmt: skip
@click.option("--output", type=Path, default="cardioscar-benchmark", show_default=True, metavar="DIR", help="Folder for all its files.")
@click.option("--list", "list_them", is_flag=True, help="List families and methods, and run nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def run(
    part, families, methods, own, search_path, seeds, nodes, quick, repeatability, original_python, real, output, list_them, as_json,
    **engines,
) -> None:  # fmt: skip
    """Run methods on phantoms with exact truth, and make tables, plots and a page of their scores.

    With --real, methods predict left-out slices and sectors of real label maps instead; their names differ, see --list.
    Measurements by today's code are kept: the same command continues where it was stopped.
    """
    from CardioScarLib.benchmark import methods as known
    from CardioScarLib.benchmark.families import FAMILIES
    from CardioScarLib.benchmark.page import LABEL, write_page
    from CardioScarLib.benchmark.records import is_out_of_date
    from CardioScarLib.benchmark.repeatability import repeatability_table, run_repeatability
    from CardioScarLib.benchmark.suite import Plan, chosen_families, chosen_seeds, earlier_records, run_suite
    from CardioScarLib.benchmark.summary import Summary
    from CardioScarLib.core.errors import BadSettings

    if list_them:
        from CardioScarLib.benchmark.real.methods import METHODS as ON_REAL

        _list_them(FAMILIES, known.METHODS, ON_REAL)
        return
    if real:
        context = click.get_current_context()
        given = [name for name in context.params if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE]
        _run_real(real, methods, output, as_json, [name for name in given if name not in ("real", "methods", "output", "as_json")])
        return
    if quick and part == "frozen":
        raise BadSettings("The frozen part has no quick run; omit --quick or --part frozen.")
    if original_python is not None and not original_python.is_file():
        raise BadSettings(f"There is no Python at {original_python.name}; give the interpreter of the original's environment.")
    if search_path is not None:
        _add_to_search_path(search_path)
    names = methods or tuple(name for name, method in known.METHODS.items() if method.usual)
    names = tuple(dict.fromkeys((*names, *own, *((known.ORIGINAL,) if original_python else ()))))
    if known.ORIGINAL in names and original_python is None:
        raise BadSettings(f"The method {known.ORIGINAL} needs --original-python, the interpreter of the original's environment.")
    chosen = [known.find_method(name, str(original_python) if original_python else None) for name in names]
    say = _Speaker(quiet=as_json)
    skipped = {method.name: method.missing() for method in chosen if method.missing()}
    for name, reason in skipped.items():
        say(f"Note: {name} is skipped: {reason}.")
    families = chosen_families(part, families or (QUICK_FAMILIES if quick else ()))
    seeds = chosen_seeds(part, seeds or (QUICK_SEEDS if quick else ()))
    folder = _folder(output, "quick" if quick else part)
    plan = Plan(
        part,
        families,
        seeds,
        tuple(method for method in chosen if method.name not in skipped),
        nodes or (QUICK_NODES if quick else NODES),
        folder / "records.jsonl",
        str(original_python) if original_python else None,
    )
    if not plan.methods:
        raise BadSettings("None of the methods can run here; see the notes above.")
    say(LABEL)
    if part == "frozen":
        say("This is the FROZEN part: it is run to report, never to choose anything by.")
    say(f"{len(plan.families)} families, {len(plan.seeds)} seeds, {len(plan.methods)} methods: {len(plan.all_runs)} runs in {folder}.")
    with _going_on(say, folder), chosen_engine(folder, engines) as engine:
        records = run_suite(plan, say, engine)
        repeated = run_repeatability(plan, say) if repeatability else []
    everything = earlier_records(plan)
    of_earlier_code = sorted({one["method"] for one in everything if one["method"] in known.METHODS and is_out_of_date(one)})
    in_order = dict.fromkeys((*known.method_names(), *names, *(one["method"] for one in everything)))
    summary = Summary(everything, list(in_order), list(dict.fromkeys((*FAMILIES, *(one["family"] for one in everything)))))
    seeds_used = [str(seed) for seed in sorted({one["seed"] for one in everything})]
    about = [
        f"Walls of about {plan.nodes:,} nodes, seeds {', '.join(seeds_used)}.",
        PARTS_IN_WORDS[part],
        *(f"{name} was skipped: {reason}." for name, reason in skipped.items()),
        *(f"Some records of {name} were measured by earlier code." for name in of_earlier_code),
    ]
    files = write_page(summary, folder, about, [repeatability_table(repeated)] if repeated else [])
    failed = [one for one in records if "failed" in one]
    if as_json:
        click.echo(json.dumps({"files": [str(path) for path in files], "records": records, "repeatability": repeated}))
    else:
        click.echo("\n".join([f"Page:   {files[0].resolve()}", f"Tables: {files[1].resolve()}"]))
    if failed:
        say(f"{len(failed)} of {len(records)} runs failed; the page names them, and the same command tries them again.")
        raise click.exceptions.Exit(1)


def _run_real(folders: tuple[Path, ...], methods: tuple[str, ...], output: Path, as_json: bool, others: list[str]) -> None:
    """others: options that were given and belong to phantoms."""
    from CardioScarLib.benchmark.real.cases import find_cases
    from CardioScarLib.benchmark.real.methods import METHODS, chosen_methods
    from CardioScarLib.benchmark.real.page import LABEL, write_real_page
    from CardioScarLib.benchmark.real.suite import known_records, run_real
    from CardioScarLib.benchmark.real.summary import RealSummary
    from CardioScarLib.core.errors import BadSettings

    if others:
        name = {"own": "method", "workers": "jobs", "use_slurm": "slurm"}.get(others[0], others[0]).replace("_", "-")
        raise BadSettings(f"--{name} belongs to phantoms; with --real only --methods, --output and --json can be used.")
    chosen, say = chosen_methods(methods), _Speaker(quiet=as_json)
    for method in chosen:
        if method.missing():
            say(f"Note: {method.name} is skipped: {method.missing()}.")
    runnable = [method for method in chosen if not method.missing()]
    if not runnable:
        raise BadSettings("None of the methods can run here; see the notes above.")
    cases = find_cases(folders, say)
    folder = _folder(output, "real")
    say(LABEL)
    with _going_on(say, folder):
        records = run_real(cases, runnable, folder / "records.jsonl", say)
    failed = [one for one in records if "failed" in one]
    summary = RealSummary([*known_records(cases, METHODS.values(), folder / "records.jsonl"), *failed])
    files, results = write_real_page(cases, summary, folder)
    if as_json:
        click.echo(json.dumps({"files": [str(path) for path in files], **results}))
    else:
        click.echo(f"Page:    {files[0].resolve()}\nNumbers: {files[1].resolve()}")
    if failed:
        say(f"{len(failed)} of {len(records)} runs failed; the page names them, and the same command tries them again.")
        raise click.exceptions.Exit(1)


@benchmark.command(short_help="Measure what README and docs/measurements/benchmarks.md show.")
@click.option("--only", type=Names(), default=(), metavar="A,B", help=f"Parts to measure: {', '.join(PARTS)}. [default: all]")
@click.option("--from-records", is_flag=True, help="Measure nothing; make the tables and pages from the stored records.")
@click.option("--quick", is_flag=True, help="A trial run of a minute with a few small cases. Nothing in the source is changed.")
def published(only, from_records, quick) -> None:
    """Measure what README and docs/measurements/benchmarks.md show, and write both: hours, resumable.

    Accuracy of eight methods on CardioScar's own phantoms, cost of the model field, the race against the original, and the network
    on a GPU. Records are kept in docs/measurements/benchmark.jsonl; those of today's code are not measured again.
    """
    from tempfile import TemporaryDirectory

    from CardioScarLib.benchmark import published as tables
    from CardioScarLib.benchmark.published_page import published_tables, write_published
    from CardioScarLib.benchmark.records import Records
    from CardioScarLib.core.errors import BadSettings

    if sum(map(bool, (only, from_records, quick))) > 1:
        raise BadSettings("Only one of --only, --from-records and --quick can be used at a time.")
    for part in only:
        if part not in PARTS:
            raise BadSettings(f"There is no part '{part}'; the parts are {', '.join(PARTS)}.")
    if not quick and not from_records and {"accuracy", "race"} & set(only or PARTS):
        _with_network()
    say, failed = _Speaker(quiet=False), []
    with TemporaryDirectory(prefix="cardioscar-") as folder:
        path = Path(folder) / "records.jsonl" if quick else tables.source_root() / tables.RECORDS
        if quick:
            failed = tables.measure_quick(path, say)
        elif not from_records:
            with _going_on(say, path.parent):
                failed = tables.measure(path, only or PARTS, say)
        records = Records(path)
    click.echo("\n\n".join(f"### {title}\n\n{table}" for title, table in published_tables(records.all()).items()))
    if not quick:
        for words in tables.out_of_date(records):
            say(f"Note: {words} was measured by earlier code.")
        for file in write_published(records.all(), tables.source_root()):
            say(f"Written: {file}")
    if failed:
        say(f"{len(failed)} runs failed: {failed[0]['key']}: {failed[0]['failed']}")
        raise click.exceptions.Exit(1)


@benchmark.command(short_help="Time the field and the network to the original's best error.")
@click.option("--kinds", type=Names(), default=("I3",), metavar="A,B", help="Kinds of phantoms. [default: I3]")
@click.option("--seeds", type=Numbers(int), default=(0,), metavar="N,N", help="Seeds of the phantoms. [default: 0]")
@click.option(
    "--nodes",
    type=click.IntRange(500, 2_000_000),
    default=NODES,
    show_default=True,
    metavar="N",
    help="Approximate number of nodes of a wall.",
)
@click.option("--cpu-limit", type=float, metavar="S", help="Seconds of training that the original gets. [default: 420]")
@click.option("--patience", type=int, metavar="N", help="Epochs without a smaller error before it stops. [default: 250]")
@click.option("--output", type=Path, default="cardioscar-benchmark", show_default=True, metavar="DIR", help="Folder for the records.")
def race(kinds, seeds, nodes, cpu_limit, patience, output) -> None:
    """Train the original's network to its best error against the truth, and time the field and the network to the same error.

    Minutes per phantom. Needs PyTorch. The original's error by epoch is kept in race/records.jsonl of the folder.
    """
    from CardioScarLib.benchmark import race as racing
    from CardioScarLib.benchmark.published_page import race_table
    from CardioScarLib.benchmark.records import Records

    _with_network()
    folder, say = _folder(output, "race"), _Speaker(quiet=False)
    records = Records(folder / "records.jsonl")
    with _going_on(say, folder):
        for seed, kind in product(seeds, kinds):
            racing.race(records, kind, seed, nodes, cpu_limit or racing.CPU_LIMIT, patience or racing.PATIENCE, say)
    click.echo(race_table(records.all()))


@benchmark.command(short_help="Measure walls made from labels and contours.")
@click.option("--kinds", type=Names(), default=(), metavar="A,B", help="Kinds of phantoms. [default: six]")
@click.option("--seeds", type=Numbers(int), default=(), metavar="N,N", help="Seeds of the phantoms. [default: 1,2]")
@click.option("--contours", type=Path, metavar="DIR", help="Other contours than the sample's.")
@click.option("--images", type=Path, metavar="DIR", help="The DICOM images that they are drawn on.")
@click.option("--maps", is_flag=True, help="Also reconstruct scar on walls from labels, and compare with the true walls.")
def walls(kinds, seeds, contours, images, maps) -> None:
    """Measure walls made from labels and contours: distance to the true walls, cells, CPU seconds."""
    from CardioScarLib.benchmark import walls as measured
    from CardioScarLib.core.errors import BadSettings

    if (contours is None) != (images is None):
        raise BadSettings("--contours and --images belong together; give both or none.")
    if contours is None and measured.SAMPLE.is_dir():
        contours, images = measured.SAMPLE / "contours", measured.SAMPLE / "images"
    kinds = kinds or measured.KINDS
    if contours is not None:
        click.echo(measured.from_contours(contours, images).markdown() + "\n")
    click.echo(measured.from_labels(kinds, seeds or measured.SEEDS).markdown())
    if maps:
        click.echo("\n" + measured.maps_on_them(kinds).markdown())


def _add_to_search_path(folder: Path) -> None:
    """For this process and those that run the methods."""
    from CardioScarLib.core.errors import BadSettings

    if not folder.is_dir():
        raise BadSettings(f"There is no folder {folder.name}; give the folder of your modules.")
    place = str(folder.resolve())
    sys.path.append(place)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), place)))


class _Speaker:
    """Lines of progress on stderr; none with --json."""

    def __init__(self, quiet: bool):
        self.quiet, self.console = quiet, stderr()

    def __call__(self, text: str) -> None:
        if not self.quiet:
            self.console.print(text, markup=False)


@contextmanager
def _going_on(say: _Speaker, folder: Path) -> Iterator[None]:
    """Ctrl-C ends the run and keeps its measurements."""
    from CardioScarLib.core.errors import Cancelled

    try:
        yield
    except (KeyboardInterrupt, Cancelled):
        say(f"Stopped. The measurements so far are kept in {folder}; the same command continues.")
        raise click.exceptions.Exit(STOPPED) from None


def _with_network() -> None:
    """Raises MissingPackage now, not after hours."""
    from CardioScarLib.benchmark.methods import METHODS
    from CardioScarLib.core.errors import MissingPackage

    if reason := METHODS["network-modern"].missing():
        raise MissingPackage(f"This measures networks too, and {reason}; install it with: {FROM_SOURCE}.")


def _folder(output: Path, name: str) -> Path:
    from CardioScarLib.core.errors import UnwritableOutput

    try:
        (output / name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnwritableOutput(f"The folder {output} cannot be made: {error.strerror}.") from error
    return output / name


def _list_them(families: dict, methods: dict, on_real: dict) -> None:
    from CardioScarLib.benchmark.families import HANDS
    from CardioScarLib.benchmark.summary import GROUPS, group_of

    click.echo(f"hands: {', '.join(HANDS)}")
    for group, title in GROUPS.items():
        click.echo(f"{group}: {title}")
        for name, family in families.items():
            if group_of(name) == group:
                click.echo(f"    {name:26} {family.about}{' [frozen part]' if family.part == 'frozen' else ''}")
    for title, known in (("methods", methods), ("methods on real label maps", on_real)):
        click.echo(title)
        for name, method in known.items():
            click.echo(f"    {name:26} {method.about}{'' if method.usual else ' [when named]'}")
