"""The folded sections of the panel: shifts of slices, the audit, the next slice."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import qt
import slicer
import vtk
from CardioScarMRML import addPhantomNodes
from CardioScarMRML.choices import PanelChoices
from CardioScarMRML.next_slices import addPlanes, planesOf
from CardioScarPanel.traffic_light import lightPixmap
from conftest import OUTPUT
from counted import counted
from jobs import AJob
from panels import choose, click

from CardioScar import CardioScarLogic
from CardioScarLib.alignment import Alignment, SliceShift
from CardioScarLib.core.audit import Claim, SliceAudit
from CardioScarLib.core.choices import keys_of
from CardioScarLib.core.settings import AlignmentSettings
from CardioScarLib.self_audit import Audit
from CardioScarLib.self_audit.disagreement import Suspect
from CardioScarLib.tasks.advise import AdviseTask
from CardioScarLib.tasks.align import AlignTask
from CardioScarLib.tasks.audit import AuditTask

SUSPECT = 4


@pytest.fixture
def jobs(a_phantom, an_advice, a_fake_reconstruct):
    """What was started last, and what it will have found: "audit", "shifts" and "advice"; `asked` keeps the tasks."""

    class Started:
        def __init__(self):
            self.asked, self.job = [], None

        audit = Audit(
            "yellow",
            "Look at slice 4 first: it disagrees with the other slices.",
            (Claim("scar mass", True, "Scar mass is supported."), Claim("channels", False, "Channels are not supported.")),
            (Suspect(SUSPECT, f"slice {SUSPECT}", "shifted", "Slice 4 seems moved by 5 mm.", (0.0, 5.0)),),
            slices=tuple(
                SliceAudit(
                    number, one.label, 0.2, 0.01 * number, 0.9 if number else None, 0.02, (0.0, 1.0), "shifted" * (number == SUSPECT)
                )
                for number, one in enumerate(a_phantom.stack)
            ),
        )
        shifts = Alignment(
            "mask",
            tuple(
                SliceShift(one.label, (0.5 * number, -2.0), (0.2, 0.3), number > 0, "Why.") for number, one in enumerate(a_phantom.stack)
            ),
            (0.0, 0.0, 0.0),
            1.0,
            AlignmentSettings(),
            ("Slice 9 is the furthest.",),
        )
        advice = an_advice

        def start(self, task):
            found = {AuditTask: self.audit, AlignTask: self.shifts, AdviseTask: self.advice}.get(type(task))
            if found is None:
                return a_fake_reconstruct(task)
            self.asked.append(task)
            self.job = AJob(task, found)
            return self.job

    return Started()


@pytest.fixture
def a_trust_panel(a_panel, a_scene, a_phantom, jobs):
    """The panel with a phantom chosen and its sections unfolded; `volume`, `model`."""
    a_panel.volume, a_panel.model = addPhantomNodes(a_scene, a_phantom)
    a_panel.logic = CardioScarLogic(jobs.start)
    a_panel.enter()
    a_panel.ui.alignmentCollapsibleButton.collapsed = a_panel.ui.trustCollapsibleButton.collapsed = False
    qt.QApplication.processEvents()
    return a_panel


def finish(panel, jobs) -> None:
    jobs.job.end()
    panel._runControl.poll()
    qt.QApplication.processEvents()


def cells(table, row):
    return [table.item(row, column).text() for column in range(table.columnCount)]


def click_row(table, row):
    table.scrollToItem(table.item(row, 0))
    qt.QTest.mouseClick(table.viewport(), qt.Qt.LeftButton, qt.Qt.NoModifier, table.visualItemRect(table.item(row, 0)).center())


# --- both sections -------------------------------------------------------------------------------------------------


def test_the_sections_are_folded_and_their_buttons_say_what_is_missing(a_panel):
    ui = a_panel.ui
    assert ui.alignmentCollapsibleButton.collapsed and ui.trustCollapsibleButton.collapsed
    for button in (ui.findShiftsButton, ui.auditButton, ui.adviseButton):
        assert not button.enabled and "Choose the LGE volume." in button.toolTip
    for widget in (ui.shiftTable, ui.auditTable, ui.adviceTable, ui.useShiftsCheckBox, ui.removePlanesButton):
        assert not widget.isVisible()


def test_a_button_that_runs_cancels_and_the_others_wait(a_trust_panel, jobs, a_scene):
    ui = a_trust_panel.ui
    before = a_scene.GetNumberOfNodes()
    click(ui.auditButton)
    assert ui.auditButton.text == "Cancel" and ui.auditButton.enabled
    assert not ui.adviseButton.enabled and not ui.findShiftsButton.enabled and ui.applyButton.text == "Cancel"
    click(ui.auditButton)
    assert jobs.job.state == "cancelled" and ui.auditButton.text.startswith("Audit stack") and ui.auditButton.enabled
    assert "Canceled" in ui.statusLabel.text and not ui.auditTable.isVisible()
    assert a_scene.GetNumberOfNodes() == before and not a_trust_panel.model.GetAttribute("CardioScar.Audit")


# --- audit ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def an_audited_panel(a_trust_panel, jobs):
    click(a_trust_panel.ui.auditButton)
    finish(a_trust_panel, jobs)
    return a_trust_panel


def test_an_audit_is_told_in_words_signs_and_slices(an_audited_panel):
    ui = an_audited_panel.ui
    assert ui.auditLabel.text == "Yellow: Look at slice 4 first: it disagrees with the other slices."
    assert ui.lightLabel.isVisible() and ui.lightLabel.toolTip == "Yellow"
    lines = ui.claimsLabel.text.splitlines()
    assert lines == ["✓ Scar mass is supported.", "✗ Channels are not supported.", "⚠ Slice 4 seems moved by 5 mm."]
    assert cells(ui.auditTable, SUSPECT) == ["4", "0.040", "90 %", "⚠ shifted"]
    assert cells(ui.auditTable, 0) == ["0", "0.000", "", ""]
    assert (
        "Slice 4 seems moved by 5 mm." in ui.auditTable.item(SUSPECT, 0).toolTip()
        and "+1.0 mm to the right" in ui.auditTable.item(2, 0).toolTip()
    )
    assert cells(ui.sliceTable, SUSPECT)[4] == "⚠ Slice 4 seems moved by 5 mm." and cells(ui.sliceTable, 3)[4] == ""
    assert "Yellow" in ui.statusLabel.text


def test_slices_whose_intervals_are_too_narrow_are_marked_and_explained_beside_the_light(a_trust_panel, jobs):
    ui = a_trust_panel.ui
    slices = [replace(one, coverage_95={3: 0.5, 5: 0.79, 6: 0.8}.get(number, 0.97)) for number, one in enumerate(jobs.audit.slices)]
    jobs.audit = replace(jobs.audit, light="green", slices=tuple(slices))
    click(ui.auditButton)
    finish(a_trust_panel, jobs)
    shown = [cells(ui.auditTable, row)[2] for row in (2, 3, 5, 6)]
    assert shown == ["97 %", "⚠ 50 %", "⚠ 79 %", "80 %"]
    assert "On slices 3, 5 fewer than 80 %" in ui.auditNoteLabel.text and ui.auditNoteLabel.isVisible()
    jobs.audit = replace(jobs.audit, slices=tuple(replace(one, coverage_95=None) for one in slices))
    click(ui.auditButton)
    finish(a_trust_panel, jobs)
    assert ui.auditNoteLabel.text == "" and not ui.auditNoteLabel.isVisible()


def test_an_audit_tells_how_long_the_next_one_takes(a_trust_panel, jobs, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("CardioScarPanel.run_control.time", SimpleNamespace(monotonic=lambda: now[0]))
    click(a_trust_panel.ui.auditButton)
    now[0] = 20.4
    finish(a_trust_panel, jobs)
    assert a_trust_panel.ui.auditButton.text == "Audit stack (about 20 s)"
    assert "about 15 s" in a_trust_panel.ui.nextLabel.text  # a map was not made yet


def test_the_remark_of_a_chosen_row_can_be_read_below_the_table(an_audited_panel):
    ui = an_audited_panel.ui
    assert not ui.auditDetailLabel.isVisible()
    click_row(ui.auditTable, SUSPECT)
    assert "Slice 4 seems moved by 5 mm." in ui.auditDetailLabel.text and ui.auditDetailLabel.isVisible()
    assert "Click" not in ui.auditDetailLabel.text
    for table, most in ((ui.auditTable, 8), (ui.adviceTable, 8)):
        rows = min(max(table.rowCount, 1), most)
        assert rows * 22 + 15 < table.maximumHeight < rows * 22 + 45


def test_a_click_on_an_audited_slice_shows_it(an_audited_panel, a_scene, a_phantom):
    view = a_scene.AddNewNodeByClass("vtkMRMLSliceNode", "Red")
    view.SetLayoutName("Red")
    for row in (6, 2):
        click_row(an_audited_panel.ui.auditTable, row)
        pose = slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS())
        assert pose[:3, 3] == pytest.approx(a_phantom.stack.slices[row].center * [-1, -1, 1], abs=1e-3)


def test_an_audit_of_other_choices_says_so_and_marks_no_slices(an_audited_panel):
    ui = an_audited_panel.ui
    choose(ui.presetComboBox, "fine")
    assert "other slices or settings" in ui.auditLabel.text and cells(ui.sliceTable, SUSPECT)[4] == ""
    choose(ui.presetComboBox, "standard")
    assert "other slices or settings" not in ui.auditLabel.text and cells(ui.sliceTable, SUSPECT)[4].startswith("⚠")
    ui.binaryThresholdSlider.value = 0.7  # how a map is looked at
    assert "other slices or settings" not in ui.auditLabel.text


def test_an_audit_comes_back_with_the_scene_and_goes_with_it(an_audited_panel, a_scene, tmp_path):
    path = str(tmp_path / "case.mrb")
    assert a_scene.WriteToMRB(path)
    a_scene.Clear(0)
    qt.QApplication.processEvents()
    assert not an_audited_panel.ui.auditTable.isVisible()
    a_scene.ReadFromMRB(path, True)
    qt.QApplication.processEvents()
    assert cells(an_audited_panel.ui.auditTable, SUSPECT)[3] == "⚠ shifted"
    assert cells(an_audited_panel.ui.sliceTable, SUSPECT)[4].startswith("⚠")


def test_models_without_an_audit_say_so(a_trust_panel):
    choose(a_trust_panel.ui.modelComboBox, "linear")
    assert not a_trust_panel.ui.auditButton.enabled and "model Field" in a_trust_panel.ui.auditButton.toolTip
    choose(a_trust_panel.ui.modelComboBox, "field")
    assert a_trust_panel.ui.auditButton.enabled


def test_each_light_has_a_shape_and_a_sign_of_its_own(a_scene):
    """Whoever sees no colors tells them apart."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    grays = {}
    for light in ("green", "yellow", "red"):
        image = lightPixmap(light).toImage()
        assert image.save(str(OUTPUT / f"light_{light}.png"))
        size = range(image.width())
        colors = [[image.pixelColor(x, y) for x in size] for y in size]
        grays[light] = np.array([[one.lightness() if one.alpha() > 128 else -1 for one in row] for row in colors])
    for one, other in (("green", "yellow"), ("yellow", "red"), ("green", "red")):
        assert np.mean((grays[one] < 0) != (grays[other] < 0)) > 0.02  # outlines
        assert np.mean(np.abs(grays[one] - grays[other]) > 60) > 0.1


