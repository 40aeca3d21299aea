"""Single image planes on their way into a stack: DICOM files and grid layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from CardioScarLib.core.errors import BadStack
from CardioScarLib.core.slices import Slice, SliceSource, SliceStack

# Beginning of the note about an assumed thickness; the rest differs.
THICKNESS_IS_ASSUMED = "The slice thickness of"


@dataclass(frozen=True, eq=False)
class Plane:
    """A file with one plane: the fields of `Slice`, with None for a thickness or label that it does not give."""

    pixels: np.ndarray
    origin: np.ndarray
    row_step: np.ndarray
    column_step: np.ndarray
    thickness: float | None
    label: str | None
    source: SliceSource | None = None


def stack_of_planes(planes: Sequence[Plane], name: str, thickness: float | None, notes: Sequence[str] = ()) -> SliceStack:
    """Planes of any orientation and order as a stack: the largest parallel group first, each sorted along its normal.

    name: where they come from, for messages. thickness: mm; None uses that of the files, or, if they have none,
    the distance between neighbors in the group, with a note.
    """
    notes = list(notes)
    known = [thickness or one.thickness for one in planes]
    draft = SliceStack(
        tuple(
            Slice(one.pixels, one.origin, one.row_step, one.column_step, thick or 1.0, one.label or f"a slice of {name}", one.source)
            for one, thick in zip(planes, known, strict=True)
        )
    )
    thicknesses = [one.thickness for one in draft]
    ordered: list[Slice] = []
    for group in draft.parallel_groups():
        missing = [index for index in group if known[index] is None]
        if missing:
            assumed = slice_spacing([draft.slices[index] for index in group])
            if assumed is None:
                raise BadStack(
                    f"The slice thickness of {draft.slices[missing[0]].label} is not in the file and it has no parallel neighbor "
                    "to measure a distance to; give the thickness (--slice-thickness)."
                )
            for index in missing:
                thicknesses[index] = assumed
            notes.append(thickness_note(name, assumed))
        for index in group:
            label = planes[index].label or f"{name} slice {len(ordered)}"
            ordered.append(replace(draft.slices[index], thickness=thicknesses[index], label=label))
    return SliceStack(tuple(ordered), tuple(notes))


def slice_spacing(group: Sequence[Slice]) -> float | None:
    """Usual distance in mm between neighbors of a parallel group (its median); None for fewer than two positions."""
    normal = group[0].normal
    distances = np.diff(np.sort([one.center @ normal for one in group]))
    distances = distances[distances > 1e-3]
    return float(np.median(distances)) if len(distances) else None


def thickness_note(name: str, assumed: float) -> str:
    return (
        f"{THICKNESS_IS_ASSUMED} {name} is not in the file; it was taken equal to the slice spacing, {assumed:.4g} mm. "
        "Give the thickness (--slice-thickness) if the slices have gaps or overlap."
    )
