"""The stand-ins for Slicer's Qt and parameter nodes: what Slicer refuses, they refuse."""

import ctk
import pytest
import qt
import slicer

import CardioScar
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
    told = CardioScar.CardioScarParameterNode.allParameters
    for name, information in told.items():
        assert {one for one in dir(information) if not one.startswith("_")} <= known
        assert information.basename == name
    assert told["samples"].default.value == ModelSettings().samples
    assert told["samples"].unalteredType.__origin__ is int
