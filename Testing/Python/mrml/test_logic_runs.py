"""Runs of the logic: in a child process, with choices on where results go, and what happens when the scene changes meanwhile."""

import json
import tempfile
import time
from dataclasses import replace

import numpy as np
import pytest
import slicer
import vtk
from CardioScarMRML import CardioScarCase, stackFromVolumeNode
from CardioScarMRML.run import startHere
from counted import counted
from node_values import map_on
from test_checks import empty, make_color, make_nan, make_single, spoil
from waiting import KILLED, wait_until

from CardioScar import CardioScarLogic
from CardioScarLib.core.errors import BadEvidence, BadSettings, BadStack, BadWall, Cancelled, CardioScarError, RunFailed, UnwritableOutput
from CardioScarLib.core.settings import ModelSettings
from CardioScarLib.core.slices import SliceSource


@pytest.fixture
def quick(preview):
    return replace(preview, model=ModelSettings("nearest"), threshold=0.5)


@pytest.fixture
def endless(preview):
    """Settings that take longer than any test waits."""
    return replace(preview, model=ModelSettings(preset="fine"))


def names_of_arrays(model):
    data = model.GetMesh().GetPointData()
    return sorted(data.GetArrayName(number) for number in range(data.GetNumberOfArrays()))


def content(scene):
    return [scene.GetNthNode(number).GetID() for number in range(scene.GetNumberOfNodes())]


def started(run):
    """The run, when its child computes."""
    wait_until(lambda: run.poll() != "running" or run.progress.stage not in ("start", "geometry"))
    assert run.state == "running", run.error
    return run


def child_of(run):
    return run._job._process


# --- in a child process --------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_run_goes_on_by_itself_and_its_result_comes_with_a_poll(a_scene, a_case, preview):
    reports, polls = [], []
    run = CardioScarLogic().startReconstruction(
        CardioScarCase(*a_case), settings=replace(preview, threshold=0.5), progressCallback=reports.append
    )
    assert run.state == "running" and names_of_arrays(a_case[1]) == []
    while run.state == "running":
        with counted() as work:
            state = run.poll()
        if state == "running":  # the last one reads files and writes nodes
            polls.append(work)
        time.sleep(0.005)
    assert run.state == "done", run.error
    assert not [work for work in polls if work.waits or work.opened]
    assert all(work.lines < 60 + 30 * work.calls["SimpleQueue.get_nowait"] for work in polls)
    assert names_of_arrays(a_case[1]) == ["scar_binary", "scar_observed", "scar_probability", "scar_uncertainty"]
    assert np.array_equal(run.result.arrays["scar_probability"], map_on(a_case[1])) and run.result.modelNode is a_case[1]
    stages = list(dict.fromkeys(report.stage for report in reports))
    assert stages[-1] == "write" and "fit" in stages
    assert reports[-1].elapsed > reports[0].elapsed > 0
    assert a_case[1].GetAttribute("CardioScar.Log") == run.log and "geometry" in run.log
    facts = json.loads(a_case[1].GetAttribute("CardioScar.Provenance"))
    assert facts["versions"]["numpy"] == np.__version__ and facts["started"] and facts["seconds"]["fit"] > 0
    assert facts["reading"]["slices"][:2] == ["slice 0", "slice 1"] and facts["reading"]["scar_from"] == "intensities"
    assert facts["reading"]["slice_thickness"] == [stackFromVolumeNode(a_case[0]).slices[0].thickness]
    assert a_case[1].GetAttribute("CardioScar.Threshold") == "0.5"
    assert a_case[1].GetNodeReference("CardioScar.LGE") is a_case[0]
    assert not run._job.folder.exists()


@pytest.mark.slow
def test_a_child_and_this_process_agree(a_case, preview):
    CardioScarLogic().reconstruct(CardioScarCase(*a_case), settings=preview)
    in_child = map_on(a_case[1])
    result = CardioScarLogic(startHere).reconstruct(CardioScarCase(*a_case), settings=preview)
    assert np.allclose(map_on(a_case[1]), in_child, atol=1e-6)
    assert result.result.posterior.samples(2, result.result.case.wall.nodes[:5]).shape == (2, 5)


