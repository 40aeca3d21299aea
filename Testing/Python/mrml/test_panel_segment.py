"""The row below the LGE volume: segment, look, correct, and what tells the scar then."""

from types import SimpleNamespace

import pytest
import qt
import slicer
from CardioScarMRML import walls
from CardioScarMRML.predictions import startSegmentation as startInNodes
from CardioScarMRML.run import startHere
from CardioScarPanel import dependencies, starts, wall_maker
from jobs import AJob
from panels import click, wait_for
from predicted import a_ring, found_in
from test_predictions import paint

from CardioScarLib.core.errors import BadStack, MissingPackage, UnreadableFile
from CardioScarLib.runner import InPlaceJob


@pytest.fixture
def a_segmenting_panel(a_panel, a_scene, monkeypatch):
    """The panel with a ring of wall as its volume; `fails` is raised by the network, `asked` are its tasks."""
    volume, classes = a_ring(a_scene)
    a_panel.volume, a_panel.classes, a_panel.fails, a_panel.asked = volume, classes, None, []

    def job(task):
        a_panel.asked.append(task)

        def run(progress):
            progress("heart", 1, 3)
            if a_panel.fails:
                raise a_panel.fails
            return found_in(task, classes)

        return InPlaceJob(run)

    monkeypatch.setattr(starts, "startSegmentation", lambda *arguments, **choices: startInNodes(*arguments, startJob=job, **choices))
    monkeypatch.setattr(starts, "ensureSegmentation", lambda: True)
    a_panel.enter()
    qt.QApplication.processEvents()
    return a_panel


def predictions(scene) -> list:
    return slicer.util.getNodesByClass("vtkMRMLSegmentationNode", scene)


def test_one_click_gives_segments_that_wall_and_scar_are_taken_from(a_segmenting_panel, a_scene):
    panel, ui = a_segmenting_panel, a_segmenting_panel.ui
    assert ui.segmentButton.enabled and not ui.correctButton.enabled and not ui.segmentLabel.isVisible()
    click(ui.segmentButton)
    (prediction,) = predictions(a_scene)
    parameters = panel._parameterNode
    assert parameters.scarSegmentation is prediction and parameters.scarSegmentID == "scar"
    assert parameters.wallSegmentation is prediction and ui.wallMyocardiumComboBox.currentText == "Automatic"
    assert ui.scarSegmentComboBox.currentText == "Scar" and ui.makeWallFrame.isVisible() and ui.startWallButton.enabled
    assert "Look at each slice" in ui.statusLabel.text and "One note." in ui.statusLabel.text
    assert "a stand-in, weights 0123" in ui.segmentLabel.text and ui.segmentLabel.isVisible()
    assert panel.asked[0].settings.device == "auto" and panel.asked[0].weights == "default"


def test_from_the_volume_to_the_map_in_three_clicks(a_segmenting_panel, a_scene, a_fake_reconstruct, monkeypatch):
    panel, ui = a_segmenting_panel, a_segmenting_panel.ui
    here = lambda *arguments, **choices: walls.startWall(*arguments, startJob=startHere, **choices)  # noqa: E731
    monkeypatch.setattr(wall_maker, "startWall", here)
    click(ui.segmentButton)
    click(ui.startWallButton)
    assert panel._parameterNode.lvModel.GetName() == "LGE segmentation LV wall"
    click(ui.applyButton)
    stack, _, settings = a_fake_reconstruct.calls[-1]
    assert settings.evidence.method == "values" and 0.9 < stack.slices[2].pixels.max() < 1  # no hard mask
    assert any("probabilities of the network" in note for note in stack.notes)
    ui.evidencePreviewCheckBox.checked = True
    qt.QApplication.processEvents()
    wait_for(ui.histogramLabel.isVisible)
    assert "Method segmentation" in ui.evidenceLabel.text


