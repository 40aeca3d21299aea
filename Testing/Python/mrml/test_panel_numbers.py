"""The section Numbers: told with the map, without another click and without holding anything up; report and export."""

import importlib.util

import numpy as np
import pytest
import qt
import slicer
from CardioScarMRML import addPhantomNodes
from CardioScarMRML.scar_numbers import numbersOf
from CardioScarPanel.bulls_eye import bullsEyePixmap
from jobs import AJob
from panels import choose, click, wait_for
from some_numbers import some_numbers

from CardioScar import CardioScarLogic
from CardioScarLib.core.errors import BadWall, MissingPackage
from CardioScarLib.tasks.export import ExportTask
from CardioScarLib.tasks.quantify import QuantifyTask
from CardioScarLib.tasks.report import ReportTask
from CardioScarLib.tasks.sources import Written


@pytest.fixture
def jobs(a_panel, a_scene, a_phantom, a_fake_reconstruct, tmp_path, monkeypatch):
    """The panel with a phantom chosen; keeps the jobs of numbers, reports and exports, which end when they are told to."""
    found = []
    numbers = some_numbers(len(a_phantom.wall.nodes))

    def start(task):
        if isinstance(task, QuantifyTask):
            found.append(AJob(task, numbers))
            return found[-1]
        if isinstance(task, (ReportTask, ExportTask)):
            task.folder.mkdir(parents=True)
            found.append(AJob(task, Written((task.folder / "first",), ("Something was left out.",))))
            found[-1].end()
            return found[-1]
        return a_fake_reconstruct(task)

    a_panel.logic = CardioScarLogic(start)
    monkeypatch.setattr(slicer.app, "defaultScenePath", str(tmp_path))
    monkeypatch.setattr("CardioScarMRML.logic.shownResult", lambda model, case: a_fake_result(case))
    addPhantomNodes(a_scene, a_phantom)
    a_panel.enter()
    qt.QApplication.processEvents()

    def a_fake_result(case):
        run = a_fake_reconstruct(reconstruct_task(case))
        run.poll()
        return reconstruct_task(case).result(run.answer())

    def reconstruct_task(case):
        from CardioScarLib.core.settings import ReconstructionSettings
        from CardioScarLib.tasks.reconstruct import ReconstructTask

        return ReconstructTask(case, ReconstructionSettings())

    return found


def told(panel, job) -> None:
    job.end()
    wait_for(lambda: not panel._numbers.working)


def texts_in(table) -> list[list[str]]:
    return [[table.item(row, column).text() for column in range(table.columnCount)] for row in range(table.rowCount)]


def test_numbers_come_with_the_map_and_hold_up_nothing(a_panel, jobs):
    ui = a_panel.ui
    click(ui.applyButton)
    assert len(jobs) == 1 and "being computed" in ui.numbersLabel.text and not ui.numbersCollapsibleButton.collapsed
    assert ui.applyButton.enabled and ui.applyButton.text == "Apply" and ui.statusLabel.text.startswith("Done.")
    assert not ui.quantityTable.isVisible() and not ui.showChannelsButton.enabled
    told(a_panel, jobs[0])
    assert texts_in(ui.quantityTable) == [["Scar mass", "12.3 g", "10.0-15.0"], ["LV mass", "99.0 g", ""]]
    assert texts_in(ui.channelTable) == [
        ["1", "90 %", "20.0 (18.0-22.0)", "20.0 (18.0-22.0)", "1, 2; mid-wall"],
        ["2", "20 %", "20.0 (18.0-22.0)", "20.0 (18.0-22.0)", "epicardial"],
    ]
    assert ui.bullsEyeLabel.isVisible() and ui.showChannelsButton.enabled and ui.numbersLabel.text == "No rotation."
    ui.quantityTable.selectRow(0)
    assert ui.quantityDetailLabel.text == "Scar mass: 12.3 g (90 % interval 10.0 to 15.0). expected amount."
    model = a_panel._parameterNode.lvModel
    click(ui.showChannelsButton)
    assert model.GetDisplayNode().GetActiveScalarName() == "channel_probability"


