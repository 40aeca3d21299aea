"""The switch between probability, uncertainty and scar above a threshold."""

import re

import numpy as np
import pytest
import qt
import slicer
from CardioScarMRML import addPhantomNodes
from counted import counted
from node_values import map_on
from panels import choose, click


@pytest.fixture
def a_result(a_panel, a_scene, a_phantom):
    """The model of a run that was made in the panel."""
    _, model = addPhantomNodes(a_scene, a_phantom)
    a_panel.enter()
    click(a_panel.ui.applyButton)
    return model


def shown_on(model) -> str:
    return model.GetDisplayNode().GetActiveScalarName()


def test_there_is_nothing_to_switch_before_a_run(a_panel, a_scene, a_phantom):
    addPhantomNodes(a_scene, a_phantom)
    a_panel.enter()
    ui = a_panel.ui
    assert not ui.showFrame.enabled and not ui.binaryThresholdSlider.enabled and not ui.resultLabel.isVisible()
    click(ui.applyButton)
    assert ui.showFrame.enabled and ui.showProbabilityButton.checked and ui.resultLabel.isVisible()


def test_a_click_switches_the_map_and_back(a_panel, a_result):
    ui = a_panel.ui
    assert shown_on(a_result) == "scar_probability"
    click(ui.showUncertaintyButton)
    assert shown_on(a_result) == "scar_uncertainty" and ui.showUncertaintyButton.checked
    click(ui.showBinaryButton)
    assert shown_on(a_result) == "scar_binary" and ui.binaryThresholdSlider.enabled
    click(ui.showProbabilityButton)
    assert shown_on(a_result) == "scar_probability" and not ui.binaryThresholdSlider.enabled


def test_the_threshold_moves_the_border_at_once(a_panel, a_result):
    slider = a_panel.ui.binaryThresholdSlider
    click(a_panel.ui.showBinaryButton)
    probability, areas = map_on(a_result).copy(), []
    for threshold in (0.2, 0.5, 0.8):
        slider.value = threshold
        np.testing.assert_array_equal(map_on(a_result, "scar_binary"), probability >= np.float32(threshold))
        areas.append(map_on(a_result, "scar_binary").sum())
    assert areas[0] > areas[1] > areas[2] > 0
    np.testing.assert_array_equal(map_on(a_result), probability)


def test_the_table_and_the_panel_tell_of_the_threshold_that_is_shown(a_panel, a_result, a_phantom):
    table, label = a_result.GetNodeReference("CardioScar.Results"), a_panel.ui.resultLabel
    measure = a_phantom.wall.node_measure
    assert "above" not in label.text
    click(a_panel.ui.showBinaryButton)
    assert "Scar above threshold" in label.text
    for threshold in (0.2, 0.8):
        a_panel.ui.binaryThresholdSlider.value = threshold
        share = 100 * measure @ map_on(a_result, "scar_binary") / measure.sum()
        assert table.GetTable().GetColumnByName("Threshold").GetValue(0) == pytest.approx(threshold)
        assert table.GetTable().GetColumnByName("Scar above threshold").GetValue(0) == pytest.approx(share, rel=1e-5)
        assert f"Scar above threshold: {share:.1f} %" in label.text
    assert (table.GetColumnUnitLabel("Threshold"), table.GetColumnUnitLabel("Scar above threshold")) == ("1", "%")
    assert table.GetNumberOfRows() == 1
    click(a_panel.ui.showProbabilityButton)
    assert "above" not in label.text
    table.RemoveRow(0)
    click(a_panel.ui.showBinaryButton)
    assert table.GetNumberOfRows() == 0 and "above" in label.text  # the numbers are the model's, the table is a person's


def test_numbers_are_told_as_clinicians_do(a_panel, a_result):
    """From 0.0 on, and never as in 1.9e-35."""
    for line in a_panel.ui.resultLabel.text.splitlines():
        assert re.fullmatch(r"(Scar burden|Scar volume|Scar mass|Beyond the slices): \d+\.\d (%|mL|g)", line), line
    assert "Beyond the slices: 0.0 %" in a_panel.ui.resultLabel.text


def test_the_threshold_can_be_typed(a_panel, a_result):
    click(a_panel.ui.showBinaryButton)
    box = a_panel.ui.binaryThresholdSlider.findChild(qt.QDoubleSpinBox)
    box.selectAll()
    qt.QTest.keyClicks(box, "0.75\r")
    assert a_panel._parameterNode.threshold == pytest.approx(0.75)


