"""The parts of the panel that look at the inputs: geometry line, slice table, evidence preview."""

import threading

import numpy as np
import pytest
import qt
import slicer
from CardioScarMRML import addPhantomNodes
from CardioScarMRML.inputs import Inputs
from CardioScarMRML.parameters import REMOTE_RADIUS, settingsFrom
from CardioScarMRML.phantoms import addVolumeNode
from CardioScarPanel.evidence_preview import EvidencePreview
from CardioScarPanel.geometry_check import GeometryCheck
from CardioScarPanel.slice_table import SliceTable
from conftest import OUTPUT, ROOT
from panels import click, wait_for
from test_checks import spoil, under_transform

from CardioScar import CardioScarLogic
from CardioScarLib.evidence import preview
from CardioScarLib.geometry.overlap import REMEDIES


@pytest.fixture
def a_ui(a_scene):
    widget = slicer.util.loadUI(str(ROOT / "CardioScar" / "Resources" / "UI" / "CardioScar.ui"))
    widget.setMRMLScene(a_scene)
    widget.resize(420, 1100)
    widget.show()
    yield slicer.util.childWidgetVariables(widget)
    widget.close()


@pytest.fixture
def parameters(a_case):
    node = CardioScarLogic().getParameterNode()
    node.lgeVolume, node.lvModel = a_case
    return node


@pytest.fixture
def connected(a_ui, parameters):
    parts = []

    def make(kind):
        part = kind(a_ui, Inputs())
        part.connect(parameters)
        parts.append(part)
        return part

    yield make
    for part in parts:
        part.cleanup()


# --- geometry ------------------------------------------------------------------------------------------------------


def test_a_good_case_is_said_to_be_good_and_offers_nothing(connected, a_ui):
    check = connected(GeometryCheck)
    assert check.update() and check.error is None
    assert "lies within the stack" in a_ui.geometryLabel.text
    assert not a_ui.fixMirrorButton.isVisible() and not a_ui.fixUnitsButton.isVisible()


def test_without_nodes_nothing_is_said(connected, a_ui, parameters):
    check = connected(GeometryCheck)
    parameters.lvModel = None
    assert not check.update() and check.error is None
    assert a_ui.geometryLabel.text == "" and not a_ui.geometryLabel.isVisible()


def test_a_mirrored_model_is_flipped_by_a_button_and_flipped_back_by_the_same(connected, a_ui, a_case):
    model = a_case[1]
    spoil(model, REMEDIES["flip"])
    check = connected(GeometryCheck)
    button, before = a_ui.fixMirrorButton, a_ui.geometryLabel.text
    assert button.isVisible() and "flipped" in before
    assert not a_ui.fixUnitsButton.isVisible()
    click(button)
    assert check.update() and "flipped" not in a_ui.geometryLabel.text
    assert model.GetParentTransformNode() is not None
    assert button.isVisible() and "Undo" in button.text
    click(button)
    assert model.GetParentTransformNode() is None and a_ui.geometryLabel.text == before
    assert "Undo" not in button.text


def test_micrometers_are_asked_about_and_scaled_only_by_a_click(connected, a_ui, a_case):
    model = a_case[1]
    spoil(model, np.linalg.inv(REMEDIES["um"]))
    check = connected(GeometryCheck)
    assert check.error and "micrometers" in check.error
    assert model.GetParentTransformNode() is None
    assert a_ui.geometryLabel.text == check.error + "\nAre the points of the model in micrometers?"
    assert a_ui.fixUnitsButton.isVisible() and a_ui.fixUnitsButton.text == "Yes, scale from micrometers"
    click(a_ui.fixUnitsButton)
    assert check.error is None and "Undo" in a_ui.fixUnitsButton.text and "?" not in a_ui.geometryLabel.text


def test_a_model_in_the_wrong_frame_and_unit_takes_two_clicks(connected, a_ui, a_case):
    spoil(a_case[1], np.linalg.inv(REMEDIES["flip and um"]))
    check = connected(GeometryCheck)
    click(a_ui.fixMirrorButton)
    assert check.error
    click(a_ui.fixUnitsButton)
    assert check.error is None


