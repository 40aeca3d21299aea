"""A case of a batch as a scene that opens in Slicer."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import numpy as np
import slicer
from CardioScarLib.batch.task import REPORT
from CardioScarLib.runner.reconstruction import StoredReconstruction
from vtk.util.numpy_support import vtk_to_numpy

from CardioScarLib.core.errors import UnwritableOutput
from CardioScarLib.core.settings import ReconstructionSettings
from CardioScarLib.io.images import read_stack
from CardioScarLib.io.meshes import read_wall
from CardioScarMRML.audits import aboutOf, writeAudit
from CardioScarMRML.phantoms import addModelNode, addVolumeNode
from CardioScarMRML.places import placeOf
from CardioScarMRML.reading import RAS_TO_LPS, describeReading, stackFromVolumeNode
from CardioScarMRML.results import writeResult


def saveCaseScene(case, folder: Path) -> None:
    """Save `<folder>/<case>.mrb` with the LGE volume, the model with its map, and the table; unless it is there and up to date.

    The scene of the application is cleared for it. The volume is left out if its slices are not parallel, equally
    spaced and of one size.

    :raises UnwritableOutput: the scene could not be saved.
    """
    path, reportPath = folder / f"{case.name}.mrb", folder / REPORT
    if path.is_file() and path.stat().st_mtime >= reportPath.stat().st_mtime:
        return
    report = json.loads(reportPath.read_text(encoding="utf-8"))
    scene = _emptyScene()
    stack = read_stack([case.volume], thickness=report["reading"]["slice_thickness"])
    volumeNode = addVolumeNode(scene, stack, f"{case.name} LGE") if _isRegular(stack) else None
    meshFile = read_wall(folder / Path(report["outputs"][0]).name)
    modelNode = addModelNode(scene, _inRas(meshFile), f"{case.name} LV wall")
    stored = _stored(report, meshFile.dataset)
    writeResult(modelNode, meshFile.wall, stored, _runRecord(report), "", volumeNode)
    if "audit" in report["summary"]:
        inScene = stack if volumeNode is None else stackFromVolumeNode(volumeNode)  # numbers its slices as the panel does
        reading = describeReading(inScene, report["reading"]["mask"])
        about = aboutOf(stored.settings, reading, placeOf(inScene, meshFile.wall))
        writeAudit(modelNode, report["summary"]["audit"], about, _runRecord(report))
    with tempfile.TemporaryDirectory(prefix=".cardioscar-", dir=folder) as temporary:
        partial = Path(temporary, path.name)
        if not scene.WriteToMRB(str(partial)) or not partial.is_file():
            raise UnwritableOutput(f"{path.name} could not be saved; is the disk full?")
        os.replace(partial, path)
    scene.Clear(False)


def _emptyScene():
    """The application's, or outside it a new one with the logics that a result needs."""
    if getattr(slicer, "mrmlScene", None) is None:
        slicer.mrmlScene = slicer.vtkMRMLScene()
        slicer.mrmlScene.RegisterNodeClass(slicer.vtkMRMLColorLegendDisplayNode())
    slicer.mrmlScene.Clear(False)
    return slicer.mrmlScene


def _isRegular(stack) -> bool:
    if len(stack) < 2 or len({one.pixels.shape for one in stack}) > 1:
        return False
    steps = np.diff([one.origin for one in stack], axis=0)
    axes = [np.ravel([one.row_step, one.column_step]) for one in stack]
    return bool(np.allclose(steps, steps[0], atol=1e-3) and np.allclose(axes, axes[0], atol=1e-4))


def _inRas(meshFile):
    """The data set of a mesh file with the points of its wall, LPS mm, brought to RAS."""
    mesh = meshFile.dataset.NewInstance()
    mesh.DeepCopy(meshFile.dataset)
    points = vtk_to_numpy(mesh.GetPoints().GetData())
    points[:] = meshFile.wall.nodes @ RAS_TO_LPS[:3, :3]
    mesh.Modified()
    return mesh


def _stored(report: dict, dataset) -> StoredReconstruction:
    settings = ReconstructionSettings.from_dict(report["settings"])
    pointData = dataset.GetPointData()
    names = ("scar_probability", "scar_uncertainty", "scar_observed", "scar_binary")
    arrays = {name: np.array(vtk_to_numpy(pointData.GetArray(name))) for name in names if pointData.HasArray(name)}
    return StoredReconstruction(arrays, settings, report["summary"], tuple(report["notes"]), report["seconds"], report)


def _runRecord(report: dict) -> dict:
    return {name: report[name] for name in ("versions", "platform", "started", "seconds", "inputs")}
