"""A run as the person at the panel sees it."""

import time
from types import SimpleNamespace

import pytest
import qt
from CardioScarMRML import addPhantomNodes
from CardioScarMRML.run import startHere
from CardioScarPanel.run_control import POLL_INTERVAL_MS
from counted import counted
from node_values import map_on
from panels import choose, chosen, click, wait_for
from waiting import KILLED

from CardioScar import CardioScarLogic, CardioScarWidget
from CardioScarLib.core.errors import BadEvidence
from CardioScarLib.runner import ProgressReport


class EndlessRun:
    """A run that goes on until it is stopped or made to end."""

    def __init__(self, **_):
        self.state, self.result, self.exception, self.log, self.polls = "running", None, None, "started", 0
        self.progress = ProgressReport("fit", 3, 12, loss=0.01234, elapsed=4.0, remaining=61.0)

    @property
    def error(self):
        return None if self.exception is None else str(self.exception)

    def poll(self):
        self.polls += 1
        return self.state

    def cancel(self):
        if self.state == "running":
            self.state = "cancelled"


@pytest.fixture
def an_endless_run(a_panel, a_scene, a_phantom):
    """Clicked on already; `choices` is what the logic was asked for."""
    volume, model = addPhantomNodes(a_scene, a_phantom)
    run = EndlessRun()

    def start(case, **choices):
        run.choices = {"case": case, **choices}
        return run

    a_panel.logic = SimpleNamespace(startReconstruction=start, getParameterNode=a_panel.logic.getParameterNode)
    a_panel.enter()
    click(a_panel.ui.applyButton)
    run.volume, run.model = volume, model
    return run


def content_of(scene) -> list[tuple]:
    """All nodes of the scene and their last changes, but for the panel's own choices."""
    nodes = [scene.GetNthNode(number) for number in range(scene.GetNumberOfNodes())]
    return [(node.GetID(), node.GetMTime()) for node in nodes if node.GetClassName() != "vtkMRMLScriptedModuleNode"]


def test_apply_becomes_cancel_and_apply_again(a_panel, an_endless_run):
    button = a_panel.ui.applyButton
    assert button.text == "Cancel" and button.enabled and "Stop" in button.toolTip
    click(button)
    assert an_endless_run.state == "cancelled"
    assert button.text == "Apply" and button.enabled
    assert "Canceled" in a_panel.ui.statusLabel.text
    assert not a_panel.ui.progressBar.isVisible()


def test_progress_says_stage_step_loss_and_times(a_panel, an_endless_run):
    ui = a_panel.ui
    wait_for(lambda: an_endless_run.polls > 1)
    assert (ui.progressBar.value, ui.progressBar.maximum) == (3, 12) and ui.progressBar.isVisible()
    assert ui.statusLabel.text == "Fitting the scar between the slices: 3 of 12, loss 0.01234"
    assert "elapsed" in ui.timeLabel.text and "1:01" in ui.timeLabel.text
    an_endless_run.progress = ProgressReport("map", 0, 1)
    wait_for(lambda: ui.statusLabel.text == "Computing the map on the model")
    assert "elapsed" in ui.timeLabel.text and "ends" not in ui.timeLabel.text


def test_the_log_opens_on_demand_and_stays_after_the_run(a_panel, an_endless_run):
    ui = a_panel.ui
    assert ui.logButton.isVisible() and not ui.logTextEdit.isVisible()
    click(ui.logButton)
    assert ui.logTextEdit.isVisible() and ui.logTextEdit.toPlainText() == "started"
    an_endless_run.log = "started\nfit"
    wait_for(lambda: ui.logTextEdit.toPlainText() == "started\nfit")
    click(ui.applyButton)
    assert ui.logTextEdit.toPlainText() == "started\nfit"
    click(ui.logButton)
    assert not ui.logTextEdit.isVisible()


def test_a_run_that_fails_says_so_in_the_status_line(a_panel, an_endless_run):
    an_endless_run.exception, an_endless_run.state = BadEvidence("The image is constant; choose another volume."), "failed"
    wait_for(lambda: a_panel.ui.applyButton.text == "Apply")
    assert a_panel.ui.statusLabel.text == "The image is constant; choose another volume."
    polls = an_endless_run.polls
    time.sleep(2.5 * POLL_INTERVAL_MS / 1000)
    qt.QApplication.processEvents()
    assert an_endless_run.polls == polls


