"""The section "Perfusion", which is there when a SPECT volume is chosen: measure it, beside the scar map if there is one."""

from __future__ import annotations

from CardioScarMRML.display import showPerfusion, showViability
from CardioScarMRML.perfusion_nodes import ARRAYS_ATTRIBUTE, OF_CLASSES, perfusionOf
from slicer.i18n import tr as _

from CardioScarLib.core.quantity import Quantity, number_in_words
from CardioScarPanel.bulls_eye import eyesPixmap
from CardioScarPanel.run_button import RunButton
from CardioScarPanel.tables import RowTable

NOTHING_YET = object()
"""Differs from whatever can be shown."""
OF_SEGMENTS = "segment_"
"""Begins names of numbers that the picture shows."""


class PerfusionView:
    """The section.

    :param startPerfusion: called without arguments; returns the run, or None if the person decided against it.
    :param modelNode: called without arguments; returns the model that holds the map, or the LV model, or None.
    """

    def __init__(self, ui, runControl, startPerfusion, modelNode) -> None:
        self._ui, self._modelNode = ui, modelNode
        self._parameterNode, self._shown = None, NOTHING_YET
        self._button = RunButton(ui.measurePerfusionButton, runControl, startPerfusion, self._onMeasured)
        interval = _("The true value lies in it in 9 of 10 cases, as far as noise, network and threshold tell.")
        columns = ((_("Number"), _("What was measured.")), (_("Value"), _("Its value.")), (_("Interval"), interval))
        self._numbers = RowTable(ui.perfusionTable, columns, lambda row: None, ui.perfusionDetailLabel)
        ui.showPerfusionButton.clicked.connect(lambda checked=False: showPerfusion(self._modelNode()))
        ui.showViabilityButton.clicked.connect(lambda checked=False: showViability(self._modelNode()))

    def connect(self, parameterNode) -> None:
        self._parameterNode, self._shown = parameterNode, NOTHING_YET
        self.update()

    def update(self) -> None:
        """Show what is kept with the SPECT volume."""
        ui, volume = self._ui, self._parameterNode.spectVolume if self._parameterNode is not None else None
        ui.perfusionCollapsibleButton.visible = volume is not None
        if volume is None and self._shown is None:
            return
        arrays = self._arrays()
        ui.showPerfusionButton.enabled = bool(arrays)
        ui.showViabilityButton.enabled = any(name.startswith(OF_CLASSES) for name in arrays)
        record = perfusionOf(volume)
        kept = None if record is None else (volume.GetID(), record.values)
        if kept == self._shown:
            return
        self._shown = kept
        self._numbers.fill([] if record is None else _rows(record))
        ui.perfusionTable.visible = record is not None
        ui.perfusionEyesLabel.visible = record is not None
        if record is not None:
            ui.perfusionEyesLabel.setPixmap(eyesPixmap(record))
        text = "" if record is None else "\n".join(record.notes)
        ui.perfusionLabel.text, ui.perfusionLabel.visible = text, bool(text)

    def checkCanStart(self) -> None:
        parameters = self._parameterNode
        missing = ""
        if parameters is None or parameters.spectVolume is None:
            missing = _("Choose the SPECT volume.")
        elif parameters.spectRest is parameters.spectVolume:
            missing = _("The SPECT volume at rest is the one at stress; choose another, or none.")
        elif parameters.spectWall == "model" and parameters.lvModel is None:
            missing = _("Choose the LV model, or the wall that the network finds.")
        self._button.update(missing)

    def _arrays(self) -> list[str]:
        """Of perfusion, on the model."""
        model = self._modelNode()
        return [] if model is None else (model.GetAttribute(ARRAYS_ATTRIBUTE) or "").split()

    def _onMeasured(self, record) -> str:
        """The notes are said in the section."""
        self.update()
        return _("Perfusion was measured. Look at the wall on the slices of the SPECT volume. For research only.")


def _rows(record) -> list:
    """Of the table: numbers of each scan, of both, and the classes."""
    groups = [(_study(name), each) for name, each in record.studies.items()]
    groups += [("", record.both), ("", record.scar)]
    return [
        _cells(f"{scan}: {one.label}" if scan else one.label, one)
        for scan, each in groups
        for one in each
        if not one.name.startswith(OF_SEGMENTS)
    ]


def _cells(title: str, one: Quantity) -> tuple:
    interval = "" if one.low is None or one.high is None else f"{number_in_words(one.low)}-{number_in_words(one.high)}"
    detail = f"{title}: {one}. {one.method}."
    return (title, f"{number_in_words(one.value)} {one.unit}".strip(), interval), detail, False, detail


def _study(name: str) -> str:
    return {"stress": _("Stress"), "rest": _("Rest")}.get(name, "")
