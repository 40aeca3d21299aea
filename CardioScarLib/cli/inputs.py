"""What commands that need slices and a wall have in common: the flags that name them, and their reading."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING

import click

from CardioScarLib.cli.arguments import Integers, setting
from CardioScarLib.errors import BadSettings
from CardioScarLib.settings import EVIDENCE_METHODS, LGE_TYPES, PIXEL_SUPPORTS, SLICE_PROFILES, EvidenceSettings, OperatorSettings

if TYPE_CHECKING:
    from CardioScarLib.geometry.slices import SliceStack
    from CardioScarLib.io.meshes import MeshFile

OPTIONS = (
    click.option("--mesh-vtk", "mesh", required=True, type=Path, metavar="FILE", help="LV wall: VTK files, PLY, STL, openCARP."),
    click.option("--image", "images", required=True, multiple=True, type=Path, metavar="FILE...", help="LGE: volumes, DICOM, VTK layers."),
    click.option("--mask", "masks", multiple=True, type=Path, metavar="FILE...", help="Labels on the image's grid, used instead of it."),
    setting("--evidence", EvidenceSettings, "method", type=click.Choice(EVIDENCE_METHODS), help="From pixels to scar evidence."),
    setting("--n-sd", EvidenceSettings, "n_sd", type=float, help="Standard deviations above remote myocardium, for nsd."),
    setting("--scar-labels", EvidenceSettings, "scar_labels", type=Integers(), metavar='"3,4"', help="Labels that mean scar."),
    setting("--lge-type", EvidenceSettings, "lge_type", type=click.Choice(LGE_TYPES), help="Kind of LGE image."),
    setting("--null-level", EvidenceSettings, "null_level", type=float, metavar="X", help="Intensity of nulled signal in PSIR."),
    setting("--pixel-support", OperatorSettings, "pixel_support", type=click.Choice(PIXEL_SUPPORTS), help="What a pixel averages."),
    setting("--slice-profile", OperatorSettings, "slice_profile", type=click.Choice(SLICE_PROFILES), help="Sensitivity through the slice."),
    click.option("--slice-axis", metavar="x|y|z", help="Index axis of a volume that runs across its slices; z if not given."),
    click.option("--slice-indices", type=Integers(), metavar='"2,5,8"', help="Use these slices only, counted from 0."),
    click.option("--slice-thickness", type=float, metavar="MM", help="Slice thickness, where the file does not say it."),
    click.option("--mesh-frame", default="auto", metavar="auto|lps|ras", help="Frame of the mesh."),
    click.option("--mesh-unit", default="auto", metavar="auto|mm|um|m", help="Length unit of the mesh."),
    click.option("--vtk-scalar-field", default="ScalarValue", show_default=True, metavar="NAME", help="Array of VTK layers."),
)


@dataclass(frozen=True)
class Inputs:
    """The values of OPTIONS, by their names."""

    mesh: Path
    images: tuple[Path, ...]
    masks: tuple[Path, ...]
    evidence: str
    n_sd: float
    scar_labels: tuple[int, ...] | None
    lge_type: str
    null_level: float | None
    pixel_support: str
    slice_profile: str
    slice_axis: str | None
    slice_indices: tuple[int, ...] | None
    slice_thickness: float | None
    mesh_frame: str
    mesh_unit: str
    vtk_scalar_field: str

    def __post_init__(self) -> None:
        if self.masks and self.evidence not in ("auto", "labels"):
            raise BadSettings(f"--mask takes the place of the intensities, so --evidence {self.evidence} has nothing to work on; drop one.")

    @property
    def operator_settings(self) -> OperatorSettings:
        return OperatorSettings(self.pixel_support, self.slice_profile)

    @property
    def evidence_settings(self) -> EvidenceSettings:
        method = "labels" if self.masks else self.evidence
        return EvidenceSettings(method, self.lge_type, self.n_sd, self.null_level, self.scar_labels)

    @property
    def files(self) -> tuple[Path, ...]:
        """Those the slices come from."""
        return (*self.images, *self.masks)

    @property
    def reading(self) -> dict:
        """How the slices are read, for the provenance."""
        names = ("slice_axis", "slice_indices", "slice_thickness", "vtk_scalar_field")
        return {name: getattr(self, name) for name in names} | {"mask": bool(self.masks)}

    def read_wall(self) -> MeshFile:
        from CardioScarLib.io.meshes import read_wall

        return read_wall(self.mesh, self.mesh_frame, self.mesh_unit)

    def read_stack(self) -> SliceStack:
        """The slices, with the labels of the mask as their pixels where there is one."""
        from CardioScarLib.cli.case import with_mask

        stack = self.read_images()
        return with_mask(stack, self.read_labels(self.masks)) if self.masks else stack

    def read_images(self) -> SliceStack:
        """The slices as the images show them."""
        return self._read(self.images, label_map=False)

    def read_labels(self, files: tuple[Path, ...]) -> SliceStack:
        """A label map that is kept as the images are."""
        return self._read(files, label_map=True)

    def _read(self, files: tuple[Path, ...], label_map: bool) -> SliceStack:
        from CardioScarLib.io.images import read_stack

        return read_stack(files, self.slice_axis, self.slice_indices, self.slice_thickness, self.vtk_scalar_field, label_map)


def input_options(command: Callable) -> Callable:
    """Give a command the flags of OPTIONS, which it gets together as its first argument."""

    @wraps(command)
    def with_inputs(**values):
        inputs = Inputs(**{name: values.pop(name) for name in signature(Inputs).parameters})
        return command(inputs, **values)

    for option in reversed(OPTIONS):
        with_inputs = option(with_inputs)
    return with_inputs