@pytest.mark.slow
def test_a_cancel_waits_for_nothing_and_leaves_the_scene_as_it_was(a_scene, a_case, endless):
    before = content(a_scene)
    run = started(CardioScarLogic().startReconstruction(CardioScarCase(*a_case), settings=endless))
    child, folder = child_of(run), run._job.folder
    with counted() as work:
        run.cancel()
    assert not work.waits and not work.opened
    assert run.state == run.poll() == "cancelled" and run.error is None
    assert child.wait() == KILLED
    wait_until(lambda: not folder.exists())
    assert content(a_scene) == before and names_of_arrays(a_case[1]) == []
    assert run.log.splitlines()[-1].endswith("cancelled")


@pytest.mark.slow
@pytest.mark.parametrize("how", ["removed", "closed", "replaced"])
def test_a_model_that_goes_away_ends_the_run_with_a_sentence(a_scene, a_case, endless, how):
    volume, model = a_case
    run = started(CardioScarLogic().startReconstruction(CardioScarCase(volume, model), settings=endless))
    if how == "removed":
        a_scene.RemoveNode(model)
    elif how == "closed":
        a_scene.Clear(False)
    else:
        sphere = vtk.vtkSphereSource()
        sphere.Update()
        model.SetAndObserveMesh(sphere.GetOutput())
    before, child = content(a_scene), child_of(run)
    assert run.poll() == "failed"
    assert isinstance(run.exception, BadWall) and "nothing was written" in run.error
    assert child.wait() == KILLED
    assert content(a_scene) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("which", "spoiled"),
    [(0, make_single), (0, make_color), (0, make_nan), (0, lambda volume: volume.SetAndObserveImageData(None)), (1, empty)]
    + [(1, lambda model: spoil(model, 1e3 * np.eye(3))), (1, lambda model: model.SetAndObserveMesh(None))],
)
def test_what_cannot_be_used_is_a_sentence_and_changes_nothing(a_scene, a_case, which, spoiled):
    spoiled(a_case[which])
    before, attributes = content(a_scene), list(a_case[1].GetAttributeNames())
    with pytest.raises(CardioScarError) as caught:
        CardioScarLogic().reconstruct(CardioScarCase(*a_case))
    assert isinstance(caught.value, ValueError)
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")
    assert content(a_scene) == before and list(a_case[1].GetAttributeNames()) == attributes
    assert a_case[1].GetMesh() is None or names_of_arrays(a_case[1]) == []


def test_a_volume_that_goes_away_during_the_run_is_not_missed(a_scene, a_case, a_fake_reconstruct):
    volume, model = a_case

    def removing(*arguments):
        a_scene.RemoveNode(volume)
        return a_fake_reconstruct(*arguments)

    CardioScarLogic(removing).reconstruct(CardioScarCase(volume, model))
    assert map_on(model).max() > 0.9 and model.GetNodeReference("CardioScar.LGE") is None


def test_a_callback_may_cancel(a_scene, a_case, endless):
    def stop(report):
        raise Cancelled()

    before = content(a_scene)
    with pytest.raises(Cancelled):
        CardioScarLogic().reconstruct(CardioScarCase(*a_case), settings=endless, progressCallback=stop)
    assert content(a_scene) == before


@pytest.mark.slow
def test_a_callback_is_heard_in_place_too(a_scene, a_case, a_fake_reconstruct):
    reports = []
    CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(*a_case), progressCallback=reports.append)
    assert [(report.stage, report.step, report.steps) for report in reports] == [("Fitting", 1, 2)]
    arrays = names_of_arrays(a_case[1])

    def stop(report):
        raise Cancelled()

    before = content(a_scene)
    with pytest.raises(Cancelled):
        CardioScarLogic(startHere).reconstruct(CardioScarCase(*a_case), progressCallback=stop)
    assert content(a_scene) == before and names_of_arrays(a_case[1]) == arrays


@pytest.mark.slow
def test_a_child_that_dies_is_a_sentence(a_scene, a_case, endless):
    before = content(a_scene)
    run = started(CardioScarLogic().startReconstruction(CardioScarCase(*a_case), settings=endless))
    child_of(run).kill()
    with pytest.raises(RunFailed, match="stopped unexpectedly"):
        run.wait()
    assert content(a_scene) == before and names_of_arrays(a_case[1]) == []


