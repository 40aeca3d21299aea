"""What Slicer's DICOM database knows about a volume."""

from __future__ import annotations

import slicer

SLICE_THICKNESS_TAG = "0018,0050"


def dicomSliceThickness(volumeNode) -> float | None:
    """mm, of the first instance a volume was made of; None if it does not come from DICOM or nobody knows."""
    instances = (volumeNode.GetAttribute("DICOM.instanceUIDs") or "").split()
    database = getattr(slicer, "dicomDatabase", None)  # not there when Slicer runs without its DICOM module
    if not instances or database is None:
        return None
    file = database.fileForInstance(instances[0])
    try:
        thickness = float(database.fileValue(file, SLICE_THICKNESS_TAG)) if file else 0.0
    except ValueError:
        return None
    return thickness if thickness > 0 else None
