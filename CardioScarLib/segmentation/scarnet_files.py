"""ScarNet's layout: one HDF5 file for each slice and one for its mask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from CardioScarLib.core.errors import BadSettings, MissingPackage, UnreadableFile
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.io.apart import apart
from CardioScarLib.io.files import check_readable

IMAGES, MASKS = "Mag_image", "4layer_mask"
IMAGE_DATA, MASK_DATA = "image_mag", "mask"
THICKNESS = 8.0
"""mm; the files tell none, and nothing depends on it."""


def scarnet_pairs(folder: Path) -> Iterator[tuple[Path, Path, str, str]]:
    """Image, mask, name and patient of each slice; the patient is the folder that holds the two folders."""
    for image in sorted(folder.rglob(f"{IMAGES}/*.h5")):
        mask = image.parent.parent / MASKS / image.name
        patient = "/".join(image.parent.parent.relative_to(folder).parts)
        if mask.is_file():
            yield image, mask, f"{patient}/{image.stem}", patient or image.stem


def read_scarnet_slice(image: Path, mask: Path, pixel_spacing: float | None) -> tuple[SliceStack, SliceStack]:
    """A slice and its labels. pixel_spacing: mm; the files hold none.

    Raises BadSettings without it, UnreadableFile, MissingPackage.
    """
    if pixel_spacing is None:
        raise BadSettings("HDF5 files of ScarNet tell no pixel spacing; give it (--pixel-spacing).")
    pixels, labels = _read(check_readable(image), IMAGE_DATA), _read(check_readable(mask), MASK_DATA)
    if pixels.shape != labels.shape:
        raise UnreadableFile(f"{image.name} has {pixels.shape} pixels and its mask {labels.shape}.")
    steps = pixel_spacing * np.eye(3)
    planes = [Slice(one, np.zeros(3), steps[1], steps[0], THICKNESS, image.stem) for one in (pixels, labels)]
    return SliceStack((planes[0],)), SliceStack((planes[1],))


@apart(np.ndarray, lambda path: path.stat().st_size)
def _read(path: Path, name: str) -> np.ndarray:
    try:
        import h5py
    except ImportError as error:
        raise MissingPackage("HDF5 files need the package h5py, which is not installed here: `pip install h5py`.") from error
    try:
        with h5py.File(path, "r") as file:
            values = np.squeeze(np.asarray(file[name], dtype=np.float64))
    except (OSError, KeyError) as problem:
        raise UnreadableFile(f"{path.name} is not an HDF5 file with the data set {name}.") from problem
    if values.ndim != 2 or not np.isfinite(values).all():
        raise UnreadableFile(f"The data set {name} of {path.name} is not one slice of finite numbers.")
    return values
