"""The numbers of a map in the scene, by script: arrays, tables, curves; reports and exports of what a model shows."""

import numpy as np
import pytest
import slicer
import vtk
from CardioScarMRML import CardioScarCase, addPhantomNodes
from CardioScarMRML.channels import CHOSEN, showChannel
from CardioScarMRML.display import showChannels
from CardioScarMRML.exports import newFolder
from CardioScarMRML.run import startHere
from CardioScarMRML.scar_numbers import insertionsFrom, numbersOf, removeNumbers, writeNumbers
from node_values import map_on
from some_numbers import some_numbers

from CardioScar import CardioScarLogic
from CardioScarLib.core.errors import BadSettings, OtherCase, UnreadableFile
from CardioScarLib.core.settings import QuantifySettings
from CardioScarLib.io.maps import point_arrays
from CardioScarLib.io.meshes import read_wall

FEW = QuantifySettings(samples=4)


@pytest.fixture
def told(a_scene, a_case, a_fake_reconstruct):
    """(volume, model) of a model with a map and `some_numbers`."""
    CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(*a_case))
    writeNumbers(a_case[1], some_numbers(len(map_on(a_case[1]))))
    return a_case


def column(model, role: str, name: str) -> list[str]:
    table = model.GetNodeReference(f"CardioScar.{role}Table").GetTable()
    values = table.GetColumnByName(name)
    return [values.GetValue(row) for row in range(table.GetNumberOfRows())]


def curves_of(model) -> list:
    count = model.GetNumberOfNodeReferences("CardioScar.Channel")
    return [model.GetNthNodeReference("CardioScar.Channel", number) for number in range(count)]


def test_every_number_is_in_a_table_with_its_interval_and_method(told):
    model = told[1]
    assert column(model, "Numbers", "Number") == ["Scar mass", "LV mass"] and column(model, "Numbers", "Unit") == ["g", "g"]
    assert [column(model, "Numbers", name) for name in ("Value", "Low", "High")] == [["12.34", "99"], ["10", ""], ["15", ""]]
    assert column(model, "Numbers", "Method") == ["expected amount", "geometry"] and column(model, "Numbers", "Level") == ["90 %", ""]
    assert column(model, "Segments", "Segment") == ["1"] and column(model, "Segments", "Scar burden (%), high") == ["50"]
    assert column(model, "Channels", "Probability (%)") == ["90", "20"] and column(model, "Channels", "AHA segments") == ["1, 2", ""]
    assert numbersOf(model)["missing"] == {"segments": "No rotation."}


def test_the_burden_of_segments_is_plotted_with_its_interval_and_goes_with_the_numbers(told, a_scene):
    chart = told[1].GetNodeReference("CardioScar.SegmentsChart")
    assert chart.GetYAxisTitle() == "Scar burden (%)" and chart.GetNumberOfPlotSeriesNodes() == 3
    bars = chart.GetNthPlotSeriesNode(0)
    table = bars.GetTableNode().GetTable()
    (sector,) = numbersOf(told[1])["sectors"].values()
    burden = sector["quantities"]["scar_burden_percent"]
    plotted = [table.GetColumnByName(name).GetValue(0) for name in (bars.GetXColumnName(), bars.GetYColumnName(), "low", "high")]
    assert plotted == [1, burden["value"], burden["low"], burden["high"]]
    removeNumbers(told[1])
    assert all(a_scene.GetNumberOfNodesByClass(f"vtkMRML{name}Node") == 0 for name in ("PlotChart", "PlotSeries"))


def test_channels_are_curves_where_they_run_in_the_world(told):
    straight, bent = curves_of(told[1])
    ends = [np.zeros(3), np.zeros(3)]
    for number, end in zip((0, straight.GetNumberOfControlPoints() - 1), ends, strict=True):
        straight.GetNthControlPointPositionWorld(number, end)
    np.testing.assert_allclose(ends, [[0, -3, -4], [-20, -3, -4]], atol=1e-9)
    assert straight.GetCurveLengthWorld() == pytest.approx(20, abs=0.1) and bent.GetCurveLengthWorld() == pytest.approx(30, abs=2)
    assert straight.GetLocked() and straight.GetName() == "Channel 1 (90 %)"


