"""An LGE volume segmented by a network, as nodes: segments to correct, and probabilities that tell the scar until then."""

from dataclasses import replace

import numpy as np
import pytest
import slicer
import vtk
from CardioScarMRML.case import CardioScarCase
from CardioScarMRML.inputs import Inputs
from CardioScarMRML.logic import CardioScarLogic
from CardioScarMRML.predictions import SEGMENTS, predictionNotes, removeProbabilities, segmentVolume, startSegmentation
from CardioScarMRML.reading import stackFromVolumeNode
from CardioScarMRML.run import startHere
from CardioScarMRML.segments import segmentArray
from CardioScarMRML.walls import drawnOn, labelStack, startWall
from jobs import AJob
from predicted import SURE, a_ring, found_in
from vtk.util.numpy_support import vtk_to_numpy

from CardioScarLib.core.errors import BadStack, UnreadableFile
from CardioScarLib.core.settings import ModelSettings, ReconstructionSettings, WallSettings
from CardioScarLib.runner import InPlaceJob
from CardioScarLib.segmentation.to_case import case_of

LINEAR = ReconstructionSettings(model=ModelSettings("linear"))


@pytest.fixture
def a_heart(a_scene):
    slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(a_scene)  # made when first asked for
    return a_ring(a_scene)


@pytest.fixture
def a_prediction(a_heart):
    volume, classes = a_heart
    return segmentVolume(volume, startJob=lambda task: InPlaceJob(lambda progress: found_in(task, classes)))


def drawn(prediction, volume) -> np.ndarray:
    """(k, j, i) classes by the segments."""
    classes = np.zeros(slicer.util.arrayFromVolume(volume).shape, dtype=int)
    for one in SEGMENTS:
        classes[segmentArray(prediction, one.identifier, volume) > 0] = one.value
    return classes


def paint(prediction, identifier: str, k: int, j: int, i: int, value: int) -> None:
    """As a person does with one voxel."""
    image = prediction.GetSegmentation().GetSegment(identifier).GetRepresentation("Binary labelmap")
    columns, rows, _ = image.GetDimensions()
    vtk_to_numpy(image.GetPointData().GetScalars()).reshape(-1, rows, columns)[k, j, i] = value
    image.GetPointData().GetScalars().Modified()
    image.Modified()


def case_with(volume, prediction, **more) -> CardioScarCase:
    return CardioScarCase(volume, None, segmentationNode=prediction, **more)


def test_segments_lie_on_the_volume_and_are_known_by_name_and_terminology(a_scene, a_heart, a_prediction):
    volume, classes = a_heart
    assert np.array_equal(drawn(a_prediction, volume), classes)
    assert drawnOn(a_prediction) is volume and predictionNotes(a_prediction) == ("One note.",)
    labels = np.stack([one.pixels for one in labelStack(a_prediction, None, None, None)])
    assert np.array_equal(labels, np.where(classes == 4, 3, classes))  # no-reflow is wall and scar, not a hole
    entries = []
    for one in SEGMENTS:
        text = vtk.reference("")
        a_prediction.GetSegmentation().GetSegment(one.identifier).GetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), text)
        entries.append(str(text).split("~"))
    assert [entry[2] for entry in entries] == [
        "SCT^87612001^Blood", "SCT^74281007^Myocardium", "SCT^12402003^Scar", "SCT^55641003^Infarct"
    ]  # fmt: skip
    assert all(len(entry) == 7 and entry[5] == "SCT^87878005^Left ventricle" for entry in entries)