def test_a_full_temporary_folder_is_a_sentence(a_scene, a_case, preview, monkeypatch, tmp_path):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    before = content(a_scene)
    monkeypatch.setattr(np, "savez", full)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(UnwritableOutput, match="No space left on device"):
        CardioScarLogic().reconstruct(CardioScarCase(*a_case), settings=preview)
    assert content(a_scene) == before and not list(tmp_path.glob("cardioscar-*"))


@pytest.mark.slow
def test_twenty_runs_leave_what_one_leaves(a_scene, a_case, quick, a_fake_reconstruct):
    CardioScarLogic().reconstruct(CardioScarCase(*a_case), settings=quick)
    after_one, arrays = content(a_scene), names_of_arrays(a_case[1])
    for _ in range(18):
        CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(*a_case))
    CardioScarLogic().reconstruct(CardioScarCase(*a_case), settings=quick)
    assert content(a_scene) == after_one and names_of_arrays(a_case[1]) == arrays


# --- where results go ----------------------------------------------------------------------------------------------


def with_hierarchy(scene):
    """Gives every new node an item in the subject hierarchy, as the application does."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def add(caller, event, node):
        if node.IsA("vtkMRMLDisplayableNode") or node.IsA("vtkMRMLTableNode"):
            hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)

    scene.AddObserver(scene.NodeAddedEvent, add)
    return hierarchy


def test_a_copy_gets_the_map_and_the_model_stays_as_it_is(a_scene, a_case, a_fake_reconstruct):
    volume, model = a_case
    hierarchy = with_hierarchy(a_scene)
    study = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "Study")
    hierarchy.CreateItem(study, model)
    turned = a_scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    for node in a_case:
        node.SetAndObserveTransformNodeID(turned.GetID())
    model.GetDisplayNode().SetOpacity(0.6)
    attributes = list(model.GetAttributeNames())
    result = CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(volume, model), asCopy=True)
    copy = result.modelNode
    assert copy is not model and names_of_arrays(model) == [] and list(model.GetAttributeNames()) == attributes
    assert copy.GetName() == "Phantom LV wall scar map"
    assert "scar_probability" in names_of_arrays(copy)
    assert np.array_equal(slicer.util.arrayFromModelPoints(copy), slicer.util.arrayFromModelPoints(model))
    assert copy.GetTransformNodeID() == turned.GetID() and copy.GetDisplayNode().GetOpacity() == 0.6
    assert copy.GetDisplayVisibility() and not model.GetDisplayVisibility()
    for node in (copy, result.tableNode):
        assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == study
    slicer.util.arrayFromModelPoints(copy)[0] += 1
    assert not np.array_equal(slicer.util.arrayFromModelPoints(copy), slicer.util.arrayFromModelPoints(model))
    again = CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(volume, model), asCopy=True)
    assert again.modelNode.GetName() != copy.GetName() and again.tableNode is not result.tableNode


def test_a_copy_of_a_model_with_a_map_has_the_new_map_only(a_scene, a_case, a_fake_reconstruct, quick):
    CardioScarLogic(startHere).reconstruct(CardioScarCase(*a_case), settings=quick)
    copy = CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(*a_case), asCopy=True).modelNode
    assert "scar_binary" in names_of_arrays(a_case[1]) and "scar_binary" not in names_of_arrays(copy)


def test_earlier_results_stay_under_a_suffix(a_scene, a_case, a_fake_reconstruct, quick):
    volume, model = a_case
    earlier = CardioScarLogic(startHere).reconstruct(CardioScarCase(volume, model), settings=quick)
    first, burden = map_on(model), earlier.tableNode.GetTable().GetColumnByName("Scar burden").GetValue(0)
    later = CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(volume, model), keepEarlierAs="_earlier")
    assert np.array_equal(map_on(model, "scar_probability_earlier"), first)
    assert not np.array_equal(map_on(model), first)
    assert set(names_of_arrays(model)) >= {"scar_binary_earlier", "scar_observed_earlier", "scar_uncertainty"}
    assert "scar_binary" not in names_of_arrays(model)
    assert (model.GetAttribute("CardioScar.Threshold"), model.GetAttribute("CardioScar.Threshold_earlier")) == (None, "0.5")
    assert json.loads(model.GetAttribute("CardioScar.Provenance_earlier"))["settings"]["model"]["model"] == "nearest"
    assert later.tableNode is not earlier.tableNode and earlier.tableNode.GetName().endswith("_earlier")
    assert earlier.tableNode.GetTable().GetColumnByName("Scar burden").GetValue(0) == burden
    CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(volume, model))  # replaces the last run, not what was kept
    assert np.array_equal(map_on(model, "scar_probability_earlier"), first)


def test_each_of_many_runs_can_be_kept(a_scene, a_case, a_fake_reconstruct):
    model, logic, kept = a_case[1], CardioScarLogic(a_fake_reconstruct), []
    for number in range(4):
        a_fake_reconstruct.observed[:] = number
        kept.append(logic.reconstruct(CardioScarCase(*a_case), keepEarlierAs="_earlier").keptAs)
    assert kept == [None, "_earlier", "_earlier2", "_earlier3"]
    observed = {name: map_on(model, name)[0] for name in names_of_arrays(model) if name.startswith("scar_observed")}
    assert observed == {"scar_observed": 3, "scar_observed_earlier": 0, "scar_observed_earlier2": 1, "scar_observed_earlier3": 2}
    assert model.GetAttribute("CardioScar.Provenance_earlier3") and a_scene.GetNumberOfNodesByClass("vtkMRMLTableNode") == 4


def test_a_map_that_came_with_the_file_of_the_model_is_kept_too(a_case, a_fake_reconstruct, a_phantom, tmp_path):
    """As the command line writes it: arrays on the points, and no attributes of a node."""
    volume, model = a_case
    CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(volume, model))
    slicer.util.arrayFromModelPointData(model, "scar_probability")[:] = np.linspace(0, 1, len(a_phantom.truth))
    storage = slicer.vtkMRMLModelStorageNode()
    storage.SetFileName(str(tmp_path / "map.vtk"))
    assert storage.WriteData(model)
    loaded = model.GetScene().AddNewNodeByClass("vtkMRMLModelNode", "From a file")
    assert storage.ReadData(loaded) and not loaded.GetAttribute("CardioScar.Arrays")
    theirs = map_on(loaded).copy()
    result = CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(volume, loaded), keepEarlierAs="_earlier")
    assert result.keptAs == "_earlier"
    assert np.array_equal(map_on(loaded, "scar_probability_earlier"), theirs)
    assert not np.array_equal(map_on(loaded), theirs)
    copy = CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(volume, loaded), asCopy=True).modelNode
    assert "scar_probability_earlier" in names_of_arrays(copy)


def test_a_map_on_the_model_can_be_undone(a_scene, a_case, a_fake_reconstruct):
    a_scene.SetUndoOn()
    a_case[1].SetUndoEnabled(True)
    before = names_of_arrays(a_case[1])
    CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(*a_case))
    assert "scar_probability" in names_of_arrays(a_case[1])
    a_scene.Undo()
    assert names_of_arrays(a_case[1]) == before and not a_case[1].GetAttribute("CardioScar.Arrays")


def test_an_odd_suffix_is_refused_before_anything_runs(a_case, a_fake_reconstruct):
    for suffix in ("", "a b", "é"):
        with pytest.raises(BadSettings, match="cannot be used"):
            CardioScarLogic(a_fake_reconstruct).startReconstruction(CardioScarCase(*a_case), keepEarlierAs=suffix)
    assert not a_fake_reconstruct.calls


def test_the_table_of_a_heart_without_scar_can_be_read(a_case, a_fake_reconstruct, a_phantom):
    truth = a_phantom.truth.copy()
    a_phantom.truth[:] = 1e-37
    try:
        result = CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(*a_case))
    finally:
        a_phantom.truth[:] = truth
    table = result.tableNode.GetTable()
    assert [table.GetColumnByName(name).GetValue(0) for name in ("Scar burden", "Scar volume", "Scar mass")] == [0.0, 0.0, 0.0]
    assert table.GetColumnByName("LV mass").GetValue(0) > 10


def test_the_table_has_the_numbers_with_their_units(a_scene, a_case, a_phantom, quick):
    result = CardioScarLogic(startHere).reconstruct(CardioScarCase(*a_case), settings=quick)
    table = result.tableNode
    value = {name: table.GetTable().GetColumnByName(name).GetValue(0) for name in ("Scar mass", "Scar volume", "Scar burden", "Threshold")}
    probability, measure = map_on(a_case[1]).astype(float), a_phantom.wall.node_measure
    assert value["Scar volume"] == pytest.approx(1e-3 * probability @ measure)
    assert value["Scar mass"] == pytest.approx(1.05 * value["Scar volume"])
    assert value["Scar burden"] == pytest.approx(100 * probability @ measure / measure.sum())
    assert value["Threshold"] == 0.5
    assert [table.GetColumnUnitLabel(name) for name in ("Scar mass", "Scar volume", "Scar burden")] == ["g", "mL", "%"]
    skin = vtk.vtkGeometryFilter()
    skin.SetInputData(a_case[1].GetMesh())
    skin.Update()
    a_case[1].SetAndObserveMesh(skin.GetOutput())
    surface = CardioScarLogic(startHere).reconstruct(CardioScarCase(*a_case), settings=quick).tableNode
    assert surface is table and surface.GetTable().GetColumnByName("Scar mass") is None
    assert surface.GetTable().GetColumnByName("Scar burden").GetValue(0) > 0


@pytest.mark.slow
def test_table_log_and_references_survive_in_a_saved_scene(a_scene, a_case, quick, tmp_path):
    result = CardioScarLogic().reconstruct(CardioScarCase(*a_case), settings=quick)
    log, burden = a_case[1].GetAttribute("CardioScar.Log"), result.tableNode.GetTable().GetColumnByName("Scar burden").GetValue(0)
    assert a_scene.WriteToMRB(str(tmp_path / "case.mrb"))
    a_scene.Clear(False)
    assert a_scene.ReadFromMRB(str(tmp_path / "case.mrb"), True)
    model = a_scene.GetFirstNodeByName("Phantom LV wall")
    assert model.GetAttribute("CardioScar.Log") == log and len(log.splitlines()) > 4
    assert model.GetNodeReference("CardioScar.LGE").GetName() == "Phantom LGE"
    table = model.GetNodeReference("CardioScar.Results")
    assert float(table.GetTable().GetColumnByName("Scar burden").GetVariantValue(0).ToString()) == pytest.approx(burden, rel=1e-5)
    assert table.GetColumnUnitLabel("Scar mass") == "g"


# --- what goes in --------------------------------------------------------------------------------------------------


@pytest.fixture
def a_scar_segmentation(a_scene, a_case):
    """Where the phantom's slices are above one half, as the second of two segments."""
    slicer.vtkSlicerSegmentationsModuleLogic().SetMRMLScene(a_scene)
    node = a_scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Segmentation")
    node.CreateDefaultDisplayNodes()
    labels = slicer.util.addVolumeFromArray(
        (slicer.util.arrayFromVolume(a_case[0]) > 0.5).astype(np.uint8), name="labels", nodeClassName="vtkMRMLLabelMapVolumeNode"
    )
    matrix = vtk.vtkMatrix4x4()
    a_case[0].GetIJKToRASMatrix(matrix)
    labels.SetIJKToRASMatrix(matrix)
    node.GetSegmentation().AddEmptySegment("myocardium", "LV myocardium")
    assert slicer.vtkSlicerSegmentationsModuleLogic.ImportLabelmapToSegmentationNode(labels, node)
    segmentation = node.GetSegmentation()
    segmentation.GetSegment(segmentation.GetNthSegmentID(1)).SetName("Dense scar")
    a_scene.RemoveNode(labels)
    return node