def test_bad_input_is_one_sentence_in_the_panel(connected, a_ui, a_case):
    check = connected(GeometryCheck)
    a_case[1].SetAndObserveMesh(None)
    assert not check.update()
    assert a_ui.geometryLabel.text == check.error == "The LV model has no points; load it again."


# --- slices --------------------------------------------------------------------------------------------------------


def cells(table, row):
    return [table.item(row, column).text() for column in range(table.columnCount)]


def checked(table):
    return [row for row in range(table.rowCount) if table.item(row, 0).checkState() == qt.Qt.Checked]


def can_be_checked(table):
    return bool(table.item(0, 0).flags() & qt.Qt.ItemIsUserCheckable)


def set_check(table, row, state):
    table.item(row, 0).setCheckState(state)
    qt.QApplication.processEvents()


def test_every_slice_has_a_row_with_what_it_sees(connected, a_ui, a_phantom):
    connected(SliceTable)
    table = a_ui.sliceTable
    assert table.rowCount == len(a_phantom.stack)
    number, position, thickness, share, reason = cells(table, 3)
    assert (number, position, thickness, reason) == ("3", "30.0 mm", "8 mm", "")
    assert 5 < float(share.split()[0]) < 15


def test_all_slices_are_checked_and_fixed_when_all_are_used(connected, a_ui):
    connected(SliceTable)
    assert checked(a_ui.sliceTable) == list(range(a_ui.sliceTable.rowCount))
    assert not can_be_checked(a_ui.sliceTable)


def test_a_range_is_shown_by_its_check_marks(connected, a_ui, parameters):
    part = connected(SliceTable)
    parameters.sliceSelection, parameters.sliceRangeMinimum, parameters.sliceRangeMaximum = "range", 2, 4
    part.update()
    assert checked(a_ui.sliceTable) == [2, 3, 4] and not can_be_checked(a_ui.sliceTable)


def test_a_list_starts_with_the_slices_that_see_the_wall_and_follows_the_check_marks(connected, a_ui, parameters, a_case, a_phantom):
    matrix = np.eye(4)
    matrix[:3, 3] = 30 * a_phantom.stack.slices[0].normal * [-1, -1, 1]
    under_transform(a_case[0], matrix)
    part = connected(SliceTable)
    parameters.sliceSelection = "list"
    part.update()
    table = a_ui.sliceTable
    missing = [row for row in range(table.rowCount) if cells(table, row)[4]]
    assert missing and checked(table) == [row for row in range(table.rowCount) if row not in missing]
    assert can_be_checked(table)
    first = checked(table)[0]
    set_check(table, first, qt.Qt.Unchecked)
    part.update()
    assert first not in checked(table)
    assert parameters.sliceList == ",".join(str(row) for row in checked(table))
    for row in checked(table):
        set_check(table, row, qt.Qt.Unchecked)
    part.update()
    assert parameters.sliceList == "" and checked(table) == []  # stays empty; Apply says that none is chosen


def test_slices_that_miss_the_wall_are_gray_and_say_why(connected, a_ui, a_case, a_phantom):
    matrix = np.eye(4)
    matrix[:3, 3] = 30 * a_phantom.stack.slices[0].normal * [-1, -1, 1]
    under_transform(a_case[0], matrix)
    connected(SliceTable)
    table = a_ui.sliceTable
    gray = [table.item(row, 1).foreground().color().red() == 128 for row in range(table.rowCount)]
    assert gray == [bool(cells(table, row)[4]) for row in range(table.rowCount)] and any(gray) and not all(gray)
    miss = gray.index(True)
    assert cells(table, miss)[3] == "0.0 %" and table.item(miss, 1).toolTip() == cells(table, miss)[4]


