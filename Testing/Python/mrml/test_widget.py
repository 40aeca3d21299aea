import ast
import re
import typing
import xml.etree.ElementTree as ElementTree

import pytest
import qt
import slicer
import vtk
from CardioScarMRML import addPhantomNodes
from CardioScarMRML.choices import PanelChoices, describedChoices
from CardioScarMRML.parameter_node import LEAVES, Chosen
from conftest import ROOT
from node_values import map_on
from panels import choose, chosen, click

import CardioScar
from CardioScar import CardioScarWidget
from CardioScarLib.core.errors import BadEvidence


def test_apply_says_what_is_missing_until_it_is_there(a_panel, a_scene, a_phantom):
    button = a_panel.ui.applyButton
    assert not button.enabled
    assert "LGE volume" in button.toolTip and "LV model" in button.toolTip
    volume, model = addPhantomNodes(a_scene, a_phantom)
    a_panel.ui.lgeVolumeSelector.setCurrentNode(volume)
    assert not button.enabled
    assert "LGE volume" not in button.toolTip and "LV model" in button.toolTip
    a_panel.ui.lvModelSelector.setCurrentNode(model)
    assert button.enabled
    a_panel.ui.lvModelSelector.setCurrentNode(None)
    assert not button.enabled


def test_why_apply_is_gray_stands_below_it_beside_what_was_said_last(a_panel, a_scene, a_phantom):
    _, model = addPhantomNodes(a_scene, a_phantom)
    a_panel.enter()
    click(a_panel.ui.applyButton)
    assert a_panel.ui.statusLabel.text.startswith("Done.") and "Choose" not in a_panel.ui.nextLabel.text
    a_panel.ui.lvModelSelector.setCurrentNode(None)
    qt.QApplication.processEvents()
    assert not a_panel.ui.applyButton.enabled and a_panel.ui.nextLabel.isVisible()
    assert a_panel.ui.nextLabel.text == "Next: Choose the LV model."
    a_panel.ui.lvModelSelector.setCurrentNode(model)
    choose(a_panel.ui.placementComboBox, "keep")
    a_panel.ui.suffixLineEdit.text = " "
    assert not a_panel.ui.applyButton.enabled and a_panel.ui.nextLabel.text == "Next: Enter a suffix for the previous maps."


def test_each_step_from_a_study_to_a_map_is_said(a_panel, a_scene, a_phantom):
    said = a_panel.ui.nextLabel
    assert "DICOM database" in said.text and "Load example" in said.text
    volume, model = addPhantomNodes(a_scene, a_phantom)
    a_scene.RemoveNode(model)
    a_panel.ui.lvModelSelector.setCurrentNode(None)
    a_panel.ui.lgeVolumeSelector.setCurrentNode(volume)
    qt.QApplication.processEvents()
    assert "Segment Editor" in said.text
    a_scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Heart")
    a_panel.enter()
    assert "Click Make wall" in said.text
    volume, model = addPhantomNodes(a_scene, a_phantom)
    a_panel.ui.lgeVolumeSelector.setCurrentNode(volume)
    a_panel.ui.lvModelSelector.setCurrentNode(model)
    qt.QApplication.processEvents()
    assert said.text == "Next: Apply. The map takes about 15 s."
    click(a_panel.ui.applyButton)
    assert "Reliability" in said.text
    model.SetAttribute("CardioScar.Audit", "{}")
    a_panel._checkCanApply()
    assert said.text == "" and not a_panel.ui.nextFrame.isVisible()


def test_apply_says_that_the_model_lies_beside_the_slices(a_panel, a_scene, a_phantom):
    _, model = addPhantomNodes(a_scene, a_phantom)
    a_panel.enter()
    qt.QApplication.processEvents()
    assert a_panel.ui.applyButton.enabled
    away = a_scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    translation = vtk.vtkTransform()
    translation.Translate(500, 0, 0)
    away.SetMatrixTransformToParent(translation.GetMatrix())
    model.SetAndObserveTransformNodeID(away.GetID())
    qt.QApplication.processEvents()
    assert not a_panel.ui.applyButton.enabled and "mm away" in a_panel.ui.applyButton.toolTip
    assert "mm away" in a_panel.ui.geometryLabel.text
    model.SetAndObserveTransformNodeID(None)
    qt.QApplication.processEvents()
    assert a_panel.ui.applyButton.enabled