def test_a_scar_segment_takes_the_place_of_the_intensities(a_scene, a_case, a_scar_segmentation, a_fake_reconstruct):
    expected = [(one.pixels > 0.5).astype(float) for one in stackFromVolumeNode(a_case[0])]
    before = content(a_scene)
    CardioScarLogic(a_fake_reconstruct).startReconstruction(
        CardioScarCase(*a_case, segmentationNode=a_scar_segmentation, sliceIndices=[5, 3])
    ).wait()
    stack, _, settings = a_fake_reconstruct.calls[-1]
    assert settings.evidence.method == "labels" and settings.evidence.scar_labels == (1,)
    assert [one.label for one in stack] == ["slice 5", "slice 3"]
    assert np.array_equal(stack.slices[0].pixels, expected[5]) and np.array_equal(stack.slices[1].pixels, expected[3])
    temporary = [a_scene.GetNodeByID(name).GetName() for name in content(a_scene) if name not in before]
    assert not [name for name in temporary if "temporary" in name or "ColorTable" in name], temporary


def test_transforms_move_volume_and_segmentation_together_or_apart(a_scene, a_case, a_scar_segmentation, a_fake_reconstruct):
    expected = (slicer.util.arrayFromVolume(a_case[0]) > 0.5).astype(float)
    move = vtk.vtkTransform()
    move.Translate(30, -20, 10)
    move.RotateWXYZ(30, 1, 1, 0)
    parent = a_scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    parent.SetMatrixTransformToParent(move.GetMatrix())
    logic = CardioScarLogic(a_fake_reconstruct)
    for node in (*a_case, a_scar_segmentation):
        node.SetAndObserveTransformNodeID(parent.GetID())
    logic.reconstruct(CardioScarCase(*a_case, segmentationNode=a_scar_segmentation))
    together = np.stack([one.pixels for one in a_fake_reconstruct.calls[-1][0]])
    assert np.mean(together != expected) < 0.002  # rounding at edges
    a_scar_segmentation.SetAndObserveTransformNodeID(None)
    try:
        logic.reconstruct(CardioScarCase(*a_case, segmentationNode=a_scar_segmentation))
        apart = np.stack([one.pixels for one in a_fake_reconstruct.calls[-1][0]])
        assert np.mean(apart != expected) > 0.02
    except BadEvidence as error:
        assert "empty on the slices" in str(error)


