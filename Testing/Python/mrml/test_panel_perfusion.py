"""The section Perfusion: there when a SPECT volume is chosen, measured in the background, told in a picture and a table."""

import os

import pytest
import qt
import slicer
from CardioScarPanel import starts
from CardioScarPanel.bulls_eye import SIZE, TITLE, eyesPixmap
from conftest import three_d_view
from jobs import AJob
from measured_perfusion import a_measurement, model_node, spect_nodes
from panels import choose, click
from test_panel_screenshots import FOLDER, side_by_side

from CardioScar import CardioScarLogic
from CardioScarLib.core.errors import BadStack
from CardioScarLib.perfusion.record import PerfusionRecord
from CardioScarLib.runner import InPlaceJob


@pytest.fixture
def panel(a_panel, a_scene, monkeypatch):
    """The panel with a pair of scans and a model to choose; `fails` is raised by the measurement, `asked` are its tasks."""
    a_panel.stress, a_panel.rest = spect_nodes(a_scene, "stress", "rest")
    a_panel.model, a_panel.fails, a_panel.asked, a_panel.scar = model_node(a_scene), None, [], True

    def job(task):
        a_panel.asked.append(task)

        def run(progress):
            progress("wall", 1, 2)
            if a_panel.fails:
                raise a_panel.fails
            return a_measurement(a_panel.scar)

        return InPlaceJob(run)

    a_panel.logic = CardioScarLogic(job)
    monkeypatch.setattr(starts, "ensureSegmentation", lambda: True)
    a_panel.enter()
    qt.QApplication.processEvents()
    return a_panel


def chosen(panel, rest: bool = True) -> None:
    panel._parameterNode.spectVolume = panel.stress
    panel._parameterNode.spectRest = panel.rest if rest else None
    panel._parameterNode.lvModel = panel.model
    qt.QApplication.processEvents()


def texts_in(table) -> list[list[str]]:
    return [[table.item(row, column).text() for column in range(table.columnCount)] for row in range(table.rowCount)]


def test_the_section_is_there_with_a_spect_volume_only(panel):
    ui = panel.ui
    assert not ui.perfusionCollapsibleButton.isVisible()
    panel._parameterNode.spectVolume = panel.stress
    qt.QApplication.processEvents()
    assert ui.perfusionCollapsibleButton.isVisible() and ui.measurePerfusionButton.enabled
    assert not ui.perfusionTable.isVisible() and not ui.perfusionEyesLabel.isVisible() and not ui.showPerfusionButton.enabled
    panel._parameterNode.spectVolume = None
    qt.QApplication.processEvents()
    assert not ui.perfusionCollapsibleButton.isVisible()


def test_one_click_measures_and_tells_it_in_a_picture_a_table_and_on_the_model(panel):
    ui = panel.ui
    chosen(panel)
    choose(ui.spectWallComboBox, "model")
    ui.lowPerfusionSlider.value = 55
    click(ui.measurePerfusionButton)
    assert panel.asked[0].along == "map" and panel.asked[0].settings.low == 55 and list(panel.asked[0].scans) == ["stress", "rest"]
    assert "Look at the wall" in ui.statusLabel.text and "no normal database" in ui.perfusionLabel.text
    titles = [row[0] for row in texts_in(ui.perfusionTable)]
    assert "Stress: Extent of low perfusion" in titles and "Rest: Cavity" in titles and "SDS-like score" in titles and "Scar" in titles
    assert not any("basal" in one for one in titles)  # segments are in the picture
    assert ui.perfusionEyesLabel.pixmap.width() == 2 * SIZE and ui.perfusionEyesLabel.pixmap.height() == 2 * (SIZE + TITLE)
    ui.perfusionTable.selectRow(0)
    assert "90 % interval" in ui.perfusionDetailLabel.text
    click(ui.showViabilityButton)
    assert panel.model.GetDisplayNode().GetActiveScalarName() == "viability_class"
    click(ui.showPerfusionButton)
    assert panel.model.GetDisplayNode().GetActiveScalarName() == "perfusion_percent"


def test_it_comes_back_with_its_volume_and_without_a_map_there_are_no_classes(panel):
    ui, panel.scar = panel.ui, False
    chosen(panel)
    click(ui.measurePerfusionButton)
    assert ui.showPerfusionButton.enabled and not ui.showViabilityButton.enabled
    panel._parameterNode.spectVolume = panel.rest
    qt.QApplication.processEvents()
    assert not ui.perfusionTable.isVisible()
    panel._parameterNode.spectVolume = panel.stress
    panel.exit()
    panel.enter()
    qt.QApplication.processEvents()
    assert ui.perfusionTable.isVisible() and ui.perfusionTable.rowCount > 10


def test_what_is_missing_is_said_on_the_button(panel):
    ui = panel.ui
    chosen(panel)
    panel._parameterNode.spectRest = panel.stress
    qt.QApplication.processEvents()
    assert not ui.measurePerfusionButton.enabled and "choose another" in ui.measurePerfusionButton.toolTip
    panel._parameterNode.spectRest = None
    panel._parameterNode.lvModel = None
    choose(ui.spectWallComboBox, "model")
    assert not ui.measurePerfusionButton.enabled and "Choose the LV model" in ui.measurePerfusionButton.toolTip


def test_why_nothing_was_measured_is_said_and_the_scene_stays(panel, a_scene):
    chosen(panel)
    before = a_scene.GetNumberOfNodes()
    panel.fails = BadStack("No left ventricle was found on the scan; give reconstructed slices of the heart.")
    click(panel.ui.measurePerfusionButton)
    assert "No left ventricle" in panel.ui.statusLabel.text and a_scene.GetNumberOfNodes() == before


def test_it_can_be_canceled(panel, a_scene):
    chosen(panel)
    panel.logic = CardioScarLogic(AJob)
    click(panel.ui.measurePerfusionButton)
    assert panel.ui.measurePerfusionButton.text == "Cancel" and not panel.ui.applyButton.text == "Apply"
    click(panel.ui.measurePerfusionButton)
    assert panel.ui.measurePerfusionButton.text == "Measure perfusion" and "Canceled" in panel.ui.statusLabel.text


def test_the_picture_has_an_eye_for_each_scan_and_two_more_with_scar():
    sizes = []
    for with_scar in (False, True):
        picture = eyesPixmap(PerfusionRecord.of(a_measurement(with_scar).values))
        sizes.append((picture.width() // SIZE, picture.height() // SIZE))
    assert sizes == [(2, 1), (2, 2)]


@pytest.mark.skipif("CARDIOSCAR_SCREENSHOTS" not in os.environ, reason="a picture for people; the section is tested elsewhere")
def test_the_panel_beside_perfusion(can_draw, panel, a_scene, a_parent):
    view = three_d_view(a_scene, (760, 1500), "ColorLegend")
    a_parent.resize(440, 1500)
    chosen(panel)
    panel.ui.inputsCollapsibleButton.collapsed = True
    panel.ui.methodCollapsibleButton.collapsed = True
    click(panel.ui.measurePerfusionButton)
    click(panel.ui.showViabilityButton)
    panel.ui.perfusionTable.selectRow(0)
    slicer.mrmlScene.GetNthNodeByClass(0, "vtkMRMLModelNode")
    camera = view.renderer.GetActiveCamera()
    camera.SetFocalPoint(0, 0, 0)
    camera.SetPosition(-40, -120, -330)
    camera.SetViewUp(0, 1, 0)
    view.renderer.ResetCamera()
    side_by_side(a_parent, [view.picture("panel_3d")], FOLDER / "panel_perfusion.png")
    view.close()
