"""A new choice is described in the settings and put into the form; the panel, the scene and the batch know it by that alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest
import qt
from CardioScarMRML import batch
from CardioScarMRML.choices import DESCRIBED
from CardioScarMRML.parameter_node import leavesOf, parameterNodeClass, wrapped
from CardioScarMRML.parameters import settingsFrom
from CardioScarPanel.words import nameChoices
from panels import chosen

from CardioScarLib.core.choices import choice, whole
from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.settings import ModelSettings, ReconstructionSettings, WallSettings


@dataclass(frozen=True)
class MoreModelSettings(ModelSettings):
    sharpness: float = choice(1.0, "Sharpness", "How sharp borders are.", limits=(0.0, 9.0), usual=(0.5, 2.0), flag="--sharpness")
    shape: str = choice(
        "round", "Shape", "How scar is shaped.", options={"round": ("Round", "As a ball."), "flat": ("Flat", "As a sheet.")}
    )
    memory: int | None = choice(None, "Memory", "How much may be used; all if not given.", limits=(1, 64), unit="GB")
    parts: tuple[int, ...] | None = choice(None, "Parts", "Which parts are computed.")


@dataclass(frozen=True)
class MoreSettings(ReconstructionSettings):
    model: MoreModelSettings = whole(MoreModelSettings)


MORE = tuple((MoreSettings if kind is ReconstructionSettings else kind, pack) for kind, pack in DESCRIBED)


@pytest.fixture
def a_node(a_scene):
    return a_scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")


@pytest.fixture
def parameters(a_node):
    return parameterNodeClass(MORE)(a_node)


@pytest.fixture
def a_form(a_scene):
    """What `CardioScar.ui` would have for them."""
    form = SimpleNamespace(sharpness=qt.QDoubleSpinBox(), shape=qt.QComboBox(), memory=qt.QSpinBox(), useMemory=qt.QCheckBox())
    names = {"sharpness": "sharpness", "shape": "shape", "memory": "memory", "useMemory": "use_memory"}
    for widget, name in names.items():
        getattr(form, widget).setProperty("SlicerParameterName", f"model.{name}")
    return form


def test_it_is_in_the_parameter_node_with_its_default_and_its_limits(parameters, a_node):
    assert parameters.model.sharpness == 1.0 and a_node.GetParameter("model.sharpness") == "1.0"
    with pytest.raises(ValueError, match="within range"):
        parameters.model.sharpness = 2.5  # more than is usual
    with pytest.raises(ValueError, match="must be in one of"):
        parameters.model.shape = "square"
    assert settingsFrom(parameters, MoreSettings).model == MoreModelSettings()


def test_what_is_chosen_is_in_the_settings(parameters):
    parameters.model.sharpness, parameters.model.shape = 1.5, "flat"
    assert settingsFrom(parameters, MoreSettings).model == MoreModelSettings(sharpness=1.5, shape="flat")


def test_what_may_be_left_open_has_a_switch(parameters):
    parameters.model.memory = 8
    assert settingsFrom(parameters, MoreSettings).model.memory is None
    parameters.model.use_memory = True
    assert settingsFrom(parameters, MoreSettings).model.memory == 8


def test_whole_numbers_in_a_row_are_text(parameters):
    parameters.model.parts = "2, 5,"
    assert settingsFrom(parameters, MoreSettings).model.parts == (2, 5)
    parameters.model.parts = ""
    assert settingsFrom(parameters, MoreSettings).model.parts is None
    parameters.model.parts = "2;5"
    with pytest.raises(BadSettings, match="Parts: '2;5' cannot be read"):
        settingsFrom(parameters, MoreSettings)


def test_its_widgets_get_limits_words_and_tooltips(parameters, a_form):
    parameters.connectGui(a_form)
    nameChoices(a_form, MORE)
    assert (a_form.sharpness.minimum, a_form.sharpness.maximum, a_form.sharpness.value) == (0.5, 2.0, 1.0)
    assert a_form.sharpness.toolTip == "How sharp borders are." and (a_form.memory.minimum, a_form.memory.maximum) == (1, 64)
    assert [a_form.shape.itemText(number) for number in range(2)] == ["Round", "Flat"]
    assert a_form.shape.itemData(1, qt.Qt.ToolTipRole) == "As a sheet." and chosen(a_form.shape) == "round"
    a_form.shape.currentIndex, a_form.sharpness.value, a_form.useMemory.checked = 1, 0.75, True
    assert settingsFrom(parameters, MoreSettings).model == MoreModelSettings(sharpness=0.75, shape="flat", memory=1)
    parameters.model.shape = "round"
    assert chosen(a_form.shape) == "round"


def test_the_batch_has_an_option_for_it(monkeypatch, tmp_path):
    monkeypatch.setattr(batch, "CHOICES", (MoreSettings,))
    arguments = batch._parser().parse_args([str(tmp_path), "--output", str(tmp_path), "--sharpness", "4", "--preset", "fine"])
    assert batch._settings(arguments, MoreSettings).model == MoreModelSettings(sharpness=4.0, preset="fine")


def test_a_scene_without_it_is_read_with_its_default(a_node):
    """Slicer takes a pack whose first value is there for complete, and cannot read what is missing."""
    mine = wrapped(a_node)
    mine.model.preset = "fine"
    with pytest.raises(ValueError):
        parameterNodeClass(MORE)(a_node)
    again = wrapped(a_node, MORE)
    assert again.model.sharpness == 1.0 and again.model.preset == "fine" and not again.model.use_memory


@pytest.mark.parametrize(
    "name, text",
    [("model.preset", "quick"), ("model.samples", "many"), ("threshold", "7"), ("useShifts", "perhaps"), ("wall.base_at", "nan")],
)
def test_what_is_no_longer_allowed_is_read_as_the_default(a_node, name, text):
    wrapped(a_node).model.seed = 5
    a_node.SetParameter(name, text)
    parameters = wrapped(a_node)
    assert parameters.getValue(name) == leavesOf()[name].default and parameters.model.seed == 5


def test_the_names_of_version_0_1_are_passed_over(a_node):
    for name, text in {"model": "network", "preset": "fine", "nSd": "3.0", "binaryThreshold": "0.3", "sliceThickness": "6.0"}.items():
        a_node.SetParameter(name, text)
    parameters = wrapped(a_node)
    assert settingsFrom(parameters) == replace(ReconstructionSettings(), threshold=0.5)
    assert parameters.sliceThickness == 6.0  # has the same name


def test_the_height_of_the_base_counts_where_it_is_set(a_node):
    parameters = wrapped(a_node)
    parameters.wall.base_at = -6.5
    assert settingsFrom(parameters.wall, WallSettings) == WallSettings()
    parameters.wall.use_base_at = True
    assert settingsFrom(parameters.wall, WallSettings) == WallSettings(base_at=-6.5)
