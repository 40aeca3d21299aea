"""`cardioscar benchmark`: methods against phantoms with exact truth; tables, plots and a page."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from CardioScarLib.cli.arguments import Integers
from CardioScarLib.cli.console import stderr

QUICK = {"families": ("W", "I3", "I3C", "X"), "seeds": (100,), "nodes": 3_000}
NODES = 20_000
STOPPED = 130
PARTS_IN_WORDS = {
    "development": "The development part: constants of CardioScar's models were tuned on cases like these.",
    "frozen": "The frozen part, run to report: nothing was tuned on these seeds, nor on the walls that are marked so.",
}
LABEL = "PHANTOM results: hearts made by formula, not patients. Research use only."


class Names(click.ParamType):
    """Words separated by commas: "W,I3"."""

    name = "names"

    def convert(self, value, param, ctx):
        return value if isinstance(value, tuple) else tuple(word for word in (part.strip() for part in value.split(",")) if word)


@click.command(short_help="Compare methods on phantoms with exact truth.")
@click.option(
    "--part", type=click.Choice(("development", "frozen")), default="development", show_default=True,
    help="The frozen part is run to report, never to choose anything by.",
)  # fmt: skip
@click.option(
    "--families", type=Names(), default=(), metavar="A,B", help="Families of cases, or groups of them. [default: all of the part]"
)
@click.option("--methods", type=Names(), default=(), metavar="A,B", help="Also module:function. [default: the usual ones]")
@click.option("--method", "own", multiple=True, metavar="MODULE:FUNCTION", help="A method of your own beside the others; may be repeated.")
@click.option("--seeds", type=Integers(), default=(), metavar="N,N", help="Of hearts and noise. [default: three of the part]")
@click.option("--nodes", type=click.IntRange(500, 2_000_000), metavar="N", help=f"About how many nodes a wall has. [default: {NODES}]")
@click.option("--quick", is_flag=True, help="A few cases on small meshes: minutes, to see that it works.")
@click.option("--repeatability", is_flag=True, help="Also other seeds of the methods, and other noise.")
@click.option("--jobs", type=click.IntRange(1, 64), default=1, show_default=True, metavar="N", help="Cases at a time.")
@click.option("--original-python", type=Path, metavar="FILE", help="Python where the original cardioscar is installed: one more method.")
@click.option("--output", type=Path, default="cardioscar-benchmark", show_default=True, metavar="DIR", help="Folder for all its files.")
@click.option("--list", "list_them", is_flag=True, help="Name families and methods, and run nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def benchmark(part, families, methods, own, seeds, nodes, quick, repeatability, jobs, original_python, output, list_them, as_json) -> None:
    """Run methods on phantoms with exact truth, and make tables, plots and a page of their scores.

    What is measured already by today's code is kept: the same command goes on where it was stopped.
    """
    from CardioScarLib.benchmark import methods as known
    from CardioScarLib.benchmark.families import FAMILIES
    from CardioScarLib.benchmark.page import write_page
    from CardioScarLib.benchmark.records import is_out_of_date
    from CardioScarLib.benchmark.repeatability import repeatability_table, run_repeatability
    from CardioScarLib.benchmark.suite import Plan, chosen_families, chosen_seeds, earlier_records, run_suite
    from CardioScarLib.benchmark.summary import Summary
    from CardioScarLib.errors import BadSettings, Cancelled

    if list_them:
        _list_them(FAMILIES, known.METHODS)
        return
    if quick and part == "frozen":
        raise BadSettings("The frozen part is not run in a quick way; leave out --quick or --part frozen.")
    if original_python is not None and not original_python.is_file():
        raise BadSettings(f"There is no Python at {original_python.name}; give the interpreter of the original's environment.")
    sys.path.append(os.getcwd())  # where methods of one's own are looked for
    names = methods or tuple(name for name, method in known.METHODS.items() if method.usual)
    names = tuple(dict.fromkeys((*names, *own, *((known.ORIGINAL,) if original_python else ()))))
    if known.ORIGINAL in names and original_python is None:
        raise BadSettings(f"The method {known.ORIGINAL} needs --original-python, the interpreter of the original's environment.")
    chosen = [known.find_method(name, str(original_python) if original_python else None) for name in names]
    say = _Speaker(quiet=as_json)
    skipped = {method.name: method.missing() for method in chosen if method.missing()}
    for name, reason in skipped.items():
        say(f"Note: {name} is skipped: {reason}.")
    plan = Plan(
        part,
        chosen_families(part, families or (QUICK["families"] if quick else ())),
        chosen_seeds(part, seeds or (QUICK["seeds"] if quick else ())),
        tuple(method for method in chosen if method.name not in skipped),
        nodes or (QUICK["nodes"] if quick else NODES),
        _folder(output, "quick" if quick else part),
        jobs,
        str(original_python) if original_python else None,
    )
    if not plan.methods:
        raise BadSettings("None of the methods can run here; see the notes above.")
    say(LABEL)
    if part == "frozen":
        say("This is the FROZEN part: it is run to report, never to choose anything by.")
    say(f"{len(plan.families)} families, {len(plan.seeds)} seeds, {len(plan.methods)} methods: {plan.runs} runs in {plan.folder}.")
    try:
        records = run_suite(plan, say)
        repeated = run_repeatability(plan, say) if repeatability else []
    except (KeyboardInterrupt, Cancelled):
        say(f"Stopped; what is measured so far is kept in {plan.folder}, and the same command goes on.")
        raise click.exceptions.Exit(STOPPED) from None
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
    files = write_page(summary, plan.folder, about, [repeatability_table(repeated)] if repeated else [])
    failed = [one for one in records if "failed" in one]
    if as_json:
        click.echo(json.dumps({"files": [str(path) for path in files], "records": records, "repeatability": repeated}))
    else:
        click.echo("\n".join([f"Page:   {files[0].resolve()}", f"Tables: {files[1].resolve()}"]))
    if failed:
        say(f"{len(failed)} of {len(records)} runs failed; the page names them, and the same command tries them again.")
        raise click.exceptions.Exit(1)


class _Speaker:
    """Lines of progress on stderr, none of them with --json."""

    def __init__(self, quiet: bool):
        self.quiet, self.console = quiet, stderr()

    def __call__(self, text: str) -> None:
        if not self.quiet:
            self.console.print(text, markup=False)


def _folder(output: Path, name: str) -> Path:
    from CardioScarLib.errors import UnwritableOutput

    try:
        (output / name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnwritableOutput(f"The folder {output} cannot be made: {error.strerror}.") from error
    return output / name


def _list_them(families: dict, methods: dict) -> None:
    from CardioScarLib.benchmark.summary import GROUPS, group_of

    for group, title in GROUPS.items():
        click.echo(f"{group}: {title}")
        for name, family in families.items():
            if group_of(name) == group:
                click.echo(f"    {name:26} {family.about}{' [frozen part]' if family.part == 'frozen' else ''}")
    click.echo("methods")
    for name, method in methods.items():
        click.echo(f"    {name:26} {method.about}{'' if method.usual else ' [when named]'}")