def test_the_threshold_can_be_dragged(a_panel, a_result):
    click(a_panel.ui.showBinaryButton)
    slider, option = a_panel.ui.binaryThresholdSlider.findChild(qt.QSlider), qt.QStyleOptionSlider()
    slider.initStyleOption(option)
    handle = slider.style().subControlRect(qt.QStyle.CC_Slider, option, qt.QStyle.SC_SliderHandle, slider).center()
    seen = [map_on(a_result, "scar_binary").sum()]
    qt.QTest.mousePress(slider, qt.Qt.LeftButton, qt.Qt.NoModifier, handle)
    for step in (20, 40, 60):
        qt.QTest.mouseMove(slider, handle + qt.QPoint(step, 0))
        qt.QApplication.processEvents()
        seen.append(map_on(a_result, "scar_binary").sum())
    qt.QTest.mouseRelease(slider, qt.Qt.LeftButton, qt.Qt.NoModifier, handle + qt.QPoint(60, 0))
    assert a_panel._parameterNode.threshold > 0.6
    assert seen[0] > seen[1] > seen[2] > seen[3]  # while it moves, not only when it is let go


def test_a_move_of_the_threshold_redraws_once_and_reads_nothing(a_panel, a_result):
    click(a_panel.ui.showBinaryButton)
    a_panel.ui.binaryThresholdSlider.value = 0.3  # reads the wall, once
    redrawn = []
    a_result.AddObserver(a_result.MeshModifiedEvent, lambda caller, event: redrawn.append(event))
    with counted() as work:
        a_panel.ui.binaryThresholdSlider.value = 0.7
    assert len(redrawn) == work.calls["setThreshold"] == 1
    assert not work.opened and work.calls["wallFromModelNode"] == work.calls["stackFromVolumeNode"] == work.calls["colorTable"] == 0
    assert work.lines < 24_000  # 15,700, most of them in the binding of nodes and widgets; a loop over the nodes would be more


def test_a_map_without_uncertainty_offers_none(a_panel, a_result, a_fake_reconstruct):
    click(a_panel.ui.showUncertaintyButton)
    a_fake_reconstruct.gives.remove("scar_uncertainty")
    click(a_panel.ui.applyButton)
    assert not a_panel.ui.showUncertaintyButton.enabled and "without uncertainty" in a_panel.ui.showUncertaintyButton.toolTip
    assert a_panel.ui.showProbabilityButton.checked and shown_on(a_result) == "scar_probability"


def test_the_choice_outlives_the_next_run(a_panel, a_result):
    click(a_panel.ui.showUncertaintyButton)
    click(a_panel.ui.applyButton)
    assert shown_on(a_result) == "scar_uncertainty"


def test_it_is_said_under_which_name_an_earlier_map_stays(a_panel, a_result):
    a_panel.ui.outputCollapsibleButton.collapsed = False
    choose(a_panel.ui.placementComboBox, "keep")
    for name in ("scar_probability_earlier", "scar_probability_earlier2"):
        assert not a_result.GetMesh().GetPointData().HasArray(name)
        click(a_panel.ui.applyButton)
        assert a_result.GetMesh().GetPointData().HasArray(name) and f"kept as {name}." in a_panel.ui.statusLabel.text


def test_opening_the_panel_does_not_change_how_a_model_looks(a_panel, a_result):
    """Someone colored the model by hand."""
    click(a_panel.ui.showBinaryButton)
    a_result.GetDisplayNode().SetActiveScalarName("scar_observed")
    a_panel.exit()
    a_panel.enter()
    qt.QApplication.processEvents()
    assert shown_on(a_result) == "scar_observed"
    click(a_panel.ui.showProbabilityButton)
    assert shown_on(a_result) == "scar_probability"


def test_a_model_that_has_a_map_keeps_its_look_when_it_is_chosen(a_panel, a_scene, a_result, a_phantom):
    """The switch follows the model, not the other way round."""
    click(a_panel.ui.showBinaryButton)
    a_panel.ui.binaryThresholdSlider.value = 0.25
    _, other = addPhantomNodes(a_scene, a_phantom)
    a_panel.ui.lvModelSelector.setCurrentNode(other)
    click(a_panel.ui.applyButton)
    click(a_panel.ui.showUncertaintyButton)
    a_panel.ui.lvModelSelector.setCurrentNode(a_result)
    assert (shown_on(a_result), shown_on(other)) == ("scar_binary", "scar_uncertainty")
    assert a_panel.ui.showBinaryButton.checked and a_panel.ui.binaryThresholdSlider.value == pytest.approx(0.25)
    a_panel.ui.lvModelSelector.setCurrentNode(other)
    assert (shown_on(a_result), shown_on(other)) == ("scar_binary", "scar_uncertainty")
    assert a_panel.ui.showUncertaintyButton.checked


