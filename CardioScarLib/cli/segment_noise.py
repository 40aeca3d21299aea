"""`cardioscar segment noise`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from CardioScarLib.cli.arguments import Numbers
from CardioScarLib.cli.console import progress_bars, say, say_notes
from CardioScarLib.cli.options import settings_options
from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.segmentation_settings import SegmentSettings

SHOWN = ("cavity", "wall", "scar")


@click.command(short_help="Score a network on images with more and more noise.")
@click.argument("folder", type=Path, metavar="FOLDER")
@click.option(
    "--labels",
    required=True,
    metavar="ORDER|NAME=VALUE,...",
    help="Meaning of the labels: emidec, scarnet, myops, acdc, monai, or names.",
)
@click.option(
    "--levels",
    type=Numbers(float),
    default=(0.0, 0.05, 0.1, 0.2),
    show_default="0,0.05,0.1,0.2",
    metavar='"0,0.1"',
    help="Standard deviations of the noise, as shares of the range of intensities.",
)
@click.option("--weights", default="default", show_default=True, metavar="default|FILE", help="Weights of the network.")
@settings_options("settings", SegmentSettings)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def noise(folder, labels, levels, weights, settings, as_json) -> None:
    """Dice on the images and label maps in FOLDER, with Gaussian noise added to the images level by level."""
    from CardioScarLib.segmentation.robustness import noise_curve
    from CardioScarLib.segmentation.weights import read_weights

    if any(not 0 <= level <= 10 for level in levels):
        raise BadSettings("A level of noise is a share of the range of intensities; it must be between 0 and 10.")
    with progress_bars(quiet=as_json) as progress:
        curve = noise_curve(folder, labels, levels, read_weights(weights), read_weights("finder"), settings, progress)
    say_notes(next(iter(curve.values())).skipped)
    if as_json:
        click.echo(json.dumps({f"{level:g}": found.as_dict() for level, found in curve.items()}, indent=2))
        return
    say(f"{'noise':<8}" + "".join(f"{name:<22}" for name in SHOWN))
    for level, found in curve.items():
        means = [found.mean(name, "dice") for name in SHOWN]
        cells = [
            "-" if one is None else f"{one.mean:.3f}" + (f" ({one.low:.3f}-{one.high:.3f})" if one.low is not None else "") for one in means
        ]
        say(f"{level:<8g}" + "".join(f"{cell:<22}" for cell in cells))
