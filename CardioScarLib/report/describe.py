"""Descriptions of files, for `cardioscar info`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonDataModel import VTK_PIXEL, VTK_QUAD, vtkDataSet, vtkDataSetAttributes, vtkGenericCell

from CardioScarLib.core.errors import BadStack, UnreadableFile
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.io.checkpoints import Checkpoint
from CardioScarLib.io.cvi42 import BINARY, DrawnCurve, read_cvi42
from CardioScarLib.io.cvi42 import SUFFIXES as CVI42_SUFFIXES
from CardioScarLib.io.dicom import list_series, read_series
from CardioScarLib.io.dicom_series import DicomSeries, proposed
from CardioScarLib.io.files import check_readable
from CardioScarLib.io.images import read_stack
from CardioScarLib.io.json_files import refused_as
from CardioScarLib.io.layers import FARTHEST
from CardioScarLib.io.meshes import MeshFile, read_wall
from CardioScarLib.io.opencarp import opencarp_pair
from CardioScarLib.io.planes import THICKNESS_IS_ASSUMED, slice_spacing, stack_of_planes
from CardioScarLib.io.segment_mat import SUFFIX, SegmentStack, read_segment
from CardioScarLib.io.training_data import TrainingData
from CardioScarLib.io.vtk_files import READERS, as_grid, cells_of, points_of, read_vtk
from CardioScarLib.report.describe_network import SUFFIXES as NETWORK_SUFFIXES
from CardioScarLib.report.describe_network import describe_checkpoint, describe_training_data, read_network_file
from CardioScarLib.report.describe_result import ResultPart, describe_result_part, read_result_part, suffix_of


@dataclass(frozen=True, eq=False)
class DicomFolder:
    """series: all that the folder holds. stack: what is read of it; None if that must be chosen, and problem says so."""

    series: tuple[DicomSeries, ...]
    notes: tuple[str, ...]
    stack: SliceStack | None
    problem: str | None = None


@dataclass(frozen=True, eq=False)
class SegmentFile:
    """A file of the program Segment."""

    stacks: tuple[SegmentStack, ...]


@dataclass(frozen=True, eq=False)
class Cvi42File:
    """A workspace of the program cvi42."""

    curves: tuple[DrawnCurve, ...]


Content = SliceStack | DicomFolder | SegmentFile | Cvi42File | MeshFile | Checkpoint | TrainingData | ResultPart

OTHER_MODELS = (
    ".off", ".msh", ".mesh", ".inp", ".gii", ".gltf", ".glb", ".fbx", ".3mf", ".x3d", ".wrl", ".stp", ".step", ".igs", ".iges", ".vtm",
    ".pvtu", ".pvtp", ".vts", ".vtr", ".vti", ".xdmf", ".unv", ".med", ".cgns", ".exnode", ".exelem", ".surf", ".m",
)  # fmt: skip
"""Models and meshes in formats that are not read."""
FLAT_CELLS = (VTK_QUAD, VTK_PIXEL)


def describe(path: Path) -> dict:
    """Kind, frame, sizes and arrays of an image, a DICOM folder, a grid layer, a model, a network or training data, as plain values."""
    return describe_content(read_any(path), path)


def describe_content(content: Content, path: Path) -> dict:
    """`describe` for a file that `read_any` has read already."""
    describers: dict[type, Callable[[Any], dict]] = {
        SliceStack: _describe_stack,
        DicomFolder: _describe_folder,
        SegmentFile: _describe_segment,
        Cvi42File: _describe_cvi42,
        MeshFile: _describe_mesh,
        Checkpoint: describe_checkpoint,
        TrainingData: describe_training_data,
        ResultPart: describe_result_part,
    }
    with refused_as(f"{Path(path).name} cannot be described; it is damaged or of another kind."):
        return {"file": Path(path).name, **describers[type(content)](content)}


def read_any(path: Path) -> Content:
    """The file as what it is: a stack of slices, a model, a trained network, training data, or a file that belongs to a map."""
    path = Path(path)
    with refused_as(f"{path.name} cannot be read; it is damaged or of another kind."):
        return _read(path)


def _read(path: Path) -> Content:
    if suffix := suffix_of(path):
        return read_result_part(check_readable(path), suffix)
    if path.suffix.lower() in NETWORK_SUFFIXES:
        return read_network_file(path)
    if path.is_dir():
        return _read_folder(path)
    if opencarp_pair(path) or (path.suffix.lower() in READERS and not _is_layer(path)):
        return read_wall(path)
    # A single layer without a thickness still deserves a description; 1 mm stands in for it and is not shown.
    if path.suffix.lower() == ".vtk":
        field = _first_scalar(path)
        stack = read_stack([path], thickness=1.0, scalar_field=field)
        return SliceStack(stack.slices, (*stack.notes, f"{THICKNESS_IS_ASSUMED} {path.name} is not in the file."))
    if path.suffix.lower() == SUFFIX:
        return SegmentFile(read_segment(check_readable(path)))
    if path.suffix.lower() in (*CVI42_SUFFIXES, BINARY):
        return Cvi42File(read_cvi42(check_readable(path)))
    if path.suffix.lower() in OTHER_MODELS and check_readable(path):
        raise UnreadableFile(f"{path.name} may be a model, but {path.suffix} is not read; save it as one of {', '.join(READERS)}.")
    return read_stack([path])


def _read_folder(path: Path) -> DicomFolder:
    series, notes = list_series(path)
    try:
        planes, more = read_series(series, None, path.name)
        stack = stack_of_planes(planes, path.name, None, [*notes, *more])
        stack.check_repeated()
    except BadStack as problem:
        return DicomFolder(series, tuple(notes), None, str(problem))
    return DicomFolder(series, (), stack)


def _is_layer(path: Path) -> bool:
    """A flat sheet of rectangles is a slice; anything else in a VTK file is a model."""
    if check_readable(path).suffix.lower() != ".vtk":
        return False
    dataset = read_vtk(path)[0]
    types = cells_of(as_grid(dataset))[0]
    points = points_of(dataset)
    if not np.isfinite(points).all() or np.abs(points).max() > FARTHEST:
        return False
    points = points - points.mean(axis=0)
    spread = np.linalg.svd(points.T @ points, compute_uv=False)
    return len(types) > 0 and bool(np.isin(types, FLAT_CELLS).all()) and spread[2] < 1e-8 * spread[0]


def _first_scalar(path: Path) -> str:
    dataset = read_vtk(path)[0]
    for data in (dataset.GetCellData(), dataset.GetPointData()):
        for number in range(data.GetNumberOfArrays()):
            if data.GetArray(number) and data.GetArray(number).GetNumberOfComponents() == 1:
                return data.GetArrayName(number)
    raise UnreadableFile(f"{path.name} is a flat grid without values.")


def _describe_stack(stack: SliceStack) -> dict:
    known = not any(note.startswith(THICKNESS_IS_ASSUMED) for note in stack.notes)
    groups = []
    for indices in stack.parallel_groups():
        members = [stack.slices[index] for index in indices]
        spacing = slice_spacing(members)
        thickness = sorted({round(one.thickness, 3) for one in members})
        normal = members[0].normal
        groups.append(
            {
                "slices": len(members),
                "rows_columns": sorted({one.pixels.shape for one in members}),
                "pixel_spacing_mm": [round(one, 4) for one in members[0].spacing],
                "slice_spacing_mm": None if spacing is None else round(spacing, 4),
                "slice_thickness_mm": None if not known else thickness[0] if len(thickness) == 1 else thickness,
                "orientation": _plane_name(normal),
                "normal_lps": (np.round(normal, 4) + 0.0).tolist(),
                "positions_mm": [round(float(one.center @ normal), 2) for one in members],
            }
        )
    values = np.concatenate([one.pixels[np.isfinite(one.pixels)] for one in stack])
    return {
        "kind": "slices",
        "frame": "LPS mm",
        "slices": len(stack),
        "groups": groups,
        "intensity": {"min": float(values.min()), "max": float(values.max()), "mean": float(values.mean())},
        "thickness_known": known,
        "bounds_lps_mm": np.round(stack.bounds(), 2).tolist(),
        "notes": list(stack.notes),
    }


def _describe_folder(folder: DicomFolder) -> dict:
    best = proposed(folder.series)
    listed = [
        {
            "number": one.name,
            "description": one.description,
            "shows": f"{one.kind}, {one.part}",
            "place": one.place,
            "slices": one.places,
            "images_of_each": len(one.passes),
            "proposed": one is best,
        }
        for one in folder.series
    ]
    notes = [*folder.notes, *([folder.problem] if folder.problem else [])]
    stack = _describe_stack(folder.stack) if folder.stack is not None else {"notes": []}
    return {**stack, "kind": "DICOM folder", "series": listed, "notes": [*stack["notes"], *notes]}


def _describe_segment(file: SegmentFile) -> dict:
    return {
        "kind": "file of Segment",
        "stacks": [
            {
                "number": number,
                "description": one.description,
                "slices": len(one.pixels),
                "frames": one.frames,
                "rows_columns": list(one.pixels.shape[1:]),
                "slice_thickness_mm": one.thickness,
                "endocardial_contours": 0 if one.endo is None else int(np.isfinite(one.endo).any(axis=(1, 2)).sum()),
                "epicardial_contours": 0 if one.epi is None else int(np.isfinite(one.epi).any(axis=(1, 2)).sum()),
                "scar_pixels": None if one.labels is None else int(np.count_nonzero(one.labels > 1)),
            }
            for number, one in enumerate(file.stacks, 1)
        ],
    }


def _describe_cvi42(file: Cvi42File) -> dict:
    names = sorted({one.name for one in file.curves})
    images = [{one.image for one in file.curves if one.name == name} for name in names]
    return {
        "kind": "workspace of cvi42",
        "images": len({one.image for one in file.curves}),
        "contours": {name: len(on) for name, on in zip(names, images, strict=True)},
    }


def _plane_name(normal: np.ndarray) -> str:
    """The radiological plane closest to a slice, with the angle between them."""
    axis = int(np.argmax(np.abs(normal)))
    angle = np.degrees(np.arccos(min(1.0, abs(normal[axis]))))
    name = ("sagittal", "coronal", "axial")[axis]
    return name if angle < 0.5 else f"oblique, {angle:.0f} degrees from {name}"


def _describe_mesh(mesh_file: MeshFile) -> dict:
    from CardioScarLib.geometry.plausible import wall_doubts  # here, since it takes more of scipy than images need

    wall, dataset = mesh_file.wall, mesh_file.dataset
    size = np.ptp(wall.bounds, axis=0)
    return {
        "kind": {"volume": "volume mesh", "closed_surface": "closed surface", "shell": "open surface", "points": "points"}[wall.kind],
        "frame": mesh_file.frame.upper(),
        "unit": mesh_file.unit,
        "points": len(wall.nodes),
        "cells": dataset.GetNumberOfCells(),
        "cells_by_type": _cells_by_type(dataset),
        "size_mm": np.round(size, 2).tolist(),
        "bounds_lps_mm": np.round(wall.bounds, 2).tolist(),
        **_measure(wall),
        "point_arrays": _arrays(dataset.GetPointData()),
        "cell_arrays": _arrays(dataset.GetCellData()),
        "notes": [*wall.notes, *wall_doubts(wall)],
    }


def _measure(wall: Wall) -> dict:
    if wall.kind == "volume":
        return {"volume_ml": round(float(wall.volumes.sum()) / 1000, 2)}
    return {"area_cm2": round(float(wall.areas.sum()) / 100, 2)} if len(wall.triangles) else {}


def _cells_by_type(dataset: vtkDataSet) -> dict[str, int]:
    counts = np.bincount(cells_of(as_grid(dataset))[0])
    kinds = np.flatnonzero(counts)
    names = [vtkGenericCell.InstantiateCell(int(kind)).GetClassName().removeprefix("vtk").lower() for kind in kinds]
    return {name: int(counts[kind]) for name, kind in zip(names, kinds, strict=True)}


def _arrays(data: vtkDataSetAttributes) -> dict[str, dict]:
    """Range of each array over its finite values, and how many are not."""
    found = {}
    for number in range(data.GetNumberOfArrays()):
        array = data.GetArray(number)
        if array is None:
            continue
        values = vtk_to_numpy(array).astype(np.float64)
        finite = values[np.isfinite(values)]
        found[data.GetArrayName(number)] = {
            "components": array.GetNumberOfComponents(),
            "min": float(finite.min()) if finite.size else None,
            "max": float(finite.max()) if finite.size else None,
            "not_finite": int(values.size - finite.size),
        }
    return found