def test_a_click_on_apply_colors_the_model(a_panel, a_scene, a_phantom, a_fake_reconstruct):
    volume, model = addPhantomNodes(a_scene, a_phantom)
    a_panel.enter()
    assert a_panel.ui.lgeVolumeSelector.currentNode() is volume
    choose(a_panel.ui.presetComboBox, "fine")
    click(a_panel.ui.applyButton)
    assert map_on(model).max() > 0.9
    assert model.GetDisplayNode().GetActiveScalarName() == "scar_probability"
    assert a_fake_reconstruct.calls[0][2].model.preset == "fine"
    assert a_panel.ui.statusLabel.text.splitlines()[:2] == ["Done.", "Assumed: nothing; this is a test."]
    assert a_panel.ui.applyButton.enabled
    assert not a_panel.ui.progressBar.visible
    assert slicer.app.cursors == 0


def test_a_click_on_a_disabled_apply_does_nothing(a_panel, a_fake_reconstruct):
    click(a_panel.ui.applyButton)
    assert not a_fake_reconstruct.calls


def test_bad_input_is_said_in_the_status_line_and_the_model_stays(a_panel, a_scene, a_phantom, a_fake_reconstruct):
    volume, model = addPhantomNodes(a_scene, a_phantom)
    a_panel.enter()
    a_fake_reconstruct.error = BadEvidence("The image is constant; choose another volume.")
    click(a_panel.ui.applyButton)
    assert a_panel.ui.statusLabel.text == "The image is constant; choose another volume."
    assert not model.GetMesh().GetPointData().HasArray("scar_probability")
    assert a_panel.ui.applyButton.enabled and not a_panel.ui.progressBar.visible
    a_fake_reconstruct.error = None
    click(a_panel.ui.applyButton)
    assert map_on(model).max() > 0.9


def test_our_own_fault_is_not_swallowed(a_panel, a_scene, a_phantom, a_fake_reconstruct, no_silent_errors):
    addPhantomNodes(a_scene, a_phantom)
    a_panel.enter()
    a_fake_reconstruct.error = RuntimeError("index out of range")
    click(a_panel.ui.applyButton)
    assert no_silent_errors == ["RuntimeError: index out of range"]
    no_silent_errors.clear()
    assert a_panel.ui.applyButton.enabled and not a_panel.ui.progressBar.visible
    assert slicer.app.cursors == 0


def test_choices_are_in_the_parameter_node_both_ways(a_panel, a_scene, a_phantom):
    volume, _ = addPhantomNodes(a_scene, a_phantom)
    a_panel.ui.lgeVolumeSelector.setCurrentNode(volume)
    choose(a_panel.ui.modelComboBox, "logodds")
    parameters = a_panel.logic.getParameterNode()
    assert parameters.lgeVolume is volume and parameters.model.model == "logodds"
    parameters.model.model = "field"
    parameters.lgeVolume = None
    assert chosen(a_panel.ui.modelComboBox) == "field"
    assert a_panel.ui.lgeVolumeSelector.currentNode() is None


def test_the_slice_thickness_can_be_typed(a_panel):
    box = a_panel.ui.sliceThicknessSpinBox
    assert box.text == "from the volume"
    box.selectAll()
    qt.QTest.keyClicks(box, "6.25\r")
    assert a_panel._parameterNode.sliceThickness == 6.25 and box.text == "6.25 mm"


