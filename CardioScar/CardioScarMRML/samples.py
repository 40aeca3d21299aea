"""Examples to try things out with, from files of the module or made on the spot; nothing is downloaded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import slicer
from slicer.i18n import tr as _
from vtk.util.numpy_support import numpy_to_vtk

from CardioScarLib.core.errors import UnreadableFile
from CardioScarMRML.phantoms import addModelNode, addPhantomNodes, addVolumeNode, gridFromWall
from CardioScarMRML.placing import hideModels
from CardioScarMRML.slice_list import showVolume

RESOURCES = Path(__file__).resolve().parents[1] / "Resources"
PSIR = RESOURCES / "SampleData" / "SunnybrookPSIR"
PSIR_IMAGE, PSIR_CONTOURS = PSIR / "lge_psir_sax.nii.gz", PSIR / "lv_contours.json"
PSIR_IMAGE_SHA256 = "54661eef23ef161d8e61c806a8aae2e197c13582875dda9a905997760d4ce003"
PSIR_THICKNESS = 5.0
"""mm; the file does not say it, the slices of this acquisition are contiguous."""
TRUTH_ARRAY = "true_scar_probability"
CATEGORY = "CardioScar"
SAMPLE_ATTRIBUTE = "CardioScar.Sample"
"""Attribute of the model of an example: which of `SAMPLES` it is."""


@dataclass(frozen=True)
class Sample:
    """title: in the Sample Data module. thumbnail: there. add: puts it into a scene, returns (volume node, model node)."""

    title: str
    thumbnail: Path
    add: Callable
    source: Path


def addSample(scene, name: str = "phantom"):
    """Put an example into a scene, in which the walls of earlier ones are hidden.

    :param name: a key of SAMPLES.
    :return: (volume node, model node).
    """
    volumeNode, modelNode = SAMPLES[name].add(scene)
    hideModels(*(node for node in slicer.util.getNodesByClass("vtkMRMLModelNode", scene) if node.GetAttribute(SAMPLE_ATTRIBUTE)))
    modelNode.SetAttribute(SAMPLE_ATTRIBUTE, name)
    return volumeNode, modelNode


def addPhantomSample(scene):
    """A heart made by formula, with a channel of 3.5 mm through its scar; the model knows the truth as `true_scar_probability`."""
    from CardioScarLib.phantom import phantom_case

    phantom = phantom_case("I3", seed=0, nodes=6000, pixel=2.0)  # larger pixels are made sooner
    volumeNode, modelNode = addPhantomNodes(scene, phantom)
    truth = numpy_to_vtk(phantom.truth.astype(np.float32), deep=True)
    truth.SetName(TRUTH_ARRAY)
    modelNode.GetMesh().GetPointData().AddArray(truth)
    return volumeNode, modelNode


def addPsirSample(scene):
    """A short-axis PSIR stack of a pig with an anteroseptal infarct, and its LV wall from contours placed by hand."""
    from CardioScarLib.io.contours import read_drawn_contours
    from CardioScarLib.io.images import read_stack
    from CardioScarLib.wall import build_wall, shape_from_contours

    if not PSIR_IMAGE.is_file() or hashlib.sha256(PSIR_IMAGE.read_bytes()).hexdigest() != PSIR_IMAGE_SHA256:
        raise UnreadableFile(f"The sample file {PSIR_IMAGE.name} is missing or damaged; install CardioScar again.")
    stack = read_stack([PSIR_IMAGE], thickness=PSIR_THICKNESS)
    built = build_wall(shape_from_contours(read_drawn_contours(PSIR_CONTOURS, stack)))
    return addVolumeNode(scene, stack, "Pig PSIR LGE"), addModelNode(scene, gridFromWall(built.wall), "Pig LV wall")


def showSample(volumeNode) -> None:
    """Bring the slices into all slice views, in their own planes, and the model into the middle of the 3D views."""
    showVolume(volumeNode)
    layoutManager = slicer.app.layoutManager()
    if layoutManager is not None:  # there is none without a main window
        layoutManager.resetThreeDViews()


SAMPLES = {
    "phantom": Sample("CardioScar phantom", RESOURCES / "Icons" / "SamplePhantom.png", addPhantomSample, Path(__file__)),
    "psir": Sample("CardioScar pig PSIR", RESOURCES / "Icons" / "SamplePsir.png", addPsirSample, PSIR_IMAGE),
}


def registerSamples() -> None:
    """Offer the examples in Slicer's Sample Data module; call it when the application has started."""
    import SampleData

    for name, sample in SAMPLES.items():
        SampleData.SampleDataLogic.registerCustomSampleDataSource(
            category=CATEGORY,
            sampleName=sample.title,
            uris=sample.source.as_uri(),
            fileNames=sample.source.name,
            nodeNames=sample.title,
            thumbnailFileName=str(sample.thumbnail),
            customDownloader=_Loader(name),
        )


class _Loader:
    """What the Sample Data module calls when its button is pressed; equal for the same sample, so that a reload adds no second one."""

    def __init__(self, name: str):
        self._name = name

    def __call__(self, source=None):
        with slicer.util.tryWithErrorDisplay(_("The example could not be loaded."), waitCursor=True):
            nodes = addSample(slicer.mrmlScene, self._name)
            showSample(nodes[0])
        return list(nodes)

    def __str__(self) -> str:
        return f"CardioScar {SAMPLES[self._name].title}"

    __repr__ = __str__
