"""Segments to choose from, and an LV wall made from them."""

from types import SimpleNamespace

import numpy as np
import pytest
import qt
import slicer
import vtk
from CardioScarMRML import addPhantomNodes
from CardioScarMRML.walls import drawnOn
from CardioScarPanel import wall_maker
from panels import click

from CardioScarLib.core.errors import BadWall
from CardioScarLib.core.settings import WallSettings


@pytest.fixture
def a_segmentation(a_scene):
    node = a_scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Heart")
    node.CreateDefaultDisplayNodes()
    for number, name in enumerate(("Myocardium", "Blood pool", "Scar")):
        cube = slicer.vtkOrientedImageData()
        cube.SetExtent(5 * number, 5 * number + 3, 0, 3, 0, 3)
        cube.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
        cube.GetPointData().GetScalars().Fill(1)
        segment = slicer.vtkSegment()
        segment.SetName(name)
        segment.AddRepresentation("Binary labelmap", cube)
        node.GetSegmentation().AddSegment(segment, f"s{number + 1}")
    return node


@pytest.fixture
def a_wall_builder(monkeypatch, a_scene):
    """Stands for startWall; makes an empty model at the second look."""
    calls = []

    class Run:
        state, exception, error, result, log, progress = "running", None, None, None, "", None

        def poll(self):
            if calls[-1]["polls"]:
                self.state, self.result = "done", a_scene.AddNewNodeByClass("vtkMRMLModelNode", "LV wall")
            calls[-1]["polls"] += 1
            return self.state

        def cancel(self):
            self.state = "cancelled"

    def start(segmentationNode, **choices):
        calls.append({"segmentation": segmentationNode, "polls": 0, **choices})
        if start.error:
            raise start.error
        return Run()

    start.error, start.calls = None, calls
    monkeypatch.setattr(wall_maker, "startWall", start)
    return start


def texts(comboBox) -> list[str]:
    return [comboBox.itemText(number) for number in range(comboBox.count)]


def test_scar_can_be_taken_from_a_segment(a_panel, a_scene, a_phantom, a_segmentation):
    addPhantomNodes(a_scene, a_phantom)
    a_panel.enter()
    ui, parameters = a_panel.ui, a_panel._parameterNode
    assert not ui.scarSegmentComboBox.isVisible() and ui.evidenceMethodComboBox.enabled
    ui.scarSegmentationSelector.setCurrentNode(a_segmentation)
    qt.QApplication.processEvents()
    assert texts(ui.scarSegmentComboBox) == ["Myocardium", "Blood pool", "Scar"]
    assert ui.scarSegmentComboBox.isVisible() and not ui.evidenceMethodComboBox.enabled
    ui.scarSegmentComboBox.currentIndex = 2
    assert parameters.scarSegmentID == "s3"
    asked = []
    a_panel.logic = SimpleNamespace(startReconstruction=lambda case, **_: asked.append(case), getParameterNode=None)
    click(ui.applyButton)
    assert (asked[0].segmentationNode, asked[0].scarSegmentID) == (a_segmentation, "s3")


def test_segments_that_come_and_go_are_followed(a_panel, a_segmentation):
    ui, parameters = a_panel.ui, a_panel._parameterNode
    ui.scarSegmentationSelector.setCurrentNode(a_segmentation)
    qt.QApplication.processEvents()
    ui.scarSegmentComboBox.currentIndex = 2
    a_segmentation.GetSegmentation().AddEmptySegment("s4", "Core")
    qt.QApplication.processEvents()
    assert texts(ui.scarSegmentComboBox)[-1] == "Core" and parameters.scarSegmentID == "s3"
    a_segmentation.GetSegmentation().RemoveSegment("s3")
    qt.QApplication.processEvents()
    assert texts(ui.scarSegmentComboBox) == ["Myocardium", "Blood pool", "Core"] and parameters.scarSegmentID == "s1"