def test_what_is_chosen_is_what_runs(a_panel, an_endless_run):
    click(a_panel.ui.applyButton)
    for box, key in (
        ("evidenceMethodComboBox", "nsd"),
        ("lgeTypeComboBox", "psir"),
        ("pixelSupportComboBox", "prism"),
        ("sliceProfileComboBox", "gaussian"),
        ("modelComboBox", "field"),
        ("presetComboBox", "preview"),
        ("placementComboBox", "keep"),
        ("sliceSelectionComboBox", "range"),
    ):
        choose(getattr(a_panel.ui, box), key)
        assert chosen(getattr(a_panel.ui, box)) == key
    a_panel.ui.evidenceThresholdSlider.value = 3.5
    a_panel.ui.samplesSpinBox.value, a_panel.ui.seedSpinBox.value = 16, 7
    a_panel.ui.sliceThicknessSpinBox.value = 6.5
    a_panel.ui.sliceRangeMinimumSpinBox.value, a_panel.ui.sliceRangeMaximumSpinBox.value = 2, 4
    a_panel.ui.suffixLineEdit.selectAll()
    qt.QTest.keyClicks(a_panel.ui.suffixLineEdit, "_first")
    click(a_panel.ui.applyButton)
    choices = an_endless_run.choices
    settings = choices["settings"]
    case = choices["case"]
    assert (case.lgeVolumeNode, case.lvModelNode) == (an_endless_run.volume, an_endless_run.model)
    assert (settings.evidence.method, settings.evidence.lge_type, settings.evidence.n_sd) == ("nsd", "psir", 3.5)
    assert (settings.operator.pixel_support, settings.operator.slice_profile) == ("prism", "gaussian")
    assert (settings.model.model, settings.model.preset, settings.model.samples, settings.model.seed) == ("field", "preview", 16, 7)
    assert (case.sliceIndices, case.sliceThickness) == ([2, 3, 4], 6.5)
    assert (choices["asCopy"], choices["keepEarlierAs"]) == (False, "_first")


def test_without_choices_all_slices_run_with_the_defaults_of_the_library(an_endless_run):
    from dataclasses import replace

    from CardioScarLib.core.settings import ReconstructionSettings

    choices = an_endless_run.choices
    assert replace(choices["settings"], threshold=None) == ReconstructionSettings()
    case = choices["case"]
    assert case.sliceIndices is case.sliceThickness is case.segmentationNode is case.alignment is choices["keepEarlierAs"] is None
    assert not choices["asCopy"]


@pytest.mark.parametrize("way", ["close", "read", "leave"])
def test_the_scene_and_a_run(a_panel, a_scene, an_endless_run, tmp_path, way):
    """Closing the scene stops a run; reading another one into it does not, nor does opening another module."""
    if way == "read":
        path = str(tmp_path / "other.mrb")
        assert a_scene.WriteToMRB(path)
        a_scene.ReadFromMRB(path, False)
    elif way == "leave":
        a_panel.exit()
    else:
        a_scene.Clear(0)
    qt.QApplication.processEvents()
    assert an_endless_run.state == ("cancelled" if way == "close" else "running")
    assert a_panel.ui.applyButton.text == ("Apply" if way == "close" else "Cancel")


def test_a_panel_that_is_destroyed_stops_its_run(a_scene, a_parent, a_phantom):
    addPhantomNodes(a_scene, a_phantom)
    widget, run = CardioScarWidget(a_parent), EndlessRun()
    widget.setup()
    widget.logic = SimpleNamespace(startReconstruction=lambda *_, **__: run, getParameterNode=widget.logic.getParameterNode)
    widget.enter()
    click(widget.ui.applyButton)
    assert run.state == "running"
    widget.cleanup()
    assert run.state == "cancelled"


