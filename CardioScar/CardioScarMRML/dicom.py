"""What Slicer's DICOM database knows about a volume."""

from __future__ import annotations

from collections.abc import Sequence

import slicer

from CardioScarLib.core.slices import SliceSource

SLICE_THICKNESS_TAG = "0018,0050"
OF_ALL_SLICES = {"study_uid": "0020,000d", "series_uid": "0020,000e", "sop_class_uid": "0008,0016", "frame_of_reference_uid": "0020,0052"}
"""Tags of the identifiers that all slices of a volume have in common."""


def dicomSources(volumeNode, count: int) -> Sequence[SliceSource | None]:
    """The DICOM image of each of a volume's slices, in the order of k; None where the volume's instances are not its slices.

    What only the files tell is left empty where the database does not have them.
    """
    instances = _instances(volumeNode)
    if len(instances) != count:
        return [None] * count
    database = getattr(slicer, "dicomDatabase", None)
    file = database.fileForInstance(instances[0]) if database is not None else ""
    known = {name: database.fileValue(file, tag) for name, tag in OF_ALL_SLICES.items()} if file else {}
    return [SliceSource(**known, sop_instance_uid=one) for one in instances]


def dicomSliceThickness(volumeNode) -> float | None:
    """mm, of the first instance a volume was made of; None if it does not come from DICOM or nobody knows."""
    instances = _instances(volumeNode)
    database = getattr(slicer, "dicomDatabase", None)  # not there when Slicer runs without its DICOM module
    if not instances or database is None:
        return None
    file = database.fileForInstance(instances[0])
    try:
        thickness = float(database.fileValue(file, SLICE_THICKNESS_TAG)) if file else 0.0
    except ValueError:
        return None
    return thickness if thickness > 0 else None


def _instances(volumeNode) -> list[str]:
    """Unique identifiers of the instances that a volume was loaded from, in the order of its slices."""
    return (volumeNode.GetAttribute("DICOM.instanceUIDs") or "").split()
