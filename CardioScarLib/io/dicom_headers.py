"""What DICOM files say about their images, without the pixels: one header per frame, of plain and of enhanced files alike."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.core.slices import SliceSource
from CardioScarLib.io.apart import apart

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

WITHOUT_PREAMBLE = (b"\x08\x00", b"\x02\x00")
"""Groups that a DICOM file without a preamble begins with."""

UNPACKED = 32
"""Bytes in memory per byte of a file, at most: pixels are often compressed, and become double precision."""
NO_IMAGES = ("1.2.840.10008.5.1.4.1.1.66.4",)
"""Storage classes with pixels that are no image of a patient: segmentations."""
IDENTIFIERS = {
    "study_uid": "StudyInstanceUID",
    "series_uid": "SeriesInstanceUID",
    "sop_class_uid": "SOPClassUID",
    "sop_instance_uid": "SOPInstanceUID",
    "frame_of_reference_uid": "FrameOfReferenceUID",
}
"""Of an image, for results that point to it; see `SliceSource`."""
ORDER = ("AcquisitionNumber", "InstanceNumber")
TEXTS = ("SeriesDescription", "ProtocolName", "SequenceName", "PulseSequenceName")


@dataclass(frozen=True, eq=False)
class FramePlace:
    """position: (3,) of the first pixel; orientation: (6,), unit vectors along increasing columns and rows; spacing: (2,) of rows and
    columns, mm; LPS."""

    position: np.ndarray
    orientation: np.ndarray
    spacing: np.ndarray


@dataclass(frozen=True, eq=False)
class DicomFrame:
    """path: of the file. number: of the frame in it, from 0. frames: in the file.
    enhanced: whether its geometry stands in functional groups.

    place: None where the file is silent. thickness: mm, or None.
    text: description of series and protocol. image_type: its values, and the component of a complex image.
    source: identifiers of the image.
    order: inversion and trigger times, phases, echoes, acquisition and instance numbers, by which images of one place are sorted.
    rescale: slope and intercept of the frame.
    """

    path: Path
    number: int
    frames: int
    enhanced: bool
    source: SliceSource
    series_number: int | None
    description: str
    text: str
    image_type: tuple[str, ...]
    size: tuple[int, int]
    place: FramePlace | None
    thickness: float | None
    order: tuple[float, ...]
    inversion_time: float | None
    rescale: tuple[float, float]


def memory_of_dicom(path: Path) -> int:
    """Bytes that a DICOM file takes in memory, at most."""
    return path.stat().st_size * UNPACKED


def read_frames(path: Path) -> tuple[DicomFrame, ...] | None:
    """The frames of a DICOM image; none of other DICOM files (reports, indices); None if the file is not DICOM.

    Raises UnreadableFile for a file that begins as DICOM and cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(132)
    has_preamble = start[128:132] == b"DICM"
    return _read_frames(path, has_preamble) if has_preamble or start[:2] in WITHOUT_PREAMBLE else None


@apart(tuple[DicomFrame, ...] | None, memory_of_dicom)
def _read_frames(path: Path, has_preamble: bool) -> tuple[DicomFrame, ...] | None:
    import pydicom  # here, since most runs need none

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _frames(path, pydicom.dcmread(path, stop_before_pixels=True, force=True))
    except UnreadableFile:
        raise
    except Exception as problem:  # pydicom reads values when they are asked for, and raises what comes
        if not has_preamble:
            return None
        raise UnreadableFile(f"{path.name} is a damaged or truncated DICOM image.") from problem


def _frames(path: Path, dataset: Dataset) -> tuple[DicomFrame, ...]:
    size = (int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0))
    count = int(dataset.get("NumberOfFrames") or 1)
    if not all(size) or count < 1 or dataset.get("SOPClassUID") in NO_IMAGES:
        return ()
    shared = _first(dataset, "SharedFunctionalGroupsSequence")
    frames = list(dataset.get("PerFrameFunctionalGroupsSequence") or [])
    if shared is None and not frames:
        return (_frame(path, dataset, [dataset], 0, count, size),)
    if len(frames) != count:
        raise UnreadableFile(f"{path.name} announces {count} frames and describes {len(frames)}; it is damaged.")
    groups = [[frame, shared] if shared is not None else [frame] for frame in frames]
    return tuple(_frame(path, dataset, group, number, count, size) for number, group in enumerate(groups))


