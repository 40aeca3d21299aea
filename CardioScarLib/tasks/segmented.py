"""The step of a case that a network segments: labels as a file, and how much of each tissue they show."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.core.provenance import Provenance, plain
from CardioScarLib.core.pseudonyms import pseudonymous
from CardioScarLib.core.quantity import Quantity
from CardioScarLib.core.segmentation_settings import SegmentSettings
from CardioScarLib.core.settings import ReadingSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.io.json_files import parse_json, record_of
from CardioScarLib.io.records import input_files
from CardioScarLib.io.results import beside
from CardioScarLib.runner.task import TaskProgress
from CardioScarLib.segmentation.amounts import amounts_of
from CardioScarLib.segmentation.files import SegmentationFiles
from CardioScarLib.segmentation.predict import Segmentation
from CardioScarLib.tasks.case_settings import SegmentStep, plain_settings
from CardioScarLib.tasks.segment import SegmentTask

NUMBER = {"type": "number"}
SCHEMA = record_of(
    {"summary": record_of(dict.fromkeys(("wall_ml", "scar_ml", "scar_share", "expected_scar_ml"), NUMBER)), "network": {"type": "string"}},
    {"notes": {"type": "array", "items": {"type": "string"}}},
)
LOOK = "The heart was segmented by a network, not by a reader: look at its labels."


def segment_case(
    stack: SliceStack,
    images: Sequence[Path],
    labels: Path,
    chosen: SegmentStep,
    reading: ReadingSettings,
    keep_names: bool,
    progress: TaskProgress,
) -> Segmentation:
    """Segment the slices of a case and write the labels on their grid, with a record beside them.

    stack: of the images. labels: the file to write, .nii.gz. keep_names: of the images, in the record. Raises BadStack where no left
    ventricle is found, UnreadableFile for weights that are none, MissingPackage, UnwritableOutput.
    """
    files = SegmentationFiles(labels, False, False, images, overwrite=True)
    start = time.perf_counter()
    settings = plain_settings(SegmentSettings, chosen)
    found = SegmentTask(stack, settings, chosen.weights).run(progress)
    inputs, took = input_files(images), {"segment": time.perf_counter() - start}
    provenance = Provenance.now({"segmentation": vars(settings), "network": found.network}, took, inputs, vars(reading), found.notes)
    record = {"summary": amounts_of(found), "network": found.network, "notes": found.notes, "provenance": provenance.as_dict()}
    record = plain(record)
    files.write(found, images, reading.slice_axis, record if keep_names else pseudonymous(record, inputs))
    return found


def told_of_labels(labels: Path) -> tuple[dict[str, Any], list[str]]:
    """Quantities, by name and as plain JSON values, and notes, from the record beside labels. Raises UnreadableFile."""
    path, sentence = beside(labels, ".json"), "The record of the segmented labels is damaged; make the case again."
    try:
        record = parse_json(path.read_bytes(), SCHEMA, sentence)
    except OSError as problem:
        raise UnreadableFile(sentence) from problem
    quantities = {one.name: one.as_dict() for one in _quantities(record["summary"], record["network"])}
    return quantities, [LOOK, *record.get("notes", ())]


def _quantities(amounts: Mapping[str, float], network: str) -> tuple[Quantity, ...]:
    of_network = f"of the network {network}, each slice up to half way to its neighbors"
    method = f"labels {of_network}"
    expected = amounts["expected_scar_ml"]
    return (
        Quantity("segmented_wall_ml", "Wall by the labels", amounts["wall_ml"], "mL", method),
        Quantity("segmented_scar_ml", "Scar by the labels", amounts["scar_ml"], "mL", method),
        Quantity("segmented_scar_expected_ml", "Scar expected by the network", expected, "mL", f"probabilities {of_network}"),
        Quantity("segmented_scar_percent", "Scar of the wall by the labels", 100 * amounts["scar_share"], "%", method),
    )