def test_the_range_of_slices_is_that_of_the_volume(a_panel, a_scene, a_phantom):
    volume, _ = addPhantomNodes(a_scene, a_phantom)
    a_panel.enter()
    qt.QApplication.processEvents()
    slices = volume.GetImageData().GetDimensions()[2]
    ui = a_panel.ui
    assert (ui.sliceRangeMinimumSpinBox.value, ui.sliceRangeMaximumSpinBox.value) == (0, slices - 1)
    ui.sliceRangeMaximumSpinBox.value = 3
    qt.QApplication.processEvents()
    assert a_panel._parameterNode.sliceRangeMaximum == 3
    choose(ui.sliceSelectionComboBox, "range")
    ui.sliceRangeMinimumSpinBox.value = 4
    assert not ui.applyButton.enabled and "slice" in ui.applyButton.toolTip
    other, _ = addPhantomNodes(a_scene, a_phantom)
    ui.lgeVolumeSelector.setCurrentNode(other)  # the numbers belonged to the first volume
    qt.QApplication.processEvents()
    assert (ui.sliceRangeMinimumSpinBox.value, ui.sliceRangeMaximumSpinBox.value) == (0, slices - 1) and ui.applyButton.enabled


def test_what_has_no_meaning_with_the_present_choices_is_out_of_sight(a_panel):
    ui = a_panel.ui
    for section in (ui.advancedCollapsibleButton, ui.outputCollapsibleButton, ui.slicesCollapsibleButton):
        section.collapsed = False
    of_field, of_network, of_both = (ui.presetComboBox,), (ui.recipeComboBox,), (ui.deviceFrame,)
    for model, shown, hidden in (
        ("field", of_field + of_both, of_network),
        ("network", of_network + of_both, of_field),
        ("nearest", (), of_field + of_network + of_both),
    ):
        choose(ui.modelComboBox, model)
        assert all(widget.isVisible() for widget in shown) and not any(widget.isVisible() for widget in hidden)
    for method, visible in (("nsd", True), ("otsu", False)):
        choose(ui.evidenceMethodComboBox, method)
        assert ui.evidenceThresholdSlider.isVisible() == visible
    for placement, visible in (("keep", True), ("copy", False)):
        choose(ui.placementComboBox, placement)
        assert ui.suffixLineEdit.isVisible() == visible
    for selection, visible in (("range", True), ("list", False)):
        choose(ui.sliceSelectionComboBox, selection)
        assert ui.sliceRangeFrame.isVisible() == visible


def test_hidden_models_and_label_maps_are_not_preselected(a_panel, a_scene):
    a_scene.AddNewNodeByClass("vtkMRMLModelNode", "Red Volume Slice").SetHideFromEditors(True)
    a_scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "Labels")
    a_panel.enter()
    assert a_panel.ui.lgeVolumeSelector.currentNode() is None
    assert a_panel.ui.lvModelSelector.currentNode() is None


def test_the_scene_can_be_closed_while_the_panel_is_open(a_panel, a_scene, a_phantom):
    addPhantomNodes(a_scene, a_phantom)
    a_panel.enter()
    assert a_panel.ui.applyButton.enabled
    a_scene.Clear(0)
    assert not a_panel.ui.applyButton.enabled
    volume, model = addPhantomNodes(a_scene, a_phantom)
    a_panel.enter()
    click(a_panel.ui.applyButton)
    assert map_on(model).max() > 0.9


@pytest.mark.parametrize("clear_first", [True, False])
def test_a_scene_read_while_the_panel_is_open_brings_its_choices(a_panel, a_scene, a_phantom, a_fake_reconstruct, tmp_path, clear_first):
    addPhantomNodes(a_scene, a_phantom)
    volume, model = addPhantomNodes(a_scene, a_phantom)  # the second of each: not what would be preselected
    volume.SetName("Second LGE")
    model.SetName("Second LV")
    a_panel.ui.lgeVolumeSelector.setCurrentNode(volume)
    a_panel.ui.lvModelSelector.setCurrentNode(model)
    choose(a_panel.ui.presetComboBox, "fine")
    path = str(tmp_path / "case.mrb")
    assert a_scene.WriteToMRB(path)
    a_scene.Clear(0)
    choose(a_panel.ui.presetComboBox, "preview")
    a_scene.ReadFromMRB(path, clear_first)
    assert a_panel.ui.lgeVolumeSelector.currentNode().GetName() == "Second LGE"
    assert a_panel.ui.lvModelSelector.currentNode().GetName() == "Second LV"
    assert chosen(a_panel.ui.presetComboBox) == "fine"
    click(a_panel.ui.applyButton)
    assert a_fake_reconstruct.calls[0][2].model.preset == "fine"
    assert map_on(a_panel.ui.lvModelSelector.currentNode()).max() > 0.9


