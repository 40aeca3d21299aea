"""The formats of an export: each tells the files of a map, and how to write them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.core.quantity import Quantity
from CardioScarLib.core.result import Result
from CardioScarLib.core.settings import QuantifySettings
from CardioScarLib.io.dicom_export import check_highdicom
from CardioScarLib.io.files import PRIVATE, check_readable, check_writable
from CardioScarLib.io.meshes import write_mesh
from CardioScarLib.io.opencarp_export import files_of, tagged_mesh
from CardioScarLib.io.slice_values import SlicePixels, even_groups
from CardioScarLib.io.slice_volumes import name_segments, slice_volume
from CardioScarLib.io.volumes import write_volume
from CardioScarLib.quantification.numbers import Numbers
from CardioScarLib.quantification.thresholds import CAVEATS
from CardioScarLib.quantification.tissue import BORDER_ZONE, CORE, HEALTHY, tissue_of
from CardioScarLib.tasks.sources import MapSource

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Files = dict[Path, Callable[[Path], Any]]
"""What writes each file, to whatever path it is given."""
LABELS = {HEALTHY: "Myocardium without scar", BORDER_ZONE: "Scar border zone", CORE: "Scar core"}
MOVED = "The slices were moved by an alignment; the values lie on the unmoved images, each on the tissue that its pixel shows."


@dataclass
class Order:
    """What is exported. notes: sentences that came up on the way. identity_from, pdf: see `export_map`."""

    source: MapSource
    folder: Path
    settings: QuantifySettings
    overwrite: bool
    numbers: Callable[[], Numbers]
    identity_from: Path | None = None
    pdf: Path | None = None
    notes: list[str] = field(default_factory=list)


def export_mesh(order: Order) -> Files:
    """scar_map.vtu: the mesh of the map with all arrays."""
    source = order.source
    return {order.folder / "scar_map.vtu": lambda target: write_mesh(source.mesh, source.arrays, target)}


def export_opencarp(order: Order) -> Files:
    """scar.pts, scar.elem and, where the mesh carries fibers, scar.lon."""
    source = order.source.map
    tissue = partial(tissue_of, thresholds=order.settings.thresholds)
    made = tagged_mesh(order.source.mesh, source.probability, tissue, source.observed, source.reading.get("mesh_regions"))
    order.notes += [*source.wall.notes, *made.notes]
    return files_of(made, order.folder / "scar")


def export_volumes(order: Order, suffix: str, label_suffix: str) -> Files:
    """Probability, uncertainty and labels on the grid of the slices: one volume each, or one per group of slices that make one."""
    result, fields, pixels = _on_slices(order)
    folder = order.folder
    labels = pixels.images(tissue_of(fields["scar_probability"], order.settings.thresholds))
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
        order.notes.append(f"The slices make no single volume, so each result was written in {len(groups)} files.")
    return {target: partial(write_volume, image) for target, image in made.items()}


def export_dicom(order: Order) -> Files:
    """Parametric Maps, Segmentations, a structured report and, if a PDF is given, that, on the geometry of the slices."""
    check_highdicom()
    from CardioScarLib.io.dicom_export.documents import encapsulated_pdf, measurement_report
    from CardioScarLib.io.dicom_export.identity import find_identity
    from CardioScarLib.io.dicom_export.maps import fractional_segmentation, parametric_map, tissue_segmentation
    from CardioScarLib.io.dicom_export.sources import NOT_DICOM, source_groups

    document = None if order.pdf is None else _pdf(order.pdf)
    result, fields, pixels = _on_slices(order)
    stack, thresholds = result.case.stack, order.settings.thresholds
    identity = None if order.identity_from is None else find_identity(order.identity_from, stack)
    images = {name: pixels.images(values) for name, values in fields.items()}
    tissue = pixels.images(tissue_of(fields["scar_probability"], order.settings.thresholds))
    groups = source_groups(stack, identity)
    if not all(one.is_dicom for one in groups):
        order.notes.append(NOT_DICOM)
    made: dict[str, Dataset] = {}
    for number, group in enumerate(groups, 1):
        end = "" if len(groups) == 1 else f"_{number}"
        of_map = {name: [each[one] for one in group.members] for name, each in images.items()}
        for name, each in of_map.items():
            made[f"{name}{end}"] = parametric_map(group, each, name.replace("_", " ").capitalize(), len(made))
        made[f"scar_fraction_segmentation{end}"] = fractional_segmentation(group, of_map["scar_probability"], len(made))
        core, border_zone = ([tissue[one] == kind for one in group.members] for kind in (CORE, BORDER_ZONE))
        made[f"scar_core_and_border_zone{end}"] = tissue_segmentation(group, core, border_zone, thresholds, len(made))
    for name in (*made, "scar_measurements", *(["scar_report"] if document else [])):
        check_writable(order.folder / f"{name}.dcm", order.overwrite)
    numbers = order.numbers()
    caveats = [*numbers.missing.values(), *(one for one in numbers.notes if one in CAVEATS)]  # other notes hold names of files
    order.notes += caveats
    made["scar_measurements"] = measurement_report(_parts(numbers), caveats, stack, identity, list(made.values()), len(made))
    if document is not None:
        made["scar_report"] = encapsulated_pdf(document, made["scar_measurements"], len(made))
    return {order.folder / f"{name}.dcm": partial(_write_private, dataset) for name, dataset in made.items()}


FORMATS: dict[str, Callable[[Order], Files]] = {
    "mesh": export_mesh,
    "opencarp": export_opencarp,
    "nrrd": partial(export_volumes, suffix=".nrrd", label_suffix=".seg.nrrd"),
    "nifti": partial(export_volumes, suffix=".nii.gz", label_suffix=".nii.gz"),
    "dicom": export_dicom,
}


def _on_slices(order: Order) -> tuple[Result, dict[str, np.ndarray], SlicePixels]:
    """The result, its fields (float32) at the pixels of its slices in the wall, and these pixels."""
    result = order.source.result()
    pixels = SlicePixels.of(result.case)
    if result.case.alignment is not None:
        order.notes.append(MOVED)
    fields = {"scar_probability": result.posterior.mean(pixels.points).astype(np.float32)}
    if result.posterior.has_spread:
        fields["scar_uncertainty"] = result.posterior.sd(pixels.points).astype(np.float32)
    else:
        order.notes.append("The model of the map gives no uncertainty, so none was written.")
    return result, fields, pixels


def _write_private(dataset: Dataset, path: Path) -> None:
    path.touch(mode=PRIVATE)  # identifiers in it lead to a patient
    dataset.save_as(path, enforce_file_format=True)


def _parts(numbers: Numbers) -> dict[str, tuple[Quantity, ...]]:
    parts = {"LV wall": numbers.quantities}
    parts |= {one.key if one.key == one.name else f"{one.key} {one.name}": one.quantities for one in numbers.sectors}
    return parts


def _pdf(path: Path) -> bytes:
    content = check_readable(path).read_bytes()
    if not content.startswith(b"%PDF-"):
        raise UnreadableFile(f"{path.name} is not a PDF; give the report.pdf that cardioscar report wrote.")
    return content