def test_an_empty_segment_is_a_heart_without_scar(a_case, a_scar_segmentation, a_fake_reconstruct):
    logic = CardioScarLogic(a_fake_reconstruct)
    logic.reconstruct(CardioScarCase(*a_case, segmentationNode=a_scar_segmentation, scarSegmentID="myocardium"))
    stack, _, settings = a_fake_reconstruct.calls[-1]
    assert not any(one.pixels.any() for one in stack) and settings.evidence.scar_labels == (1,)


def test_a_lone_segment_of_the_myocardium_is_not_taken_for_scar(a_case, a_scar_segmentation, a_fake_reconstruct):
    segmentation = a_scar_segmentation.GetSegmentation()
    segmentation.RemoveSegment(segmentation.GetNthSegmentID(1))
    with pytest.raises(BadEvidence, match="Which of the segments LV myocardium is the scar"):
        CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(*a_case, segmentationNode=a_scar_segmentation))


def test_a_segmentation_without_one_clear_scar_is_refused_in_words(a_scene, a_case, a_scar_segmentation, a_fake_reconstruct):
    logic = CardioScarLogic(a_fake_reconstruct)
    before = content(a_scene)
    away = vtk.vtkTransform()
    away.Translate(0, 0, 900)
    parent = a_scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    parent.SetMatrixTransformToParent(away.GetMatrix())
    a_scar_segmentation.SetAndObserveTransformNodeID(parent.GetID())
    with pytest.raises(BadEvidence, match="Dense scar is empty on the slices"):
        logic.reconstruct(CardioScarCase(*a_case, segmentationNode=a_scar_segmentation))
    a_scar_segmentation.SetAndObserveTransformNodeID(None)
    a_scene.RemoveNode(parent)
    segmentation = a_scar_segmentation.GetSegmentation()
    segmentation.GetSegment("myocardium").SetName("more scar")
    with pytest.raises(BadEvidence, match="more scar, Dense scar"):
        logic.reconstruct(CardioScarCase(*a_case, segmentationNode=a_scar_segmentation))
    with pytest.raises(BadEvidence, match="no longer"):
        logic.reconstruct(CardioScarCase(*a_case, segmentationNode=a_scar_segmentation, scarSegmentID="gone"))
    segmentation.RemoveAllSegments()
    with pytest.raises(BadEvidence, match="no segments"):
        logic.reconstruct(CardioScarCase(*a_case, segmentationNode=a_scar_segmentation))
    assert content(a_scene) == before and not a_fake_reconstruct.calls