def test_every_choice_comes_back_with_the_scene(a_panel, a_scene, a_phantom, tmp_path):
    addPhantomNodes(a_scene, a_phantom)
    a_panel.enter()
    parameters, wanted, before = a_panel._parameterNode, {}, {}
    for name, parameter in LEAVES.items():
        before[name], limits = parameters.getValue(name), parameter.validator
        if hasattr(limits, "choices"):
            wanted[name] = limits.choices[-1] if limits.choices[-1] != before[name] else limits.choices[0]
        elif parameter.kind is bool:
            wanted[name] = not before[name]
        elif parameter.kind is str:
            wanted[name] = "3,5" if name in ("sliceList", "evidence.scar_labels", "alignment.wall_labels") else "_ö; 1"
        elif limits is None or name.startswith("sliceRange"):
            wanted[name] = parameter.kind(3)  # slices there are
        else:
            middle = limits.minimum + 0.4 * (limits.maximum - limits.minimum)
            wanted[name] = round(middle, 2) if parameter.kind is float else int(middle)
        assert wanted[name] != before[name], name
        parameters.setValue(name, wanted[name])
    widgets = {widget.property("SlicerParameterName"): widget for widget in vars(a_panel.ui).values()}

    def shown(name):
        widget = widgets.get(name)
        if widget is None:
            return None
        if type(widget) is qt.QCheckBox:
            return widget.checked
        return chosen(widget) if type(widget) is qt.QComboBox else getattr(widget, "value", None) or widget.text

    seen = {name: shown(name) for name in wanted}
    path = str(tmp_path / "case.mrb")
    assert a_scene.WriteToMRB(path)
    for name, value in before.items():
        parameters.setValue(name, value)
    assert {name: shown(name) for name in wanted} != seen
    a_scene.Clear(0)
    a_scene.ReadFromMRB(path, True)
    qt.QApplication.processEvents()
    assert {name: a_panel._parameterNode.getValue(name) for name in wanted} == wanted
    assert {name: shown(name) for name in wanted} == seen


def test_a_panel_that_was_left_reacts_to_nothing_and_comes_back(a_panel, a_scene, a_phantom):
    a_panel.exit()
    a_scene.Clear(0)
    volume, _ = addPhantomNodes(a_scene, a_phantom)
    a_panel.logic.getParameterNode().lgeVolume = volume
    assert a_panel.ui.lgeVolumeSelector.currentNode() is None
    a_panel.enter()
    assert a_panel.ui.lgeVolumeSelector.currentNode() is volume


def test_choices_outlive_leaving_the_panel(a_panel, a_scene):
    before = (a_panel._parameterNode.model.model, a_panel._parameterNode.model.preset)
    choose(a_panel.ui.presetComboBox, "fine")
    choose(a_panel.ui.modelComboBox, "linear")
    mine = (a_panel._parameterNode.model.model, a_panel._parameterNode.model.preset)
    assert mine == ("linear", "fine") != before
    a_panel.enter()
    a_panel.exit()
    a_panel.ui.presetComboBox.currentIndex = 0  # nobody listens now
    a_panel.enter()
    parameters = a_panel.logic.getParameterNode()
    assert (parameters.model.model, parameters.model.preset) == mine
    assert (chosen(a_panel.ui.modelComboBox), chosen(a_panel.ui.presetComboBox)) == mine


