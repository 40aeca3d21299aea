"""Examples to try things out with, from files of the module; nothing is downloaded. Utilities/sample_files.py makes the files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import slicer

from CardioScarLib.core.errors import UnreadableFile
from CardioScarMRML.phantoms import addModelNode, addVolumeNode
from CardioScarMRML.placing import hideModels
from CardioScarMRML.slice_list import showVolume
from CardioScarMRML.translation import tr as _

RESOURCES = Path(__file__).resolve().parents[1] / "Resources"
PHANTOM, PSIR = RESOURCES / "SampleData" / "Phantom", RESOURCES / "SampleData" / "SunnybrookPSIR"
PSIR_THICKNESS = 5.0
"""mm; the file does not say it, the slices of this acquisition are contiguous."""
TRUTH_ARRAY = "true_scar_probability"
"""Of the phantom's wall: what a map of it should be."""
CATEGORY = "CardioScar"
SAMPLE_ATTRIBUTE = "CardioScar.Sample"
"""Attribute of the model of an example: which of `SAMPLES` it is."""


@dataclass(frozen=True)
class Sample:
    """title: in the Sample Data module. volume, model: files, with their SHA256. names: of the nodes. thickness: mm of a slice."""

    title: str
    thumbnail: Path
    volume: Path
    model: Path
    checksums: tuple[str, str]
    names: tuple[str, str]
    thickness: float


SAMPLES = {
    # A heart made by formula, with a channel of 3.5 mm through its scar.
    "phantom": Sample(
        "CardioScar phantom",
        RESOURCES / "Icons" / "SamplePhantom.png",
        PHANTOM / "phantom_lge.nrrd",
        PHANTOM / "phantom_lv_wall.vtu",
        (
            "37db7753dd8c900cdaa1919454ebe6de6534198c8d681bf539e0b3bd576b7ba3",
            "c9a468890bba21b0ea610d235786a2276b9dbe4912ce1e95594f143e5c4c9f73",
        ),
        ("Phantom LGE", "Phantom LV wall"),
        8.0,
    ),
    # A short-axis PSIR stack of a pig with an anteroseptal infarct, and its LV wall from contours placed by hand.
    "psir": Sample(
        "CardioScar pig PSIR",
        RESOURCES / "Icons" / "SamplePsir.png",
        PSIR / "lge_psir_sax.nii.gz",
        PSIR / "lv_wall.vtu",
        (
            "54661eef23ef161d8e61c806a8aae2e197c13582875dda9a905997760d4ce003",
            "16c80516d64bc20d0030808f4250464c38c45d952f7e0dd3462159d7158577c5",
        ),
        ("Pig PSIR LGE", "Pig LV wall"),
        PSIR_THICKNESS,
    ),
}


def addSample(scene, name: str = "phantom"):
    """Put an example into a scene, in which the walls of earlier ones are hidden.

    :param name: a key of SAMPLES.
    :return: (volume node, model node).
    :raises UnreadableFile: a file is missing or damaged; nothing is added then.
    """
    from CardioScarLib.io.images import read_stack

    sample = SAMPLES[name]
    for path, checksum in zip((sample.volume, sample.model), sample.checksums, strict=True):
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != checksum:
            raise UnreadableFile(_("The sample file {file} is missing or damaged; install CardioScar again.").format(file=path.name))
    volumeNode = addVolumeNode(scene, read_stack([sample.volume], thickness=sample.thickness), sample.names[0])
    read, storage = slicer.vtkMRMLModelNode(), slicer.vtkMRMLModelStorageNode()
    storage.SetFileName(str(sample.model))
    storage.ReadData(read)
    mesh = read.GetMesh().NewInstance()  # of its own: nodes that go still listen to their mesh
    mesh.ShallowCopy(read.GetMesh())
    hideModels(*(node for node in slicer.util.getNodesByClass("vtkMRMLModelNode", scene) if node.GetAttribute(SAMPLE_ATTRIBUTE)))
    modelNode = addModelNode(scene, mesh, sample.names[1])
    modelNode.SetAttribute(SAMPLE_ATTRIBUTE, name)
    return volumeNode, modelNode


def showSample(volumeNode) -> None:
    """Bring the slices into all slice views, in their own planes, and the model into the middle of the 3D views."""
    showVolume(volumeNode)
    layoutManager = slicer.app.layoutManager()
    if layoutManager is not None:  # there is none without a main window
        layoutManager.resetThreeDViews()


def registerSamples() -> None:
    """Offer the examples in Slicer's Sample Data module; call it when the application has started.

    Its button shows the example in all views; `SampleData.downloadSamples` in a script takes the files, and checks them.
    """
    import SampleData

    for name, sample in SAMPLES.items():
        SampleData.SampleDataLogic.registerCustomSampleDataSource(
            category=CATEGORY,
            sampleName=sample.title,
            uris=[sample.volume.as_uri(), sample.model.as_uri()],
            fileNames=[sample.volume.name, sample.model.name],
            nodeNames=list(sample.names),
            loadFileType=["VolumeFile", "ModelFile"],
            checksums=[f"SHA256:{checksum}" for checksum in sample.checksums],
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