def test_a_segmentation_without_segments_cannot_be_applied(a_panel, a_scene, a_phantom):
    addPhantomNodes(a_scene, a_phantom)
    a_panel.enter()
    assert a_panel.ui.applyButton.enabled
    a_panel.ui.scarSegmentationSelector.setCurrentNode(a_scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Empty"))
    qt.QApplication.processEvents()
    assert not a_panel.ui.applyButton.enabled and "no segment" in a_panel.ui.applyButton.toolTip


def test_the_segment_outlives_leaving_the_panel(a_panel, a_segmentation):
    a_panel.ui.scarSegmentationSelector.setCurrentNode(a_segmentation)
    qt.QApplication.processEvents()
    a_panel.ui.scarSegmentComboBox.currentIndex = 1
    a_panel.exit()
    a_panel.ui.scarSegmentComboBox.currentIndex = 0  # nobody listens now
    a_panel.enter()
    assert a_panel.ui.scarSegmentComboBox.currentText == "Blood pool" and a_panel._parameterNode.scarSegmentID == "s2"


def test_a_wall_is_made_from_a_segmentation_and_becomes_the_model(a_panel, a_scene, a_segmentation, a_wall_builder):
    ui = a_panel.ui
    assert not ui.makeWallFrame.isVisible()
    click(ui.makeWallButton)
    assert ui.makeWallFrame.isVisible() and not ui.startWallButton.enabled and "segmentation" in ui.startWallButton.toolTip
    ui.wallSegmentationSelector.setCurrentNode(a_segmentation)
    qt.QApplication.processEvents()
    assert texts(ui.wallMyocardiumComboBox)[:2] == ["Automatic", "Myocardium"]
    ui.wallCavityComboBox.currentIndex = 2
    click(ui.startWallButton)
    assert ui.applyButton.text == "Cancel" and not ui.startWallButton.enabled
    call = a_wall_builder.calls[0]
    assert call["segmentation"] is a_segmentation
    assert (call["myocardiumSegmentID"], call["cavitySegmentID"]) == (None, "s2")
    a_panel._runControl.poll()
    assert a_panel._parameterNode.lvModel.GetName() == "LV wall"
    assert not ui.makeWallFrame.isVisible() and "LV wall was made" in ui.statusLabel.text


def is_shown(model):
    return [model.GetNthDisplayNode(number).GetVisibility() for number in range(model.GetNumberOfDisplayNodes())]


def test_a_new_wall_is_seen_instead_of_the_model_and_the_map_before(a_panel, a_scene, a_phantom, a_segmentation, a_wall_builder):
    _, model = addPhantomNodes(a_scene, a_phantom)
    a_panel.enter()
    qt.QApplication.processEvents()
    a_panel.ui.placementComboBox.currentIndex = a_panel.ui.placementComboBox.findData("copy")
    click(a_panel.ui.applyButton)
    with_map = a_panel._parameterNode.resultModel
    assert is_shown(with_map) == [1, 1] and is_shown(model) == [0]
    model.GetDisplayNode().SetVisibility(True)
    click(a_panel.ui.makeWallButton)
    a_panel.ui.wallSegmentationSelector.setCurrentNode(a_segmentation)
    click(a_panel.ui.startWallButton)
    a_panel._runControl.poll()
    assert a_panel._parameterNode.lvModel.GetName() == "LV wall"
    assert is_shown(model) == [0] and is_shown(with_map) == [0, 0]  # the legend, too
    a_panel.ui.lvModelSelector.setCurrentNode(model)
    click(a_panel.ui.applyButton)  # onto a copy again, which is seen
    assert is_shown(a_panel._parameterNode.resultModel) == [1, 1]


def test_segments_are_read_on_the_volume_they_were_drawn_on(a_panel, a_scene, a_phantom, a_segmentation, a_wall_builder):
    lge, _ = addPhantomNodes(a_scene, a_phantom)
    a_panel.enter()
    click(a_panel.ui.makeWallButton)
    a_panel.ui.wallSegmentationSelector.setCurrentNode(a_segmentation)
    click(a_panel.ui.startWallButton)
    assert a_wall_builder.calls[-1]["referenceVolumeNode"] is lge  # nothing else is known
    click(a_panel.ui.applyButton)
    cine = slicer.util.addVolumeFromArray(np.zeros((4, 9, 9)), name="Cine")
    a_segmentation.SetReferenceImageGeometryParameterFromVolumeNode(cine)
    click(a_panel.ui.startWallButton)
    assert a_wall_builder.calls[-1]["referenceVolumeNode"] is None
    assert drawnOn(a_segmentation) is cine


def test_the_base_is_found_unless_its_height_is_set(a_panel, a_segmentation, a_wall_builder):
    ui = a_panel.ui
    click(ui.makeWallButton)
    ui.wallSegmentationSelector.setCurrentNode(a_segmentation)
    assert not ui.wallBaseSpinBox.enabled
    click(ui.startWallButton)
    assert a_wall_builder.calls[-1]["settings"] == WallSettings()
    click(ui.applyButton)
    ui.wallBaseCheckBox.checked = True
    assert ui.wallBaseSpinBox.enabled
    ui.wallBaseSpinBox.selectAll()
    qt.QTest.keyClicks(ui.wallBaseSpinBox, "-6.5\r")
    click(ui.startWallButton)
    assert a_wall_builder.calls[-1]["settings"] == WallSettings(base_at=-6.5)
    click(ui.applyButton)
    ui.wallBaseCheckBox.checked = False  # the height is kept, and not used
    click(ui.startWallButton)
    assert a_wall_builder.calls[-1]["settings"].base_at is None and ui.wallBaseSpinBox.value == -6.5


def test_a_wall_that_cannot_be_made_says_why(a_panel, a_segmentation, a_wall_builder):
    a_wall_builder.error = BadWall("No segment looks like myocardium; choose it.")
    click(a_panel.ui.makeWallButton)
    a_panel.ui.wallSegmentationSelector.setCurrentNode(a_segmentation)
    click(a_panel.ui.startWallButton)
    assert a_panel.ui.statusLabel.text == "No segment looks like myocardium; choose it."
    assert a_panel.ui.applyButton.text == "Apply" and slicer.app.cursors == 0


def test_making_a_wall_can_be_canceled(a_panel, a_scene, a_segmentation, a_wall_builder):
    click(a_panel.ui.makeWallButton)
    a_panel.ui.wallSegmentationSelector.setCurrentNode(a_segmentation)
    click(a_panel.ui.startWallButton)
    click(a_panel.ui.applyButton)
    assert a_panel._parameterNode.lvModel is None and a_scene.GetFirstNodeByName("LV wall") is None