def test_nothing_is_bound_to_a_panel_that_was_cleaned_up(a_scene, a_parent):
    widget = CardioScarWidget(a_parent)
    widget.setup()
    parameters = widget.logic.getParameterNode()
    before = widget.ui.modelComboBox.currentText
    widget.cleanup()
    widget.cleanup()  # Slicer may call it more than once
    parameters.model.model = "nearest"
    assert widget.ui.modelComboBox.currentText == before != "Nearest slice"
    widget.ui.modelComboBox.currentIndex = 4
    assert parameters.model.model == "nearest"


def test_a_panel_without_a_parent_has_a_window_of_its_own(a_scene):
    widget = CardioScarWidget()
    assert widget.parent.isVisible() and widget.logic is not None
    widget.ui.presetComboBox.currentIndex = 2
    assert widget.logic.getParameterNode().model.preset == "fine"
    a_scene.Clear(0)
    widget.ui.presetComboBox.currentIndex = 0
    assert widget.logic.getParameterNode().model.preset == "preview"
    widget.cleanup()
    widget.parent.close()


def test_opening_the_panel_changes_nothing_but_its_own_parameter_node(a_scene, a_parent, a_phantom):
    addPhantomNodes(a_scene, a_phantom)
    before = {a_scene.GetNthNode(number).GetID() for number in range(a_scene.GetNumberOfNodes())}
    widget = CardioScarWidget(a_parent)
    widget.setup()
    added = [a_scene.GetNthNode(number) for number in range(a_scene.GetNumberOfNodes())]
    added = [node.GetClassName() for node in added if node.GetID() not in before]
    assert added == ["vtkMRMLScriptedModuleNode"]
    widget.cleanup()


def test_every_bound_widget_has_a_parameter_and_what_is_the_panels_own_has_a_widget(a_panel):
    """Settings of the library need no widget: scripts can choose them, too."""
    bound = {widget.property("SlicerParameterName") for widget in vars(a_panel.ui).values()} - {None}
    by_hand = {"scarSegmentID", "wallMyocardiumID", "wallCavityID", "sliceList", "display", "resultModel", "alignmentSegmentID", "shifts"}
    nodes = {name for name, kind in typing.get_type_hints(Chosen).items() if kind is not str}
    own = {name for name, _context, _one in describedChoices(((PanelChoices, ""),))}
    assert nodes | own <= bound | by_hand and not bound & by_hand
    assert bound - nodes <= set(LEAVES)


def test_the_module_introduces_itself(a_scene):
    parent = type("Parent", (), {"path": CardioScar.__file__})()
    CardioScar.CardioScar(parent)
    assert parent.title == "CardioScar" and parent.categories == ["Cardiac"]
    assert "research use only" in parent.helpText.lower()
    assert "111219" in parent.acknowledgementText and "cardioscar" in parent.acknowledgementText
    assert parent.contributors


# --- what people read ----------------------------------------------------------------------------------------------


def controls() -> list:
    """Widgets of the .ui file that a person can use."""
    kinds = "qMRMLNodeComboBox QComboBox QPushButton QToolButton QCheckBox QRadioButton QSpinBox QDoubleSpinBox QLineEdit".split()
    tree = ElementTree.parse(ROOT / "CardioScar/Resources/UI/CardioScar.ui")
    return [widget.get("name") for widget in tree.iter("widget") if widget.get("class") in (*kinds, "ctkSliderWidget", "QTableWidget")]


def test_every_control_has_a_tooltip(a_panel):
    without = [name for name in controls() if not getattr(a_panel.ui, name).toolTip]
    assert len(controls()) > 25 and not without


def test_every_choice_is_in_plain_words_and_has_a_tooltip(a_panel):
    boxes = [widget for widget in vars(a_panel.ui).values() if type(widget) is qt.QComboBox and widget.property("SlicerParameterName")]
    assert len(boxes) >= 9
    for box in boxes:
        choices = LEAVES[box.property("SlicerParameterName")].validator.choices
        assert tuple(box.itemData(number) for number in range(box.count)) == tuple(choices)
        for number, key in enumerate(choices):
            assert box.itemText(number) not in ("", key) and box.itemData(number, qt.Qt.ToolTipRole).endswith(".")


