"""Attributes of patient and study from the source images, for objects that are to lie beside them in an archive."""

from __future__ import annotations

from pathlib import Path

from CardioScarLib.core.errors import OtherCase
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.io.apart import apart
from CardioScarLib.io.dicom import list_series
from CardioScarLib.io.dicom_export.sources import known_source
from CardioScarLib.io.dicom_headers import memory_of_dicom

KEYWORDS = (
    "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate", "StudyTime",
    "ReferringPhysicianName",
)  # fmt: skip


def find_identity(folder: Path, stack: SliceStack) -> dict[str, str]:
    """The attributes by keyword, of the images that the slices were read from. Raises OtherCase where one of them is not in the folder.

    Files are compared by their identifiers, so it does not matter where they lie now.
    """
    wanted = {source.sop_instance_uid for source in map(known_source, stack) if source is not None}
    series, _ = list_series(folder)
    paths = {frame.source.sop_instance_uid: frame.path for one in series for each in one.passes for frame in each}
    missing = wanted - set(paths)
    if missing or not wanted:
        share = (
            f"{len(missing)} of the {len(wanted)} source images of the map are not" if wanted else "The map was not made from DICOM images"
        )
        end = " in that folder; give the folder that holds them all" if wanted else ""
        raise OtherCase(f"{share}{end}, or leave out --identity-from, which gives a pseudonymous patient.")
    found = [read_identity(paths[uid]) for uid in sorted(wanted)]
    if any(one["PatientID"] != found[0]["PatientID"] for one in found):
        raise OtherCase("The source images of the map belong to several patients; leave out --identity-from.")
    return found[0]


@apart(dict[str, str], memory_of_dicom)
def read_identity(path: Path) -> dict[str, str]:
    """The attributes of one DICOM file; empty where the file has none."""
    import pydicom

    dataset = pydicom.dcmread(path, stop_before_pixels=True, force=True)
    return {name: str(dataset.get(name) or "") for name in KEYWORDS}
