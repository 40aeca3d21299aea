"""The room that the panel takes: it does not move the views, and what matters is in view."""

from types import SimpleNamespace

import pytest
import qt
from CardioScarMRML import addPhantomNodes
from CardioScarPanel.run_times import roughlyInWords
from panels import choose, click, wait_for

LONG = "A sentence that is much longer than the panel is wide, so that it has to be wrapped into several lines of the panel. " * 3


@pytest.fixture
def a_full_panel(a_panel, a_scene, a_phantom):
    """With a phantom chosen."""
    addPhantomNodes(a_scene, a_phantom)
    a_panel.enter()
    settle()
    return a_panel


def settle():
    for _ in range(5):  # a label that grows makes one layout after the other work
        qt.QApplication.processEvents()


def test_the_panel_keeps_its_width_whatever_it_shows(a_full_panel):
    """Slicer makes the panel as wide as its least width, and all views move along."""
    ui, parent = a_full_panel.ui, a_full_panel.parent
    for name in [name for name in vars(ui) if name.endswith("CollapsibleButton")]:
        getattr(ui, name).collapsed = False
    settle()
    before = parent.minimumSizeHint().width()
    click(ui.evidencePreviewCheckBox)
    wait_for(ui.histogramLabel.isVisible)
    settle()
    assert ui.histogramLabel.isVisible() and parent.minimumSizeHint().width() == before
    labels = [widget for widget in vars(ui).values() if type(widget) is qt.QLabel and widget.wordWrap]
    assert len(labels) > 8
    for label in labels:
        label.text, label.visible = LONG, True
    settle()
    assert parent.minimumSizeHint().width() == before


# --- sections ------------------------------------------------------------------------------------------------------


def is_open(panel):
    return {name: not getattr(panel.ui, f"{name}CollapsibleButton").collapsed for name in ("inputs", "result")}


def test_sections_follow_a_case_from_its_inputs_to_its_result(a_full_panel, a_scene, a_phantom):
    panel, ui = a_full_panel, a_full_panel.ui
    assert is_open(panel) == {"inputs": True, "result": False} and ui.inputsCollapsibleButton.text == "Inputs"
    click(ui.applyButton)
    assert is_open(panel) == {"inputs": False, "result": True}
    assert ui.inputsCollapsibleButton.text == "Inputs: Phantom LGE, Phantom LV wall"
    ui.inputsCollapsibleButton.collapsed = False  # by a click; it stays so until the next map
    choose(ui.presetComboBox, "fine")
    assert is_open(panel) == {"inputs": True, "result": True} and ui.inputsCollapsibleButton.text == "Inputs"
    click(ui.applyButton)
    assert is_open(panel) == {"inputs": False, "result": True}
    _, other = addPhantomNodes(a_scene, a_phantom)
    panel._parameterNode.lvModel = other
    assert is_open(panel) == {"inputs": True, "result": False}


def test_a_long_name_does_not_widen_the_panel(a_full_panel):
    click(a_full_panel.ui.applyButton)
    a_full_panel._parameterNode.lvModel.SetName("LV wall of the heart that was segmented yesterday")
    a_full_panel._showState()
    assert len(a_full_panel.ui.inputsCollapsibleButton.text) < 45


# --- how long --------------------------------------------------------------------------------------------------------


def test_a_run_says_beforehand_how_long_it_takes_and_learns_from_the_last_one(a_full_panel, monkeypatch):
    ui, now = a_full_panel.ui, [0.0]
    monkeypatch.setattr("CardioScarPanel.run_control.time", SimpleNamespace(monotonic=lambda: now[0]))
    choose(ui.presetComboBox, "preview")
    assert "about 5 s" in ui.nextLabel.text and ui.auditButton.text == "Audit stack (about 30 s)"
    choose(ui.presetComboBox, "fine")
    assert "about 45 s" in ui.nextLabel.text and ui.adviseButton.toolTip.startswith("Compute a map")
    monkeypatch.setattr(a_full_panel._runControl, "poll", lambda poll=a_full_panel._runControl.poll: [now.append(now.pop() + 7.2), poll()])
    click(ui.applyButton)
    assert ui.auditButton.text == "Audit stack (about 45 s)" and ui.adviseButton.text == "Advise next slice (about 15 s)"
    choose(ui.modelComboBox, "network")
    assert ui.adviseButton.text == "Advise next slice"  # nobody knows for this device


def test_times_are_told_no_more_exactly_than_they_are_known():
    assert [roughlyInWords(seconds) for seconds in (0.4, 7, 43, 88, 170, 1000)] == ["5 s", "5 s", "45 s", "90 s", "3 min", "17 min"]


# --- in view ---------------------------------------------------------------------------------------------------------

IN_VIEW = 610
"""Pixels of the panel that Slicer shows in a window of 1590 x 960, below its own line with the help."""


def lower_edge(panel, name: str) -> int:
    widget = getattr(panel.ui, name)
    assert widget.isVisible(), name
    return widget.mapTo(panel.parent, qt.QPoint(0, widget.height)).y()


def test_apply_status_and_result_are_in_view_before_and_after_a_run(a_full_panel):
    ui = a_full_panel.ui
    for name in ("applyButton", "nextLabel"):
        assert lower_edge(a_full_panel, name) < IN_VIEW
    click(ui.applyButton)
    ui.statusLabel.text = "Done.\n" + LONG  # as many notes as a real run has
    settle()
    for name in ("applyButton", "nextLabel", "statusLabel", "resultLabel"):
        assert lower_edge(a_full_panel, name) < IN_VIEW, name


def test_a_result_need_not_be_shown(a_full_panel):
    """The map is there, and the model looks as before until somebody asks for the map."""
    display = a_full_panel._parameterNode.lvModel.GetDisplayNode()
    a_full_panel.ui.showResultCheckBox.checked = False
    click(a_full_panel.ui.applyButton)
    assert a_full_panel._parameterNode.lvModel.GetMesh().GetPointData().HasArray("scar_probability")
    assert not display.GetScalarVisibility() and "Scar burden" in a_full_panel.ui.resultLabel.text
    click(a_full_panel.ui.showProbabilityButton)
    assert display.GetScalarVisibility() and display.GetActiveScalarName() == "scar_probability"
    choose(a_full_panel.ui.placementComboBox, "copy")
    click(a_full_panel.ui.applyButton)
    assert display.GetVisibility() and not a_full_panel._parameterNode.resultModel.GetDisplayNode().GetVisibility()
