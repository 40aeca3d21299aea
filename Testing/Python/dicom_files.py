"""DICOM files as scanners write them, made up, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

MR, ENHANCED_MR, CAPTURE = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1", "1.2.840.10008.5.1.4.1.1.7"
ROWS_AND_COLUMNS = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def item(**elements: Any) -> Items:
    """A sequence of one item."""
    one = Dataset()
    for name, value in elements.items():
        setattr(one, name, value)
    return Items([one])


def an_image(pixels: np.ndarray, sop_class: str, **elements: Any) -> Dataset:
    """(rows, columns) or (frames, rows, columns) of whole numbers from 0, without a place."""
    one = Dataset()
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    one.SOPClassUID = one.file_meta.MediaStorageSOPClassUID = sop_class
    one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    one.StudyInstanceUID, one.FrameOfReferenceUID, one.Modality = "1.2.3", "1.2.3.4", "MR"
    one.PatientName, one.PatientID = "Doe^Jane", "4711"
    one.Rows, one.Columns = pixels.shape[-2:]
    one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation, one.SamplesPerPixel = 16, 16, 15, 0, 1
    one.PhotometricInterpretation = "MONOCHROME2"
    one.PixelData = pixels.astype("<u2").tobytes()
    for name, value in elements.items():
        setattr(one, name, value)
    return one


def save(image: Dataset, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save_as(path, enforce_file_format=True)
    return path


def a_series(folder: Path, heights: Sequence[float], number: int, value: int = 100, images: int = 1, **elements: Any) -> None:
    """Plain files, `images` of each place; each image has the value `value` + its number among those of its place."""
    elements = {"SeriesInstanceUID": f"1.2.3.{number}", "SeriesNumber": number, "ImageType": ["ORIGINAL", "PRIMARY", "M"], **elements}
    for place, height in enumerate(heights):
        for image in range(images):
            one = an_image(
                np.full((12, 10), value + image),
                MR,
                ImagePositionPatient=[-7.0, -8.0, float(height)],
                ImageOrientationPatient=list(ROWS_AND_COLUMNS),
                PixelSpacing=[1.5, 1.5],
                SliceThickness=8.0,
                InstanceNumber=place * images + image + 1,
                **({"TriggerTime": 40.0 * (images - image)} if images > 1 else {}),  # against the order of the instances
                **elements,
            )
            save(one, folder / f"{number:02}_{place:02}_{image:02}.dcm")


def an_enhanced_image(
    pixels: np.ndarray,
    positions: Sequence[Sequence[float]],
    rescale: Sequence[tuple[float, float]] | None = None,
    types: Sequence[Sequence[str]] | None = None,
    **elements: Any,
) -> Dataset:
    """(frames, rows, columns) in one file; thickness and spacing are common to all. rescale: slope and intercept of each frame."""
    one = an_image(pixels, ENHANCED_MR, **{"SeriesInstanceUID": generate_uid(), "SeriesNumber": 1, **elements})
    one.NumberOfFrames = len(pixels)
    shared = Dataset()
    shared.PixelMeasuresSequence = item(PixelSpacing=[1.5, 2.0], SliceThickness=8.0)
    shared.PlaneOrientationSequence = item(ImageOrientationPatient=list(ROWS_AND_COLUMNS))
    one.SharedFunctionalGroupsSequence = Items([shared])
    frames = []
    for number, position in enumerate(positions):
        frame = Dataset()
        frame.PlanePositionSequence = item(ImagePositionPatient=[float(value) for value in position])
        if rescale is not None:
            slope, intercept = rescale[number]
            frame.PixelValueTransformationSequence = item(RescaleSlope=slope, RescaleIntercept=intercept, RescaleType="US")
        if types is not None:
            frame.MRImageFrameTypeSequence = item(FrameType=list(types[number]))
        frames.append(frame)
    one.PerFrameFunctionalGroupsSequence = Items(frames)
    return one
