"""`cardioscar segment predict`."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path

import click

from CardioScarLib.cli.console import progress_bars, say, say_notes
from CardioScarLib.cli.options import keep_names_option, settings_options
from CardioScarLib.core.interrupts import hold_interrupts
from CardioScarLib.core.segmentation_settings import SegmentSettings
from CardioScarLib.core.settings import ReadingSettings

NOT_OF_IMAGES = ("--mesh-frame", "--mesh-unit", "--region", "--vtk-scalar-field")


@click.command(short_help="Segment a stack.")
@click.argument("images", nargs=-1, required=True, type=Path, metavar="IMAGE...")
@click.option("-o", "--output", required=True, type=Path, metavar="FILE", help="The labels: .nii.gz, .nii, .nrrd, .mha.")
@click.option("--weights", default="default", show_default=True, metavar="default|FILE", help="Weights of the network.")
@click.option("--probabilities", is_flag=True, help="Also write the probability of each class, NAME.probabilities.*.")
@click.option("--uncertainty", is_flag=True, help="Also write the uncertainty, 0 to 1, NAME.uncertainty.*.")
@settings_options("settings", SegmentSettings)
@settings_options("reading", ReadingSettings, leave_out=NOT_OF_IMAGES)
@click.option("--keep-islands", is_flag=True, help="Keep what is apart from the largest piece of wall and cavity.")
@click.option("--keep-scar-in-blood", is_flag=True, help="Keep scar that lies in blood alone, and no-reflow without scar.")
@click.option("--keep-gaps", is_flag=True, help="Keep gaps of the wall around the cavity, and holes in it.")
@click.option("--scar-by-network", is_flag=True, help="Leave scar to the network alone, without a look at the intensities.")
@click.option("--overwrite", is_flag=True, help="Replace existing results.")
@keep_names_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def predict(
    images, output, weights, probabilities, uncertainty, settings, reading, keep_islands, keep_scar_in_blood, keep_gaps, scar_by_network,
    overwrite, keep_names, as_json,
) -> None:  # fmt: skip
    """Segment short-axis LGE slices (IMAGE...: volumes, DICOM files or folders) on their own grid.

    The labels are 1 cavity, 2 myocardium without scar, 3 scar, 4 no-reflow.
    """
    # Everything heavy is imported here, so that --help answers at once.
    from dataclasses import replace

    from CardioScarLib.core.provenance import Provenance, plain
    from CardioScarLib.core.pseudonyms import pseudonymous
    from CardioScarLib.io.images import read_stack
    from CardioScarLib.io.records import input_files
    from CardioScarLib.segmentation.amounts import amounts_of, in_words
    from CardioScarLib.segmentation.files import SegmentationFiles
    from CardioScarLib.segmentation.predict import segment
    from CardioScarLib.segmentation.weights import read_weights

    settings = replace(
        settings,
        largest_piece=not keep_islands,
        scar_in_wall=not keep_scar_in_blood,
        closed_ring=not keep_gaps,
        intensities=not scar_by_network,
    )
    files = SegmentationFiles(output, probabilities, uncertainty, images, overwrite)
    stack = read_stack(images, reading.slice_axis, reading.slice_indices, reading.slice_thickness, series=reading.series)
    begin = time.perf_counter()
    with progress_bars(quiet=as_json) as progress:
        progress("weights", 0, 1)
        trained, finder = read_weights(weights), read_weights("finder")
        progress("weights", 1, 1)
        found = segment(stack, trained, finder, settings, progress)
    say_notes(found.notes)
    chosen = {"segmentation": asdict(settings), "network": trained.recipe.name, "weights_sha256": trained.sha256}
    provenance = Provenance.now(chosen, {"segmentation": time.perf_counter() - begin}, input_files(images), asdict(reading), found.notes)
    amounts = amounts_of(found)
    record = plain({"summary": amounts, "provenance": provenance.as_dict()})
    record = record if keep_names else pseudonymous(record, provenance.inputs)
    with hold_interrupts():
        written = files.write(found, images, reading.slice_axis, record)
    if as_json:
        click.echo(json.dumps({"outputs": [str(path) for path in written], **record}, indent=2))
        return
    say(in_words(amounts))
    for number, path in enumerate(written):
        say(f"{'' if number else 'Wrote':<7}{path}")
