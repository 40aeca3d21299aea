"""A case of a cohort as a scene that opens in Slicer."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import slicer
from vtk.util.numpy_support import vtk_to_numpy

from CardioScarLib.cohort import CohortCase
from CardioScarLib.core.errors import UnwritableOutput
from CardioScarLib.core.result import Result
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.io.results import Targets, read_result
from CardioScarLib.reconstruction.posteriors import POSTERIORS
from CardioScarMRML.audits import aboutOf, writeAudit
from CardioScarMRML.phantoms import addModelNode, addVolumeNode
from CardioScarMRML.places import placeOf
from CardioScarMRML.reading import RAS_TO_LPS, describeReading, stackFromVolumeNode
from CardioScarMRML.results import writeResult
from CardioScarMRML.translation import tr as _


def saveCaseScene(case: CohortCase, output: Path) -> None:
    """Save `<case>.mrb` beside the map of a case, with the LGE volume, the model with its map, and the table; unless it is there
    and up to date.

    The scene of the application is cleared for it. The volume is left out if its slices are not parallel, equally
    spaced and of one size.

    :param output: of the map, see `CardioScarLib.io.results`.
    :raises UnwritableOutput: the scene could not be saved.
    """
    path = output.with_name(f"{case.name}.mrb")
    if path.is_file() and path.stat().st_mtime >= Targets(output).record.stat().st_mtime:
        return
    result = read_result(output, POSTERIORS)
    scene = _emptyScene()
    stack = result.case.stack
    volumeNode = addVolumeNode(scene, stack, f"{case.name} LGE") if _isRegular(stack) else None
    modelNode = addModelNode(scene, _inRas(result), f"{case.name} LV wall")
    writeResult(modelNode, result, lgeVolumeNode=volumeNode)
    if result.audit is not None:
        inScene = stack if volumeNode is None else stackFromVolumeNode(volumeNode)  # numbers its slices as the panel does
        scarFrom = "segment" if result.case.scar is not None else "intensities" if result.case.shares is None else "network"
        reading = describeReading(inScene, scarFrom)
        writeAudit(modelNode, result.audit, aboutOf(result.settings, reading, placeOf(inScene, result.case.wall)))
    with tempfile.TemporaryDirectory(prefix=".cardioscar-", dir=path.parent) as temporary:
        partial = Path(temporary, path.name)
        if not scene.WriteToMRB(str(partial)) or not partial.is_file():
            raise UnwritableOutput(_("{file} could not be saved; is the disk full?").format(file=path.name))
        os.replace(partial, path)
    scene.Clear(False)


def _emptyScene():
    """The application's, or outside it a new one with the logics that a result needs."""
    if getattr(slicer, "mrmlScene", None) is None:
        slicer.mrmlScene = slicer.vtkMRMLScene()
        slicer.mrmlScene.RegisterNodeClass(slicer.vtkMRMLColorLegendDisplayNode())
    slicer.mrmlScene.Clear(False)
    return slicer.mrmlScene


def _isRegular(stack: SliceStack) -> bool:
    if len(stack) < 2 or len({one.pixels.shape for one in stack}) > 1:
        return False
    steps = np.diff([one.origin for one in stack], axis=0)
    axes = [np.ravel([one.row_step, one.column_step]) for one in stack]
    return bool(np.allclose(steps, steps[0], atol=1e-3) and np.allclose(axes, axes[0], atol=1e-4))


def _inRas(result: Result):
    """The data set of the map's mesh file with the points of its wall, LPS mm, brought to RAS."""
    dataset = result.case.mesh.dataset
    mesh = dataset.NewInstance()
    mesh.DeepCopy(dataset)
    points = vtk_to_numpy(mesh.GetPoints().GetData())
    points[:] = result.case.wall.nodes @ RAS_TO_LPS[:3, :3]
    mesh.Modified()
    return mesh