# --- shifts --------------------------------------------------------------------------------------------------------


@pytest.fixture
def a_panel_with_shifts(a_trust_panel, jobs):
    choose(a_trust_panel.ui.alignmentSourceComboBox, "image")
    click(a_trust_panel.ui.findShiftsButton)
    finish(a_trust_panel, jobs)
    return a_trust_panel


def test_shifts_need_something_that_shows_the_myocardium(a_trust_panel, a_scene, jobs):
    ui = a_trust_panel.ui
    assert a_trust_panel._parameterNode.alignmentSource == "none" and "shows the myocardium" in ui.findShiftsButton.toolTip
    shown = {"none": (), "segmentation": (ui.alignmentSegmentationFrame,), "labelmap": (ui.alignmentLabelMapSelector,), "image": ()}
    for source in keys_of(PanelChoices, "alignmentSource"):
        choose(ui.alignmentSourceComboBox, source)
        for widget in (ui.alignmentSegmentationFrame, ui.alignmentLabelMapSelector):
            assert widget.isVisible() == (widget in shown[source])
        assert ui.findShiftsButton.enabled == (source == "image")
    choose(ui.alignmentSourceComboBox, "labelmap")
    label_map = a_scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "Labels")
    slicer.util.updateVolumeFromArray(label_map, np.ones(slicer.util.arrayFromVolume(a_trust_panel.volume).shape, np.uint8))
    label_map.CopyOrientation(a_trust_panel.volume)
    ui.alignmentLabelMapSelector.setCurrentNode(label_map)
    assert ui.findShiftsButton.enabled
    click(ui.findShiftsButton)
    task = jobs.asked[0]
    mask = task.case.myocardium.stack
    assert task.source == "mask" and len(mask) == len(task.case.stack) and all(one.pixels.all() for one in mask)


