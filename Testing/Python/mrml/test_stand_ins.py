"""The stand-ins for Slicer's Qt and parameter nodes: what Slicer refuses, they refuse."""

import ctk
import pytest
import qt
import slicer
from CardioScarMRML.parameter_node import CardioScarParameterNode
from slicer.parameterNodeWrapper import nestedParameterNames

from CardioScarLib.core.settings import ModelSettings


@pytest.mark.parametrize(
    "cls, keywords",
    [
        (qt.QLabel, {"text": "ml"}),
        (qt.QPushButton, {"text": "Apply", "clicked": print}),
        (qt.QTimer, {"interval": 200}),
        (qt.QTableWidgetItem, {"text": "ml"}),
        (qt.QColor, {"r": 1, "g": 2, "b": 3}),
        (ctk.ctkSliderWidget, {"value": 2.0}),
        (ctk.ctkCollapsibleButton, {"parent": None}),
        (slicer.qMRMLNodeComboBox, {"parent": None}),
    ],
)
def test_constructors_take_no_keywords(cls, keywords):
    with pytest.raises(TypeError, match="keyword"):
        cls(**keywords)
    cls()


def test_constructors_take_values_in_their_order():
    parent = qt.QWidget()
    label = qt.QLabel("ml", parent)
    assert label.text == "ml" and label.parent() is parent and type(label) is qt.QLabel
    assert (qt.QColor(1, 2, 3).red(), qt.QTableWidgetItem("g").text()) == (1, "g")
    assert ctk.ctkSliderWidget(parent).parent() is parent


def test_what_qt_does_not_have_cannot_be_set():
    for thing in (qt.QObject(), qt.QTimer(), qt.QLabel("ml"), qt.QPushButton("Apply")):
        with pytest.raises(AttributeError, match="mistyped"):
            thing.mistyped = 1
    label = qt.QLabel("ml")
    label.toolTip = "milliliters"
    assert label.toolTip == "milliliters"


def test_parameters_tell_no_more_than_slicers():
    known = {"basename", "serializer", "default", "unalteredType"}  # slicer/parameterNodeWrapper/parameterInfo.py
    told = CardioScarParameterNode.allParameters
    for name, information in told.items():
        assert {one for one in dir(information) if not one.startswith("_")} <= known
        assert information.basename == name
    assert told["threshold"].default.value == 0.5 and told["threshold"].unalteredType.__origin__ is float
    pack = told["model"].unalteredType  # slicer/parameterNodeWrapper/parameterPack.py: the bare default
    assert pack.allParameters["samples"].default == ModelSettings().samples
    assert pack.dataType("network.device").__origin__ is str and "network.device" in nestedParameterNames(pack)


def test_packs_refuse_what_slicers_refuse(a_scene):
    node = a_scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")
    parameters = CardioScarParameterNode(node)
    with pytest.raises(ValueError, match="must be in one of"):
        parameters.model.preset = "quick"
    with pytest.raises(ValueError, match="within range"):
        parameters.setValue("model.samples", 1)
    with pytest.raises(AttributeError, match="cannot be added"):
        parameters.model.speed = 3
    for name in ("model.speed", "model.preset.speed", "speed"):
        with pytest.raises(ValueError):
            parameters.getValue(name)
    node.SetParameter("model.samples", "")
    with pytest.raises(ValueError):
        CardioScarParameterNode(node)


def test_packs_are_written_where_slicer_writes_them(a_scene):
    node = a_scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")
    parameters = CardioScarParameterNode(node)
    parameters.model.network.device = "cpu"
    parameters.setValue("wall.use_base_at", True)
    assert node.GetParameter("model.network.device") == "cpu" and node.GetParameter("wall.use_base_at") == "True"
    assert parameters.getValue("model.network.device") == CardioScarParameterNode(node).model.network.device == "cpu"


def test_display_nodes_go_with_their_node_and_nothing_is_removed_twice(a_scene, no_silent_errors):
    model = a_scene.AddNewNodeByClass("vtkMRMLModelNode")
    model.CreateDefaultDisplayNodes()
    display = model.GetDisplayNode()
    a_scene.RemoveNode(model)
    assert display.GetScene() is None and not no_silent_errors
    a_scene.RemoveNode(display)
    assert len(no_silent_errors) == 1 and "Invalid scene" in no_silent_errors.pop()