def test_a_channel_that_is_chosen_is_thick_and_the_views_move_to_it(a_scene, told):
    view = a_scene.AddNewNodeByClass("vtkMRMLSliceNode", "Red")
    view.SetLayoutName("Red")
    camera = a_scene.AddNewNodeByClass("vtkMRMLCameraNode")
    showChannel(told[1], 1)
    first, second = (one.GetDisplayNode() for one in curves_of(told[1]))
    assert second.GetLineDiameter() > first.GetLineDiameter() and second.GetSelectedColor() == CHOSEN != first.GetSelectedColor()
    pose = slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS())
    assert pose[:3, 2] @ (pose[:3, 3] - np.array([-15.0, -3.0, -4.0])) == pytest.approx(0, abs=1e-6)
    bounds = np.zeros(6)
    told[1].GetRASBounds(bounds)
    toward = np.array([-15.0, -3.0, -4.0]) - bounds.reshape(3, 2).mean(axis=1)
    assert (np.array(camera.GetPosition()) - np.array(camera.GetFocalPoint())) @ toward > 0
    a_scene.RemoveNode(curves_of(told[1])[1])
    showChannel(told[1], 1)  # a person has removed it


def test_a_model_is_colored_by_the_probability_of_channels_once_it_is_known(told, a_scene, a_phantom):
    showChannels(told[1])
    display = told[1].GetDisplayNode()
    assert display.GetActiveScalarName() == "channel_probability" and tuple(display.GetScalarRange()) == (0.0, 1.0)
    volume, other = addPhantomNodes(a_scene, a_phantom)
    with pytest.raises(ValueError):
        showChannels(other)


def test_the_next_map_takes_the_numbers_of_the_last_one_along(told, a_scene, a_fake_reconstruct):
    volume, model = told
    tables, curves = a_scene.GetNumberOfNodesByClass("vtkMRMLTableNode"), curves_of(model)
    CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(volume, model))
    assert numbersOf(model) is None and all(one.GetScene() is None for one in curves) and curves_of(model) == []
    assert not model.GetMesh().GetPointData().HasArray("channel_probability")
    assert a_scene.GetNumberOfNodesByClass("vtkMRMLTableNode") == tables - 4
    writeNumbers(model, some_numbers(len(map_on(model))))
    CardioScarLogic(a_fake_reconstruct).reconstruct(CardioScarCase(volume, model), keepEarlierAs="_earlier")
    assert numbersOf(model) is None and model.GetAttribute("CardioScar.Numbers_earlier")
    assert model.GetMesh().GetPointData().HasArray("channel_probability_earlier")
    assert a_scene.GetNumberOfNodesByClass("vtkMRMLTableNode") == tables, "kept under other names, beside that of the new map"


def test_numbers_that_are_told_again_leave_as_many_nodes(told, a_scene):
    removeNumbers(told[1])
    writeNumbers(told[1], some_numbers(len(map_on(told[1]))))
    before = a_scene.GetNumberOfNodes()
    for _ in range(2):
        writeNumbers(told[1], some_numbers(len(map_on(told[1]))))
    assert a_scene.GetNumberOfNodes() == before


def test_numbers_and_channels_stay_in_a_saved_scene(told, a_scene, tmp_path):
    name = told[1].GetName()
    assert a_scene.WriteToMRB(str(tmp_path / "case.mrb"))
    a_scene.Clear(0)
    a_scene.ReadFromMRB(str(tmp_path / "case.mrb"), True)
    model = a_scene.GetFirstNodeByName(name)
    assert numbersOf(model)["quantities"]["scar_mass_g"]["low"] == 10.0 and len(curves_of(model)) == 2
    assert column(model, "Numbers", "Value") == ["12.34", "99"]
    showChannel(model, 0)
    assert curves_of(model)[0].GetDisplayNode().GetSelectedColor() == pytest.approx(CHOSEN)