def has_all_pixels(path: Path) -> bool:
    """Whether pixels that are not compressed are all there; GDCM makes up those that are missing."""
    import pydicom

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(path, force=True)
            syntax = dataset.file_meta.get("TransferSyntaxUID") if hasattr(dataset, "file_meta") else None
            if syntax is not None and syntax.is_compressed:
                return "PixelData" in dataset
            samples = int(dataset.Rows) * int(dataset.Columns) * int(dataset.get("NumberOfFrames") or 1) * int(dataset.SamplesPerPixel)
            return len(dataset.PixelData) >= samples * int(dataset.BitsAllocated) // 8
    except Exception:  # pydicom raises what comes
        return False


def _frame(path: Path, dataset: Dataset, groups: list[Dataset], number: int, count: int, size: tuple[int, int]) -> DicomFrame:
    """groups: the functional groups of the frame, or the file itself."""
    enhanced = groups[0] is not dataset

    def found(sequence: str, name: str) -> Any:
        for group in groups:
            item = _first(group, sequence) if enhanced else group
            if item is not None and item.get(name) is not None:
                return item.get(name)
        return dataset.get(name) if enhanced else None

    types = found("MRImageFrameTypeSequence", "FrameType") if enhanced else None
    component = found("MRImageFrameTypeSequence", "ComplexImageComponent") or ""
    kinds = (*(types or dataset.get("ImageType") or ()), str(component))
    thickness = _numbers(found("PixelMeasuresSequence", "SliceThickness"), 1)
    inversion = _number(_single(found("MRModifierSequence", "InversionTimes") if enhanced else dataset.get("InversionTime")))
    trigger = found("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime") if enhanced else dataset.get("TriggerTime")
    temporal = found("FrameContentSequence", "TemporalPositionIndex") if enhanced else dataset.get("TemporalPositionIdentifier")
    echo = found("MREchoSequence", "EffectiveEchoTime") if enhanced else dataset.get("EchoTime")
    order = (inversion, _number(trigger), _number(temporal), _number(echo), *(_number(dataset.get(name)) for name in ORDER), float(number))
    slope, intercept = (_number(found("PixelValueTransformationSequence", name)) for name in ("RescaleSlope", "RescaleIntercept"))
    series_number = _number(dataset.get("SeriesNumber"))
    position = _numbers(found("PlanePositionSequence", "ImagePositionPatient"), 3)
    orientation = _numbers(found("PlaneOrientationSequence", "ImageOrientationPatient"), 6)
    spacing = _numbers(found("PixelMeasuresSequence", "PixelSpacing"), 2)
    return DicomFrame(
        path=path,
        number=number,
        frames=count,
        enhanced=enhanced,
        source=SliceSource(**{name: str(dataset.get(element) or "") for name, element in IDENTIFIERS.items()}, frame=number + 1),
        series_number=None if series_number is None else int(series_number),
        description=str(dataset.get("SeriesDescription") or "").strip(),
        text=" ".join(str(dataset.get(name) or "") for name in TEXTS),
        image_type=tuple(str(one).strip().upper() for one in kinds if str(one).strip()),
        size=size,
        place=None if position is None or orientation is None or spacing is None else FramePlace(position, orientation, spacing),
        thickness=None if thickness is None or thickness[0] <= 0 else float(thickness[0]),
        order=tuple(-1.0 if one is None else one for one in order),
        inversion_time=inversion,
        rescale=(1.0 if slope in (None, 0.0) else slope, intercept or 0.0),
    )


def _first(dataset: Dataset, name: str) -> Dataset | None:
    sequence = dataset.get(name)
    return sequence[0] if sequence is not None and len(sequence) else None


def _single(value: Any) -> Any:
    return value[0] if isinstance(value, list | tuple) and value else value


def _numbers(value: Any, count: int) -> np.ndarray | None:
    try:
        numbers = np.array(value, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError):
        return None
    return numbers if len(numbers) == count and np.all(np.isfinite(numbers)) else None


def _number(value: Any) -> float | None:
    found = _numbers(value, 1) if value is not None else None
    return None if found is None else float(found[0])
