"""The images that DICOM objects are derived from: stand-ins for highdicom, which wants their headers, and references to the real ones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from CardioScarLib.core.slices import Slice, SliceSource, SliceStack

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
MULTI_FRAME = ("1.2.840.10008.5.1.4.1.1.4.1", "1.2.840.10008.5.1.4.1.1.4.3", "1.2.840.10008.5.1.4.1.1.4.4")
"""Enhanced MR images, whose frames are referenced by their numbers."""
NOT_DICOM = "The source images are not DICOM, so none is referenced."
SAME = 1e-4
"""Difference of the direction of rows or columns, and of the spacing in mm, up to which slices share one orientation."""


@dataclass(frozen=True, eq=False)
class SourceGroup:
    """Slices that can be in one object: of one study, one frame of reference, one size and one orientation.

    members: numbers of the slices in the stack, in their order along their normal. images: a stand-in for each of them, with its geometry.
    sources: by the instance UID of the stand-in; None where the slice does not come from a DICOM image.
    """

    members: tuple[int, ...]
    images: tuple[Dataset, ...]
    sources: Mapping[str, SliceSource | None]

    @property
    def is_dicom(self) -> bool:
        return all(one is not None for one in self.sources.values())


def source_groups(stack: SliceStack, identity: Mapping[str, str] | None) -> list[SourceGroup]:
    """The largest parallel group first.

    identity: attributes of patient and study by keyword, to be copied; None makes a pseudonymous patient.
    """
    from pydicom.uid import generate_uid

    made_up = {"study": generate_uid(), "frame": generate_uid()}
    groups: dict[tuple, list[int]] = {}
    for number in (number for parallel in stack.parallel_groups() for number in parallel):
        one = stack.slices[number]
        source = known_source(one)
        owner = (source.study_uid, source.frame_of_reference_uid) if source else (made_up["study"], made_up["frame"])
        alike = (key for key in groups if key[:2] == (owner, one.pixels.shape) and _same_orientation(stack.slices[key[2]], one))
        key = next(alike, (owner, one.pixels.shape, number))
        groups.setdefault(key, []).append(number)
    return [_group(stack, members, key[0], identity) for key, members in groups.items()]


def known_source(one: Slice) -> SliceSource | None:
    """The DICOM image of a slice, if it can be referenced."""
    source = one.source
    if source is None or not all((source.study_uid, source.series_uid, source.sop_class_uid, source.sop_instance_uid)):
        return None
    return source


def evidence_of(stack: SliceStack, identity: Mapping[str, str] | None) -> list[Dataset]:
    """A header for each DICOM image of a stack, for documents that name what they rest on."""
    from pydicom.dataset import Dataset

    found = {}
    for source in (source for source in map(known_source, stack) if source is not None):
        one = Dataset()
        _describe_patient(one, source.study_uid, identity)
        one.SeriesInstanceUID, one.SOPClassUID, one.SOPInstanceUID = source.series_uid, source.sop_class_uid, source.sop_instance_uid
        one.Modality = "MR"
        found[source.sop_instance_uid] = one
    return list(found.values())


def reference_sources(dataset: Dataset, sources: Mapping[str, SliceSource | None]) -> None:
    """Replace the references to stand-ins by those to their images, with frame numbers for multi-frame files; none is left to an image
    that does not exist."""
    for element in [one for one in dataset if one.VR == "SQ"]:
        if element.keyword == "ReferencedSeriesSequence":
            element.value = _by_series(element.value, sources)
        elif element.keyword == "SourceImageSequence":
            element.value = [one for one in (_pointed(item, sources) for item in element.value) if one is not None]
            if not len(element.value) and "DerivationCodeSequence" not in dataset:  # beside that it may be empty
                del dataset.SourceImageSequence
        else:
            for item in element.value:
                reference_sources(item, sources)
    if "ReferencedSeriesSequence" in dataset and not len(dataset.ReferencedSeriesSequence):
        del dataset.ReferencedSeriesSequence


def _by_series(items: Sequence[Dataset], sources: Mapping[str, SliceSource | None]) -> list[Dataset]:
    """References to whole images, by their own series: the stand-ins share one."""
    from pydicom.dataset import Dataset

    found: dict[str, dict[str, SliceSource]] = {}
    for instance in (instance for item in items for instance in item.ReferencedInstanceSequence):
        source = sources[str(instance.ReferencedSOPInstanceUID)]
        if source is not None:
            found.setdefault(source.series_uid, {})[source.sop_instance_uid] = source
    made = []
    for series, images in found.items():
        one = Dataset()
        one.SeriesInstanceUID, one.ReferencedInstanceSequence = series, []
        for source in images.values():
            image = Dataset()
            image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = source.sop_class_uid, source.sop_instance_uid
            one.ReferencedInstanceSequence.append(image)
        made.append(one)
    return made


def _pointed(item: Dataset, sources: Mapping[str, SliceSource | None]) -> Dataset | None:
    """A reference to the image of a stand-in; None where there is none. A new item, since highdicom has the same one in two places."""
    source = sources[str(item.ReferencedSOPInstanceUID)]
    if source is None:
        return None
    found = deepcopy(item)
    found.ReferencedSOPClassUID, found.ReferencedSOPInstanceUID = source.sop_class_uid, source.sop_instance_uid
    if source.frame > 1 or source.sop_class_uid in MULTI_FRAME:
        found.ReferencedFrameNumber = source.frame
    return found


def pseudonym_of(study_uid: str) -> str:
    """Of the patient: the same for all objects of a study."""
    return f"cardioscar-{hashlib.sha256(study_uid.encode()).hexdigest()[:10]}"


def _same_orientation(one: Slice, other: Slice) -> bool:
    return bool(np.allclose([one.row_step, one.column_step], [other.row_step, other.column_step], rtol=0, atol=SAME))


def _group(stack: SliceStack, members: Sequence[int], owner: tuple[str, str], identity: Mapping[str, str] | None) -> SourceGroup:
    from pydicom.uid import generate_uid

    normal = stack.slices[members[0]].normal
    members = sorted(members, key=lambda number: float(stack.slices[number].center @ normal))
    slices = [stack.slices[number] for number in members]
    series = generate_uid()  # highdicom takes images of one series only
    images = [_stand_in(one, slices[0], owner, series, identity, number) for number, one in enumerate(slices, 1)]
    sources = {str(image.SOPInstanceUID): known_source(one) for image, one in zip(images, slices, strict=True)}
    return SourceGroup(tuple(members), tuple(images), sources)


def _stand_in(one: Slice, first: Slice, owner: tuple[str, str], series: str, identity: Mapping[str, str] | None, number: int) -> Dataset:
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    _describe_patient(image, owner[0], identity)
    image.FrameOfReferenceUID = owner[1] or generate_uid()
    image.PositionReferenceIndicator = ""
    image.SeriesInstanceUID = series
    image.SOPClassUID, image.SOPInstanceUID, image.InstanceNumber, image.Modality = MR_IMAGE, generate_uid(), number, "MR"
    image.Rows, image.Columns = one.pixels.shape
    image.ImagePositionPatient = _decimals(one.origin)
    image.ImageOrientationPatient = _decimals([*first.column_step / first.spacing[1], *first.row_step / first.spacing[0]])
    image.PixelSpacing, image.SliceThickness = _decimals(first.spacing), _decimals([one.thickness])[0]
    return image


def _describe_patient(dataset: Dataset, study_uid: str, identity: Mapping[str, str] | None) -> None:
    for keyword in ("PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate", "StudyTime"):
        setattr(dataset, keyword, "")
    dataset.ReferringPhysicianName, dataset.StudyInstanceUID = "", study_uid
    if identity is None:
        dataset.PatientID = pseudonym_of(study_uid)
        dataset.PatientName = f"{dataset.PatientID}^"
        dataset.PatientIdentityRemoved, dataset.DeidentificationMethod = "YES", "CardioScar copied no attributes of the patient"
        return
    for keyword, value in identity.items():
        setattr(dataset, keyword, value)


def _decimals(values: Iterable[float]) -> list[str]:
    """Numbers in the 16 characters that DICOM allows."""
    from pydicom.valuerep import format_number_as_ds

    return [format_number_as_ds(float(one) + 0.0) for one in values]
