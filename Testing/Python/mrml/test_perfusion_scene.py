"""SPECT volumes as nodes: what is read of them, what is refused, and what a measurement leaves in the scene."""

from dataclasses import replace

import numpy as np
import pytest
import slicer
import vtk
from CardioScarMRML import perfusion
from CardioScarMRML.case import CardioScarCase
from CardioScarMRML.display import DISPLAY_ATTRIBUTE, showPerfusion, showViability
from CardioScarMRML.logic import CardioScarLogic
from CardioScarMRML.perfusion import measurePerfusion, scanOf
from CardioScarMRML.perfusion_nodes import ARRAYS_ATTRIBUTE, WALL_ID, perfusionOf, removeClasses
from CardioScarMRML.run import startHere
from CardioScarMRML.segments import segmentArray
from jobs import AJob
from measured_perfusion import FEW, FINDING, GRID, a_measurement, counts, model_node, spect_nodes
from perfusion_phantoms import a_threshold_network
from vtk.util.numpy_support import vtk_to_numpy

from CardioScarLib.core.errors import BadSettings, BadStack, BadWall
from CardioScarLib.runner import InPlaceJob


def answering(found, asked=None):
    """Stands for `startJob`: has measured already."""

    def start(task):
        if asked is not None:
            asked.append(task)
        return InPlaceJob(lambda progress: found)

    return start


def array_on(model, name: str) -> np.ndarray:
    return vtk_to_numpy(model.GetMesh().GetPointData().GetArray(name))


def rows_of(table) -> list[list[str]]:
    cells = table.GetTable()
    columns = [cells.GetColumn(number) for number in range(cells.GetNumberOfColumns())]
    return [[column.GetValue(row) for column in columns] for row in range(cells.GetNumberOfRows())]


@pytest.fixture
def nodes(a_scene):
    slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(a_scene)  # made when first asked for
    return (*spect_nodes(a_scene, "stress", "rest"), model_node(a_scene))


def test_counts_lie_where_the_volume_lies_in_the_world(a_scene, nodes):
    stress = nodes[0]
    assert scanOf(stress).matrix == pytest.approx(GRID.matrix) and np.array_equal(scanOf(stress).counts[0], counts("stress"))
    moved = a_scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 3, 10.0)  # to the right in RAS
    moved.SetMatrixTransformToParent(matrix)
    stress.SetAndObserveTransformNodeID(moved.GetID())
    assert scanOf(stress).matrix[:3, 3] == pytest.approx(GRID.matrix[:3, 3] - [10, 0, 0])


def test_what_is_measured_is_beside_the_volume_and_on_the_model(a_scene, nodes, monkeypatch):
    pytest.importorskip("torch")
    pytest.importorskip("monai")
    stress, rest, model = nodes
    monkeypatch.setattr("CardioScarLib.tasks.perfusion.read_spect_weights", lambda name: a_threshold_network())
    record = measurePerfusion(stress, rest, FEW, lvModelNode=model, wall="model", isRegistered=True, finding=FINDING, startJob=startHere)
    assert list(record.studies) == ["stress", "rest"] and not record.scar
    assert perfusionOf(stress).studies == record.studies and perfusionOf(rest) is None
    percent = array_on(model, "perfusion_percent")
    assert len(percent) == model.GetMesh().GetNumberOfPoints() and percent.min() < 70 < 90 < percent.max()
    assert np.nanmin(array_on(model, "rest_perfusion_percent")) > percent.min() + 10
    assert not model.GetMesh().GetPointData().HasArray("viability_class")
    table = stress.GetNodeReference("CardioScar.PerfusionTable")
    names = [row[1] for row in rows_of(table)]
    assert "SSS-like score" in names and "SDS-like score" in names and table.GetColumnName(3) == "Low"
    segments = rows_of(stress.GetNodeReference("CardioScar.PerfusionSegments"))
    assert len(segments) == 17 and segments[9][1] == "mid inferior" and float(segments[9][2]) < float(segments[9][5])
    wall = stress.GetNodeReference("CardioScar.PerfusionWall")
    inside = segmentArray(wall, WALL_ID, stress) > 0
    assert counts("stress")[inside].mean() > 2 * counts("stress").mean()
    assert "LV wall" in wall.GetName() and rest.GetNodeReference("CardioScar.PerfusionWall") is not wall


def test_a_second_measurement_takes_the_place_of_the_first(a_scene, nodes):
    stress, rest, model = nodes
    found = a_measurement(True)
    measurePerfusion(stress, rest, lvModelNode=model, startJob=answering(found))
    count, first = a_scene.GetNumberOfNodes(), stress.GetNodeReference("CardioScar.PerfusionTable")
    measurePerfusion(stress, rest, lvModelNode=model, startJob=answering(found))
    assert a_scene.GetNumberOfNodes() == count and first.GetScene() is None