def test_a_click_on_a_channel_shows_it(a_panel, jobs):
    click(a_panel.ui.applyButton)
    told(a_panel, jobs[0])
    model = a_panel._parameterNode.lvModel
    curves = [model.GetNthNodeReference("CardioScar.Channel", number).GetDisplayNode() for number in (0, 1)]
    for row in (1, 0):
        a_panel.ui.channelTable.selectRow(row)
        assert curves[row].GetLineDiameter() > curves[1 - row].GetLineDiameter()
    assert "Mean width: 20.0 mm (90 % interval 18.0 to 22.0)" in a_panel.ui.channelDetailLabel.text


def test_the_next_map_stops_the_numbers_of_the_last_one(a_panel, jobs):
    click(a_panel.ui.applyButton)
    click(a_panel.ui.applyButton)
    assert [one.state for one in jobs] == ["cancelled", "running"]
    told(a_panel, jobs[1])
    assert numbersOf(a_panel._parameterNode.lvModel) is not None
    click(a_panel.ui.applyButton)
    assert not a_panel.ui.quantityTable.isVisible() and numbersOf(a_panel._parameterNode.lvModel) is None


@pytest.mark.parametrize("way", ["close", "cleanup"])
def test_numbers_end_with_the_scene_and_with_the_panel(a_panel, a_scene, jobs, way):
    click(a_panel.ui.applyButton)
    if way == "close":
        a_scene.Clear(0)
    else:
        a_panel.cleanup()
    assert jobs[0].state == "cancelled"


def test_why_there_are_no_numbers_is_said(a_panel, a_scene, jobs):
    points = a_scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode")
    for number in range(3):
        points.AddControlPoint(number, 0, 0)
    a_panel._parameterNode.insertions = points
    click(a_panel.ui.applyButton)
    assert not jobs and "two insertions" in a_panel.ui.numbersLabel.text and a_panel.ui.statusLabel.text.startswith("Done.")
    points.RemoveNthControlPoint(2)
    click(a_panel.ui.numbersButton)
    np.testing.assert_allclose(jobs[0].task.insertions, [[0, 0, 0], [-1, 0, 0]], atol=1e-12)
    jobs[0].state, jobs[0].error = "failed", BadWall("The wall is torn.")
    wait_for(lambda: not a_panel._runControl.running)
    assert a_panel.ui.statusLabel.text == "The wall is torn."
    click(a_panel.ui.applyButton)
    jobs[1].state, jobs[1].error = "failed", BadWall("The wall is torn.")
    wait_for(lambda: not a_panel._numbers.working)
    assert a_panel.ui.numbersLabel.text == "The wall is torn."


def test_numbers_are_told_again_as_is_chosen(a_panel, jobs):
    ui = a_panel.ui
    assert not ui.numbersButton.enabled and ui.numbersButton.toolTip == "Compute a map first."
    click(ui.applyButton)
    ui.numberThresholdsLineEdit.text = "0.3,0.7"
    ui.numberIntervalSpinBox.value = 80
    click(ui.numbersButton)
    assert [one.state for one in jobs] == ["cancelled", "running"]
    assert (jobs[1].task.quantify.thresholds, jobs[1].task.quantify.interval) == ((0.3, 0.7), 80.0)
    jobs[1].end()
    wait_for(lambda: not a_panel._runControl.running)
    assert ui.statusLabel.text == "The numbers were computed." and ui.quantityTable.isVisible()


@pytest.mark.parametrize("text, words", [("", "missing"), ("0.6,0.4", "second"), ("soft", "cannot be read")])
def test_thresholds_that_are_none_are_said(a_panel, jobs, text, words):
    a_panel.ui.numberThresholdsLineEdit.text = text
    click(a_panel.ui.applyButton)
    assert not jobs and words in a_panel.ui.numbersLabel.text
    click(a_panel.ui.reportButton)
    assert not jobs and words in a_panel.ui.statusLabel.text


