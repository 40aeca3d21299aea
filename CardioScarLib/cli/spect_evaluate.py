"""`cardioscar spect evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from CardioScarLib.cli.console import progress_bars, say_notes, tell
from CardioScarLib.cli.options import settings_options
from CardioScarLib.cli.spect_config import config_option, dae_option, layout_options
from CardioScarLib.core.perfusion_settings import SpectSettings
from CardioScarLib.perfusion.config import FIND, NAMES

if TYPE_CHECKING:
    from CardioScarLib.perfusion.evaluation import SpectEvaluation


@click.command(short_help="Score a network on volumes with masks, beside a 40 % threshold.")
@click.argument("folder", type=Path, metavar="FOLDER")
@click.option(
    "--weights", default="spect-default", show_default=True, metavar="spect-default|FILE", help="Also .pth of the original program."
)
@dae_option
@click.option("--output", type=Path, metavar="FILE", help="Also write the scores of every volume as JSON.")
@click.option("--pictures", type=Path, metavar="FOLDER", help="Also draw volume, mask, network and result, four panels for each.")
@click.option("--pictures-of", type=click.IntRange(0), metavar="N", help="Draw the first N volumes only.")
@config_option({**FIND, **NAMES})
@settings_options("settings", SpectSettings)
@layout_options
@click.option("--overwrite", is_flag=True, help="Replace existing results.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def evaluate(folder, weights, dae, output, pictures, pictures_of, settings, layout, allow_mask_as_volume, overwrite, as_json) -> None:
    """Dice, IoU, surface distances and volumes of the wall that a network finds, against the masks in FOLDER (PhysioNet's layout).

    Beside it stands the largest piece above 40 % of the highest counts around the true wall. Means come with 95 % intervals by
    bootstrap over volumes.
    """
    from CardioScarLib.io.files import check_writable, made_folder
    from CardioScarLib.perfusion.evaluation import evaluate_spect
    from CardioScarLib.perfusion.layout import Names, find_studies
    from CardioScarLib.perfusion.pictures import four_panels, write_figure
    from CardioScarLib.perfusion.weights import read_spect_weights
    from CardioScarLib.report.bulls_eye import check_matplotlib

    if output:
        check_writable(output, overwrite)
    if pictures:
        check_matplotlib()
        made_folder(pictures)
    drawn: list[Path] = []

    def seen(study, found, true) -> None:
        if pictures and (pictures_of is None or len(drawn) < pictures_of):
            drawn.append(write_figure(four_panels(found, true, study.name), pictures / f"{study.name}.png", overwrite))

    studies, alone = find_studies(folder, Names(**layout), allow_mask_as_volume)
    trained = read_spect_weights(weights, dae)
    with progress_bars(quiet=as_json) as progress:
        result = evaluate_spect(studies, trained, settings, progress, seen, allow_mask_as_volume)
    say_notes([*alone, *result.skipped])
    networks = {"weights_sha256": trained.sha256, "dae_sha256": trained.refiner.sha256 if trained.refiner else None}
    tell({**result.as_dict(), **networks}, lambda: _in_words(result), as_json, output, overwrite)


def _in_words(result: SpectEvaluation) -> str:
    from CardioScarLib.perfusion.evaluation import METHODS

    lines = [f"{'':<12}{'Dice':<21}{'IoU':<21}{'HD95, mm':<20}{'ASSD, mm':<20}volume error, mL (limits of agreement)"]
    for method in METHODS:
        measures = (("dice", 3), ("iou", 3), ("hd95", 1), ("assd", 1))
        cells = ["-" if (mean := result.mean(method, measure)) is None else mean.in_words(digits) for measure, digits in measures]
        agreement = result.agreement(method)
        limits = "" if agreement is None or agreement.lower is None else f" ({agreement.lower:.1f} to {agreement.upper:.1f})"
        bias = "-" if agreement is None else f"{agreement.bias.mean:+.1f}"
        widths = (21, 21, 20, 20)
        lines.append(f"{method:<12}" + "".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)) + bias + limits)
    return "\n".join([*lines, f"{len(result.cases)} volumes."])