def test_classes_are_shown_with_their_names_and_go_with_their_map(a_scene, nodes):
    stress, rest, model = nodes
    measurePerfusion(stress, rest, lvModelNode=model, startJob=answering(a_measurement(True)))
    classes = array_on(model, "viability_class")
    assert {2, 3} <= set(classes.tolist())  # ischemic, and scar
    showViability(model)
    assert model.GetDisplayNode().GetActiveScalarName() == "viability_class"
    names = model.GetDisplayNode().GetColorNode()
    assert [names.GetColorName(number) for number in range(5)] == ["unknown", "normal", "ischemic", "scar", "mixed"]
    showPerfusion(model)
    assert model.GetDisplayNode().GetAttribute(DISPLAY_ATTRIBUTE) == "perfusion"
    assert model.GetDisplayNode().GetScalarRange() == (0.0, 100.0)
    removeClasses(model)  # as the next map does
    assert not model.GetMesh().GetPointData().HasArray("viability_class") and "perfusion_percent" in model.GetAttribute(ARRAYS_ATTRIBUTE)
    with pytest.raises(BadWall, match="not measured"):
        showViability(model)


def test_nodes_that_are_not_on_the_scan_are_gray(a_scene, nodes):
    stress, rest, model = nodes
    found = a_measurement(False)
    percent = found.arrays["perfusion_percent"].copy()
    percent[:40] = np.nan
    partly = replace(found, arrays={"perfusion_percent": percent})
    measurePerfusion(stress, rest, lvModelNode=model, startJob=answering(partly))
    showPerfusion(model)
    shown = array_on(model, "scar_shown")
    assert model.GetDisplayNode().GetActiveScalarName() == "scar_shown" and (shown[:40] == 0).all() and shown[40:].min() > 0


def test_the_map_on_the_model_is_read_beside_perfusion(a_scene, nodes, monkeypatch):
    stress, rest, model = nodes
    asked: list = []
    logic = CardioScarLogic(answering(a_measurement(True), asked))
    monkeypatch.setattr("CardioScarMRML.logic.shownResult", lambda model, case: "the result")
    monkeypatch.setattr(CardioScarCase, "read", lambda self, inputs: None)
    case = CardioScarCase(stress, model)
    logic.measurePerfusion(stress, rest, case=case, device="cpu")
    assert asked[0].result is None and len(asked[0].wall.nodes) == model.GetMesh().GetNumberOfPoints()
    measurePerfusion(stress, rest, lvModelNode=model, startJob=answering(a_measurement(True)))
    array = vtk.vtkFloatArray()
    array.SetName("scar_probability")
    array.SetNumberOfTuples(model.GetMesh().GetNumberOfPoints())
    model.GetMesh().GetPointData().AddArray(array)
    logic.measurePerfusion(stress, rest, case=case, device="cpu")
    assert asked[1].result == "the result" and asked[1].wall is None and asked[1].finding.device == "cpu"
    assert asked[1].environment["CUDA_VISIBLE_DEVICES"] == "-1"


def test_what_cannot_be_measured_is_said_before_anything_starts(a_scene, nodes):
    stress, rest, model = nodes
    empty = a_scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Empty")
    vector = a_scene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "Colors")
    slicer.util.updateVolumeFromArray(vector, np.zeros((4, 4, 4, 3)))
    bend = a_scene.AddNewNodeByClass("vtkMRMLTransformNode")
    bend.SetAndObserveTransformToParent(vtk.vtkThinPlateSplineTransform())
    for node, more, error, words in (
        (None, {}, BadStack, "No SPECT volume"),
        (model, {}, BadStack, "No SPECT volume"),
        (empty, {}, BadStack, "has no image"),
        (vector, {}, BadStack, "several values"),
        (stress, {"restVolumeNode": stress}, BadSettings, "at rest is the one at stress"),
        (stress, {"wall": "model"}, BadSettings, "choose the LV model"),
    ):
        with pytest.raises(error, match=words):
            perfusion.startPerfusion(node, **more, startJob=AJob)
    stress.SetAndObserveTransformNodeID(bend.GetID())
    with pytest.raises(BadStack, match="bends it"):
        perfusion.startPerfusion(stress, startJob=AJob)


@pytest.mark.parametrize(
    "values, words",
    (
        (np.zeros((8, 8, 6)), "is empty"),
        (np.arange(384).reshape(6, 8, 8) % 2, "is a mask"),
        (np.full((8, 8, 6), np.nan), "finite"),
    ),
)
def test_volumes_of_no_counts_fail_with_their_name_and_leave_the_scene(a_scene, values, words):
    node = a_scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Stress")
    slicer.util.updateVolumeFromArray(node, values.astype(np.float32))
    before = a_scene.GetNumberOfNodes()
    with pytest.raises(BadStack, match=f"^Stress .*{words}"):
        measurePerfusion(node, startJob=startHere)
    assert a_scene.GetNumberOfNodes() == before


def test_a_volume_that_goes_or_changes_meanwhile_gets_nothing(a_scene, nodes):
    stress, rest, model = nodes
    run = perfusion.startPerfusion(stress, rest, lvModelNode=model, startJob=lambda task: AJob(task, a_measurement(False)))
    slicer.util.updateVolumeFromArray(rest, np.ones((3, 3, 3)))
    assert run.poll() == "failed" and "another image" in run.error and perfusionOf(stress) is None
    run = perfusion.startPerfusion(stress, lvModelNode=model, startJob=lambda task: AJob(task, a_measurement(False)))
    a_scene.RemoveNode(model)
    assert run.poll() == "failed" and "removed" in run.error


def test_a_record_that_somebody_edited_is_no_record(a_scene, nodes):
    nodes[0].SetAttribute("CardioScar.Perfusion", '{"studies": 3}')
    assert perfusionOf(nodes[0]) is None