def test_insertions_are_points_of_the_world_in_their_order(a_scene):
    points = a_scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode")
    assert insertionsFrom(None) is None and insertionsFrom(points) is None
    transform = a_scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    moved = vtk.vtkTransform()
    moved.Translate(10, 0, 0)
    transform.SetMatrixTransformToParent(moved.GetMatrix())
    points.SetAndObserveTransformNodeID(transform.GetID())
    points.AddControlPoint(1, 2, 3)
    points.AddControlPoint(4, 5, 6)
    np.testing.assert_allclose(insertionsFrom(points), [[-11, -2, 3], [-14, -5, 6]])
    points.AddControlPoint(7, 8, 9)
    with pytest.raises(BadSettings, match="two insertions"):
        insertionsFrom(points)


@pytest.fixture
def a_real_map(a_small_case, quick):
    """(logic, case) with a map of the model Field on the model, whose numbers were told."""
    logic, case = CardioScarLogic(startHere), CardioScarCase(*a_small_case[:2])
    logic.reconstruct(case, quick)
    return logic, case


def test_numbers_report_and_export_are_of_the_map_that_is_shown(a_real_map, a_scene, tmp_path):
    """Whatever is chosen for the next one; with the audit of this map, and with what else is on the model."""
    logic, case = a_real_map
    model = case.lvModelNode
    measure = case.wall().node_measure
    numbers = logic.quantify(case, FEW)
    mass = next(one for one in numbers.quantities if one.name == "scar_mass_g")
    assert mass.value == pytest.approx(1.05e-3 * float(measure @ map_on(model).astype(float)), rel=1e-6) and mass.low < mass.high
    assert "channel_probability" in model.GetAttribute("CardioScar.Arrays").split()
    mine = vtk.vtkFloatArray()
    mine.SetName("mine")
    mine.SetNumberOfValues(len(measure))
    mine.Fill(3.0)
    model.GetMesh().GetPointData().AddArray(mine)
    written = logic.exportMap(case, tmp_path / "e", ["mesh", "nrrd"], FEW)
    assert {one.name for one in written.files} == {
        "scar_map.vtu", "scar_probability.nrrd", "scar_uncertainty.nrrd", "scar_labels.seg.nrrd",
    }  # fmt: skip
    mesh = read_wall(tmp_path / "e" / "scar_map.vtu")
    np.testing.assert_allclose(mesh.wall.nodes, case.wall().nodes, atol=1e-3)
    arrays = point_arrays(mesh)
    np.testing.assert_array_equal(arrays["scar_probability"], map_on(model))
    assert arrays["mine"][0] == 3.0 and not mesh.dataset.GetFieldData().HasArray("scar_field"), "it holds the pixels of the slices"
    report = logic.writeReport(case, tmp_path / "r", FEW)
    assert [one.name for one in report.files] == ["report.html", "report.pdf", "numbers.json"]
    assert "Phantom LGE" not in (tmp_path / "r" / "report.html").read_text() + (tmp_path / "r" / "numbers.json").read_text()


def test_what_was_changed_since_is_not_told_as_the_map(a_real_map, a_scene):
    logic, case = a_real_map
    with pytest.raises(OtherCase):
        logic.startNumbers(CardioScarCase(case.lgeVolumeNode, case.lvModelNode, sliceIndices=[2, 3, 4]), FEW)
    run = CardioScarLogic(lambda task: _Slow(task)).startNumbers(case, FEW)
    assert run.poll() == "running"
    case.lvModelNode.SetAttribute("CardioScar.Provenance", "{}")  # as another map would
    assert run.poll() == "failed" and isinstance(run.exception, OtherCase)


def test_a_map_without_its_field_says_what_to_do(told):
    with pytest.raises(UnreadableFile, match="model Field"):
        CardioScarLogic(startHere).startReport(CardioScarCase(*told), "nowhere")


class _Slow:
    def __init__(self, task):
        self.state, self.log, self.progress, self.error = "running", "", None, None

    def poll(self) -> str:
        return self.state

    def cancel(self) -> None:
        self.state = "cancelled"


def test_a_folder_gets_the_first_name_that_is_free(tmp_path):
    first = newFolder(tmp_path, 'Case: "7"/LV report')
    assert first.name == "Case_ _7__LV report" and first.parent == tmp_path
    first.mkdir()
    assert newFolder(tmp_path, 'Case: "7"/LV report').name == "Case_ _7__LV report 2"
