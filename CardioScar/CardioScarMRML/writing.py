"""Results onto model nodes."""

from __future__ import annotations

import json

import numpy as np
from vtk.util.numpy_support import numpy_to_vtk

import CardioScarLib


def writeReconstruction(modelNode, reconstruction) -> None:
    """Put the arrays of a `Reconstruction` on the mesh of a model node, and its provenance into node attributes.

    Arrays of an earlier run go, all others stay; the points are not touched. Node attributes: `CardioScar.Version`,
    `CardioScar.Settings` and `CardioScar.Summary` (JSON), `CardioScar.Notes` (one per line), `CardioScar.Arrays`.
    """
    arrays = dict(reconstruction.arrays)
    mesh = modelNode.GetMesh()
    pointData = mesh.GetPointData()
    for name in (modelNode.GetAttribute("CardioScar.Arrays") or "").split():
        pointData.RemoveArray(name)
    for name, values in arrays.items():
        array = numpy_to_vtk(np.ascontiguousarray(values), deep=True)
        array.SetName(name)
        pointData.AddArray(array)

    for name, text in {
        "Version": CardioScarLib.__version__,
        "Settings": json.dumps(reconstruction.settings.as_dict()),
        "Summary": json.dumps(reconstruction.summary, default=_plain),
        "Notes": "\n".join(reconstruction.notes),
        "Arrays": " ".join(arrays),
    }.items():
        modelNode.SetAttribute(f"CardioScar.{name}", text)
    mesh.Modified()  # the only event that makes views look at the arrays again


def _plain(value):
    """Numpy scalars and arrays as JSON knows them."""
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else str(value)
