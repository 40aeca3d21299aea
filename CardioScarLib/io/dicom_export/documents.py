"""Numbers as a DICOM structured report (TID 1500), and the report on paper as an encapsulated PDF."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from CardioScarLib.core.quantity import Quantity
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.version import __version__
from CardioScarLib.io.dicom_export.maps import EQUIPMENT, FIRST_SERIES, LEFT_VENTRICLE, OWN_CODES, UTF_8
from CardioScarLib.io.dicom_export.sources import MULTI_FRAME, NOT_DICOM, evidence_of, known_source

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

UNITS = {"mL": ("mL", "milliliter"), "g": ("g", "gram"), "%": ("%", "percent"), "mm": ("mm", "millimeter")}
"""Codes of UCUM and what they mean."""
UNCERTAINTIES = ("371886008", "371885007")
"""Codes of the ranges of upper and lower measurement uncertainty (SCT)."""
LONGEST_MEANING = 64
PDF_CLASS = "1.2.840.10008.5.1.4.1.1.104.1"


def measurement_report(
    parts: Mapping[str, Sequence[Quantity]],
    caveats: Sequence[str],
    stack: SliceStack,
    identity: Mapping[str, str] | None,
    made: Sequence[Dataset],
    number: int,
) -> Dataset:
    """A Comprehensive 3D SR by TID 1500: one group of measurements per part of the wall.

    An interval is told as TID 310 has it, by how far it reaches above and below the value, in the unit of the value; its level, the
    method and the threshold stand beside it as parameters of the algorithm.

    parts: numbers by the name of the part, such as "LV wall". caveats: sentences on all of them, told with every part. stack: the slices,
    whose images every group names where they are DICOM. identity: as of `source_groups`. made: objects of the same export, which the
    report names as evidence, too. number: of the series, from 0.
    """
    from highdicom import UID
    from highdicom.sr import (
        Comprehensive3DSR,
        DeviceObserverIdentifyingAttributes,
        MeasurementReport,
        ObservationContext,
        ObserverContext,
    )
    from pydicom.sr.codedict import codes

    observer = ObserverContext(
        codes.DCM.Device, DeviceObserverIdentifyingAttributes(uid=UID(), name="CardioScar", model_name=f"CardioScar {__version__}")
    )
    groups = [_group(part, quantities, caveats, stack) for part, quantities in parts.items()]
    content = MeasurementReport(
        observation_context=ObservationContext(observer_device_context=observer),
        procedure_reported=_code("363679005", "SCT", "Imaging"),
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
    )
    report = Comprehensive3DSR(
        evidence=[*evidence_of(stack, identity), *made],
        content=content[0],
        series_instance_uid=UID(),
        series_number=FIRST_SERIES + number,
        sop_instance_uid=UID(),
        instance_number=1,
        manufacturer=EQUIPMENT["manufacturer"],
        is_complete=True,
        series_description="Scar measurements (research use only)",
    )
    report.SpecificCharacterSet = UTF_8
    return report


def encapsulated_pdf(pdf: bytes, header: Dataset, number: int) -> Dataset:
    """A PDF in DICOM, with the patient and the study of an object of the same export."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

    made, now = Dataset(), datetime.now()
    made.SpecificCharacterSet = UTF_8
    for keyword in (
        "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "PatientIdentityRemoved", "DeidentificationMethod",
        "StudyInstanceUID", "StudyID", "StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName",
    ):  # fmt: skip
        if keyword in header:
            setattr(made, keyword, header[keyword].value)
    made.SOPClassUID, made.SOPInstanceUID, made.SeriesInstanceUID = UID(PDF_CLASS), generate_uid(), generate_uid()
    # What the user's PDF names is not known, so it is taken to name the patient.
    made.Modality, made.ConversionType, made.BurnedInAnnotation = "DOC", "WSD", "YES"
    made.Manufacturer, made.ManufacturerModelName, made.SoftwareVersions = (
        EQUIPMENT[name] for name in ("manufacturer", "manufacturer_model_name", "software_versions")
    )
    made.SeriesNumber, made.InstanceNumber, made.SeriesDescription = FIRST_SERIES + number, 1, "Scar report (research use only)"
    made.ContentDate, made.ContentTime, made.AcquisitionDateTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S"), ""
    made.DocumentTitle, made.ConceptNameCodeSequence = "Scar report", []
    made.MIMETypeOfEncapsulatedDocument, made.EncapsulatedDocumentLength = "application/pdf", len(pdf)
    made.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    made.file_meta = FileMetaDataset()
    made.file_meta.MediaStorageSOPClassUID, made.file_meta.MediaStorageSOPInstanceUID = made.SOPClassUID, made.SOPInstanceUID
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return made


