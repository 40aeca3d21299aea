"""Examples for a first try, and how Slicer's Sample Data module is told of them."""

import gc
import hashlib
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlparse
from urllib.request import url2pathname

import numpy as np
import pytest
import slicer
import vtk
from CardioScarMRML import CardioScarCase, samples, stackFromVolumeNode, wallFromModelNode
from node_values import map_on

import CardioScar
from CardioScar import CardioScarLogic
from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.geometry.check import geometry_doubts
from CardioScarLib.phantom import phantom_case


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_each_example_is_slices_that_cross_a_wall(a_scene, name):
    volume, model = CardioScarLogic().loadExample(name)
    stack, wall = stackFromVolumeNode(volume), wallFromModelNode(model)
    assert stack.notes == () and wall.kind == "volume"
    assert not geometry_doubts(stack, wall)
    assert volume.GetDisplayNode() is not None and model.GetDisplayNode() is not None
    # Faces that look inward would be drawn in another color, facet by facet.
    skin, outward = vtk.vtkGeometryFilter(), vtk.vtkMassProperties()
    skin.SetInputData(model.GetMesh())
    outward.SetInputConnection(skin.GetOutputPort())
    assert outward.GetVolume() == pytest.approx(wall.node_measure.sum(), rel=1e-5)


def test_the_phantom_knows_its_truth_and_the_pig_its_thickness(a_scene):
    truth = map_on(samples.addSample(a_scene, "phantom")[1], samples.TRUTH_ARRAY)
    assert truth.min() < 1e-6 and truth.max() > 0.999 and 0.05 < truth.mean() < 0.3
    stack = stackFromVolumeNode(samples.addSample(a_scene, "psir")[0])
    assert (len(stack), stack.slices[0].thickness) == (16, 5.0)
    assert abs(stack.slices[0].normal @ [0, 0, 1]) < 0.9  # oblique, as it was acquired


def test_a_second_example_has_names_of_its_own(a_scene):
    logic = CardioScarLogic()
    names = [node.GetName() for _ in range(2) for node in logic.loadExample()]
    assert names[0] == "Phantom LGE" and len(set(names)) == 4


def test_a_model_outlives_the_node_that_its_file_was_read_with(a_scene):
    """That node used to listen to the mesh when it was gone, which ended the application."""
    _, model = samples.addSample(a_scene)
    gc.collect()
    model.GetMesh().Modified()
    assert model.GetMesh().GetNumberOfPoints() > 5000


def test_of_examples_only_the_last_wall_is_seen(a_scene):
    """However it was loaded: by the panel, a script or the Sample Data module."""
    own = a_scene.AddNewNodeByClass("vtkMRMLModelNode", "Mine")
    own.CreateDefaultDisplayNodes()
    models = [samples.addSample(a_scene)[1], CardioScarLogic().loadExample()[1], samples._Loader("phantom")()[1]]
    assert [model.GetDisplayNode().GetVisibility() for model in (own, *models)] == [1, 0, 0, 1]


def test_an_example_comes_into_the_slice_views_in_its_own_plane(a_scene):
    sliceLogic = slicer.vtkMRMLSliceLogic()
    sliceLogic.SetMRMLScene(a_scene)
    sliceNode = sliceLogic.AddSliceNode("Red")
    volume, _ = CardioScarLogic().loadExample("psir")
    assert sliceLogic.GetSliceCompositeNode().GetBackgroundVolumeID() == volume.GetID()
    across = [sliceNode.GetSliceToRAS().GetElement(row, 2) for row in range(3)]
    normal = stackFromVolumeNode(volume).slices[0].normal * [-1, -1, 1]
    assert abs(np.dot(across, normal)) > 0.999


@pytest.mark.parametrize("which", ["volume", "model"])
def test_a_damaged_sample_file_is_one_sentence_and_adds_nothing(a_scene, tmp_path, monkeypatch, which):
    sample = samples.SAMPLES["psir"]
    whole = getattr(sample, which)
    damaged = tmp_path / whole.name
    damaged.write_bytes(whole.read_bytes()[:-1])
    monkeypatch.setitem(samples.SAMPLES, "psir", replace(sample, **{which: damaged}))
    before = a_scene.GetNumberOfNodes()
    with pytest.raises(UnreadableFile, match="install CardioScar again"):
        samples.addSample(a_scene, "psir")
    assert a_scene.GetNumberOfNodes() == before