def test_shifts_are_listed_and_used_only_when_that_is_chosen(a_panel_with_shifts, jobs, a_fake_reconstruct):
    ui = a_panel_with_shifts.ui
    assert ui.alignmentLabel.text == "Slice 9 is the furthest." and "nothing was moved" in ui.statusLabel.text
    assert cells(ui.shiftTable, 3) == ["3", "-2.0 mm", "1.5 mm", "0.3 mm", "yes"]
    assert cells(ui.shiftTable, 0)[1:] == ["-2.0 mm", "0.0 mm", "0.3 mm", "no: Why."]
    assert ui.shiftTable.item(0, 0).foreground().color().red() == 128
    assert not ui.useShiftsCheckBox.checked and ui.alignmentCollapsibleButton.text == "Align slices"
    click(ui.applyButton)
    assert a_fake_reconstruct.alignment is None
    ui.useShiftsCheckBox.checked = True
    assert "used" in ui.alignmentCollapsibleButton.text
    click(ui.applyButton)
    assert a_fake_reconstruct.alignment == jobs.shifts
    click(ui.auditButton)
    assert jobs.asked[-1].case.alignment == jobs.shifts
    click(ui.auditButton)
    click(ui.adviseButton)
    moved, still = jobs.asked[-1].case.observed_stack, a_fake_reconstruct.calls[-1][0]
    assert np.allclose(moved.slices[2].origin, jobs.shifts.applied(still).slices[2].origin)
    click(ui.adviseButton)
    ui.useShiftsCheckBox.checked = False
    click(ui.applyButton)
    assert a_fake_reconstruct.alignment is None
    ui.useShiftsCheckBox.checked = True
    click(ui.findShiftsButton)
    finish(a_panel_with_shifts, jobs)
    assert not ui.useShiftsCheckBox.checked  # others, which nobody has looked at


