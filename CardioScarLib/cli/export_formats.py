"""The formats of `cardioscar export`: each tells the files of a map, and how to write them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from CardioScarLib.cli.console import progress_bars, say_notes
from CardioScarLib.core.errors import BadSettings, UnreadableFile
from CardioScarLib.core.result import Result
from CardioScarLib.core.settings import QuantifySettings
from CardioScarLib.io.dicom_export import check_highdicom
from CardioScarLib.io.files import PRIVATE, check_readable, check_writable
from CardioScarLib.io.maps import read_map
from CardioScarLib.io.opencarp_export import files_of, tagged_mesh
from CardioScarLib.io.results import read_result
from CardioScarLib.io.slice_values import SlicePixels, even_groups
from CardioScarLib.io.slice_volumes import name_segments, slice_volume
from CardioScarLib.io.volumes import write_volume
from CardioScarLib.quantification.numbers import Numbers
from CardioScarLib.quantification.thresholds import NARROW
from CardioScarLib.quantification.tissue import BORDER_ZONE, CORE, HEALTHY, tissue_of
from CardioScarLib.reconstruction.posteriors import POSTERIORS

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from CardioScarLib.cli.right_ventricle import Places

Files = dict[Path, Callable[[Path], None]]
"""What writes each file, to whatever path it is given."""
LABELS = {HEALTHY: "Myocardium without scar", BORDER_ZONE: "Scar border zone", CORE: "Scar core"}
MOVED = "The slices were moved by an alignment; the values lie on the unmoved images, each on the tissue that its pixel shows."


def export_opencarp(path: Path, folder: Path, settings: QuantifySettings) -> Files:
    """scar.pts, scar.elem and, where the mesh carries fibers, scar.lon."""
    mesh, source = read_map(path, POSTERIORS)
    tissue = partial(tissue_of, thresholds=settings.thresholds)
    made = tagged_mesh(mesh, source.probability, tissue, source.observed, source.reading.get("mesh_regions"))
    say_notes((*source.wall.notes, *made.notes))
    return files_of(made, folder / "scar")


def export_volumes(path: Path, folder: Path, settings: QuantifySettings, suffix: str, label_suffix: str) -> Files:
    """Probability, uncertainty and labels on the grid of the slices: one volume each, or one per group of slices that make one."""
    result, fields, pixels = _on_slices(path)
    labels = pixels.images(tissue_of(fields["scar_probability"], settings.thresholds))
    images = {name: pixels.images(values) for name, values in fields.items()}
    groups = even_groups(result.case.stack)
    made = {}
    for number, members in enumerate(groups, 1):
        end = "" if len(groups) == 1 else f"_{number}"
        for name, each in images.items():
            made[folder / f"{name}{end}{suffix}"] = slice_volume(result.case.stack, members, each)
        tissue = made[folder / f"scar_labels{end}{label_suffix}"] = slice_volume(result.case.stack, members, labels)
        name_segments(tissue, LABELS)
    if len(groups) > 1:
        say_notes([f"The slices make no single volume, so each result was written in {len(groups)} files."])
    return {target: partial(write_volume, image) for target, image in made.items()}


def export_dicom(
    path: Path,
    folder: Path,
    settings: QuantifySettings,
    overwrite: bool,
    places: Places,
    identity_from: Path | None,
    pdf: Path | None,
) -> Files:
    """Parametric Maps, Segmentations, a structured report and, if a PDF is given, that, on the geometry of the slices."""
    check_highdicom()
    from CardioScarLib import pipeline
    from CardioScarLib.io.dicom_export.documents import encapsulated_pdf, measurement_report
    from CardioScarLib.io.dicom_export.identity import find_identity
    from CardioScarLib.io.dicom_export.maps import fractional_segmentation, parametric_map, tissue_segmentation
    from CardioScarLib.io.dicom_export.sources import NOT_DICOM, source_groups

    document = None if pdf is None else _pdf(pdf)
    result, fields, pixels = _on_slices(path)
    stack = result.case.stack
    identity = None if identity_from is None else find_identity(identity_from, stack)
    images = {name: pixels.images(values) for name, values in fields.items()}
    tissue = pixels.images(tissue_of(fields["scar_probability"], settings.thresholds))
    groups = source_groups(stack, identity)
    if not all(one.is_dicom for one in groups):
        say_notes([NOT_DICOM])
    made: dict[str, Dataset] = {}
    for number, group in enumerate(groups, 1):
        end = "" if len(groups) == 1 else f"_{number}"
        of_map = {name: [each[one] for one in group.members] for name, each in images.items()}
        for name, each in of_map.items():
            made[f"{name}{end}"] = parametric_map(group, each, name.replace("_", " ").capitalize(), len(made))
        made[f"scar_fraction_segmentation{end}"] = fractional_segmentation(group, of_map["scar_probability"], len(made))
        core, border_zone = ([tissue[one] == kind for one in group.members] for kind in (CORE, BORDER_ZONE))
        made[f"scar_core_and_border_zone{end}"] = tissue_segmentation(group, core, border_zone, settings.thresholds, len(made))
    for name in (*made, "scar_measurements", *(["scar_report"] if document else [])):
        check_writable(folder / f"{name}.dcm", overwrite)
    mesh, source = read_map(path, POSTERIORS)
    with progress_bars(quiet=False) as progress:
        numbers = pipeline.quantify(source, settings, **places.read(mesh), progress=progress)
    caveats = [*numbers.missing.values(), *(one for one in numbers.notes if one == NARROW)]  # other notes hold names of files
    say_notes(caveats)
    made["scar_measurements"] = measurement_report(_parts(numbers), caveats, stack, identity, list(made.values()), len(made))
    if document is not None:
        made["scar_report"] = encapsulated_pdf(document, made["scar_measurements"], len(made))
    return {folder / f"{name}.dcm": partial(_write_private, dataset) for name, dataset in made.items()}


FORMATS: dict[str, Callable[..., Files]] = {
    "opencarp": export_opencarp,
    "nrrd": partial(export_volumes, suffix=".nrrd", label_suffix=".seg.nrrd"),
    "nifti": partial(export_volumes, suffix=".nii.gz", label_suffix=".nii.gz"),
}
"""Those that need the map and the thresholds alone."""


def _on_slices(path: Path) -> tuple[Result, dict[str, np.ndarray], SlicePixels]:
    """The result, its fields (float32) at the pixels of its slices in the wall, and these pixels."""
    result = read_result(path, POSTERIORS)
    pixels = SlicePixels.of(result.case)
    if result.case.alignment is not None:
        say_notes([MOVED])
    fields = {"scar_probability": result.posterior.mean(pixels.points).astype(np.float32)}
    if result.posterior.has_spread:
        fields["scar_uncertainty"] = result.posterior.sd(pixels.points).astype(np.float32)
    else:
        say_notes(["The model of the map gives no uncertainty, so none was written."])
    return result, fields, pixels


def _write_private(dataset: Dataset, path: Path) -> None:
    path.touch(mode=PRIVATE)  # identifiers in it lead to a patient
    dataset.save_as(path, enforce_file_format=True)


def _parts(numbers: Numbers) -> dict[str, tuple]:
    parts = {"LV wall": numbers.quantities}
    parts |= {one.key if one.key == one.name else f"{one.key} {one.name}": one.quantities for one in numbers.sectors}
    return parts


def _pdf(path: Path) -> bytes:
    content = check_readable(path).read_bytes()
    if not content.startswith(b"%PDF-"):
        raise UnreadableFile(f"{path.name} is not a PDF; give the report.pdf that cardioscar report wrote.")
    return content


def check_flags(formats: tuple[str, ...], **given: object) -> None:
    """Raise BadSettings for flags that apply to DICOM alone."""
    wrong = [f"--{name.replace('_', '-')}" for name, value in given.items() if value]
    if wrong and "dicom" not in formats:
        raise BadSettings(f"{wrong[0]} applies to --format dicom alone; add that format, or leave the flag out.")
