"""Perfusion on SPECT volumes, measured in a child process, and beside the scar map of an LV model."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import slicer
import vtk

from CardioScarLib.core.errors import BadSettings, BadStack
from CardioScarMRML.perfusion_nodes import writePerfusion
from CardioScarMRML.reading import RAS_TO_LPS, wallFromModelNode
from CardioScarMRML.run import CardioScarRun, startInChild
from CardioScarMRML.transforms import toWorldMatrix
from CardioScarMRML.translation import tr as _
from CardioScarMRML.writing import checkPoints

if TYPE_CHECKING:
    from CardioScarLib.core.perfusion_settings import PerfusionSettings, SpectSettings
    from CardioScarLib.core.result import Result
    from CardioScarLib.tasks.perfusion import ScanParts

MODEL = "model"
"""Perfusion along the LV model, brought to the scan, and not along the wall that a network finds."""


def measurePerfusion(spectVolumeNode, *arguments, **choices):
    """`startPerfusion`, and wait for the end.

    :return: what was measured, as of `CardioScarLib.perfusion.record.PerfusionRecord`.
    :raises CardioScarError: with a sentence for the user; the scene is untouched then.
    """
    return startPerfusion(spectVolumeNode, *arguments, **choices).wait()


def startPerfusion(
    spectVolumeNode,
    restVolumeNode=None,
    settings: PerfusionSettings | None = None,
    *,
    lvModelNode=None,
    result: Result | None = None,
    wall: str = "network",
    isRegistered: bool = False,
    finding: SpectSettings | None = None,
    weights: str = "spect-default",
    progressCallback=None,
    startJob: Callable = startInChild,
) -> CardioScarRun:
    """Measure perfusion on reconstructed SPECT slices in a child process; it needs PyTorch and MONAI.

    The run writes tables and a segmentation of the wall beside the SPECT volume, and with an LV model arrays onto it; see
    `CardioScarMRML.perfusion_nodes`.

    :param restVolumeNode: at rest; `spectVolumeNode` is then the one at stress.
    :param lvModelNode: the wall of the same heart, which is brought to the scans.
    :param result: of the scar map that this model shows; then classes of scar and perfusion are told, too.
    :param wall: "network" measures along the wall that a network finds, "model" along the LV model.
    :param isRegistered: the LV model lies on the scans already.
    :param weights: "spect-default", or a file of `cardioscar spect train`.
    :param progressCallback: called with a `CardioScarLib.runner.ProgressReport`; may raise
        `CardioScarLib.core.errors.Cancelled`.
    :param startJob: as for `CardioScarMRML.logic.CardioScarLogic`.
    :raises CardioScarError: for nodes that cannot be used, before anything starts.
    """
    from CardioScarLib.core.perfusion_settings import PerfusionSettings, SpectSettings
    from CardioScarLib.perfusion.report import GIVEN, NETWORK
    from CardioScarLib.tasks.perfusion import PerfusionTask

    if wall == MODEL and lvModelNode is None:
        raise BadSettings(_("Perfusion cannot be measured along the LV model without one; choose the LV model, or the network's wall."))
    if restVolumeNode is not None and restVolumeNode is spectVolumeNode:
        raise BadSettings(_("The SPECT volume at rest is the one at stress; choose another, or none."))
    nodes = {"scan": spectVolumeNode} if restVolumeNode is None else {"stress": spectVolumeNode, "rest": restVolumeNode}
    scans = {name: scanOf(node) for name, node in nodes.items()}
    other = wallFromModelNode(lvModelNode) if lvModelNode is not None and result is None else None
    task = PerfusionTask(
        scans,
        other,
        result,
        GIVEN if wall == MODEL else NETWORK,
        isRegistered,
        settings or PerfusionSettings(),
        finding or SpectSettings(),
        weights,
    )
    count = None if lvModelNode is None else lvModelNode.GetMesh().GetNumberOfPoints()

    def check() -> None:
        if any(node.GetScene() is None for node in (*nodes.values(), *([] if lvModelNode is None else [lvModelNode]))):
            raise BadStack(_("A SPECT volume or the LV model was removed while perfusion was measured; nothing was added."))
        for name, node in nodes.items():
            if node.GetImageData() is None or node.GetImageData().GetDimensions() != scans[name].counts.shape[:0:-1]:
                raise BadStack(_("A SPECT volume has got another image while perfusion was measured; nothing was added."))
        if count is not None:
            checkPoints(lvModelNode, count)

    return CardioScarRun(startJob(task), check, lambda found: writePerfusion(nodes, lvModelNode, found), progressCallback)


def scanOf(volumeNode) -> ScanParts:
    """Counts and place of a SPECT volume, in world LPS mm.

    :raises BadStack: no image with one finite number per voxel, or a transform that is no matrix.
    """
    from CardioScarLib.tasks.perfusion import ScanParts

    if volumeNode is None or not volumeNode.IsA("vtkMRMLScalarVolumeNode"):
        raise BadStack(_("No SPECT volume was given; choose a scalar volume of reconstructed slices."))
    name, image = volumeNode.GetName(), volumeNode.GetImageData()
    if image is None or image.GetNumberOfPoints() == 0:
        raise BadStack(_("The SPECT volume {name} has no image; load it again.").format(name=name))
    if image.GetNumberOfScalarComponents() != 1:
        raise BadStack(
            _("The SPECT volume {name} has several values per voxel; choose a scalar volume, of gated ones the sum.").format(name=name)
        )
    toWorld = toWorldMatrix(volumeNode)
    if toWorld is None:
        raise BadStack(_("The transform of the SPECT volume {name} bends it; harden it and resample the volume first.").format(name=name))
    ijkToRas = vtk.vtkMatrix4x4()
    volumeNode.GetIJKToRASMatrix(ijkToRas)
    matrix = RAS_TO_LPS @ toWorld @ slicer.util.arrayFromVTKMatrix(ijkToRas)
    counts = np.array(slicer.util.arrayFromVolume(volumeNode), dtype=np.float32)
    return ScanParts(counts[None], matrix, name)
