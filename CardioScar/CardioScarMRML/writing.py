"""Results onto model nodes."""

from __future__ import annotations

import json
import re
from itertools import chain, count

import numpy as np
from vtk.util.numpy_support import numpy_to_vtk

import CardioScarLib
from CardioScarLib.core.errors import BadSettings, BadWall

PROVENANCE = ("Version", "Settings", "Summary", "Notes", "Arrays", "Run", "Log", "Threshold", "Audit")
"""Attributes of a model with a scar map, as `CardioScar.<name>`."""
SUFFIX = re.compile(r"_?[A-Za-z0-9][A-Za-z0-9_-]{0,30}")


def writeReconstruction(modelNode, reconstruction, run: dict | None = None, log: str = "") -> None:
    """Put the arrays of a `Reconstruction` on the mesh of a model node, and its provenance into node attributes.

    Arrays of an earlier run go, all others stay; the points are not touched. Node attributes: `CardioScar.Version`,
    `CardioScar.Settings`, `CardioScar.Summary` and `CardioScar.Run` (JSON), `CardioScar.Notes` and `CardioScar.Log`
    (lines), `CardioScar.Arrays` (names), `CardioScar.Threshold` (of `scar_binary`; not there without it).

    :param run: inputs, versions, times and what else is to be known about how the run went.
    """
    arrays = dict(reconstruction.arrays)
    checkPoints(modelNode, len(arrays["scar_probability"]))
    mesh = modelNode.GetMesh()
    pointData = mesh.GetPointData()
    for name in scarArrays(modelNode):
        pointData.RemoveArray(name)
    for name, values in arrays.items():
        array = numpy_to_vtk(np.ascontiguousarray(values), deep=True)
        array.SetName(name)
        pointData.AddArray(array)

    threshold = reconstruction.settings.threshold
    for name, text in {
        "Version": CardioScarLib.__version__,
        "Settings": json.dumps(reconstruction.settings.as_dict()),
        "Summary": json.dumps(reconstruction.summary, default=_plain),
        "Notes": "\n".join(reconstruction.notes),
        "Arrays": " ".join(arrays),
        "Run": json.dumps(run or {}, default=_plain),
        "Log": log,
        "Threshold": None if threshold is None else f"{threshold:g}",
    }.items():
        modelNode.SetAttribute(f"CardioScar.{name}", text)
    mesh.Modified()  # the only event that makes views look at the arrays again


def scarArrays(modelNode) -> list[str]:
    """Names of the point arrays that the last run has left on a model."""
    return (modelNode.GetAttribute("CardioScar.Arrays") or "").split()


def keepEarlier(modelNode, suffix: str) -> str:
    """Rename the arrays and the provenance of the last run, so that the next one does not replace them.

    :return: the suffix they got: the first that is free of this one and this one with 2, 3, ...
    :raises BadSettings: see `checkSuffix`.
    """
    checkSuffix(suffix)
    pointData = modelNode.GetMesh().GetPointData()
    kept = [name for name in scarArrays(modelNode) if pointData.HasArray(name)]
    suffixes = chain([suffix], (f"{suffix}{number}" for number in count(2)))
    suffix = next(one for one in suffixes if not any(pointData.HasArray(name + one) for name in kept))
    for name in kept:
        pointData.GetArray(name).SetName(name + suffix)
    for name in PROVENANCE:
        text = modelNode.GetAttribute(f"CardioScar.{name}")
        if text is not None:
            modelNode.SetAttribute(f"CardioScar.{name}{suffix}", text)
            modelNode.RemoveAttribute(f"CardioScar.{name}")
    if kept:
        modelNode.SetAttribute(f"CardioScar.Arrays{suffix}", " ".join(name + suffix for name in kept))
    return suffix


def checkSuffix(suffix: str) -> None:
    """Raise BadSettings unless names of arrays can have this suffix."""
    if not SUFFIX.fullmatch(suffix):
        raise BadSettings(f"The suffix '{suffix}' cannot be used in names of arrays; take letters, digits, - and _, such as _earlier.")


def checkPoints(modelNode, number: int) -> None:
    """Raise BadWall if a model no longer has the points that a result is for."""
    found = modelNode.GetMesh().GetNumberOfPoints() if modelNode.GetMesh() is not None else 0
    if found != number:
        raise BadWall(f"The LV model had {number} points when the run started and has {found} now; nothing was written. Run it again.")


def _plain(value):
    """Numpy scalars and arrays as JSON knows them."""
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else str(value)