def test_a_report_is_one_click_into_a_folder_of_its_own(a_panel, jobs, tmp_path):
    ui = a_panel.ui
    assert not ui.reportButton.enabled and not ui.exportButton.enabled
    click(ui.applyButton)
    for name in ("Phantom LV wall report", "Phantom LV wall report 2"):
        click(ui.reportButton)
        wait_for(lambda: not a_panel._runControl.running)
        assert isinstance(jobs[-1].task, ReportTask) and jobs[-1].task.folder == tmp_path / name
        assert ui.statusLabel.text == f"The report was written into {tmp_path / name}.\nSomething was left out."


def test_a_map_is_exported_in_the_chosen_format_and_folder(a_panel, jobs, tmp_path, monkeypatch):
    ui = a_panel.ui
    click(ui.applyButton)
    monkeypatch.setattr(slicer.util, "mainWindow", lambda: None, raising=False)
    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", lambda *words: str(tmp_path / "mine"))
    click(ui.chooseFolderButton)
    assert ui.outputFolderLineEdit.text == str(tmp_path / "mine")
    choose(ui.exportKindComboBox, "opencarp")
    click(ui.exportButton)
    wait_for(lambda: not a_panel._runControl.running)
    task = jobs[-1].task
    assert task.kinds == ("opencarp",) and task.folder == tmp_path / "mine" / "Phantom LV wall opencarp"
    assert task.mesh.name == "mesh.vtu" and not task.mesh.exists(), "it goes with the run"
    assert "files were written" in ui.statusLabel.text


def test_what_slicer_lacks_is_asked_for_and_may_be_declined(a_panel, jobs, monkeypatch):
    find_spec, asked, installed = importlib.util.find_spec, [], []
    missing = {"highdicom", "matplotlib"}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *package: None if name in missing else find_spec(name, *package))
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda text, title=None: asked.append(text) or len(asked) > 1, raising=False)
    monkeypatch.setattr(slicer.util, "pip_install", lambda what: installed.append(what) or missing.discard("highdicom"), raising=False)
    click(a_panel.ui.applyButton)
    click(a_panel.ui.reportButton)
    assert "matplotlib" in asked[0] and installed == [] and not a_panel._runControl.running and len(jobs) == 1
    choose(a_panel.ui.exportKindComboBox, "dicom")
    click(a_panel.ui.exportButton)
    wait_for(lambda: not a_panel._runControl.running)
    assert installed[0].startswith("highdicom>=") and isinstance(jobs[-1].task, ExportTask)

    def offline(what):
        raise RuntimeError("no network")

    monkeypatch.setattr(slicer.util, "pip_install", offline, raising=False)
    click(a_panel.ui.reportButton)
    assert "matplotlib could not be installed (no network)" in a_panel.ui.statusLabel.text


def test_a_missing_package_of_a_report_is_not_taken_for_pytorch(a_panel, jobs):
    job = AJob()
    job.state, job.error = "failed", MissingPackage("Pictures and PDFs need matplotlib; install it with: pip install matplotlib.")
    from CardioScarMRML.run import CardioScarRun

    a_panel._runControl.start(lambda: CardioScarRun(job, lambda: None, lambda found: found), lambda found: "")
    wait_for(lambda: not a_panel._runControl.running)
    assert a_panel.ui.statusLabel.text.startswith("Pictures and PDFs need matplotlib")


def test_a_bulls_eye_has_the_colors_of_its_segments():
    full, none = ({"name": "n", "quantities": {"scar_burden_percent": _burden(value)}} for value in (100.0, 0.0))
    sectors = {f"aha_{number:02}": full if number == 1 else none for number in range(1, 17)}
    assert bullsEyePixmap({"ring_basal": full}) is None
    image = bullsEyePixmap(sectors).toImage()
    middle = image.width() // 2
    color = {place: image.pixelColor(*at).getRgb()[:3] for place, at in {
        "anterior": (middle - 40, middle - 115), "inferior": (middle - 40, middle + 115), "apex": (middle + 20, middle + 20),
    }.items()}  # fmt: skip
    assert color["anterior"] == (253, 231, 37) and color["inferior"] == (68, 1, 84) and color["apex"] == (255, 255, 255)


def _burden(value: float) -> dict:
    return {"label": "Scar burden", "value": value, "low": None, "high": None, "level": None, "unit": "%", "method": "m", "threshold": None}