class SampleDataLogic:
    """As in Slicer: a source that looks like a registered one is not registered again."""

    sources: dict = {}
    files: dict = {}

    @classmethod
    def registerCustomSampleDataSource(
        cls, category, sampleName, uris, fileNames, nodeNames, loadFileType, checksums, thumbnailFileName, customDownloader
    ):
        text = f"{sampleName} {uris} {fileNames} {nodeNames} {loadFileType} {checksums} {thumbnailFileName} {customDownloader}"
        cls.sources.setdefault(category, {})[text] = customDownloader
        cls.files[sampleName] = list(zip(uris, fileNames, nodeNames, loadFileType, checksums, strict=True))


def test_the_sample_data_module_gets_each_example_once(a_scene, monkeypatch):
    monkeypatch.setitem(sys.modules, "SampleData", SimpleNamespace(SampleDataLogic=SampleDataLogic))
    monkeypatch.setattr(SampleDataLogic, "sources", {})
    for _ in range(2):  # as after a reload of the module
        CardioScar.CardioScar(SimpleNamespace(path=CardioScar.__file__))
        slicer.app.connected["startupCompleted()"]()
    assert list(SampleDataLogic.sources) == ["CardioScar"]
    loaders = list(SampleDataLogic.sources["CardioScar"].values())
    assert len(loaders) == len(samples.SAMPLES)
    nodes = loaders[1]("a source")
    assert [node.GetClassName() for node in nodes] == ["vtkMRMLScalarVolumeNode", "vtkMRMLModelNode"]
    assert all(node.GetScene() is slicer.mrmlScene for node in nodes)
    for sample in samples.SAMPLES.values():
        assert sample.thumbnail.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_the_files_that_a_script_takes_are_those_of_the_example(a_scene, monkeypatch):
    """`SampleData.downloadSamples` knows no loader of ours: it copies the files, checks their sums and reads them as Slicer does."""
    monkeypatch.setitem(sys.modules, "SampleData", SimpleNamespace(SampleDataLogic=SampleDataLogic))
    samples.registerSamples()
    volume, model = samples.addSample(a_scene)
    (volume_file, model_file) = SampleDataLogic.files["CardioScar phantom"]
    for uri, name, _, _, checksum in (volume_file, model_file):
        path = Path(url2pathname(urlparse(uri).path))
        assert path.name == name and checksum == "SHA256:" + hashlib.sha256(path.read_bytes()).hexdigest()
    assert (volume_file[2:4], model_file[2:4]) == (("Phantom LGE", "VolumeFile"), ("Phantom LV wall", "ModelFile"))
    loaded = slicer.app.applicationLogic().GetModuleLogic("Volumes").AddArchetypeVolume(str(samples.SAMPLES["phantom"].volume), "Loaded", 0)
    assert np.array_equal(slicer.util.arrayFromVolume(loaded), slicer.util.arrayFromVolume(volume))
    matrices = [vtk.vtkMatrix4x4(), vtk.vtkMatrix4x4()]
    for node, matrix in zip((loaded, volume), matrices, strict=True):
        node.GetIJKToRASMatrix(matrix)
    assert np.allclose(*map(slicer.util.arrayFromVTKMatrix, matrices), atol=1e-9)


def test_the_phantom_of_the_files_is_the_one_that_is_made_by_formula(a_scene):
    phantom = phantom_case("I3", seed=0, nodes=6000, pixel=2.0)
    volume, model = samples.addSample(a_scene)
    assert np.abs(wallFromModelNode(model).nodes - phantom.wall.nodes).max() < 1e-9
    assert np.abs(map_on(model, samples.TRUTH_ARRAY) - phantom.truth).max() < 1e-6
    stack = stackFromVolumeNode(volume)
    assert len(stack) == len(phantom.stack) and stack.slices[0].thickness == phantom.stack.slices[0].thickness
    centers = {tuple(one.center.round(3)): one.pixels for one in stack}
    for one in phantom.stack:
        assert np.allclose(centers[tuple(one.center.round(3))], one.pixels)


@pytest.mark.slow
def test_an_infarct_of_the_pig_lies_where_it_is_seen(a_scene):
    """Anteroseptal: in the middle slices, the brightest quarter of the wall's map is on one side of the cavity."""
    from CardioScarLib.core.settings import ModelSettings, ReconstructionSettings

    logic = CardioScarLogic()
    volume, model = logic.loadExample("psir")
    settings = ReconstructionSettings(model=ModelSettings(preset="preview", samples=4))
    logic.reconstruct(CardioScarCase(volume, model), settings=settings)
    points, probability = np.array(slicer.util.arrayFromModelPoints(model)), map_on(model)
    center = points.mean(axis=0)
    side = (points[probability > 0.7] - center).mean(axis=0)
    assert 0.02 < (probability > 0.5).mean() < 0.5
    assert np.linalg.norm(side) > 0.25 * np.linalg.norm(points - center, axis=1).mean()