def test_shifts_of_other_slices_are_not_used_silently(a_panel_with_shifts):
    ui = a_panel_with_shifts.ui
    ui.useShiftsCheckBox.checked = True
    assert ui.applyButton.enabled
    choose(ui.sliceSelectionComboBox, "range")
    ui.sliceRangeMinimumSpinBox.value = 2
    qt.QApplication.processEvents()
    assert (
        not ui.applyButton.enabled
        and "Find the shifts again" in ui.applyButton.toolTip
        and "Find the shifts again" in ui.alignmentLabel.text
    )
    assert not ui.auditButton.enabled and ui.findShiftsButton.enabled
    ui.useShiftsCheckBox.checked = False
    assert ui.applyButton.enabled
    choose(ui.sliceSelectionComboBox, "all")
    ui.useShiftsCheckBox.checked = True
    assert ui.applyButton.enabled and "Find the shifts again" not in ui.alignmentLabel.text
    transform = a_panel_with_shifts.model.GetScene().AddNewNodeByClass("vtkMRMLLinearTransformNode")
    moved = vtk.vtkMatrix4x4()
    moved.SetElement(0, 3, 2.0)
    transform.SetMatrixTransformToParent(moved)
    a_panel_with_shifts.model.SetAndObserveTransformNodeID(transform.GetID())
    qt.QApplication.processEvents()
    assert not ui.applyButton.enabled and "Find the shifts again" in ui.applyButton.toolTip


def test_shifts_that_are_found_after_the_panel_was_left_are_kept(a_trust_panel, jobs):
    ui = a_trust_panel.ui
    choose(ui.alignmentSourceComboBox, "image")
    click(ui.findShiftsButton)
    a_trust_panel.exit()
    finish(a_trust_panel, jobs)
    assert not a_trust_panel._runControl.running
    a_trust_panel.enter()
    qt.QApplication.processEvents()
    assert cells(ui.shiftTable, 3)[1] == "-2.0 mm" and not ui.useShiftsCheckBox.checked


def test_another_volume_forgets_the_shifts(a_panel_with_shifts, a_scene, a_phantom):
    ui = a_panel_with_shifts.ui
    ui.useShiftsCheckBox.checked = True
    other, _ = addPhantomNodes(a_scene, a_phantom)
    ui.lgeVolumeSelector.setCurrentNode(other)
    qt.QApplication.processEvents()
    assert a_panel_with_shifts._parameterNode.shifts == "" and not ui.useShiftsCheckBox.checked
    assert not ui.shiftTable.isVisible() and ui.applyButton.enabled


