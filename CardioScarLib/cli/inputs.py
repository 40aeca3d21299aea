"""Common to commands that need slices and a wall: their flags, and reading the files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from CardioScarLib.cli.options import settings_options
from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.settings import AlignmentSettings, ReadingSettings, ReconstructionSettings

if TYPE_CHECKING:
    from CardioScarLib.alignment import Alignment
    from CardioScarLib.core.case import Case

SOURCES = ("mask", "contours", "image")


@dataclass(frozen=True)
class CaseFiles:
    """What the flags name. align: source of an alignment; None if nothing is to be moved."""

    mesh: Path
    images: tuple[Path, ...]
    masks: tuple[Path, ...]
    reading: ReadingSettings
    align: str | None = None
    align_from: tuple[Path, ...] = ()
    alignment: AlignmentSettings = AlignmentSettings()

    def __post_init__(self) -> None:
        if self.align is None and self.align_from:
            raise BadSettings("--align-from names files to align the slices by; add --align mask or --align contours.")
        if self.align == "image" and self.align_from:
            raise BadSettings("--align image uses the slices themselves; omit --align-from, or choose --align mask or contours.")
        if self.align == "contours" and not self.align_from:
            raise BadSettings("--align contours needs the contour files, or their folder, after --align-from.")
        if self.align == "mask" and not (self.align_from or self.masks):
            raise BadSettings("--align mask needs the label map of the myocardium after --align-from, or as --mask.")

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that are read; never overwritten."""
        return (self.mesh, *self.images, *self.masks, *self.align_from)

    def read(self, settings: ReconstructionSettings | None = None) -> Case:
        """The case, with its slices aligned if requested. settings: refused if they contradict the files."""
        from CardioScarLib.core.case import check_evidence_of_mask
        from CardioScarLib.io.cases import read_case
        from CardioScarLib.io.records import input_files

        if self.masks and settings is not None:
            check_evidence_of_mask(settings.evidence.method)
        myocardium = self.align_from if self.align == "mask" else ()
        wall_labels = self.alignment.wall_labels or ()
        scar_labels = (settings.evidence.scar_labels if settings else None) or ()
        case = read_case(self.mesh, self.images, self.masks, myocardium, scar_labels, wall_labels, self.reading)
        if self.align == "contours":
            case = replace(case, inputs=(*case.inputs, *input_files(self.align_from)))
        return case if self.align is None else case.aligned(self._alignment(case))

    def _alignment(self, case: Case) -> Alignment:
        from CardioScarLib.pipeline import align

        if self.align == "contours":
            from CardioScarLib.alignment import find_shifts
            from CardioScarLib.io.contours import read_contours

            contours, _ = read_contours(self.align_from, self.images, self.reading.slice_axis, self.reading.slice_thickness)
            return find_shifts(case.stack, case.wall, "contours", contours=contours, settings=self.alignment)
        return align(case, str(self.align), self.alignment)


def case_options(aligned: bool | None = False, required: bool = True) -> Callable[[Callable], Callable]:
    """Give a command the flags that name a case, which it gets together as `files`: a `CaseFiles`.

    aligned: whether it can align slices; None makes a source compulsory. required: False makes `files` None if no
    flag names a case.
    """
    options: list[Callable[..., Any]] = [
        click.option("--mesh-vtk", "mesh", required=required, type=Path, metavar="FILE", help="LV wall: VTK, PLY, STL, OBJ, openCARP."),
        click.option(
            "--image", "images", required=required, multiple=True, type=Path, metavar="FILE...", help="LGE: volumes, DICOM, VTK layers."
        ),
        click.option(
            "--mask",
            "masks",
            multiple=True,
            type=Path,
            metavar="FILE...",
            help="Label map of the scar on the grid of the image, used instead of its intensities.",
        ),
        settings_options("reading", ReadingSettings),
    ]
    if aligned is not False:
        options += [
            click.option("--align", required=aligned is None, type=click.Choice(SOURCES), help="Align slices using this source."),
            click.option("--align-from", multiple=True, type=Path, metavar="FILE...", help="Mask or contours for the alignment."),
            settings_options("alignment", AlignmentSettings),
        ]

    def with_flags(command: Callable) -> Callable:
        @wraps(command)
        def with_case(*args: Any, **values: Any) -> Any:
            names = ("mesh", "images", "masks", "reading", "align", "align_from", "alignment")
            given = {name: values.pop(name) for name in names if name in values}
            if not any(given.get(name) for name in ("mesh", "images", "masks", "align")):
                return command(*args, files=None, **values)
            if given["mesh"] is None or not given["images"]:
                raise BadSettings("Both --mesh-vtk and --image are needed.")
            return command(*args, files=CaseFiles(**given), **values)

        decorated: Callable[..., Any] = with_case
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return with_flags