def test_a_click_on_what_is_chosen_already_shows_it_again(a_panel, a_result):
    a_result.GetDisplayNode().SetActiveScalarName("scar_observed")
    click(a_panel.ui.showProbabilityButton)
    assert shown_on(a_result) == "scar_probability"


def test_a_copy_gets_the_map_and_the_switch(a_panel, a_scene, a_phantom):
    _, model = addPhantomNodes(a_scene, a_phantom)
    a_panel.enter()
    a_panel.ui.outputCollapsibleButton.collapsed = False
    choose(a_panel.ui.placementComboBox, "copy")
    click(a_panel.ui.applyButton)
    assert not model.GetMesh().GetPointData().HasArray("scar_probability")
    copy = a_panel._parameterNode.resultModel
    assert copy is not model and a_panel._parameterNode.lvModel is model
    click(a_panel.ui.showUncertaintyButton)
    assert shown_on(copy) == "scar_uncertainty"
    click(a_panel.ui.applyButton)
    second = a_panel._parameterNode.resultModel
    assert second is not copy and shown_on(second) == shown_on(copy) == "scar_uncertainty"
    other = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", "Another")
    a_panel.ui.lvModelSelector.setCurrentNode(other)
    assert a_panel._parameterNode.resultModel is None and not a_panel.ui.showFrame.enabled


def test_the_choice_and_the_numbers_come_back_with_the_scene(a_panel, a_scene, a_result, tmp_path):
    click(a_panel.ui.showBinaryButton)
    a_panel.ui.binaryThresholdSlider.value = 0.35
    numbers = a_panel.ui.resultLabel.text
    path = str(tmp_path / "case.mrb")
    assert a_scene.WriteToMRB(path)
    a_scene.Clear(0)
    assert not a_panel.ui.showFrame.enabled
    a_scene.ReadFromMRB(path, True)
    qt.QApplication.processEvents()
    assert a_panel.ui.showBinaryButton.checked and a_panel.ui.binaryThresholdSlider.value == pytest.approx(0.35)
    assert a_panel.ui.resultLabel.text == numbers and "Scar burden" in numbers
    model = a_panel._parameterNode.resultModel
    assert shown_on(model) == "scar_binary"
    a_panel.ui.binaryThresholdSlider.value = 0.9
    np.testing.assert_array_equal(map_on(model, "scar_binary"), map_on(model) >= np.float32(0.9))
    (above,) = {line for line in a_panel.ui.resultLabel.text.splitlines() if "above" in line}
    assert above not in numbers  # the table that was read follows, too


def test_a_model_that_is_deleted_takes_its_map_along(a_panel, a_scene, a_result):
    click(a_panel.ui.showBinaryButton)
    a_scene.RemoveNode(a_result)
    qt.QApplication.processEvents()
    assert not a_panel.ui.showFrame.enabled and not a_panel.ui.resultLabel.isVisible()
    assert not a_panel.ui.applyButton.enabled and "LV model" in a_panel.ui.applyButton.toolTip


def test_the_model_is_seen_again_when_its_copy_with_the_map_is_deleted(a_panel, a_scene, a_phantom):
    _, model = addPhantomNodes(a_scene, a_phantom)
    a_panel.enter()
    qt.QApplication.processEvents()
    choose(a_panel.ui.placementComboBox, "copy")
    click(a_panel.ui.applyButton)
    copy = a_panel._parameterNode.resultModel
    assert copy is not model and not model.GetDisplayNode().GetVisibility()
    a_scene.RemoveNode(copy)
    assert model.GetDisplayNode().GetVisibility()
    click(a_panel.ui.applyButton)
    model.GetDisplayNode().SetVisibility(False)
    a_panel._parameterNode.resultModel.GetDisplayNode().SetVisibility(False)
    a_scene.RemoveNode(a_panel._parameterNode.resultModel)
    assert not model.GetDisplayNode().GetVisibility()  # neither was seen


def test_run_after_run_leaves_as_many_nodes(a_panel, a_scene, a_result):
    for button in (a_panel.ui.showUncertaintyButton, a_panel.ui.showBinaryButton, a_panel.ui.showProbabilityButton):
        click(button)  # each look makes its color table when it is first shown
    before = a_scene.GetNumberOfNodes()
    for _ in range(3):
        click(a_panel.ui.applyButton)
        click(a_panel.ui.showBinaryButton)
        click(a_panel.ui.showUncertaintyButton)
    assert a_scene.GetNumberOfNodes() == before
