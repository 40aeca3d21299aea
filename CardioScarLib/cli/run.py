"""`cardioscar run`: from a raw LGE stack to numbers, in one command."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import click

from CardioScarLib.cli.console import progress_bars, say, say_notes
from CardioScarLib.cli.options import keep_names_option, settings_options
from CardioScarLib.core.interrupts import hold_interrupts
from CardioScarLib.core.segmentation_settings import SegmentSettings
from CardioScarLib.core.settings import QuantifySettings, ReadingSettings, ReconstructionSettings, WallSettings

NOT_OF_IMAGES = ("--mesh-frame", "--mesh-unit", "--region", "--vtk-scalar-field")
OF_EVIDENCE = (
    "--evidence", "--lge-type", "--n-sd", "--null-level", "--remote-region", "--bias-field", "--scar-labels", "--device",
)  # fmt: skip


@click.command(short_help="Segment a stack and make its wall, map and numbers.")
@click.argument("images", nargs=-1, required=True, type=Path, metavar="IMAGE...")
@click.option("-o", "--output", required=True, type=Path, metavar="FILE", help="The map: .vtu, .vtk, .vtp.")
@click.option("--weights", default="default", show_default=True, metavar="default|FILE", help="Weights of the segmentation network.")
@settings_options("segmentation", SegmentSettings)
@settings_options("wall", WallSettings)
@settings_options("settings", ReconstructionSettings, leave_out=(*OF_EVIDENCE, "--contour-sd"))
@settings_options("numbers", QuantifySettings, leave_out=("--samples",))
@settings_options("reading", ReadingSettings, leave_out=NOT_OF_IMAGES)
@click.option("--overwrite", is_flag=True, help="Replace existing results.")
@keep_names_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def run(
    images, output, weights, segmentation, wall, settings, numbers, reading, overwrite, keep_names, as_json,
) -> None:  # fmt: skip
    """Segment short-axis LGE slices (IMAGE...: volumes, DICOM files or folders), make an LV wall from the labels, a map from the
    probabilities of scar, and its numbers.

    Beside the map (FILE and its three companions, see cardioscar reconstruct) the labels (.labels.nii.gz) and the numbers
    (.numbers.json) are written. The result is a network's, not a reader's: look at the labels.
    """
    # Everything heavy is imported here, so that --help answers at once.
    from CardioScarLib import pipeline
    from CardioScarLib.cli.number_words import numbers_in_words
    from CardioScarLib.cli.reports import map_in_words
    from CardioScarLib.core.provenance import plain
    from CardioScarLib.io.files import atomic_path, check_writable, one_step
    from CardioScarLib.io.images import read_stack
    from CardioScarLib.io.records import input_files
    from CardioScarLib.io.results import Targets, record_of_result, write_result
    from CardioScarLib.reconstruction.posteriors import POSTERIORS
    from CardioScarLib.segmentation.amounts import amounts_of, in_words
    from CardioScarLib.segmentation.files import SegmentationFiles
    from CardioScarLib.segmentation.to_case import case_of
    from CardioScarLib.tasks.segment import SegmentTask

    targets = Targets(output, None)
    targets.check_names(images, overwrite)
    files = SegmentationFiles(output.with_name(f"{output.stem}.labels.nii.gz"), False, False, images, overwrite)
    told = check_writable(output.with_name(f"{output.stem}.numbers.json"), overwrite)
    stack = read_stack(images, reading.slice_axis, reading.slice_indices, reading.slice_thickness, series=reading.series)
    with progress_bars(quiet=as_json) as progress:
        found = SegmentTask(stack, segmentation, weights).run(progress)
        case = case_of(found, wall, progress, input_files(images), asdict(reading))
        result = pipeline.reconstruct(case, replace(settings, contour_sd=numbers.contour_sd), progress)
        amounts = pipeline.quantify(result, numbers, progress=progress)
    say_notes((*found.notes, *result.notes, *amounts.notes))
    record = plain({"summary": amounts_of(found), "network": found.network})
    with hold_interrupts(), one_step(output):
        outputs = write_result(result, targets, POSTERIORS, overwrite, keep_names)
        outputs += files.write(found, images, reading.slice_axis, record)
        with atomic_path(told, overwrite) as temporary:
            temporary.write_text(json.dumps(amounts.as_dict(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        outputs.append(told)
    if as_json:
        whole = {"outputs": [str(path) for path in outputs], "segmentation": record, **record_of_result(result, keep_names)}
        click.echo(json.dumps({**whole, "numbers": amounts.as_dict()}, indent=2))
        return
    say(in_words(record["summary"]))
    say(map_in_words(result, outputs))
    say(numbers_in_words(amounts))