def test_a_correction_is_noticed_when_the_panel_is_opened_again(a_segmenting_panel, a_scene, monkeypatch):
    panel, ui = a_segmenting_panel, a_segmenting_panel.ui
    click(ui.segmentButton)
    (prediction,) = predictions(a_scene)
    opened, chosen = [], {}
    editor = SimpleNamespace(
        setSegmentationNode=lambda node: chosen.update(segmentation=node), setSourceVolumeNode=lambda node: chosen.update(volume=node)
    )
    monkeypatch.setattr(slicer.util, "selectModule", lambda name: (opened.append(name), panel.exit()), raising=False)
    monkeypatch.setattr(slicer, "modules", SimpleNamespace(SegmentEditorWidget=SimpleNamespace(editor=editor)), raising=False)
    click(ui.correctButton)
    assert opened == ["SegmentEditor"] and chosen == {"segmentation": prediction, "volume": panel.volume}
    paint(prediction, "scar", 1, 2, 3, 1)
    panel.enter()
    qt.QApplication.processEvents()
    assert "were corrected" in ui.segmentLabel.text


def test_a_run_that_ends_in_another_module_is_kept(a_segmenting_panel, a_scene):
    panel = a_segmenting_panel
    run = panel._starts.segmentation()
    panel._runControl.start(lambda: run, panel._segment._onSegmented)
    panel.exit()
    panel._runControl.poll()
    panel.enter()
    qt.QApplication.processEvents()
    assert panel._parameterNode.scarSegmentation is predictions(a_scene)[0]


def test_it_can_be_canceled_and_nothing_else_starts_meanwhile(a_segmenting_panel, a_scene, monkeypatch):
    ui = a_segmenting_panel.ui
    monkeypatch.setattr(starts, "startSegmentation", lambda *arguments, **choices: startInNodes(*arguments, startJob=AJob, **choices))
    before = a_scene.GetNumberOfNodes()
    click(ui.segmentButton)
    assert ui.segmentButton.text == "Cancel" and ui.progressBar.isVisible() and not ui.startWallButton.enabled
    click(ui.segmentButton)
    assert ui.segmentButton.text == "Segment LGE" and "Canceled" in ui.statusLabel.text
    assert a_scene.GetNumberOfNodes() == before and not predictions(a_scene)


@pytest.mark.parametrize(
    "error, said",
    [
        (BadStack("No left ventricle was found on the slices."), "No left ventricle was found"),
        (UnreadableFile("There is no file default.safetensors; check the path."), "no file default.safetensors"),
        (MissingPackage("Segmentation needs the package torch, which is not installed here: `pip install x`."), "PyTorch Util"),
    ],
)
def test_why_nothing_was_segmented_is_said(a_segmenting_panel, a_scene, error, said):
    a_segmenting_panel.fails = error
    click(a_segmenting_panel.ui.segmentButton)
    text = a_segmenting_panel.ui.statusLabel.text
    assert said in text and "pip install" not in text and not predictions(a_scene)
    assert a_segmenting_panel.ui.segmentButton.enabled


def test_without_a_volume_the_button_says_so(a_panel):
    assert not a_panel.ui.segmentButton.enabled and a_panel.ui.segmentButton.toolTip == "Choose the LGE volume."


def test_probabilities_go_with_their_segmentation(a_segmenting_panel, a_scene):
    before = {node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode", a_scene)}
    click(a_segmenting_panel.ui.segmentButton)
    kept = {node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode", a_scene)} - before
    assert kept == {"LGE scar probability", "LGE myocardium probability"}
    a_scene.RemoveNode(predictions(a_scene)[0])
    assert {node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode", a_scene)} == before


def test_packages_are_asked_for_one_after_the_other_and_only_what_is_missing(monkeypatch):
    asked, installed = [], []
    monkeypatch.setattr(dependencies, "ensureTorch", lambda otherwise: asked.append(otherwise) or True)
    monkeypatch.setattr(dependencies.importlib.util, "find_spec", lambda name: None if name == "monai" else object())
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda text, title=None: asked.append(text) or True, raising=False)
    monkeypatch.setattr(slicer.util, "pip_install", installed.append, raising=False)
    assert dependencies.ensureSegmentation()
    assert "Segment Editor" in asked[0] and "monai" in asked[1] and len(asked) == 2 and installed == ["monai>=1.6,<2"]
    monkeypatch.setattr(dependencies, "ensureTorch", lambda otherwise: False)
    assert not dependencies.ensureSegmentation() and len(asked) == 2
