"""`cardioscar export`: a map for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from CardioScarLib.cli.options import settings_options
from CardioScarLib.cli.right_ventricle import Places, place_options
from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.settings import QuantifySettings

KINDS = ("mesh", "opencarp", "nrrd", "nifti", "dicom")


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

    mesh: scar_map.vtu with all arrays of the map and of its mesh.
    opencarp: scar.pts and scar.elem with the tags 1 healthy, 2 border zone, 3 core; scar.lon if the mesh carries fibers.
    nrrd, nifti: probability, uncertainty and labels (as the tags) on the pixels of the slices.
    dicom: the same as Parametric Maps and Segmentations, and the numbers as a structured report; it needs highdicom.
    """
    # Everything heavy is imported here, so that --help answers at once.
    from CardioScarLib.cli.console import progress_bars, say_notes, say_written
    from CardioScarLib.tasks.export import export_map
    from CardioScarLib.tasks.sources import MapSource

    _check_flags(kinds, identity_from=identity_from, pdf=pdf, rv_insertion=places.known, coordinates=places.coordinates)
    source = MapSource.of(result)
    where = places.read(source.mesh) if "dicom" in kinds else {}
    with progress_bars(quiet=False) as progress:
        written = export_map(
            source, output, kinds, settings, **where, identity_from=identity_from, pdf=pdf, progress=progress, overwrite=overwrite
        )
    say_notes(written.notes)
    say_written(written.files)


def _check_flags(formats: tuple[str, ...], **given: object) -> None:
    """Raise BadSettings for flags that apply to DICOM alone."""
    wrong = [f"--{name.replace('_', '-')}" for name, value in given.items() if value]
    if wrong and "dicom" not in formats:
        raise BadSettings(f"{wrong[0]} applies to --format dicom alone; add that format, or leave the flag out.")
