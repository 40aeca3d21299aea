"""Volumes on exactly the grid of the files that a stack was read from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from CardioScarLib.core.slices import SliceStack
from CardioScarLib.io.images import AXES, read_image
from CardioScarLib.io.slice_values import even_groups
from CardioScarLib.io.slice_volumes import slice_volume
from CardioScarLib.io.volumes import VOLUME_SUFFIXES

Made = Callable[[Sequence[np.ndarray]], sitk.Image]
"""A volume of (rows, columns) of its slices, in their order in it."""


def grids_of(stack: SliceStack, images: Sequence[Path], slice_axis: str | None) -> list[tuple[tuple[int, ...], Made]]:
    """Numbers of the slices of each volume, and how it is made of their pixels.

    images: the files the stack was read from. One volume of all slices keeps its own grid; other slices, as of a DICOM folder, make one
    volume for each even group.
    """
    if len(images) == 1 and images[0].name.lower().endswith((*VOLUME_SUFFIXES, ".nhdr", ".mhd")):
        reference = read_image(images[0])[0]
        axis = 2 - AXES[slice_axis or "z"]
        if sitk.GetArrayViewFromImage(reference).shape[axis] == len(stack):

            def on_reference(pixels: Sequence[np.ndarray]) -> sitk.Image:
                image = sitk.GetImageFromArray(np.moveaxis(np.stack(pixels), 0, axis))
                image.CopyInformation(reference)
                return image

            return [(tuple(range(len(stack))), on_reference)]
    return [(members, _of_slices(stack, members)) for members in even_groups(stack)]


def _of_slices(stack: SliceStack, members: tuple[int, ...]) -> Made:
    place = {number: row for row, number in enumerate(members)}

    def made(pixels: Sequence[np.ndarray]) -> sitk.Image:
        every = [pixels[place[number]] if number in place else np.empty(0) for number in range(len(stack))]
        return slice_volume(stack, members, every)

    return made
