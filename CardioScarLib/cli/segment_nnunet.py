"""`cardioscar segment nnunet`: data sets for nnU-Net, and its predictions."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from CardioScarLib.cli.console import progress_bars, say, say_notes


@click.group(short_help="Exchange data and predictions with nnU-Net v2.")
def nnunet() -> None:
    """Data sets for nnU-Net v2, which runs where it is installed, and its predictions."""


@nnunet.command(name="export", short_help="Write a data set for nnU-Net.")
@click.argument("folder", type=Path, metavar="FOLDER")
@click.option("-o", "--output", required=True, type=Path, metavar="FOLDER", help="The data set, such as nnUNet_raw/Dataset501_LGE.")
@click.option(
    "--labels",
    required=True,
    metavar="ORDER|NAME=VALUE,...",
    help="Meaning of the labels: emidec, scarnet, myops, acdc, monai, or names.",
)
@click.option("--pixel-spacing", type=float, metavar="MM", help="Distance between pixels of files that tell none, as ScarNet's.")
def export(folder: Path, output: Path, labels: str, pixel_spacing: float | None) -> None:
    """Write the images and label maps in FOLDER as a data set of nnU-Net v2, its folds split by patient.

    nnU-Net looks for the folds, splits_final.json, in its folder of preprocessed data; copy the file there after planning.
    """
    from CardioScarLib.segmentation.nnunet import export_dataset

    with progress_bars(quiet=False) as progress:
        found = export_dataset(folder, output, labels, progress, pixel_spacing)
    say_notes(found.skipped)
    say(f"Wrote  {found.cases} cases to {found.folder}")


@nnunet.command(name="import", short_help="Take over a prediction of nnU-Net.")
@click.argument("prediction", type=Path, metavar="PREDICTION")
@click.argument("images", nargs=-1, required=True, type=Path, metavar="IMAGE...")
@click.option("-o", "--output", required=True, type=Path, metavar="FILE", help="The labels: .nii.gz, .nii, .nrrd, .mha.")
@click.option("--probabilities", is_flag=True, help="Also write the probability of each class, NAME.probabilities.*.")
@click.option("--overwrite", is_flag=True, help="Replace existing results.")
def take_over(prediction: Path, images: tuple[Path, ...], output: Path, probabilities: bool, overwrite: bool) -> None:
    """Make plausible labels on the grid of IMAGE... of nnU-Net's PREDICTION: .nii.gz, with .npz beside it if probabilities were saved."""
    from CardioScarLib.core.interrupts import hold_interrupts
    from CardioScarLib.core.provenance import Provenance, plain
    from CardioScarLib.core.pseudonyms import pseudonymous
    from CardioScarLib.core.segmentation_settings import SegmentSettings
    from CardioScarLib.io.images import read_stack
    from CardioScarLib.io.records import input_files
    from CardioScarLib.segmentation.amounts import amounts_of, in_words
    from CardioScarLib.segmentation.files import SegmentationFiles
    from CardioScarLib.segmentation.nnunet import import_prediction

    settings = SegmentSettings()
    files = SegmentationFiles(output, probabilities, False, (*images, prediction), overwrite)
    found = import_prediction(read_stack(images), prediction, settings)
    amounts = amounts_of(found)
    provenance = Provenance.now({"segmentation": asdict(settings), "network": found.network}, {}, input_files((*images, prediction)))
    record = pseudonymous(plain({"summary": amounts, "provenance": provenance.as_dict()}), provenance.inputs)
    with hold_interrupts():
        written = files.write(found, images, None, record)
    say_notes(found.notes)
    say(in_words(amounts))
    for number, path in enumerate(written):
        say(f"{'' if number else 'Wrote':<7}{path}")
