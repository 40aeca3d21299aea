"""`cardioscar segment evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from CardioScarLib.cli.console import progress_bars, say_notes, tell

if TYPE_CHECKING:
    from CardioScarLib.segmentation.evaluation import Evaluation


@click.command(short_help="Score segmentations against true ones.")
@click.argument("found", type=Path, metavar="FOUND")
@click.argument("truth", type=Path, metavar="TRUTH")
@click.option("--labels", default="emidec", show_default=True, metavar="ORDER|NAME=VALUE,...", help="Meaning of the values of FOUND.")
@click.option("--true-labels", metavar="ORDER|NAME=VALUE,...", help="Meaning of the values of TRUTH, if it is another.")
@click.option("--output", type=Path, metavar="FILE", help="Also write the scores of every case as JSON.")
@click.option("--overwrite", is_flag=True, help="Replace existing results.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def evaluate(found, truth, labels, true_labels, output, overwrite, as_json) -> None:
    """Dice, surface distances and volumes of FOUND against TRUTH: two label maps, or two folders of label maps with the same names.

    Means come with 95 % intervals by bootstrap over cases, volumes with the limits of agreement of Bland and Altman.
    """
    from CardioScarLib.io.files import check_not_read, check_writable
    from CardioScarLib.segmentation.evaluation import evaluate as evaluated

    if output:
        check_writable(output, overwrite)
        check_not_read((output,), (found, truth))
    with progress_bars(quiet=as_json) as progress:
        result = evaluated(found, truth, labels, true_labels or labels, progress)
    say_notes(result.skipped)
    tell(result.as_dict(), lambda: _in_words(result), as_json, output, overwrite)


def _in_words(result: Evaluation) -> str:
    from CardioScarLib.segmentation.scores import STRUCTURES

    lines = [f"{'':<20}{'Dice':<20}{'HD95, mm':<20}{'ASSD, mm':<20}volume error, mL (limits of agreement)"]
    for name in STRUCTURES:
        measures = (("dice", 3), ("hd95", 1), ("assd", 1))
        cells = ["-" if (mean := result.mean(name, measure)) is None else mean.in_words(digits) for measure, digits in measures]
        agreement = result.agreement(name)
        if agreement is None:
            continue
        limits = "" if agreement.lower is None else f" ({agreement.lower:.1f} to {agreement.upper:.1f})"
        lines.append(f"{name:<20}" + "".join(f"{cell:<20}" for cell in cells) + f"{agreement.bias.mean:+.1f}{limits}")
    return "\n".join([*lines, f"{len(result.cases)} cases; a structure that a case lacks is not counted there."])
