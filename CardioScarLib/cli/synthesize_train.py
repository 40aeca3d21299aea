"""`cardioscar synthesize train`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from CardioScarLib.cli.console import progress_bars, say, say_notes
from CardioScarLib.cli.options import settings_options
from CardioScarLib.core.synthesis_settings import CycleGanSettings, Pix2PixSettings

LABELS_HELP = "Meaning of the labels: emidec, scarnet, myops, acdc, monai, or names."


@click.group(short_help="Train a network that makes images.")
def train() -> None:
    """Train on folders of images. A run that was stopped goes on when the same command is given again; the curves are for TensorBoard."""


@train.command(short_help="Train a network that makes LGE of label maps.")
@click.argument("folder", type=Path, metavar="FOLDER")
@click.option("-o", "--output", required=True, type=Path, metavar="FOLDER", help="Where the weights, the state and the curves are kept.")
@click.option("--labels", required=True, metavar="ORDER|NAME=VALUE,...", help=LABELS_HELP)
@settings_options("settings", Pix2PixSettings)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def pix2pix(folder, output, labels, settings, as_json) -> None:
    """Learn from the images and label maps in FOLDER what LGE looks like where the labels are (Isola et al. 2017).

    The weights kept are those whose images of patients not learned from are nearest to the real ones.
    """
    from CardioScarLib.synthesis.gan.folder_training import pix2pix_on_folder

    with progress_bars(quiet=as_json) as progress:
        report = pix2pix_on_folder(folder, output, labels, settings, progress)
    _say(report, as_json)


@train.command(short_help="Train networks that make LGE of cine, and cine of LGE.")
@click.argument("cine", type=Path, metavar="CINE")
@click.argument("lge", type=Path, metavar="LGE")
@click.option("-o", "--output", required=True, type=Path, metavar="FOLDER", help="Where the weights, the state and the curves are kept.")
@click.option("--cine-labels", default="acdc", show_default=True, metavar="ORDER|NAME=VALUE,...", help="Meaning of the labels of CINE.")
@click.option("--labels", default="emidec", show_default=True, metavar="ORDER|NAME=VALUE,...", help="Meaning of the labels of LGE.")
@settings_options("settings", CycleGanSettings)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def cyclegan(cine, lge, output, cine_labels, labels, settings, as_json) -> None:
    """Learn from the images in CINE and LGE, of whatever patients, to make images of either kind of the other (Zhu et al. 2017).

    Label maps are not needed; where there are any, they tell where the heart is, and whether masks stay in their places.
    """
    from CardioScarLib.synthesis.gan.folder_training import cyclegan_on_folders

    with progress_bars(quiet=as_json) as progress:
        report = cyclegan_on_folders(cine, lge, output, (cine_labels, labels), settings, progress)
    _say(report, as_json)


def _say(report, as_json: bool) -> None:
    say_notes(report.skipped)
    if as_json:
        click.echo(json.dumps({"weights": str(report.training.weights), **asdict(report)}, default=str, indent=2))
        return
    for name, value in report.training.scores.items():
        say(f"Score  {value:.4g} {name.replace('_', ' ')}, on {report.stacks[1]} stacks that the networks did not learn from")
    say(f"Wrote  {report.training.weights}")
