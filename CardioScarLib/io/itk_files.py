"""Volumes that ITK reads, as plain arrays for their way between processes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.io.apart import apart
from CardioScarLib.io.quiet import quiet_itk
from CardioScarLib.io.volume_headers import bytes_held

PERMISSIVE = "ITK_NIFTI_SFORM_PERMISSIVE"
MOST_VOLUMES = 64
"""Of one file: gates of a beat are 8 to 32."""


@dataclass(frozen=True, eq=False)
class ImageParts:
    """pixels: (k, j, i). origin, spacing: mm, LPS; direction: 3x3, row by row."""

    pixels: np.ndarray
    origin: tuple[float, ...]
    spacing: tuple[float, ...]
    direction: tuple[float, ...]

    def image(self) -> sitk.Image:
        image = sitk.GetImageFromArray(self.pixels)
        image.SetOrigin(self.origin)
        image.SetSpacing(self.spacing)
        image.SetDirection(self.direction)
        return image


@dataclass(frozen=True, eq=False)
class SeriesParts:
    """pixels: (t, k, j, i) of volumes in one place; the rest as of `ImageParts`."""

    pixels: np.ndarray
    origin: tuple[float, ...]
    spacing: tuple[float, ...]
    direction: tuple[float, ...]

    def images(self) -> list[sitk.Image]:
        return [ImageParts(one, self.origin, self.spacing, self.direction).image() for one in self.pixels]


@apart(ImageParts, bytes_held)
def read_pixels(path: Path, sheared: bool) -> ImageParts:
    """A 3D image with one number per pixel. Raises UnreadableFile for anything else.

    sheared: it is a NIfTI image whose axes are not perpendicular; its directions are then those next to them.
    """
    image = _read(path, sheared, 1)
    if image.GetDimension() == 4:
        image = image[:, :, :, 0]
    return ImageParts(sitk.GetArrayFromImage(image), image.GetOrigin(), image.GetSpacing(), image.GetDirection())


@apart(SeriesParts, bytes_held)
def read_series(path: Path, sheared: bool) -> SeriesParts:
    """The volumes of a 3D or 4D image with one number per pixel, up to MOST_VOLUMES. Raises UnreadableFile for anything else.

    sheared: as for `read_pixels`.
    """
    image = _read(path, sheared, MOST_VOLUMES)
    pixels = sitk.GetArrayFromImage(image)
    if image.GetDimension() == 3:
        pixels = pixels[None]
    else:
        image = image[:, :, :, 0]
    return SeriesParts(pixels, image.GetOrigin(), image.GetSpacing(), image.GetDirection())


def _read(path: Path, sheared: bool, most_volumes: int) -> sitk.Image:
    """With three dimensions, or with four."""
    name = path.name
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    with quiet_itk(), _permissive(sheared):
        if not sitk.ImageFileReader.GetImageIOFromFileName(str(path)):
            raise UnreadableFile(f"{name} is not an image that can be read; use NIfTI, NRRD, MHA or DICOM.")
        try:
            reader.ReadImageInformation()
            _refuse(reader, name, most_volumes)
            return reader.Execute()
        except RuntimeError as problem:
            raise UnreadableFile(f"{name} cannot be read to its end; it is truncated or damaged.") from problem


@contextmanager
def _permissive(wanted: bool) -> Iterator[None]:
    """ITK reads a NIfTI image whose axes are not perpendicular only if this is set."""
    before = os.environ.get(PERMISSIVE)
    try:
        if wanted:
            os.environ[PERMISSIVE] = "YES"
        yield
    finally:
        if wanted:
            os.environ.pop(PERMISSIVE)
        if before is not None:
            os.environ[PERMISSIVE] = before


def _refuse(reader: sitk.ImageFileReader, name: str, most_volumes: int) -> None:
    channels, dimension, size = reader.GetNumberOfComponents(), reader.GetDimension(), reader.GetSize()
    if "complex" in sitk.GetPixelIDValueAsString(reader.GetPixelID()):
        raise UnreadableFile(f"{name} is a complex image; save its magnitude or its phase-sensitive real part first.")
    if channels > 1:
        raise UnreadableFile(f"{name} is a color or vector image ({channels} values per pixel); gray values are needed.")
    if dimension > 4 or (dimension == 4 and size[3] > most_volumes):
        wanted = "save one 3D volume first" if most_volumes == 1 else f"it may have 4 and {most_volumes} volumes at most"
        raise UnreadableFile(f"{name} has {dimension} dimensions ({size[3]} volumes); {wanted}.")
    if dimension < 3:
        raise UnreadableFile(f"{name} is a flat 2D image without a position in the patient; save it as a 3D image with one slice.")