def test_a_described_choice_is_labeled_and_explained_as_it_is_described(a_panel):
    """The .ui file has the labels; tooltips come from the description alone."""
    described = {name: one.description for name, _context, one in describedChoices()}
    tree = ElementTree.parse(ROOT / "CardioScar/Resources/UI/CardioScar.ui")
    texts = {widget.get("name"): widget.findtext("property[@name='text']/string") for widget in tree.iter("widget")}
    labeled = 0
    for widget in tree.iter("widget"):
        name = widget.findtext("property[@name='SlicerParameterName']/string")
        if name not in described:
            continue
        assert widget.find("property[@name='toolTip']") is None, name
        assert getattr(a_panel.ui, widget.get("name")).toolTip == described[name].help
        label = texts.get(next((prefix for prefix in labels_of(widget.get("name")) if prefix in texts), None))
        if label is not None:
            assert label.rstrip(":") == LABELS.get(name, described[name].label), name
            labeled += 1
    assert labeled > 10


LABELS = {"evidence.method": "Scar detection", "evidence.n_sd": "Threshold"}
"""Where the section or the suffix says the rest."""


def labels_of(name: str) -> list[str]:
    """Names that the label of a widget may have."""
    bare = re.sub(r"(ComboBox|SpinBox|LineEdit|Slider)$", "", name)
    return [f"{bare}TitleLabel", f"{bare}Label"]


def test_research_use_only_is_visible(a_panel):
    assert a_panel.ui.researchLabel.isVisible() and "research use only" in a_panel.ui.researchLabel.text


def own_files():
    folder = ROOT / "CardioScar"
    return [folder / "CardioScar.py", *(folder / "CardioScarPanel").glob("*.py"), *(folder / "CardioScarMRML").glob("*.py")]


def test_what_is_said_to_a_person_can_be_translated():
    """Errors, findings and texts of widgets are never raw: a sentence has a capital letter and a space."""

    def is_raw(node) -> bool:
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        text = "".join(part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str))
        return text[:1].isupper() and " " in text

    for path in own_files():
        if path.name == "self_test.py":  # speaks to developers
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            said = []
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                said = node.exc.args
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Finding", "Look"):
                said = node.args[1:2]
            elif (
                isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute) and node.targets[0].attr in ("text", "toolTip")
            ):
                said = [node.value]
            assert not [one for one in said if is_raw(one)], f"{path.name}:{node.lineno}"


def test_the_name_of_the_translation_is_not_taken_for_anything_else():
    for path in own_files():
        names = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name) and node.id == "_"]
        assert not [node.lineno for node in names if isinstance(node.ctx, ast.Store)], path.name


def test_only_literals_are_translated():
    """The tools that collect strings for translators read the source."""
    files = own_files()
    calls = [call for path in files for call in ast.walk(ast.parse(path.read_text())) if isinstance(call, ast.Call)]
    translated = [call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "_"]
    assert len(translated) > 150
    assert all(isinstance(text, ast.Constant) and isinstance(text.value, str) for text in translated)


def test_qt_is_used_as_pythonqt_allows():
    """Found in a real Slicer: constructors take no keywords, isinstance of a Qt class is False, blockers are no contexts."""
    for path in [ROOT / "CardioScar/CardioScar.py", *(ROOT / "CardioScar/CardioScarPanel").glob("*.py")]:
        text = path.read_text()
        assert "QSignalBlocker" not in text and "QtCore" not in text and "PySide" not in text
        for call in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)):
            of_qt = isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) and call.func.value.id in ("qt", "ctk")
            assert not (of_qt and call.keywords), f"{path.name}:{call.lineno}"
            if isinstance(call.func, ast.Name) and call.func.id == "isinstance":
                assert "qt." not in ast.unparse(call.args[1]), f"{path.name}:{call.lineno}"
