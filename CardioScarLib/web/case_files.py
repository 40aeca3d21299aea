"""The files of one session, and which of them make its case.

input/            what was uploaded, DICOM images in a folder of their own
case.json         which files are used, and how they are read
labels.bin        what was drawn: uint8, in the order of the view
view/             what the browser shows
map-N/            a map, its numbers, report and exports
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from CardioScarLib.core.errors import BadStack, UnreadableFile
from CardioScarLib.core.settings import ReadingSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.io.files import atomic_path
from CardioScarLib.io.images import read_stack
from CardioScarLib.io.json_files import parse_json, record_of
from CardioScarLib.io.slice_grids import Made, grids_of
from CardioScarLib.io.slice_values import even_groups
from CardioScarLib.web.view_frame import ViewFrame

DICOM = "dicom"
"""Folder of the DICOM images in `input`."""
NAME = r"^input/[\w.-]{1,120}$"
OPTIONAL_NAME = {"anyOf": [{"type": "null"}, {"type": "string", "pattern": NAME}]}
SCHEMA = record_of(
    {
        "images": {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": NAME}},
        "series": {"type": ["string", "null"], "maxLength": 100},
        "slice_axis": {"enum": ["x", "y", "z", None]},
        "slice_thickness": {"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": 100},
        "mesh": OPTIONAL_NAME,
        "mesh_frame": {"enum": ["auto", "lps", "ras"]},
        "mesh_unit": {"enum": ["auto", "mm", "um", "cm", "m"]},
        "labels": OPTIONAL_NAME,
        "order": {"type": ["string", "null"], "maxLength": 200},
    }
)
LABELS = {"cavity": 1, "myocardium": 2, "scar": 3, "no-reflow": 4, "right ventricle": 5}
"""Of what is drawn; the first four as the segmentation tells them."""


@dataclass(frozen=True)
class CaseFiles:
    """images, mesh, labels: names in the session's folder. order: what the values of `labels` mean, see `wall.label_names`."""

    images: tuple[str, ...]
    series: str | None = None
    slice_axis: str | None = None
    slice_thickness: float | None = None
    mesh: str | None = None
    mesh_frame: str = "auto"
    mesh_unit: str = "auto"
    labels: str | None = None
    order: str | None = None

    @classmethod
    def checked(cls, text: str | bytes) -> CaseFiles:
        """Raises UnreadableFile for anything but names and choices of ours."""
        values = parse_json(text, SCHEMA, "The choice of files cannot be used; choose them again.")
        names = (*values["images"], values["mesh"], values["labels"])
        if any(name and Path(name).name.strip(".") == "" for name in names):
            raise UnreadableFile("The choice of files cannot be used; choose them again.")
        known = {name: values[name] for name in cls.__dataclass_fields__}
        return cls(**{**known, "images": tuple(values["images"])})

    @classmethod
    def of(cls, folder: Path) -> CaseFiles:
        path = folder / "case.json"
        if not path.is_file():
            raise UnreadableFile("There is no case yet; open the example, or upload slices.")
        return cls.checked(path.read_bytes())

    def write(self, folder: Path) -> None:
        with atomic_path(folder / "case.json", overwrite=True) as temporary:
            temporary.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @property
    def reading(self) -> ReadingSettings:
        return ReadingSettings(
            slice_axis=self.slice_axis,
            slice_thickness=self.slice_thickness,
            series=self.series,
            mesh_frame=self.mesh_frame,
            mesh_unit=self.mesh_unit,
        )

    def image_paths(self, folder: Path) -> list[Path]:
        return [folder / one for one in self.images]

    def stack(self, folder: Path) -> SliceStack:
        reading = self.reading
        return read_stack(self.image_paths(folder), reading.slice_axis, None, reading.slice_thickness, series=reading.series)


@dataclass(frozen=True, eq=False)
class Shown:
    """A stack with the view of its slices.

    members: numbers of its slices in their order in space. made: a volume on the grid of the input, of the pixels of its slices in
    `order`.
    """

    stack: SliceStack
    members: tuple[int, ...]
    order: tuple[int, ...]
    made: Made
    frame: ViewFrame

    @classmethod
    def of(cls, files: CaseFiles, folder: Path) -> Shown:
        """Raises BadStack where the slices do not make one volume, so that nothing can be drawn on them as they lie."""
        stack = files.stack(folder)
        grids = grids_of(stack, files.image_paths(folder), files.slice_axis)
        groups = even_groups(stack)
        if len(groups) > 1:
            raise BadStack(
                f"The {len(stack)} slices make no single volume (different directions, sizes or distances), which the browser needs to "
                "draw on them; choose one series with evenly spaced slices, or use cardioscar reconstruct or the module in 3D Slicer."
            )
        order, made = grids[0]
        return cls(stack, groups[0], order, made, ViewFrame.of(stack, groups[0]))

    def voxels(self, drawn: np.ndarray) -> list[np.ndarray]:
        """(rows, columns) of each slice, in the order of the stack's grid, from (slices, rows, columns) in the order of the view."""
        slices = dict(zip(self.members, self.frame.seen(drawn), strict=True))
        return [slices[number] for number in range(len(self.stack))]

    def in_space(self, pixels: list[np.ndarray]) -> np.ndarray:
        """(slices, rows, columns) in their order in space, of the pixels of each slice of the stack."""
        return np.stack([pixels[number] for number in self.members])

    def pixels_of_grid(self, drawn: np.ndarray) -> list[np.ndarray]:
        """`voxels` in the order of the slices of the grid, which is that of the file for a volume and that in space for others."""
        pixels = self.voxels(drawn)
        return [pixels[number] for number in self.order]

    def image(self, drawn: np.ndarray) -> sitk.Image:
        """Labels that were drawn, on the grid of the input."""
        return self.made(self.pixels_of_grid(drawn))


def read_drawn(folder: Path, frame: ViewFrame) -> np.ndarray:
    """(slices, rows, columns) uint8 in the order of the view; zeros where nothing was drawn."""
    path = folder / "labels.bin"
    if not path.is_file():
        return np.zeros(frame.shape, dtype=np.uint8)
    found = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    if found.size != int(np.prod(frame.shape)):
        raise UnreadableFile("The labels that were drawn do not fit the slices; draw them again.")
    return found.reshape(frame.shape)


def write_drawn(voxels: np.ndarray, folder: Path) -> None:
    with atomic_path(folder / "labels.bin", overwrite=True) as temporary:
        temporary.write_bytes(np.ascontiguousarray(voxels, dtype=np.uint8).tobytes())


def order_of(voxels: np.ndarray) -> str:
    """The meaning of the labels that were drawn, of those that there are, as `wall.label_names` reads it."""
    present = set(np.unique(voxels).tolist())
    return ",".join(f"{name}={value}" for name, value in LABELS.items() if value in present)


Answer = dict[str, Any]
"""Of a step: plain JSON values."""
