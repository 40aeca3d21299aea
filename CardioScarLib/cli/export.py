"""`cardioscar export`: a map for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from CardioScarLib.cli.options import settings_options
from CardioScarLib.cli.right_ventricle import Places, place_options
from CardioScarLib.core.settings import QuantifySettings

KINDS = ("opencarp", "nrrd", "nifti", "dicom")


@click.command(short_help="Write a map for other programs: openCARP, volumes, DICOM.")
@click.argument("result", type=Path, metavar="MAP")
@click.option("--output", required=True, type=Path, metavar="DIR", help="Folder for the files; made if it does not exist.")
@click.option(
    "--format", "kinds", type=click.Choice(KINDS), multiple=True, required=True, help="What to write; give the option again for another."
)
@settings_options("settings", QuantifySettings)
@place_options
@click.option(
    "--identity-from", type=Path, metavar="DIR", help="DICOM: folder of the source images, to copy patient and study from; else pseudonyms."
)
@click.option("--pdf", type=Path, metavar="FILE", help="DICOM: also wrap this PDF, such as report.pdf of cardioscar report.")
@click.option("--overwrite", is_flag=True, help="Replace existing files.")
def export(
    result: Path,
    output: Path,
    kinds: tuple[str, ...],
    settings: QuantifySettings,
    places: Places,
    identity_from: Path | None,
    pdf: Path | None,
    overwrite: bool,
) -> None:
    """Write a map in the formats of other programs. Core and border zone are told by --thresholds on the local scar fraction.

    opencarp: scar.pts and scar.elem with the tags 1 healthy, 2 border zone, 3 core; scar.lon if the mesh carries fibers.
    nrrd, nifti: probability, uncertainty and labels (as the tags) on the pixels of the slices.
    dicom: the same as Parametric Maps and Segmentations, and the numbers as a structured report; it needs highdicom.
    """
    # Everything heavy is imported here, so that --help answers at once.
    from CardioScarLib.cli.console import say
    from CardioScarLib.cli.export_formats import FORMATS, Files, check_flags, export_dicom
    from CardioScarLib.core.interrupts import hold_interrupts
    from CardioScarLib.core.threads import one_thread
    from CardioScarLib.io.files import atomic_paths, made_folder

    check_flags(kinds, identity_from=identity_from, pdf=pdf, rv_insertion=places.known, coordinates=places.coordinates)
    folder = made_folder(output)
    files: Files = {}
    with one_thread():
        for kind in dict.fromkeys(kinds):
            if kind == "dicom":
                files |= export_dicom(result, folder, settings, overwrite, places, identity_from, pdf)
            else:
                files |= FORMATS[kind](result, folder, settings)
    with hold_interrupts(), atomic_paths(list(files), overwrite) as temporary:
        for write, target in zip(files.values(), temporary, strict=True):
            write(target)
    for number, path in enumerate(files):
        say(f"{'' if number else 'Wrote':<7}{path}")
