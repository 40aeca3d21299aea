"""DICOM: every file is a plane with its own position and orientation; nothing is taken from a neighbor."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.core.slices import SliceSource
from CardioScarLib.io.apart import apart
from CardioScarLib.io.files import check_readable
from CardioScarLib.io.planes import Plane
from CardioScarLib.io.quiet import quiet_itk

THICKNESS, POSITION, ORIENTATION, PIXEL_SPACING = "0018|0050", "0020|0032", "0020|0037", "0028|0030"
IDENTIFIERS = {
    "study_uid": "0020|000d",
    "series_uid": "0020|000e",
    "sop_class_uid": "0008|0016",
    "sop_instance_uid": "0008|0018",
    "frame_of_reference_uid": "0020|0052",
}
"""Of an image, for results that point to it; see `SliceSource`."""
UNPACKED = 32
"""Bytes in memory per byte of a file, at most: pixels are often compressed, and become double precision."""
# Storage classes whose files must have pixels (CT, MR, secondary capture; plain and enhanced), as opposed to
# reports, raw data and indices, which may lie in the same folder.
IMAGE_CLASS = re.compile(rb"1\.2\.840\.10008\.5\.1\.4\.1\.1\.(?:[24](?:\.1)?|7)[\x00 ]")


def memory_of_dicom(path: Path) -> int:
    """Bytes that a DICOM file takes in memory, at most."""
    return path.stat().st_size * UNPACKED


def is_dicom(path: Path) -> bool:
    """Whether GDCM can read an image from the file."""
    try:
        return _is_read_by_gdcm(path)
    except UnreadableFile:  # GDCM itself fails
        return False


@apart(bool, memory_of_dicom)
def _is_read_by_gdcm(path: Path) -> bool:
    with quiet_itk():
        return sitk.ImageFileReader.GetImageIOFromFileName(str(path)) == "GDCMImageIO"


def read_dicom_folder(folder: Path) -> tuple[list[Plane], list[str]]:
    """All images in a folder, of one series or many, and notes about files that were left out."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    if not files:
        raise UnreadableFile(f"The folder {folder.name} has no files; give a folder of DICOM images.")
    planes, others = [], 0
    for path in files:
        if is_dicom(path):
            planes.append(read_dicom_plane(path))
        elif _claims_to_be_an_image(path):
            raise UnreadableFile(f"{path.name} in the folder {folder.name} is a damaged or truncated DICOM image.")
        else:
            others += 1
    if not planes:
        raise UnreadableFile(f"None of the {len(files)} files in the folder {folder.name} is a DICOM image.")
    return planes, [f"{others} files of the folder {folder.name} are not DICOM images and were left out."] if others else []


@apart(Plane, memory_of_dicom)
def read_dicom_plane(path: Path) -> Plane:
    """One single-frame DICOM image, LPS mm, with its rescale slope and intercept applied.

    Positions: PS3.3 C.7.6.2.1.1. PixelSpacing is row spacing first; ImageOrientationPatient is the direction of
    increasing column index first.
    """
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(check_readable(path)))
    reader.SetImageIO("GDCMImageIO")
    with quiet_itk():
        try:
            reader.ReadImageInformation()
            wanted = (THICKNESS, POSITION, ORIENTATION, PIXEL_SPACING, *IDENTIFIERS.values())
            tags = {tag: reader.GetMetaData(tag) for tag in wanted if reader.HasMetaDataKey(tag)}
            frames = reader.GetSize()[2] if reader.GetDimension() > 2 else 1
            channels = reader.GetNumberOfComponents()
            if frames == 1 and channels == 1:
                image = reader.Execute()
        except RuntimeError as problem:
            raise UnreadableFile(f"{path.name} is a damaged or truncated DICOM image.") from problem
    if frames > 1:
        raise UnreadableFile(f"{path.name} is a multi-frame DICOM image ({frames} frames); convert it to NIfTI or one file per slice.")
    if channels > 1:
        raise UnreadableFile(f"{path.name} is a color image; gray values are needed.")
    position, orientation = _numbers(tags.get(POSITION), 3), _numbers(tags.get(ORIENTATION), 6)
    spacing = _numbers(tags.get(PIXEL_SPACING), 2)
    if position is None or orientation is None or spacing is None:
        raise UnreadableFile(f"{path.name} has no position, orientation or pixel spacing, so its place in the patient is unknown.")
    along_columns, along_rows = orientation[:3], orientation[3:]
    if np.linalg.norm(along_columns) < 0.5 or np.linalg.norm(along_rows) < 0.5:
        raise UnreadableFile(f"The orientation of {path.name} is not a pair of direction vectors.")
    thickness = _numbers(tags.get(THICKNESS), 1)
    return Plane(
        pixels=sitk.GetArrayFromImage(image).reshape(image.GetSize()[1], image.GetSize()[0]).astype(np.float64),
        origin=position,
        row_step=along_rows / np.linalg.norm(along_rows) * spacing[0],
        column_step=along_columns / np.linalg.norm(along_columns) * spacing[1],
        thickness=float(thickness[0]) if thickness is not None and thickness[0] > 0 else None,
        label=None,
        source=SliceSource(**{name: tags.get(tag, "").strip(" \0") for name, tag in IDENTIFIERS.items()}),
    )


def _numbers(text: str | None, count: int) -> np.ndarray | None:
    try:
        numbers = np.array([float(part) for part in (text or "").split("\\")])
    except ValueError:
        return None
    return numbers if len(numbers) == count and np.all(np.isfinite(numbers)) else None


def _claims_to_be_an_image(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(1024)
    return start[128:132] == b"DICM" and IMAGE_CLASS.search(start) is not None
