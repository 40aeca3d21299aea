"""`cardioscar synthesize apply`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from CardioScarLib.cli.console import progress_bars, say, say_notes
from CardioScarLib.core.errors import BadSettings, BadTrainingData, CardioScarError

if TYPE_CHECKING:
    from CardioScarLib.synthesis.gan.sources import Source

KINDS = ("lge", "cine")
SHOWN = 12
"""Stacks on a sheet, at most."""


@click.command(short_help="Make images with trained networks.")
@click.argument("weights", type=Path, metavar="WEIGHTS")
@click.argument("inputs", type=Path, nargs=-1, required=True, metavar="INPUT...")
@click.option("-o", "--output", required=True, type=Path, metavar="FOLDER", help="For all files; made if it does not exist.")
@click.option("--labels", required=True, metavar="ORDER|NAME=VALUE,...", help="Meaning of the labels: emidec, acdc, monai, or names.")
@click.option("--looks", type=click.IntRange(1, 999), default=1, show_default=True, metavar="N", help="Images of each label map.")
@click.option("--contrast", metavar="NAME=0...1,...", help='Brightness of tissues, as "scar=0.9,myocardium=0.1"; drawn if not given.')
@click.option("--like-given", is_flag=True, help="Take the contrast of the image that lies beside each label map.")
@click.option("--to", type=click.Choice(KINDS), default="lge", show_default=True, help="With weights of CycleGAN: what is made.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, metavar="N", help="Of contrast and grain.")
@click.option("--device", type=click.Choice(("auto", "cpu", "cuda")), default="auto", show_default=True, help="Where the network runs.")
@click.option("--sheet", type=Path, metavar="FILE", help="A picture of what was given and what was made of it: .png, .svg or .pdf.")
@click.option("--beside", type=Path, multiple=True, metavar="FILE", help="A real stack to be shown on the sheet, too. Repeatable.")
@click.option("--overwrite", is_flag=True, help="Replace existing files.")
def apply(weights, inputs, output, labels, looks, contrast, like_given, to, seed, device, sheet, beside, overwrite) -> None:
    """Write an image for each INPUT: NAME_lge.nii.gz, NAME_labels.nii.gz on the same pixels, and NAME_about.json.

    INPUT: label maps, or folders of them, for weights of Pix2Pix; images or folders of them, for weights of CycleGAN, with label maps
    beside them where there are any. Images lie in patient geometry on the network's own square pixels; brightness is 0 to 1000.
    """
    from CardioScarLib.io.files import check_writable, made_folder
    from CardioScarLib.report.bulls_eye import check_picture_name
    from CardioScarLib.synthesis.gan.files import MadeFiles, write_made
    from CardioScarLib.synthesis.gan.making import image_of_image, lge_of_labels
    from CardioScarLib.synthesis.gan.sources import sources_of
    from CardioScarLib.synthesis.gan.weights import TO_CINE, TO_LGE, read_generators

    if beside and sheet is None:
        raise BadSettings("--beside shows a stack on the sheet; it needs --sheet.")
    generators = read_generators(weights)
    of_labels = generators.recipe.makes_of_labels
    if of_labels and to == "cine":
        raise BadSettings("These weights make LGE of label maps; --to cine is for weights of CycleGAN.")
    if not of_labels and (contrast is not None or looks > 1 or like_given):
        raise BadSettings("Images of images have the contrast that the network learned: omit --contrast, --like-given and --looks.")
    sources = sources_of(inputs, of_labels)
    numbers = [None] if looks == 1 else list(range(1, looks + 1))
    plan = [(one, number, MadeFiles.named(output, one.path, to, number)) for one in sources for number in numbers]
    _check_names([files.image for _, _, files in plan])
    made_folder(output)
    if sheet is not None:
        check_picture_name(sheet)
        check_writable(sheet, overwrite)
    for one, _, files in plan:
        files.check([path for path in (one.image, one.labels) if path is not None], overwrite)
    notes, rows, written = [], [], 0
    with progress_bars(quiet=False) as progress:
        for place, (one, number, files) in enumerate(plan):
            progress("make", place, len(plan))
            try:
                image, classes, center = one.read(labels, device)
                if like_given and image is None:
                    raise BadTrainingData("No image lies beside the label map, whose contrast could be taken; omit --like-given.")
                if of_labels:
                    made = lge_of_labels(classes, generators, seed + place, contrast, device, image if like_given else None)
                else:
                    made = image_of_image(image, classes, center, generators, TO_CINE if to == "cine" else TO_LGE, device, seed + place)
                about = {"weights_sha256": generators.sha256, "recipe": generators.recipe.name, "kind": to, "seed": seed + place}
                write_made(made, files, about, overwrite)
            except CardioScarError as problem:
                if len(plan) == 1:
                    raise
                notes.append(f"{one.path.name} was skipped: {problem}")
                continue
            written += 1
            if sheet is not None and written <= SHOWN:
                rows += _rows(one, image, made, number)
        progress("make", len(plan), len(plan))
    if not written:
        raise BadTrainingData(f"No image was made. The first problem: {notes[0]}")
    say_notes(notes)
    if sheet is not None:
        _write_sheet(rows, beside, sheet, overwrite)
    say(f"Wrote  {written} images to {output}. Made by a network, no patients; research use only.")


def _check_names(paths: list[Path]) -> None:
    twice = sorted({path.name for path in paths if paths.count(path) > 1})
    if twice:
        raise BadSettings(f"Two inputs would both become {twice[0]}; rename one of them, or make them one after the other.")


def _rows(one: Source, image, made, number: int | None):
    """Of the sheet: what was given, on the same views, and what was made."""
    import numpy as np

    from CardioScarLib.report.contact_sheet import SheetRow
    from CardioScarLib.segmentation.views import view

    def on_views(stack, order):
        first = made.image.slices[0]
        seen = []
        for square in made.image:
            nearest = min(stack, key=lambda each: abs((each.center - square.origin) @ square.normal))
            seen.append(view(nearest, square.center, first.spacing[0], first.pixels.shape[0], order).pixels)
        return np.nan_to_num(np.stack(seen))

    drawn = None if made.labels is None else np.stack([each.pixels for each in made.labels]).astype(int)
    rows = []
    if image is not None and (number is None or number == 1):
        rows.append(SheetRow(f"given: {one.path.name}", on_views(image, 1), drawn))
    rows.append(SheetRow(f"made: {one.name}", np.stack([each.pixels for each in made.image]), drawn))
    return rows


def _write_sheet(rows, beside, sheet: Path, overwrite: bool) -> None:
    import SimpleITK as sitk

    from CardioScarLib.io.images import read_image
    from CardioScarLib.report.contact_sheet import SheetRow, write_contact_sheet

    real = [SheetRow(f"beside: {path.name}", sitk.GetArrayFromImage(read_image(path)[0])) for path in beside]
    write_contact_sheet([*real, *rows], sheet, overwrite)
    say(f"Wrote  {sheet}")
