"""Pictures of the panel beside what it draws, for people to look at.

They go to Testing/Output, or to the folder that the environment variable CARDIOSCAR_SCREENSHOTS names.
"""

import os
from pathlib import Path

import numpy as np
import pytest
import qt
import slicer
from CardioScarMRML.phantoms import addVolumeNode
from conftest import OUTPUT, three_d_view
from panels import choose, click, wait_for

from CardioScar import CardioScarWidget
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.synthesis import simulated_heart

FOLDER = Path(os.environ.get("CARDIOSCAR_SCREENSHOTS", OUTPUT))


def as_image(pixels: np.ndarray) -> qt.QImage:
    pixels = np.ascontiguousarray(pixels)
    height, width, _ = pixels.shape
    return qt.QImage(pixels.data, width, height, 3 * width, qt.QImage.Format_RGB888).copy()


def side_by_side(panel, views: list[np.ndarray], path: Path) -> None:
    """The panel to the left, the views below each other to the right, as tall as the panel."""
    for _ in range(3):  # a label that grows makes one layout after the other work
        qt.QApplication.processEvents()
    picture = panel.grab().toImage()
    width = min(view.shape[1] for view in views)
    images = [as_image(view).scaledToWidth(width, qt.Qt.SmoothTransformation) for view in views]
    height = max(picture.height(), sum(image.height() for image in images))
    canvas = qt.QImage(picture.width() + width, height, qt.QImage.Format_RGB32)
    canvas.fill(qt.QColor(0, 0, 0))
    painter = qt.QPainter(canvas)
    painter.fillRect(0, 0, picture.width(), height, qt.QColor(239, 239, 239))
    painter.drawImage(0, 0, picture)
    top = 0
    for image in images:
        painter.drawImage(picture.width(), top, image)
        top += image.height()
    painter.end()
    FOLDER.mkdir(parents=True, exist_ok=True)
    assert canvas.save(str(path))


@pytest.mark.skipif("CARDIOSCAR_SCREENSHOTS" not in os.environ, reason="a real audit takes long; the panel is tested elsewhere")
def test_the_panel_beside_its_audit_and_planes(can_draw, a_scene, a_parent):
    """A phantom of which one slice was taken 6 mm too far to the right."""
    view = three_d_view(a_scene, (760, 1600), "ColorLegend", "Markups")
    widget = CardioScarWidget(a_parent)
    widget.setup()
    widget.enter()
    a_parent.resize(440, 1200)
    volume, model = widget.logic.loadExample("phantom")
    pixels = slicer.util.arrayFromVolume(volume)
    pixels[6] = np.roll(pixels[6], round(6 / volume.GetSpacing()[0]), axis=1)
    widget._parameterNode.lgeVolume, widget._parameterNode.lvModel = volume, model
    ui = widget.ui
    choose(ui.presetComboBox, "preview")
    ui.methodCollapsibleButton.collapsed, ui.trustCollapsibleButton.collapsed = True, False
    qt.QApplication.processEvents()
    for button in (ui.applyButton, ui.adviseButton, ui.auditButton):
        click(button)
        wait_for(lambda: not widget._runControl.running, 300)
    assert ui.auditTable.rowCount and ui.adviceTable.rowCount
    bounds = np.zeros(6)
    model.GetRASBounds(bounds)
    center = bounds.reshape(3, 2).mean(axis=1)
    camera = view.renderer.GetActiveCamera()
    camera.SetFocalPoint(*center)
    camera.SetPosition(*(center + 420 * np.array([0.6, -1.0, 0.5]) / np.linalg.norm([0.6, -1.0, 0.5])))
    camera.SetViewUp(0, 0, 1)
    view.renderer.ResetCameraClippingRange()
    side_by_side(a_parent, [view.picture("panel_3d")], FOLDER / "panel_trust.png")
    view.close()
    widget.cleanup()


