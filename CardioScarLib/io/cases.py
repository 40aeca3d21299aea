"""A case from its files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from CardioScarLib.core.case import Case, LabelMap
from CardioScarLib.core.errors import BadWall
from CardioScarLib.core.settings import ReadingSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.io.cell_choice import regions_in_words
from CardioScarLib.io.images import read_stack
from CardioScarLib.io.meshes import MeshFile, read_wall
from CardioScarLib.io.records import input_files
from CardioScarLib.io.segment_names import is_segmentation, named_labels


def read_case(
    mesh: Path | str,
    images: Path | str | Sequence[Path | str],
    mask: Path | str | Sequence[Path | str] = (),
    myocardium: Path | str | Sequence[Path | str] = (),
    scar_labels: Sequence[int] = (),
    wall_labels: Sequence[int] = (),
    reading: ReadingSettings | None = None,
) -> Case:
    """Read the files of one heart.

    mesh: LV wall: VTK files, PLY, STL, openCARP. images: LGE slices: volumes, DICOM files or folders, VTK layers.
    mask: label map of the scar on the grid of the images, used instead of the intensities. scar_labels: which of its values mean
        scar; if none are given, those of segments whose names speak of scar, the only label, or those of a known data set.
    myocardium: label map of the myocardium, for an alignment, and to tell myocardium without scar from other tissue.
    wall_labels: which of the values in `myocardium`, or without it in `mask`, mean myocardium; if none are given, those of a known
        data set, or those that lie on the LV wall.
    Everything is brought into LPS mm. Raises UnreadableFile, BadStack, BadWall or BadSettings with a sentence for the user.
    """
    reading = reading or ReadingSettings()
    image_files, mask_files, myocardium_files = _paths(images), _paths(mask), _paths(myocardium)
    if not mask_files and all(is_segmentation(path) for path in image_files):
        mask_files = image_files  # whose labels mean what their names say
    mesh_file = read_wall(Path(mesh), reading.mesh_frame, reading.mesh_unit, reading.mesh_regions)
    _check_regions(mesh_file, reading)
    stack = _stack(image_files, reading, series=reading.series)
    of_wall = {"myocardium": tuple(wall_labels)}
    scar = None
    if mask_files:
        of_scar_map = None if myocardium_files else of_wall["myocardium"]
        scar = named_labels(_stack(mask_files, reading, label_map=True), mask_files, scar_labels, of_scar_map)
    labels = LabelMap(_stack(myocardium_files, reading, label_map=True), of_wall) if myocardium_files else None
    found = {
        **asdict(reading),
        "mesh_frame": mesh_file.frame,
        "mesh_unit": mesh_file.unit,
        "mask": bool(mask_files),
        "wall_labels": tuple(wall_labels),
        "scar_by_name": scar is not None and bool(scar.rule and scar.names["scar"]),
    }
    inputs = input_files((mesh_file.path, *image_files, *mask_files, *myocardium_files))
    return Case(stack, mesh_file.wall, scar, labels, None, found, inputs, mesh_file)


def _check_regions(mesh_file: MeshFile, reading: ReadingSettings) -> None:
    """Raise BadWall for a mesh of several regions of which nobody said which are the LV: it may be biventricular."""
    regions = mesh_file.regions
    if reading.mesh_regions is None and regions is not None and len(np.unique(regions)) > 1:
        raise BadWall(
            f"{mesh_file.path.name} has cells of the regions {regions_in_words(regions)}, which may be more than the LV wall; "
            f"name those of the LV wall, or all, with --region (such as --region {regions.min()})."
        )


def _paths(given: Path | str | Sequence[Path | str]) -> tuple[Path, ...]:
    return (Path(given),) if isinstance(given, Path | str) else tuple(Path(one) for one in given)


def _stack(files: Sequence[Path], reading: ReadingSettings, label_map: bool = False, series: str | None = None) -> SliceStack:
    return read_stack(files, reading.slice_axis, reading.slice_indices, reading.slice_thickness, reading.scalar_field, label_map, series)
