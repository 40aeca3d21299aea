"""Results onto model nodes."""

from __future__ import annotations

import json
import re
from itertools import chain, count
from typing import TYPE_CHECKING

import numpy as np
from vtk.util.numpy_support import numpy_to_vtk

from CardioScarLib.core.errors import BadSettings, BadWall
from CardioScarLib.core.quantity import Quantity
from CardioScarMRML.translation import tr as _

if TYPE_CHECKING:
    from CardioScarLib.core.result import Reconstruction

MAP_ARRAYS = ("scar_probability", "scar_uncertainty", "scar_observed", "scar_binary")
"""Point arrays of a scar map, see `CardioScarLib.core.result`."""
FIELD_ARRAY = "scar_field"
"""Array in the field data of a mesh, see `CardioScarMRML.fields`."""
ATTRIBUTES = ("Provenance", "Summary", "Quantities", "Arrays", "Log", "Threshold", "Audit", "Numbers")
"""Attributes of a model with a scar map, as `CardioScar.<name>`."""
OLD_ATTRIBUTES = ("Settings", "Run", "Notes")
"""What version 0.1 wrote and `Provenance` holds now."""
SUFFIX = re.compile(r"_?[A-Za-z0-9][A-Za-z0-9_-]{0,30}")


def writeReconstruction(modelNode, reconstruction: Reconstruction, log: str = "") -> None:
    """Put the arrays of a `Reconstruction` on the mesh of a model node, and what is to be known about them into attributes.

    Arrays of an earlier run go, all others stay; the points are not touched. Attributes: `CardioScar.Provenance`,
    `CardioScar.Summary` and `CardioScar.Quantities` (JSON), `CardioScar.Log` (lines), `CardioScar.Arrays` (names),
    `CardioScar.Threshold` (of `scar_binary`; not there without it).
    """
    from CardioScarLib.core.provenance import plain  # takes scipy, which Slicer's start can do without

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
        "Provenance": json.dumps(reconstruction.provenance.as_dict()),
        "Summary": json.dumps(plain(reconstruction.summary)),
        "Arrays": " ".join(arrays),
        "Log": log,
        "Threshold": None if threshold is None else f"{threshold:g}",
        **dict.fromkeys(OLD_ATTRIBUTES),
    }.items():
        modelNode.SetAttribute(f"CardioScar.{name}", text)
    writeQuantities(modelNode, reconstruction.quantities)
    mesh.Modified()  # the only event that makes views look at the arrays again


def writeQuantities(modelNode, quantities: tuple[Quantity, ...]) -> None:
    modelNode.SetAttribute("CardioScar.Quantities", json.dumps({one.name: one.as_dict() for one in quantities}))


def quantitiesOf(modelNode) -> tuple[Quantity, ...]:
    """The numbers of the map on a model; none where there is no map."""
    text = modelNode.GetAttribute("CardioScar.Quantities") if modelNode is not None else None
    return tuple(Quantity.from_dict(name, values) for name, values in json.loads(text or "{}").items())


def scarArrays(modelNode) -> list[str]:
    """Names of the point arrays that the last run has left on a model, or that came with its file from another run."""
    listed = (modelNode.GetAttribute("CardioScar.Arrays") or "").split()
    pointData = modelNode.GetMesh().GetPointData() if modelNode.GetMesh() is not None else None
    found = [name for name in MAP_ARRAYS if pointData is not None and pointData.HasArray(name)]
    return list(dict.fromkeys([*listed, *found]))


def hasMap(modelNode) -> bool:
    """Whether a model shows a scar map."""
    mesh = modelNode.GetMesh() if modelNode is not None else None
    return mesh is not None and bool(mesh.GetPointData().HasArray("scar_probability"))


def keepEarlier(modelNode, suffix: str) -> str:
    """Rename the arrays, the field and the attributes of the last run, so that the next one does not replace them.

    :return: the suffix they got: the first that is free of this one and this one with 2, 3, ...
    :raises BadSettings: see `checkSuffix`.
    """
    checkSuffix(suffix)
    pointData, fieldData = modelNode.GetMesh().GetPointData(), modelNode.GetMesh().GetFieldData()
    kept = [name for name in scarArrays(modelNode) if pointData.HasArray(name)]
    suffixes = chain([suffix], (f"{suffix}{number}" for number in count(2)))
    suffix = next(one for one in suffixes if not any(pointData.HasArray(name + one) for name in kept))
    for name in kept:
        pointData.GetArray(name).SetName(name + suffix)
    if fieldData.HasArray(FIELD_ARRAY):
        fieldData.GetArray(FIELD_ARRAY).SetName(FIELD_ARRAY + suffix)
    for name in (*ATTRIBUTES, *OLD_ATTRIBUTES):
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
        raise BadSettings(
            _("The suffix '{suffix}' cannot be used in names of arrays; take letters, digits, - and _, such as _earlier.").format(
                suffix=suffix
            )
        )


def checkPoints(modelNode, number: int) -> None:
    """Raise BadWall if a model no longer has the points that a result is for."""
    found = modelNode.GetMesh().GetNumberOfPoints() if modelNode.GetMesh() is not None else 0
    if found != number:
        raise BadWall(
            _("The LV model had {number} points when the run started and has {found} now; nothing was written. Run it again.").format(
                number=number, found=found
            )
        )