def test_a_click_on_a_row_moves_the_views(connected, a_ui, a_scene, a_phantom):
    view = a_scene.AddNewNodeByClass("vtkMRMLSliceNode", "Red")
    view.SetLayoutName("Red")
    connected(SliceTable)
    table = a_ui.sliceTable
    for row in (2, 6):
        place = table.visualItemRect(table.item(row, 1)).center()
        qt.QTest.mouseClick(table.viewport(), qt.Qt.LeftButton, qt.Qt.NoModifier, place)
        pose = slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS())
        one = a_phantom.stack.slices[row]
        assert abs((pose[:3, 3] * [-1, -1, 1] - one.center) @ one.normal) < 1e-3
    qt.QTest.keyClick(table, qt.Qt.Key_Down)
    pose, one = slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS()), a_phantom.stack.slices[7]
    assert abs((pose[:3, 3] * [-1, -1, 1] - one.center) @ one.normal) < 1e-3


def test_a_button_turns_the_views_back_into_planes_of_the_volume(connected, a_ui, a_scene, a_phantom):
    view = a_scene.AddNewNodeByClass("vtkMRMLSliceNode", "Red")
    view.SetLayoutName("Red")
    connected(SliceTable)
    before = slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS())[:3, :3].copy()
    a_ui.resetViewsButton.click()
    assert abs(before - slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS())[:3, :3]).max() > 0.1
    planes = slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS())[:3, :3] * [[-1], [-1], [1]]
    one = a_phantom.stack.slices[0]
    axes = np.array([one.normal, *(step / np.linalg.norm(step) for step in (one.row_step, one.column_step))])
    assert np.abs(axes @ planes).max(axis=0) == pytest.approx([1, 1, 1])


def test_an_unusable_model_leaves_the_slices_in_the_table(connected, a_ui, a_case):
    part = connected(SliceTable)
    a_case[1].SetAndObserveMesh(None)
    part.update()
    assert a_ui.sliceTable.rowCount > 5 and cells(a_ui.sliceTable, 3)[3] == ""


def test_without_a_volume_the_table_is_empty(connected, a_ui, parameters):
    part = connected(SliceTable)
    parameters.lgeVolume = None
    part.update()
    assert a_ui.sliceTable.rowCount == 0


# --- evidence ------------------------------------------------------------------------------------------------------


@pytest.fixture
def an_lge_image(a_scene, parameters, a_phantom):
    """The phantom's slices as a magnitude LGE image with noise: remote at 100, scar at 300."""
    random = np.random.default_rng(0)
    images = [100 + 200 * one.pixels + random.normal(scale=10, size=one.pixels.shape) for one in a_phantom.stack]
    volume = addVolumeNode(a_scene, a_phantom.stack.with_pixels(images), "LGE")
    parameters.lgeVolume, parameters.evidence.method, parameters.evidence.lge_type = volume, "nsd", "magnitude"
    return volume


@pytest.fixture
def a_view(a_scene):
    return a_scene.AddNewNodeByClass("vtkMRMLSliceCompositeNode", "Red")


def overlay(view):
    return slicer.mrmlScene.GetNodeByID(view.GetLabelVolumeID() or "")


def settle(part):
    """Wait for what is computed in the background."""
    wait_for(lambda: not part.working)


def switch(a_ui, part):
    click(a_ui.evidencePreviewCheckBox)
    settle(part)


def test_nothing_is_drawn_until_it_is_asked_for(connected, a_ui, an_lge_image, a_view):
    connected(EvidencePreview)
    assert overlay(a_view) is None and not a_ui.histogramLabel.isVisible() and a_ui.evidenceLabel.text == ""