def test_probabilities_tell_the_scar_with_weights(a_heart, a_prediction):
    volume, classes = a_heart
    case, stack = case_with(volume, a_prediction), stackFromVolumeNode(volume)
    source = case.scarSource()
    assert source.byNetwork and "a stand-in, weights 0123" in source.sentence
    shares = case.shares(stack, source)
    values, weights = (np.stack([one.pixels for one in each]) for each in (shares.stack, shares.weights))
    assert np.allclose(values[classes == 3], SURE + (1 - SURE) / 2) and np.allclose(values[classes == 4], SURE + (1 - SURE) / 2)
    assert np.allclose(values[classes == 2], 1 - SURE) and np.allclose(weights[classes >= 2], 1) and np.allclose(weights[classes == 0], 0)
    assert shares.spread == 0.3 and shares.description == "a stand-in, weights 0123"
    assert case.settings(LINEAR).evidence.method == "values"
    some = case_with(volume, a_prediction, sliceIndices=[3, 1]).shares(stack.select([3, 1]), source)
    assert np.array_equal([one.pixels for one in some.stack], values[[3, 1]])


@pytest.mark.parametrize("identifier", ["scar", "no-reflow", "myocardium"])
def test_segments_count_as_soon_as_one_voxel_is_corrected(a_heart, a_prediction, identifier):
    volume, classes = a_heart
    case, inputs = case_with(volume, a_prediction), Inputs()
    assert case.scarSource(inputs).byNetwork
    paint(a_prediction, identifier, 1, 2, 3, 1)
    for source in (case.scarSource(inputs), case.scarSource()):
        assert not source.byNetwork and "were corrected" in source.sentence
    assert case.settings(LINEAR).evidence.method == "labels"
    scar = np.stack([one.pixels for one in case.scarStack(stackFromVolumeNode(volume))])
    expected = classes >= 3  # no-reflow is scar although the segment "Scar" is the chosen one
    expected[1, 2, 3] = identifier != "myocardium"
    assert np.array_equal(scar > 0, expected)
    paint(a_prediction, identifier, 1, 2, 3, 0)
    assert case.scarSource().byNetwork  # as it was


def test_names_and_colors_may_change_and_a_segment_may_not_go(a_heart, a_prediction):
    volume, _ = a_heart
    segmentation = a_prediction.GetSegmentation()
    segmentation.GetSegment("scar").SetName("Narbe")
    segmentation.GetSegment("scar").SetColor(1, 1, 1)
    assert case_with(volume, a_prediction).scarSource().byNetwork
    segmentation.RemoveSegment("no-reflow")
    assert "were corrected" in case_with(volume, a_prediction).scarSource().sentence


def test_probabilities_count_for_their_own_volume_and_scar_only(a_scene, a_heart, a_prediction):
    volume, _ = a_heart
    other = slicer.util.addVolumeFromArray(np.zeros((4, 9, 9)), name="Other")
    assert "another volume" in case_with(other, a_prediction).scarSource().sentence
    parent = a_scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    volume.SetAndObserveTransformNodeID(parent.GetID())
    assert "another volume" in case_with(volume, a_prediction).scarSource().sentence
    volume.SetAndObserveTransformNodeID(None)
    assert "LV myocardium" in case_with(volume, a_prediction, scarSegmentID="myocardium").scarSource().sentence
    assert case_with(volume, a_prediction, scarSegmentID="scar").scarSource().byNetwork
    removeProbabilities(a_prediction)
    assert "no longer in the scene" in case_with(volume, a_prediction).scarSource().sentence


def test_a_wall_and_a_map_come_out_as_from_the_command_line(a_scene, a_heart, a_prediction):
    """The same probabilities on the library's own wall, and by way of nodes."""
    volume, classes = a_heart
    jobs = []
    startSegmentation(volume, startJob=lambda task: jobs.append(AJob(task)) or jobs[0]).cancel()
    expected = case_of(found_in(jobs[0].task, classes), WallSettings(edge_length=5.0))
    wall = startWall(a_prediction, settings=WallSettings(edge_length=5.0), startJob=startHere).wait()
    case = CardioScarCase(volume, wall, segmentationNode=a_prediction)
    logic = CardioScarLogic(startHere)
    result = logic.reconstruct(case, LINEAR).result
    read = result.case
    assert any("The probabilities of the network" in note for note in result.provenance.notes)
    assert read.reading["scar_from"] == "network" and result.summary["evidence"]["method"] == "segmentation"
    for name in ("stack", "weights"):
        for one, other in zip(getattr(read.shares, name), getattr(expected.shares, name), strict=True):
            assert np.allclose(one.pixels, other.pixels, atol=1e-6) and np.allclose(one.center, other.center, atol=1e-3)
    burden = np.average(result.arrays["scar_probability"], weights=read.wall.node_measure)
    share = np.sum(classes >= 3) / np.sum(classes >= 2)
    assert burden == pytest.approx(share * (SURE + (1 - SURE) / 2) + (1 - share) * (1 - SURE), abs=0.05)
    assert logic.auditWouldBeAbout(case, LINEAR)["reading"]["scar_from"] == "network"
    paint(a_prediction, "scar", 1, 2, 3, 1)
    result = logic.reconstruct(case, LINEAR).result
    assert any("were corrected" in note for note in result.provenance.notes)
    assert result.case.reading["scar_from"] == "segment" and result.case.shares is None