@pytest.mark.slow
def test_a_first_try_needs_no_data(a_panel):
    """One click brings an example, ready for a click on Apply."""
    assert not a_panel.ui.applyButton.enabled
    click(a_panel.ui.loadExampleButton)
    assert a_panel.ui.applyButton.enabled
    assert "Phantom" in a_panel.ui.lgeVolumeSelector.currentNode().GetName()
    assert a_panel.ui.lvModelSelector.currentNode().GetMesh().GetPointData().HasArray("true_scar_probability")


# --- with the real child process -----------------------------------------------------------------------------------


@pytest.fixture
def a_real_panel(a_parent, a_scene, a_small_phantom):
    """Two nodes were loaded, then the module was opened."""
    volume, model = addPhantomNodes(a_scene, a_small_phantom)
    widget = CardioScarWidget(a_parent)
    widget.setup()
    widget.enter()
    qt.QApplication.processEvents()
    widget.volume, widget.model = volume, model
    yield widget
    widget.cleanup()


@pytest.mark.slow
def test_one_click_from_loaded_images_to_the_map(a_real_panel, a_small_phantom):
    """Four are allowed."""
    click(a_real_panel.ui.applyButton)
    wait_for(lambda: a_real_panel.ui.applyButton.text == "Apply", 120)
    assert a_real_panel.ui.statusLabel.text.startswith("Done.")
    error = ((map_on(a_real_panel.model) - a_small_phantom.truth) ** 2).mean() ** 0.5
    assert error < 0.02  # remote everywhere would be above 0.2
    assert a_real_panel.model.GetDisplayNode().GetScalarVisibility()
    assert "Scar burden" in a_real_panel.ui.resultLabel.text


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["Starting", "Fitting"])
def test_cancel_ends_the_child_and_leaves_the_scene_as_it_was(a_real_panel, a_scene, stage):
    choose(a_real_panel.ui.presetComboBox, "fine")
    before = content_of(a_scene)
    click(a_real_panel.ui.applyButton)
    wait_for(lambda: a_real_panel.ui.statusLabel.text.startswith(stage), 60)
    child = a_real_panel._runControl._run._job._process
    assert child.poll() is None
    with counted() as work:
        click(a_real_panel.ui.applyButton)
    assert not work.waits and a_real_panel.ui.applyButton.text == "Apply"
    assert child.wait() == KILLED
    assert content_of(a_scene) == before


@pytest.mark.slow
def test_closing_the_scene_ends_the_child_and_leaves_no_files(a_real_panel, a_scene):
    choose(a_real_panel.ui.presetComboBox, "fine")
    click(a_real_panel.ui.applyButton)
    wait_for(lambda: a_real_panel.ui.statusLabel.text.startswith("Fitting"), 60)
    job = a_real_panel._runControl._run._job
    folder = job.folder
    assert folder.is_dir()
    a_scene.Clear(0)
    assert not a_real_panel._runControl.running and a_real_panel.ui.statusLabel.text == ""
    assert job._process.wait() == KILLED
    wait_for(lambda: not folder.exists())
    assert not a_real_panel.ui.applyButton.enabled and "LGE volume" in a_real_panel.ui.applyButton.toolTip


@pytest.mark.slow
def test_the_panel_stays_alive_during_a_run(a_real_panel):
    """The event loop turns, and this thread does little in each turn: the fit is somewhere else."""
    lines = turns_of_a_run(a_real_panel)
    assert len(lines) > 20
    assert max(lines[:-1]) < 40_000  # 27,000, for the click; the last turn may read the result of a quick child


def test_a_panel_that_computed_by_itself_would_be_found_out(a_real_panel):
    a_real_panel.logic = CardioScarLogic(startHere)
    lines = turns_of_a_run(a_real_panel)
    assert len(lines) == 1 and max(lines) > 40_000


def turns_of_a_run(panel) -> list[int]:
    """Lines of Python run in each turn of the event loop, from the click that starts a run until its result is to be read."""
    import CardioScarLib.tasks.reconstruct  # noqa: F401 - the first run of a process reads the library, once

    lines = []
    choose(panel.ui.presetComboBox, "preview")
    with counted() as work:
        click(panel.ui.applyButton)
    lines.append(work.lines)
    control = panel._runControl
    while control.running and control._run.progress.stage != "map":
        with counted() as work:
            qt.QApplication.processEvents()
        lines.append(work.lines)
        time.sleep(0.001)
    return lines