class DicomDatabase:
    def __init__(self, thickness):
        self.thickness = thickness

    def fileForInstance(self, uid):
        return "/somewhere/1.dcm" if uid == "1.2.3" else ""

    def fileValue(self, file, tag):
        assert (file, tag) == ("/somewhere/1.dcm", "0018,0050")
        return self.thickness


@pytest.mark.parametrize(
    ("uids", "told", "thickness"), [("1.2.3 1.2.4", "6.5", 6.5), ("9.9", "6.5", 10.0), ("1.2.3", "", 10.0), (None, "6.5", 10.0)]
)
def test_the_thickness_of_a_dicom_volume_comes_from_the_database(a_case, monkeypatch, uids, told, thickness):
    volume = a_case[0]
    volume.RemoveAttribute("CardioScar.SliceThickness")
    if uids:
        volume.SetAttribute("DICOM.instanceUIDs", uids)
    monkeypatch.setattr(slicer, "dicomDatabase", DicomDatabase(told), raising=False)
    stack = stackFromVolumeNode(volume)
    assert stack.slices[0].thickness == pytest.approx(thickness)
    assert bool(stack.notes) == (thickness == 10.0)


def test_slices_know_their_dicom_images_where_the_volume_does(a_scene, a_case, a_fake_reconstruct, monkeypatch):
    volume, uids = a_case[0], [f"1.2.{number}" for number in range(10)]
    logic = CardioScarLogic(a_fake_reconstruct)
    logic.reconstruct(CardioScarCase(*a_case))
    assert {one.source for one in a_fake_reconstruct.calls[-1][0]} == {None}
    volume.SetAttribute("DICOM.instanceUIDs", " ".join(uids))
    logic.reconstruct(CardioScarCase(*a_case, sliceIndices=[7, 2]))
    assert [one.source for one in a_fake_reconstruct.calls[-1][0]] == [SliceSource(sop_instance_uid=f"1.2.{k}") for k in (7, 2)]
    assert not any("1.2.7" in (a_case[1].GetAttribute(name) or "") for name in a_case[1].GetAttributeNames())  # they lead to a patient
    volume.SetAttribute("DICOM.instanceUIDs", " ".join(uids[1:]))  # which of them is missing?
    assert {one.source for one in stackFromVolumeNode(volume)} == {None}