def _group(part: str, quantities: Sequence[Quantity], caveats: Sequence[str], stack: SliceStack) -> Any:
    from highdicom import UID
    from highdicom.sr import (
        AlgorithmIdentification,
        FindingSite,
        MeasurementsAndQualitativeEvaluations,
        QualitativeEvaluation,
        TrackingIdentifier,
    )

    images, not_dicom = _source_images(stack), None
    if not images:
        not_dicom = [QualitativeEvaluation(_code("SOURCE", OWN_CODES, "Source images"), _code("NOT_DICOM", OWN_CODES, NOT_DICOM))]
    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(UID(), part),
        algorithm_id=AlgorithmIdentification("CardioScar", __version__, [f"note: {one}" for one in caveats] or None),
        finding_sites=[FindingSite(_code(*LEFT_VENTRICLE))],
        measurements=[_measurement(one) for one in quantities],
        qualitative_evaluations=not_dicom,
        source_images=images,
    )


def _source_images(stack: SliceStack) -> list[Any] | None:
    from highdicom.sr import SourceImageForMeasurementGroup

    frames: dict[tuple[str, str], list[int]] = {}
    for source in (source for source in map(known_source, stack) if source is not None):
        of_image = frames.setdefault((source.sop_class_uid, source.sop_instance_uid), [])
        if source.frame > 1 or source.sop_class_uid in MULTI_FRAME:
            of_image.append(source.frame)
    return [SourceImageForMeasurementGroup(*image, numbers or None) for image, numbers in frames.items()] or None


def _measurement(one: Quantity) -> Any:
    from highdicom.sr import AlgorithmIdentification, Measurement, MeasurementProperties

    parameters = [f"method: {one.method}"]
    if one.threshold is not None:
        parameters.append(f"threshold: {one.threshold:g} on the local scar fraction")
    properties = None
    if one.low is not None and one.high is not None and one.level is not None:
        parameters.append(
            f"interval: {one.low:.6g} to {one.high:.6g} {one.unit}, which holds the true value with probability {one.level:g}"
        )
        # A mean of samples can lie beside their interval where most of them are 0.
        properties = MeasurementProperties(
            upper_measurement_uncertainty=max(one.high - one.value, 0.0), lower_measurement_uncertainty=max(one.value - one.low, 0.0)
        )
    unit = _unit(one.unit)
    made = Measurement(
        name=_code(one.name, OWN_CODES, one.label[:LONGEST_MEANING]),
        value=float(one.value),
        unit=unit,
        algorithm_id=AlgorithmIdentification("CardioScar", __version__, parameters),
        properties=properties,
    )
    for item in made[0].get("ContentSequence", ()):
        # highdicom writes "no units" for them, although they are on the scale of the value.
        if item.ConceptNameCodeSequence[0].get("CodeValue") in UNCERTAINTIES:
            item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0] = unit
    return made


def _unit(unit: str) -> Any:
    if unit in UNITS:
        return _code(UNITS[unit][0], "UCUM", UNITS[unit][1])
    return _code("1" if not unit else f"{{{unit}}}", "UCUM", unit or "no units")


def _code(value: str, scheme: str, meaning: str) -> Any:
    from highdicom.sr import CodedConcept

    return CodedConcept(value, scheme, meaning)
