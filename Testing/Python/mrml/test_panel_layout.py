"""The room that the panel takes: it does not move the views, and what matters is in view."""

import pytest
import qt
from CardioScarMRML import addPhantomNodes
from panels import click

LONG = "A sentence that is much longer than the panel is wide, so that it has to be wrapped into several lines of the panel. " * 3


@pytest.fixture
def a_full_panel(a_panel, a_scene, a_phantom):
    """With a phantom chosen."""
    addPhantomNodes(a_scene, a_phantom)
    a_panel.enter()
    settle()
    return a_panel


def settle():
    for _ in range(5):  # a label that grows makes one layout after the other work
        qt.QApplication.processEvents()


def test_the_panel_keeps_its_width_whatever_it_shows(a_full_panel):
    """Slicer makes the panel as wide as its least width, and all views move along."""
    ui, parent = a_full_panel.ui, a_full_panel.parent
    for name in [name for name in vars(ui) if name.endswith("CollapsibleButton")]:
        getattr(ui, name).collapsed = False
    settle()
    before = parent.minimumSizeHint().width()
    click(ui.evidencePreviewCheckBox)
    settle()
    assert ui.histogramLabel.isVisible() and parent.minimumSizeHint().width() == before
    labels = [widget for widget in vars(ui).values() if type(widget) is qt.QLabel and widget.wordWrap]
    assert len(labels) > 8
    for label in labels:
        label.text, label.visible = LONG, True
    settle()
    assert parent.minimumSizeHint().width() == before