def test_a_check_mark_draws_the_evidence_and_takes_it_away(connected, a_ui, an_lge_image, a_view, a_scene):
    part = connected(EvidencePreview)
    before = a_scene.GetNumberOfNodes()
    switch(a_ui, part)
    labels = slicer.util.arrayFromVolume(overlay(a_view))
    image = slicer.util.arrayFromVolume(an_lge_image)
    assert np.median(image[labels == 3]) > 250 and np.median(image[labels == 1]) < 110
    assert a_ui.evidenceLabel.text.startswith("Method nsd: ")
    assert a_ui.histogramLabel.isVisible()
    switch(a_ui, part)
    assert overlay(a_view) is None and a_scene.GetNumberOfNodes() == before
    assert not a_ui.histogramLabel.isVisible() and a_ui.evidenceLabel.text == ""


def test_what_a_run_would_assume_is_said(connected, a_ui, an_lge_image, a_view, parameters):
    part = connected(EvidencePreview)
    switch(a_ui, part)
    assert "read as" not in a_ui.evidenceLabel.text
    parameters.evidence.lge_type = "auto"
    part.update()
    settle(part)
    assert "\nThe images were read as " in a_ui.evidenceLabel.text


def test_it_follows_the_threshold(connected, a_ui, an_lge_image, a_view, parameters):
    part = connected(EvidencePreview)
    switch(a_ui, part)
    many, said = np.count_nonzero(slicer.util.arrayFromVolume(overlay(a_view)) == 3), a_ui.evidenceLabel.text
    parameters.evidence.n_sd = 10.0
    part.update()
    settle(part)
    assert 0 < np.count_nonzero(slicer.util.arrayFromVolume(overlay(a_view)) == 3) < many
    assert a_ui.evidenceLabel.text != said


@pytest.mark.slow
def test_only_the_chosen_slices_are_drawn(connected, a_ui, an_lge_image, a_view, parameters):
    part = connected(EvidencePreview)
    switch(a_ui, part)
    parameters.sliceSelection, parameters.sliceList = "list", "3,5"
    part.update()
    settle(part)
    drawn = slicer.util.arrayFromVolume(overlay(a_view)).any(axis=(1, 2))
    assert np.flatnonzero(drawn).tolist() == [3, 5]


def test_a_model_beside_the_slices_is_said_and_nothing_is_computed(connected, a_ui, an_lge_image, a_view, a_case):
    spoil(a_case[1], np.linalg.inv(REMEDIES["um"]))
    part = connected(EvidencePreview)
    switch(a_ui, part)
    assert "micrometers" in a_ui.evidenceLabel.text and overlay(a_view) is None


def test_a_segmentation_is_drawn_instead_of_intensities(connected, a_ui, an_lge_image, a_view, a_scene, parameters):
    scar = slicer.util.arrayFromVolume(an_lge_image) > 200
    labels = a_scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "Drawn scar")
    labels.CopyOrientation(an_lge_image)
    slicer.util.updateVolumeFromArray(labels, scar.astype(np.uint8))
    segmentation = a_scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Segmentation")
    slicer.vtkSlicerSegmentationsModuleLogic.ImportLabelmapToSegmentationNode(labels, segmentation)
    parameters.scarSegmentation = segmentation
    parameters.scarSegmentID = segmentation.GetSegmentation().GetNthSegmentID(0)
    part = connected(EvidencePreview)
    switch(a_ui, part)
    drawn = slicer.util.arrayFromVolume(overlay(a_view))
    assert np.array_equal(drawn == 3, scar & (drawn > 0)) and (drawn == 4).any() and not (drawn == 1).any()
    assert a_ui.evidenceLabel.text.startswith("Method labels: ")


def test_what_a_run_would_refuse_is_said_instead(connected, a_ui, an_lge_image, a_view, parameters):
    part = connected(EvidencePreview)
    switch(a_ui, part)
    parameters.evidence.method = "values"
    part.update()
    settle(part)
    assert "scar values lie between 0 and 1" in a_ui.evidenceLabel.text
    assert overlay(a_view) is None and not a_ui.histogramLabel.isVisible()
    parameters.evidence.method = "weighted"
    part.update()
    settle(part)
    assert overlay(a_view) is not None and a_ui.evidenceLabel.text.startswith("Method weighted: ")


