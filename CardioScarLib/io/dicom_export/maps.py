"""Maps and labels on the slices as DICOM images: Parametric Maps, and Segmentations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from CardioScarLib.core.version import __version__
from CardioScarLib.io.dicom_export.sources import NOT_DICOM, SourceGroup, reference_sources

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

OWN_CODES = "99CARDIOSCAR"
"""Coding scheme of what no public code means."""
EQUIPMENT = {
    "manufacturer": "CardioScar contributors",
    "manufacturer_model_name": "CardioScar",
    "software_versions": __version__,
    "device_serial_number": "none",
}
CREATOR = "CardioScar^"
"""Readers refuse Parametric Maps without one."""
LEFT_VENTRICLE = ("87878005", "SCT", "Left ventricle")
SCAR = ("12402003", "SCT", "Scar")
ABNORMAL = ("49755003", "SCT", "Morphologically abnormal structure")
UTF_8 = "ISO_IR 192"
FIRST_SERIES = 9001
"""Series numbers begin here, so that they follow those of the scanner."""


@dataclass(frozen=True)
class Segment:
    """label: for people. code: value, scheme and meaning of the kind of tissue."""

    label: str
    code: tuple[str, str, str]


CORE_SEGMENT = Segment("Scar core", ("SCAR_CORE", OWN_CODES, "Core of scar"))
BORDER_SEGMENT = Segment("Scar border zone", ("SCAR_BORDER_ZONE", OWN_CODES, "Border zone of scar"))
SCAR_SEGMENT = Segment("Scar probability", SCAR)


def parametric_map(group: SourceGroup, images: Sequence[np.ndarray], name: str, number: int) -> Dataset:
    """A Parametric Map of float32.

    images: (rows, columns) of each member of the group, 0..1, 0 outside the wall. name: "Scar probability" or "Scar uncertainty".
    number: of the series, from 0.
    """
    from highdicom import VOILUTTransformation
    from highdicom.pm import ParametricMap, RealWorldValueMapping
    from pydicom.dataset import Dataset

    mapping = RealWorldValueMapping(
        lut_label=name.split()[-1].upper(),
        lut_explanation=f"{name}: local scar fraction, 0 to 1",
        unit=_code("1", "UCUM", "no units"),
        value_range=(0.0, 1.0),
        slope=1.0,
        intercept=0.0,
        quantity_definition=_code(name.upper().replace(" ", "_"), OWN_CODES, name),
    )
    made = ParametricMap(
        list(group.images),
        np.stack(images).astype(np.float32),
        **_instance(number),
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[mapping],
        voi_lut_transformations=[VOILUTTransformation(window_center=0.5, window_width=1.0)],
        content_label=name.split()[-1].upper(),
        content_creator_name=CREATOR,
        content_description=f"{name}; 0 outside the wall is not healthy",
        series_description=f"{name} (research use only)",
    )
    # highdicom leaves it out, and readers that look for it crash.
    anatomy = Dataset()
    anatomy.FrameLaterality, anatomy.AnatomicRegionSequence = "U", [_code(*LEFT_VENTRICLE)]
    made.SharedFunctionalGroupsSequence[0].FrameAnatomySequence = [anatomy]
    return _finished(made, group)


def fractional_segmentation(group: SourceGroup, images: Sequence[np.ndarray], number: int) -> Dataset:
    """The scar probability as a fractional Segmentation in steps of 1/255; arguments as of `parametric_map`."""
    made = _segmentation(group, np.stack(images).astype(np.float32), "FRACTIONAL", [SCAR_SEGMENT], number, {"what": "local scar fraction"})
    return _finished(made, group)


def tissue_segmentation(
    group: SourceGroup, core: Sequence[np.ndarray], border_zone: Sequence[np.ndarray], thresholds: Sequence[float], number: int
) -> Dataset:
    """Core and border zone as the two segments of a binary Segmentation. core, border_zone: (rows, columns) bool of each member."""
    pixels = np.stack([np.stack(core), np.stack(border_zone)], axis=-1).astype(np.uint8)
    parameters = {"scale": "local scar fraction", "border_zone_from": f"{thresholds[0]:g}", "core_from": f"{thresholds[1]:g}"}
    return _finished(_segmentation(group, pixels, "BINARY", [CORE_SEGMENT, BORDER_SEGMENT], number, parameters), group)


def _segmentation(
    group: SourceGroup, pixels: np.ndarray, kind: str, segments: Sequence[Segment], number: int, parameters: dict[str, str]
) -> Any:
    from highdicom import AlgorithmIdentificationSequence
    from highdicom.seg import Segmentation, SegmentDescription

    algorithm = AlgorithmIdentificationSequence(
        "CardioScar", _code("FIELD", OWN_CODES, "Statistical model of the scar field"), __version__, parameters=parameters
    )
    described = [
        SegmentDescription(
            place, one.label, _code(*ABNORMAL), _code(*one.code), "AUTOMATIC", algorithm, anatomic_regions=[_code(*LEFT_VENTRICLE)]
        )
        for place, one in enumerate(segments, 1)
    ]
    what = " and ".join(one.label for one in segments)
    return Segmentation(
        list(group.images),
        pixels,
        kind,
        described,
        **_instance(number),
        omit_empty_frames=False,
        content_label="SCAR",
        content_creator_name=CREATOR,
        content_description=what,
        series_description=f"{what} (research use only)",
    )


def _instance(number: int) -> dict[str, Any]:
    from highdicom import UID

    return {
        "series_instance_uid": UID(),
        "series_number": FIRST_SERIES + number,
        "sop_instance_uid": UID(),
        "instance_number": 1,
        **EQUIPMENT,
    }


def _finished(made: Any, group: SourceGroup) -> Dataset:
    _order_frames(made, group)
    reference_sources(made, group.sources)
    made.BodyPartExamined, made.SpecificCharacterSet = "HEART", UTF_8
    if not group.is_dicom:
        made.ImageComments = NOT_DICOM
    return made


def _order_frames(made: Any, group: SourceGroup) -> None:
    """Put the frames of each segment into the order of the group, along the normal of rows and columns.

    highdicom has them the other way round; readers such as that of dcmqi take positions from the frames, but pixels in the order along
    the normal, and would turn a map upside down.
    """
    rank = {str(one.SOPInstanceUID): place for place, one in enumerate(group.images)}
    frames = list(made.PerFrameFunctionalGroupsSequence)
    places = [rank[str(one.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID)] for one in frames]
    keys = [(*_indices(one)[:-1], place) for one, place in zip(frames, places, strict=True)]  # the position comes last
    order = sorted(range(len(frames)), key=keys.__getitem__)
    for frame, (*before, place) in zip(frames, keys, strict=True):
        values = [*before, place + 1]
        frame.FrameContentSequence[0].DimensionIndexValues = values if before else values[0]
    made.PerFrameFunctionalGroupsSequence = [frames[number] for number in order]
    shape = (len(frames), made.Rows, made.Columns)
    if "FloatPixelData" in made:
        made.FloatPixelData = np.frombuffer(made.FloatPixelData, "<f4").reshape(shape)[order].tobytes()
        return
    stored = np.frombuffer(made.PixelData, np.uint8)
    if made.BitsAllocated == 1:
        bits = np.unpackbits(stored, bitorder="little")[: np.prod(shape)].reshape(shape)
        content = np.packbits(bits[order].ravel(), bitorder="little").tobytes()
    else:
        content = stored[: np.prod(shape)].reshape(shape)[order].tobytes()
    made.PixelData = content + b"\0" * (len(content) % 2)


def _indices(frame: Dataset) -> list[int]:
    values = frame.FrameContentSequence[0].DimensionIndexValues
    return [int(values)] if isinstance(values, int) else [int(one) for one in values]


def _code(value: str, scheme: str, meaning: str) -> Any:
    from highdicom.sr import CodedConcept

    return CodedConcept(value, scheme, meaning)
