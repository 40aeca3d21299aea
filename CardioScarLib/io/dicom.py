"""DICOM: every frame is a plane with its own position and orientation; nothing is taken from a neighbor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.io.apart import apart
from CardioScarLib.io.dicom_headers import DicomFrame, FramePlace, has_all_pixels, memory_of_dicom, read_frames
from CardioScarLib.io.dicom_series import DicomSeries, chosen_frames, series_of
from CardioScarLib.io.files import check_readable
from CardioScarLib.io.planes import Plane
from CardioScarLib.io.quiet import quiet_itk

INDEX = "DICOMDIR"
MOST_FILES = 50_000
"""Files of a folder and those in it; more are hardly one patient's."""


def is_dicom(path: Path) -> bool:
    """Whether the file begins as DICOM."""
    try:
        return read_frames(path) is not None
    except UnreadableFile:
        return True


def read_dicom_folder(folder: Path, series: str | None = None) -> tuple[list[Plane], list[str]]:
    """The images of a folder and of those in it, of the series that is LGE if there are several kinds, and notes about what was left out.

    series: names as in `list_series`, joined by commas; see `dicom_series.chosen_frames`.
    """
    listed, notes = list_series(folder)
    planes, more = read_series(listed, series, folder.name)
    return planes, [*notes, *more]


def read_series(listed: Sequence[DicomSeries], series: str | None, folder: str) -> tuple[list[Plane], list[str]]:
    """`read_dicom_folder` for series that are listed already; folder: its name, for messages."""
    frames, note = chosen_frames(listed, series, folder)
    return read_dicom_planes(frames), [note] if note else []


def list_series(folder: Path) -> tuple[tuple[DicomSeries, ...], list[str]]:
    """The series of a folder and of those in it, and notes about other files. Raises UnreadableFile if there is no DICOM image."""
    files = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            files.append(path)
        if len(files) > MOST_FILES:
            raise UnreadableFile(f"The folder {folder.name} has more than {MOST_FILES:,} files; give the folder of one patient.")
    if not files:
        raise UnreadableFile(f"The folder {folder.name} has no files; give a folder of DICOM images.")
    found = [read_frames(path) if path.stat().st_size else None for path in files if path.name.upper() != INDEX]
    frames = [frame for one in found for frame in one or ()]
    if not frames:
        raise UnreadableFile(f"None of the {len(files)} files in the folder {folder.name} is a DICOM image.")
    others = sum(not one for one in found)
    return series_of(frames), [f"{others} files of the folder {folder.name} are not DICOM images and were left out."] if others else []


def read_dicom_file(path: Path) -> list[Plane]:
    """All frames of one DICOM file."""
    frames = read_frames(check_readable(path))
    if not frames:
        raise UnreadableFile(f"{path.name} is a DICOM file without an image, such as a report, an index or a segmentation object.")
    return read_dicom_planes(frames)


def read_dicom_planes(frames: Sequence[DicomFrame]) -> list[Plane]:
    """Frames with their pixels, LPS mm, rescale slope and intercept applied; in the order given.

    Positions: PS3.3 C.7.6.2.1.1, and C.7.6.16.2 for enhanced files. PixelSpacing is row spacing first; ImageOrientationPatient is
    the direction of increasing column index first.
    """
    pixels: dict[Path, np.ndarray] = {}
    planes = []
    for frame in frames:
        place = _place(frame)
        if frame.path not in pixels:
            pixels = {frame.path: read_pixels(frame.path)}  # frames of one file come together
        planes.append(_plane(frame, place, pixels[frame.path][frame.number]))
    return planes


@apart(np.ndarray, memory_of_dicom)
def read_pixels(path: Path) -> np.ndarray:
    """(frames, rows, columns) of a DICOM file, each with its own rescale slope and intercept applied."""
    frames = read_frames(path) or ()
    damaged = UnreadableFile(f"{path.name} is a damaged or truncated DICOM image.")
    if not frames or not has_all_pixels(path):
        raise damaged
    values = _gray_values(path)
    if len(values) != len(frames):
        raise damaged
    first = frames[0].rescale
    if all(frame.rescale == first for frame in frames):
        return values
    # ITK takes what the first frame says for all of them.
    raw = (values - first[1]) / first[0]
    return np.stack([one * frame.rescale[0] + frame.rescale[1] for one, frame in zip(raw, frames, strict=True)])


def _gray_values(path: Path) -> np.ndarray:
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.SetImageIO("GDCMImageIO")
    with quiet_itk():
        try:
            reader.ReadImageInformation()
            channels = reader.GetNumberOfComponents()
            image = reader.Execute() if channels == 1 else None
        except RuntimeError as problem:
            raise UnreadableFile(f"{path.name} is a damaged or truncated DICOM image.") from problem
    if image is None:
        raise UnreadableFile(f"{path.name} is a color image; gray values are needed.")
    return sitk.GetArrayFromImage(image).reshape(-1, image.GetSize()[1], image.GetSize()[0]).astype(np.float64)


def _place(frame: DicomFrame) -> FramePlace:
    name = frame.path.name
    if frame.frames > 1 and not frame.enhanced:
        raise UnreadableFile(
            f"{name} is a multi-frame DICOM image ({frame.frames} frames) that does not tell where each lies; "
            "convert it to NIfTI or one file per slice."
        )
    if frame.place is None:
        raise UnreadableFile(f"{name} has no position, orientation or pixel spacing, so its place in the patient is unknown.")
    directions = np.linalg.norm(np.reshape(frame.place.orientation, (2, 3)), axis=1)
    if directions.min() < 0.5 or np.min(frame.place.spacing) <= 0:
        raise UnreadableFile(f"The orientation of {name} is not a pair of direction vectors, or its pixel spacing is not positive.")
    return frame.place


def _plane(frame: DicomFrame, place: FramePlace, pixels: np.ndarray) -> Plane:
    along_columns, along_rows = (one / np.linalg.norm(one) for one in np.reshape(place.orientation, (2, 3)))
    return Plane(
        pixels=pixels,
        origin=place.position,
        row_step=along_rows * place.spacing[0],
        column_step=along_columns * place.spacing[1],
        thickness=frame.thickness,
        label=None,
        source=frame.source,
    )
