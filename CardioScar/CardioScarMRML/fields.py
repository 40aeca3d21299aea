"""The field of a scar map, kept with the model that shows the map: audit and advice start from it instead of fitting again.

It is an array of bytes in the field data of the mesh, where a saved scene, a mesh file, a copy and the removal of the model take
it along; as text in an attribute it would make the scene's XML several times as large.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from CardioScarLib.core.errors import OtherCase, UnreadableFile
from CardioScarLib.core.settings import ReconstructionSettings
from CardioScarMRML.translation import tr as _
from CardioScarMRML.writing import FIELD_ARRAY, scarArrays

if TYPE_CHECKING:
    from CardioScarLib.core.case import Case
    from CardioScarLib.core.result import Result


def writeField(modelNode, result: Result) -> None:
    """Keep the field of a map, instead of an earlier one.

    A field without uncertainty is left out: nothing starts from it, and it would hold the pixels of the slices.
    """
    from CardioScarLib.io.results import field_bytes
    from CardioScarLib.reconstruction.posteriors import POSTERIORS

    fieldData = modelNode.GetMesh().GetFieldData()
    fieldData.RemoveArray(FIELD_ARRAY)
    if not result.posterior.has_spread:
        return
    array = numpy_to_vtk(np.frombuffer(field_bytes(result, POSTERIORS, keep_names=True), dtype=np.uint8), deep=True)
    array.SetName(FIELD_ARRAY)
    fieldData.AddArray(array)


def resultOf(modelNode, case: Case) -> Result | None:
    """The result whose map a model shows; None where its field was not kept.

    :param case: what the map was made from, read from its nodes as they are now.
    :raises OtherCase: the map was made from something else.
    :raises UnreadableFile: the field is damaged, or of another version.
    """
    mesh = modelNode.GetMesh() if modelNode is not None else None
    array = mesh.GetFieldData().GetArray(FIELD_ARRAY) if mesh is not None else None
    if array is None:
        return None
    from CardioScarLib.io.results import result_from_bytes
    from CardioScarLib.reconstruction.posteriors import POSTERIORS

    pointData = mesh.GetPointData()
    arrays = {name: vtk_to_numpy(pointData.GetArray(name)).copy() for name in scarArrays(modelNode) if pointData.HasArray(name)}
    return result_from_bytes(vtk_to_numpy(array).astype(np.uint8).tobytes(), case, arrays, POSTERIORS)


def shownResult(modelNode, case: Case) -> Result:
    """The result whose map a model shows, whatever is chosen for the next one.

    :raises OtherCase: slices or model are not those that the map was made from.
    :raises UnreadableFile: the field of the map was not kept with the model, or is damaged.
    """
    result = resultOf(modelNode, case)
    if result is None:
        raise UnreadableFile(
            _("The field of the map was not kept with the model, as for models without uncertainty; compute a map with the model Field.")
        )
    return result


def resultFor(modelNode, case: Case, settings: ReconstructionSettings) -> Result | None:
    """The result that a model shows, if it is what a run on this case with these settings would give; else None.

    :param settings: those that the field does not depend on make no difference, as they make none to audit and advice.
    """
    try:
        result = resultOf(modelNode, case)
    except (OtherCase, UnreadableFile):
        return None
    return None if result is None or result.settings.of_field() != settings.of_field() else result
