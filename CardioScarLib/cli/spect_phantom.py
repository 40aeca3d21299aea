"""`cardioscar spect phantom`."""

from __future__ import annotations

from pathlib import Path

import click

from CardioScarLib.cli.console import progress_bars, say


@click.command(short_help="Make phantoms of perfusion SPECT.")
@click.option("-o", "--output", required=True, type=Path, metavar="FOLDER", help="Where the volumes, masks and the truth go.")
@click.option("--count", type=click.IntRange(1, 100_000), default=4, show_default=True, metavar="N", help="How many patients.")
@click.option("--seed", type=click.IntRange(0, 900_000), default=0, show_default=True, metavar="N", help="Number of the first patient.")
@click.option(
    "--gates",
    type=click.IntRange(4, 64),
    metavar="N",
    help="Also make gated scans of N gates, 4D, in OUTPUT/gated.",
)
@click.option("--outside-training", is_flag=True, help="Draw from wider ranges than the shipped network was trained with.")
@click.option("--overwrite", is_flag=True, help="Replace existing files.")
def phantom(output, count, seed, gates, outside_training, overwrite) -> None:
    """Simulated stress and rest scans in PhysioNet's layout: NAME.nii.gz, NAME_mask.nii.gz, demographics.csv; truth.json has the truth.

    An LV wall by formula with defects, in a torso with liver and gut, blurred and with noise in the space of the image: there are no
    projections.
    """
    from CardioScarLib.perfusion.phantom_folder import write_phantoms
    from CardioScarLib.perfusion.phantom_ranges import FROZEN, TRAINING

    with progress_bars(quiet=False) as progress:
        written = write_phantoms(
            output, count, seed, FROZEN if outside_training else TRAINING, progress, gates=gates or 0, overwrite=overwrite
        )
    say(f"Wrote  {len(written)} files to {output}")
