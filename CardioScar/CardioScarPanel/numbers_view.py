"""The numbers of the map: told as soon as the map is there, with their intervals, the bull's-eye and the channels."""

from __future__ import annotations

from CardioScarMRML.channels import showChannel
from CardioScarMRML.results_table import titleOf
from CardioScarMRML.scar_numbers import numbersOf, quantitiesIn
from slicer.i18n import tr as _

from CardioScarLib.core.errors import CardioScarError
from CardioScarLib.core.quantity import Quantity, number_in_words
from CardioScarPanel.bulls_eye import bullsEyePixmap
from CardioScarPanel.quiet_run import QuietRun
from CardioScarPanel.run_button import RunButton
from CardioScarPanel.tables import RowTable

OF_INTERVALS = "The interval"
"""Begins notes that must be read beside the numbers; others are said with the map."""


class NumbersView:
    """The section "Numbers".

    :param startNumbers: called with the result of a run that was just made, or None; returns the run. May raise CardioScarError.
    :param modelNode: called without arguments; returns the model that holds the map, or None.
    :param onTold: called without arguments when the model has got numbers.
    """

    def __init__(self, ui, runControl, startNumbers, modelNode, onTold) -> None:
        self._ui, self._startNumbers, self._modelNode, self._onChanged = ui, startNumbers, modelNode, onTold
        self._problem, self._shown = "", None
        self._quiet = QuietRun(self._onEnded)
        self._button = RunButton(ui.numbersButton, runControl, self._startAgain, self._onTold)
        interval = _("The true value lies in it with the probability chosen below, as far as the map knows.")
        self._quantities = RowTable(
            ui.quantityTable,
            ((_("Number"), _("What is told.")), (_("Value"), _("Its value.")), (_("Interval"), interval)),
            lambda row: None,
            ui.quantityDetailLabel,
        )
        columns = (
            ("", _("Number of the channel, the most probable first.")),
            (_("Probability"), _("Share of the joint samples that have this channel.")),
            (_("Length"), _("From mouth to mouth in mm, with its interval.")),
            (_("Width"), _("Mean distance from border to border in mm, with its interval.")),
            (_("Where"), _("AHA segments and layers of the wall.")),
        )
        self._channels = RowTable(ui.channelTable, columns, self._showChannel, ui.channelDetailLabel)

    @property
    def working(self) -> bool:
        """Whether the numbers of a new map are still to come."""
        return self._quiet.running

    def connect(self, parameterNode) -> None:
        self.update()

    def update(self) -> None:
        """Show the numbers that are kept with the model, or why there are none."""
        modelNode, ui = self._modelNode(), self._ui
        record = numbersOf(modelNode)
        if (record, self._problem, self.working) == self._shown:
            return
        self._shown = record, self._problem, self.working
        quantities = [] if record is None else quantitiesIn(record)
        self._quantities.fill([_cells(one) for one in quantities])
        channels = [] if record is None else record["channels"]
        self._channels.fill([_channelCells(number, one) for number, one in enumerate(channels, 1)])
        picture = None if record is None else bullsEyePixmap(record["sectors"])
        if picture is not None:
            ui.bullsEyeLabel.setPixmap(picture)
        ui.quantityTable.visible, ui.channelTable.visible, ui.bullsEyeLabel.visible = bool(quantities), bool(channels), picture is not None
        text = self._sentences(record)
        ui.numbersLabel.text, ui.numbersLabel.visible = text, bool(text)

    def checkCanStart(self, missing: str) -> None:
        """missing: what has to be done before, in sentences."""
        self._button.update(missing)

    def tell(self, result) -> None:
        """Compute the numbers of a map that was just made, without holding up anything. result: of the library."""
        self._problem = ""
        try:
            self._quiet.start(self._startNumbers(result))
        except CardioScarError as error:
            self._problem = str(error)
        self.update()

    def release(self) -> None:
        """The scene or the panel goes away."""
        self._quiet.cancel()
        self._problem = ""

    def _startAgain(self):
        self._quiet.cancel()
        self._problem = ""
        return self._startNumbers(None)

    def _onTold(self, numbers) -> str:
        self.update()
        self._onChanged()
        return _("The numbers were computed.")

    def _onEnded(self, numbers, problem: str) -> None:
        self._problem = problem
        self.update()
        if numbers is not None:
            self._onChanged()

    def _sentences(self, record: dict | None) -> str:
        if self.working:
            return _("The numbers of the map are being computed. You can go on meanwhile.")
        if record is None:
            return self._problem
        lines = [*record["missing"].values(), *(one for one in record["notes"] if one.startswith(OF_INTERVALS))]
        if not record["channels"] and "channels" not in record["missing"]:
            lines.insert(0, _("No channel was found."))
        return "\n".join(dict.fromkeys(lines))

    def _showChannel(self, row: int) -> None:
        if self._modelNode() is not None:
            showChannel(self._modelNode(), row)


def _cells(one: Quantity) -> tuple:
    """A row of the table of quantities."""
    interval = "" if one.low is None or one.high is None else f"{number_in_words(one.low)}-{number_in_words(one.high)}"
    detail = f"{titleOf(one)}: {one}. {one.method}."
    return (titleOf(one), f"{number_in_words(one.value)} {one.unit}".strip(), interval), detail, False, detail


def _channelCells(number: int, channel: dict) -> tuple:
    found = {one.name: one for one in quantitiesIn(channel)}
    segments = ", ".join(map(str, channel["aha_segments"]))
    where = "; ".join(part for part in (segments, ", ".join(channel["layers"])) if part)
    texts = (str(number), f"{100 * channel['probability']:.0f} %", _short(found["length_mm"]), _short(found["width_mean_mm"]), where)
    detail = "\n".join([*(f"{titleOf(one)}: {one}" for one in found.values()), where])
    return texts, _("Click to show this channel in the views."), False, detail


def _short(one: Quantity) -> str:
    """As in "12.3 (10.1-14.2)"."""
    if one.low is None or one.high is None:
        return number_in_words(one.value)
    return f"{number_in_words(one.value)} ({number_in_words(one.low)}-{number_in_words(one.high)})"