def test_a_point_in_remote_myocardium_sets_the_remote_region(connected, a_ui, an_lge_image, a_view, parameters, a_scene, a_phantom):
    node = a_scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode")
    parameters.remoteRegion = node
    assert settingsFrom(parameters).evidence.remote_region is None  # no point yet
    wall = a_phantom.wall.nodes
    for point in (wall[0], wall[len(wall) // 2]):
        node.RemoveAllControlPoints()
        node.AddControlPoint(-point[0], -point[1], point[2])
        assert settingsFrom(parameters).evidence.remote_region == pytest.approx((*point, REMOTE_RADIUS))
    parameters.remoteRegion = None
    assert settingsFrom(parameters).evidence.remote_region is None


def test_letting_go_of_the_scene_takes_the_overlay_away(connected, a_ui, an_lge_image, a_view, a_scene):
    part = connected(EvidencePreview)
    before = a_scene.GetNumberOfNodes()
    switch(a_ui, part)
    part.connect(None)
    assert a_scene.GetNumberOfNodes() == before and overlay(a_view) is None


def test_the_histogram_shows_both_peaks_and_the_threshold(connected, a_ui, an_lge_image, a_view, parameters):
    part = connected(EvidencePreview)
    switch(a_ui, part)
    image = a_ui.histogramLabel.pixmap.toImage()
    OUTPUT.mkdir(parents=True, exist_ok=True)
    image.save(str(OUTPUT / "histogram.png"))
    colors = np.array([[image.pixelColor(x, y).getRgb()[:3] for x in range(image.width())] for y in range(image.height())])
    blue, red = (np.abs(colors - color).max(axis=-1) < 8 for color in ((56, 140, 245), (237, 46, 33)))
    assert blue.sum() > 200 and red.sum() > 100
    columns = np.arange(image.width())
    assert (blue.sum(axis=0) @ columns) / blue.sum() < (red.sum(axis=0) @ columns) / red.sum()  # remote is darker
    black = (colors.max(axis=-1) < 40)[10:80].sum(axis=0)
    assert black.argmax() > columns[blue.any(axis=0)].mean() and black.max() > 20


def test_the_window_lives_while_the_evidence_is_found(connected, a_ui, an_lge_image, a_view, monkeypatch):
    """Its events are handled before the thread is done; then what it found is drawn."""
    may_end, compute = threading.Event(), preview.preview_evidence

    def slow(*asked):
        may_end.wait(20)
        return compute(*asked)

    monkeypatch.setattr(preview, "preview_evidence", slow)
    part, turns = connected(EvidencePreview), []
    click(a_ui.evidencePreviewCheckBox)
    assert part.working and overlay(a_view) is None and "Looking" in a_ui.evidenceLabel.text
    timer = qt.QTimer()
    timer.timeout.connect(lambda: turns.append(part.working))
    timer.start(0)
    wait_for(lambda: len(turns) > 5)
    may_end.set()
    settle(part)
    assert all(turns[:5]) and overlay(a_view) is not None


def test_what_is_no_longer_wanted_is_not_drawn(connected, a_ui, an_lge_image, a_view, monkeypatch):
    may_end, compute = threading.Event(), preview.preview_evidence
    monkeypatch.setattr(preview, "preview_evidence", lambda *asked: (may_end.wait(20), compute(*asked))[1])
    part = connected(EvidencePreview)
    click(a_ui.evidencePreviewCheckBox)
    click(a_ui.evidencePreviewCheckBox)
    may_end.set()
    wait_for(lambda: part._background._thread is None)
    assert overlay(a_view) is None and a_ui.evidenceLabel.text == ""


def test_two_phantoms_do_not_mix(connected, a_ui, a_scene, a_phantom, parameters):
    part = connected(SliceTable)
    _, model = addPhantomNodes(a_scene, a_phantom)
    spoil(model, REMEDIES["flip"])
    before = [cells(a_ui.sliceTable, row) for row in range(a_ui.sliceTable.rowCount)]
    parameters.lvModel = model
    part.update()
    assert [cells(a_ui.sliceTable, row) for row in range(a_ui.sliceTable.rowCount)] != before


# --- in the panel --------------------------------------------------------------------------------------------------


@pytest.fixture
def a_previewing_panel(an_lge_image, a_view, a_panel):
    """The panel with an LGE image chosen and its preview on."""
    a_panel.enter()
    qt.QApplication.processEvents()
    switch(a_panel.ui, preview_of(a_panel))
    return a_panel


def preview_of(panel):
    return next(part for part in panel._inputParts if isinstance(part, EvidencePreview))


def test_the_slider_moves_the_evidence(a_previewing_panel, a_view, parameters):
    ui = a_previewing_panel.ui
    before = np.count_nonzero(slicer.util.arrayFromVolume(overlay(a_view)) == 3)
    ui.evidenceThresholdSlider.value = 10.0
    assert parameters.evidence.n_sd == 10.0
    wait_for(lambda: np.count_nonzero(slicer.util.arrayFromVolume(overlay(a_view)) == 3) < before)


def test_a_slider_that_is_dragged_does_not_wait_for_the_preview(a_previewing_panel, a_view, parameters, monkeypatch):
    computed, threads, compute = [], set(), preview.preview_evidence

    def counted(stack, pixels, settings, *more):
        computed.append(settings.n_sd)
        threads.add(threading.current_thread())
        return compute(stack, pixels, settings, *more)

    monkeypatch.setattr(preview, "preview_evidence", counted)
    for threshold in np.linspace(3, 9, 25):
        a_previewing_panel.ui.evidenceThresholdSlider.value = threshold
        qt.QApplication.processEvents()
    assert len(computed) < 5
    wait_for(lambda: computed and computed[-1] == 9.0)
    assert threading.main_thread() not in threads and qt.QApplication.overrideCursor() is None


def test_a_model_that_misses_the_slices_cannot_be_run_until_its_button_was_clicked(a_panel, a_scene, a_phantom):
    _, model = addPhantomNodes(a_scene, a_phantom)
    spoil(model, np.linalg.inv(REMEDIES["um"]))
    a_panel.enter()
    qt.QApplication.processEvents()
    assert not a_panel.ui.applyButton.enabled and "micrometers" in a_panel.ui.applyButton.toolTip
    click(a_panel.ui.fixUnitsButton)
    qt.QApplication.processEvents()
    assert a_panel.ui.applyButton.enabled


def test_closing_the_scene_with_a_preview_leaves_nothing(a_previewing_panel, a_scene):
    a_scene.Clear(0)
    qt.QApplication.processEvents()
    assert not slicer.util.getNodesByClass("vtkMRMLLabelMapVolumeNode", a_scene)
    assert a_previewing_panel.ui.sliceTable.rowCount == 0 and a_previewing_panel.ui.geometryLabel.text == ""


@pytest.mark.slow
def test_leaving_the_module_takes_the_preview_away_and_coming_back_brings_it(a_previewing_panel, a_scene, a_view):
    with_it = a_scene.GetNumberOfNodes()
    a_previewing_panel.exit()
    assert overlay(a_view) is None and a_scene.GetNumberOfNodes() == with_it - 3
    a_previewing_panel.enter()
    qt.QApplication.processEvents()
    settle(preview_of(a_previewing_panel))
    assert overlay(a_view) is not None and a_scene.GetNumberOfNodes() == with_it


def test_runs_with_a_preview_leave_no_nodes(a_previewing_panel, a_scene, a_view):
    ui = a_previewing_panel.ui
    click(ui.applyButton)
    click(ui.showUncertaintyButton)
    click(ui.showBinaryButton)
    count = a_scene.GetNumberOfNodes()
    for _ in range(3):
        click(ui.applyButton)
        for button in (ui.showProbabilityButton, ui.showUncertaintyButton, ui.showBinaryButton):
            click(button)
    assert a_scene.GetNumberOfNodes() == count and overlay(a_view) is not None