def test_what_all_slices_have_in_common_comes_from_the_dicom_database(a_case, monkeypatch):
    class Database:
        def fileForInstance(self, uid):
            return f"{uid}.dcm"

        def fileValue(self, file, tag):
            return {"0020,000d": "study", "0020,000e": "series", "0008,0016": "class", "0020,0052": "frame"}.get(tag, "")

    a_case[0].SetAttribute("DICOM.instanceUIDs", " ".join(f"1.2.{number}" for number in range(10)))
    monkeypatch.setattr(slicer, "dicomDatabase", Database(), raising=False)
    assert stackFromVolumeNode(a_case[0]).slices[3].source == SliceSource("study", "series", "class", "1.2.3", "frame")


def test_a_dicom_volume_without_a_database_is_read_all_the_same(a_case):
    a_case[0].RemoveAttribute("CardioScar.SliceThickness")
    a_case[0].SetAttribute("DICOM.instanceUIDs", "1.2.3")
    assert not hasattr(slicer, "dicomDatabase")
    assert stackFromVolumeNode(a_case[0]).slices[0].thickness == pytest.approx(10.0)


def test_a_color_image_is_refused_in_words(a_scene, a_case, a_fake_reconstruct):
    picture = vtk.vtkImageData()
    picture.SetDimensions(8, 8, 1)
    picture.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 3)
    node = a_scene.AddNewNodeByClass("vtkMRMLVectorVolumeNode")
    node.SetAndObserveImageData(picture)
    before = content(a_scene)
    with pytest.raises(BadStack, match="choose a scalar volume"):
        CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(node, a_case[1]))
    assert content(a_scene) == before


def test_what_a_panel_has_read_is_not_read_again_unless_it_changed(a_case, a_fake_reconstruct):
    from CardioScarMRML.inputs import Inputs

    inputs = Inputs()
    wall, stack = inputs.wall(a_case[1]), inputs.stack(a_case[0])
    logic = CardioScarLogic(a_fake_reconstruct, inputs=inputs)
    logic.reconstruct(CardioScarCase(*a_case))
    assert a_fake_reconstruct.calls[-1][:2] == (stack, wall)  # the very same objects
    slicer.util.arrayFromModelPoints(a_case[1])[:, 0] += 1.0
    slicer.util.arrayFromModelPointsModified(a_case[1])
    logic.reconstruct(CardioScarCase(*a_case))
    assert np.allclose(a_fake_reconstruct.calls[-1][1].nodes[:, 0], wall.nodes[:, 0] - 1.0)