@pytest.mark.skipif("CARDIOSCAR_SCREENSHOTS" not in os.environ, reason="a real map and its numbers take long; both are tested elsewhere")
def test_the_panel_beside_its_numbers_and_channels(can_draw, a_scene, a_parent):
    """A phantom with a channel of 3.5 mm through its scar."""
    view = three_d_view(a_scene, (760, 1640), "ColorLegend", "Markups")
    widget = CardioScarWidget(a_parent)
    widget.setup()
    widget.enter()
    a_parent.resize(440, 1500)
    volume, model = widget.logic.loadExample("phantom")
    parameters, ui = widget._parameterNode, widget.ui
    parameters.lgeVolume, parameters.lvModel = volume, model
    points = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "RV insertions")
    for place in ((20.4, 27.7, -9.1), (23.0, -7.6, 31.1)):  # on the wall's outside, a third of the turn apart
        points.AddControlPointWorld(*place)
    points.GetDisplayNode().SetVisibility(False)
    parameters.insertions = points
    choose(ui.presetComboBox, "preview")
    click(ui.applyButton)
    wait_for(lambda: not widget._runControl.running, 300)
    wait_for(lambda: not widget._numbers.working, 300)
    assert ui.channelTable.rowCount and ui.bullsEyeLabel.isVisible()
    click(ui.showChannelsButton)
    ui.channelTable.selectRow(0)
    bounds = np.zeros(6)
    model.GetRASBounds(bounds)
    center = bounds.reshape(3, 2).mean(axis=1)
    distance = 1.1 * np.linalg.norm(np.ptp(bounds.reshape(3, 2), axis=1)) / np.tan(np.radians(15))
    first = model.GetNthNodeReference("CardioScar.Channel", 0)
    middle = np.zeros(3)
    first.GetNthControlPointPositionWorld(first.GetNumberOfControlPoints() // 2, middle)
    side = (middle - center) / np.linalg.norm(middle - center)
    camera = view.renderer.GetActiveCamera()
    camera.SetFocalPoint(*center)
    camera.SetPosition(*(center + 0.5 * distance * side))
    camera.SetViewUp(0, 0, 1)
    view.renderer.ResetCameraClippingRange()
    side_by_side(a_parent, [view.picture("panel_3d")], FOLDER / "panel_numbers.png")
    view.close()
    widget.cleanup()


@pytest.mark.skipif("CARDIOSCAR_SCREENSHOTS" not in os.environ, reason="needs PyTorch in a child process; the panel is tested elsewhere")
def test_the_panel_beside_what_the_network_found(can_draw, a_scene, a_parent, a_slice_view):
    """A simulated heart that the network has not seen, segmented, with its wall."""
    widget = CardioScarWidget(a_parent)
    widget.setup()
    widget.enter()
    a_parent.resize(440, 760)
    heart = simulated_heart(900_001)
    volume = addVolumeNode(a_scene, SliceStack.from_volume(heart.image, heart.matrix, heart.thickness), "LGE")
    widget._parameterNode.lgeVolume = volume
    ui = widget.ui
    ui.methodCollapsibleButton.collapsed = True
    qt.QApplication.processEvents()
    click(ui.segmentButton)
    wait_for(lambda: not widget._runControl.running, 300)
    wait_for(ui.segmentLabel.isVisible)
    a_slice_view.show(volume, volume.GetImageData().GetDimensions()[2] // 2)
    side_by_side(a_parent, [a_slice_view.picture("panel_slice")], FOLDER / "panel_segments.png")
    widget.cleanup()


def colors_in(pixels: np.ndarray) -> int:
    return len(np.unique(pixels.reshape(-1, 3) // 16, axis=0))


@pytest.mark.slow
def test_the_panel_beside_its_views(a_scene, a_parent, a_3d_view, a_slice_view, monkeypatch):
    """The three maps of a real heart, with a picture of each."""
    monkeypatch.setattr("conftest.OUTPUT", FOLDER)
    widget = CardioScarWidget(a_parent)
    widget.setup()
    widget.enter()
    a_parent.resize(440, 1040)
    widget._parameterNode.lgeVolume, widget._parameterNode.lvModel = widget.logic.loadExample("psir")
    choose(widget.ui.presetComboBox, "preview")
    widget.ui.evidencePreviewCheckBox.checked = True
    wait_for(widget.ui.histogramLabel.isVisible)
    volume, model = widget._parameterNode.lgeVolume, widget._parameterNode.lvModel
    middle = volume.GetImageData().GetDimensions()[2] // 2
    a_slice_view.show(volume, middle)
    a_3d_view.look_at(model)
    before = a_3d_view.picture("panel_3d")
    side_by_side(a_parent, [before, a_slice_view.picture("panel_slice")], FOLDER / "panel_evidence.png")
    widget.ui.evidencePreviewCheckBox.checked = False
    click(widget.ui.applyButton)
    wait_for(lambda: not widget._runControl.running, 120)
    assert widget.ui.statusLabel.text.startswith("Done.")
    seen = []
    for name in ("Probability", "Uncertainty", "Binary"):
        click(getattr(widget.ui, f"show{name}Button"))
        a_3d_view.look_at(model)
        views = [a_3d_view.picture("panel_3d"), a_slice_view.picture("panel_slice")]
        side_by_side(a_parent, views, FOLDER / f"panel_{name.lower()}.png")
        seen.append(views[0])
    assert min(colors_in(view) for view in seen[:2]) > 2 * colors_in(before)
    assert all((one != other).mean() > 0.02 for one, other in zip(seen, seen[1:] + [before], strict=True))
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLColorLegendDisplayNode") == 1
    widget.cleanup()