def test_a_scene_keeps_what_counts(a_scene, a_heart, a_prediction, tmp_path):
    volume, _ = a_heart
    for node in slicer.util.getNodesByClass("vtkMRMLStorableNode", a_scene):
        if node.GetStorageNode() is None and node.IsA("vtkMRMLDisplayableNode"):
            node.AddDefaultStorageNode()
    path = str(tmp_path / "scene.mrb")
    assert a_scene.WriteToMRB(path)
    a_scene.Clear(0)
    a_scene.ReadFromMRB(path)
    volume, prediction = (a_scene.GetFirstNodeByName(name) for name in ("LGE", "LGE segmentation"))
    assert case_with(volume, prediction).scarSource().byNetwork
    paint(prediction, "scar", 0, 0, 0, 1)
    assert not case_with(volume, prediction).scarSource().byNetwork


def test_what_cannot_be_segmented_is_said_and_leaves_the_scene_alone(a_scene, a_heart):
    volume, classes = a_heart
    with pytest.raises(BadStack, match="No LGE volume"):
        startSegmentation(None)
    before = a_scene.GetNumberOfNodes()

    def fails(error):
        def run(progress):
            raise error

        return lambda task: InPlaceJob(run)

    with pytest.raises(BadStack, match="No left ventricle"):
        segmentVolume(volume, startJob=fails(BadStack("No left ventricle was found on the slices.")))
    with pytest.raises(UnreadableFile, match="There is no"):
        segmentVolume(volume, startJob=fails(UnreadableFile("There is no file default.safetensors.")))
    run = startSegmentation(volume, startJob=lambda task: AJob(task))
    run.cancel()
    assert run.poll() == "cancelled" and a_scene.GetNumberOfNodes() == before
    run = startSegmentation(volume, startJob=lambda task: InPlaceJob(lambda progress: found_in(task, classes)))
    a_scene.RemoveNode(volume)
    assert run.poll() == "failed" and "was removed" in run.error and a_scene.GetNumberOfNodes() < before


def test_a_network_segments_the_volume(a_scene, a_heart, monkeypatch):
    """With stand-ins for the weights that are shipped, in this process."""
    pytest.importorskip("torch")
    from segmented_hearts import finder_of_bright_discs, network_that_knows_directions

    from CardioScarLib.core.segmentation_settings import SegmentSettings
    from CardioScarLib.tasks import segment as tasks

    named = {"default": network_that_knows_directions(), "finder": finder_of_bright_discs()}
    monkeypatch.setattr(tasks, "read_weights", named.__getitem__)
    volume, classes = a_heart
    stages = []
    prediction = segmentVolume(
        volume,
        replace(SegmentSettings(), views=1, device="cpu"),
        startJob=startHere,
        progressCallback=lambda report: stages.append(report.stage),
    )
    found = drawn(prediction, volume)
    assert 2 * np.sum((found == 1) & (classes == 1)) / (np.sum(found == 1) + np.sum(classes == 1)) > 0.8
    assert {"weights", "heart", "segmentation"} <= set(stages)
    assert case_with(volume, prediction).scarSource().byNetwork