def test_shifts_come_back_with_the_scene(a_panel_with_shifts, a_scene, tmp_path):
    ui = a_panel_with_shifts.ui
    ui.useShiftsCheckBox.checked = True
    path = str(tmp_path / "case.mrb")
    assert a_scene.WriteToMRB(path)
    a_scene.Clear(0)
    a_scene.ReadFromMRB(path, True)
    qt.QApplication.processEvents()
    assert ui.useShiftsCheckBox.checked and cells(ui.shiftTable, 3)[1] == "-2.0 mm" and ui.applyButton.enabled


def test_outlines_are_there_while_they_are_asked_for(a_panel_with_shifts, a_scene):
    ui = a_panel_with_shifts.ui
    before = a_scene.GetNumberOfNodes()
    ui.outlinesCheckBox.checked = True
    assert a_scene.GetNumberOfNodes() == before + 4
    a_panel_with_shifts.exit()
    assert a_scene.GetNumberOfNodes() == before
    a_panel_with_shifts.enter()
    qt.QApplication.processEvents()
    assert a_scene.GetNumberOfNodes() == before + 4
    ui.outlinesCheckBox.checked = False
    assert a_scene.GetNumberOfNodes() == before


# --- next slice ----------------------------------------------------------------------------------------------------


@pytest.fixture
def an_advised_panel(a_trust_panel, jobs):
    click(a_trust_panel.ui.applyButton)
    click(a_trust_panel.ui.adviseButton)
    finish(a_trust_panel, jobs)
    return a_trust_panel


def test_advice_needs_a_map_with_uncertainty(a_trust_panel):
    ui = a_trust_panel.ui
    assert not ui.adviseButton.enabled and "map with uncertainty" in ui.adviseButton.toolTip
    click(ui.applyButton)
    assert ui.adviseButton.enabled


def test_planes_are_listed_drawn_and_shown_by_a_click(an_advised_panel, a_scene, jobs):
    ui = an_advised_panel.ui
    assert len(planesOf(an_advised_panel.model)) == 2 and "2 proposed planes" in ui.statusLabel.text
    assert cells(ui.adviceTable, 0)[:2] == ["1", "21 %"] and cells(ui.adviceTable, 1)[1] == "12 %"
    assert cells(ui.adviceTable, 0)[2].startswith("short axis, 34 mm") and ui.adviceLabel.text == "One end is not covered."
    view = a_scene.AddNewNodeByClass("vtkMRMLSliceNode", "Red")
    view.SetLayoutName("Red")
    for row in (1, 0):
        click_row(ui.adviceTable, row)
        pose = slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS())
        assert pose[:3, 3] == pytest.approx(np.array(jobs.advice.as_dict()["proposals"][row]["center"]) * [-1, -1, 1], abs=1e-3)
    click(ui.removePlanesButton)
    assert planesOf(an_advised_panel.model) == [] and not ui.adviceTable.isVisible()


def test_planes_go_with_their_map_and_with_their_model(an_advised_panel, a_scene, jobs):
    panel = an_advised_panel
    click(panel.ui.applyButton)
    assert planesOf(panel.model) == [] and panel.ui.adviceTable.rowCount == 0
    addPlanes(panel.model, jobs.advice)
    a_scene.RemoveNode(panel.model)
    qt.QApplication.processEvents()
    assert a_scene.GetNumberOfNodesByClass("vtkMRMLMarkupsPlaneNode") == 0


# --- the window ----------------------------------------------------------------------------------------------------


def test_a_moved_slider_costs_little_with_everything_shown(an_advised_panel, jobs):
    """And nothing that grows with the nodes of the model or the pixels of the volume."""
    panel = an_advised_panel
    choose(panel.ui.alignmentSourceComboBox, "image")
    click(panel.ui.findShiftsButton)
    finish(panel, jobs)
    panel.ui.outlinesCheckBox.checked = True
    click(panel.ui.auditButton)
    finish(panel, jobs)
    lines = []
    for value in (0.3, 0.4, 0.6):
        with counted() as work:
            panel.ui.binaryThresholdSlider.value = value
            qt.QApplication.processEvents()
        assert not work.waits and not work.opened
        lines.append(work.lines)
    assert max(lines) < 50_000  # 25,000
