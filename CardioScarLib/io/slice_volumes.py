"""Volumes on the grid of the slices, with the names of their labels where the format holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import SimpleITK as sitk

from CardioScarLib.core.slices import Slice, SliceStack


def slice_volume(stack: SliceStack, members: Sequence[int], images: Sequence[np.ndarray]) -> sitk.Image:
    """The volume of slices that make one (see `even_groups`), LPS mm.

    members: numbers of the slices in their order in space. images: (rows, columns) of each slice of the stack.
    A slice alone is as thick as its slab.
    """
    first: Slice = stack.slices[members[0]]
    step = first.thickness * first.normal
    if len(members) > 1:
        step = (stack.slices[members[-1]].origin - first.origin) / (len(members) - 1)
    axes = np.column_stack([first.column_step, first.row_step, step])
    spacing = np.linalg.norm(axes, axis=0)
    image = sitk.GetImageFromArray(np.stack([images[number] for number in members]))
    image.SetSpacing(spacing.tolist())
    image.SetDirection((axes / spacing).ravel().tolist())
    image.SetOrigin(first.origin.tolist())
    return image


def name_segments(image: sitk.Image, names: Mapping[int, str]) -> None:
    """Name the labels of a label map as 3D Slicer's .seg.nrrd does; other formats leave the names out."""
    for number, (label, name) in enumerate(names.items()):
        for key, value in {"ID": f"Segment_{label}", "Name": name, "LabelValue": str(label), "Layer": "0"}.items():
            image.SetMetaData(f"Segment{number}_{key}", value)
