"""The table of slices: what each sees of the wall, which are used, and a click that shows one."""

from __future__ import annotations

import qt
from CardioScarMRML.parameters import sliceIndices
from CardioScarMRML.slice_list import jumpToSlice, showVolume, sliceRows
from slicer.i18n import tr as _

from CardioScarLib.core.errors import BadSettings, CardioScarError
from CardioScarPanel.tables import RowTable


class SliceTable:
    """One row per slice. Its check marks can be set when the selection is "list", and show what is used otherwise.

    inputs: a `CardioScarMRML.inputs.Inputs`, shared with the other parts.
    """

    def __init__(self, ui, inputs) -> None:
        self._table, self._inputs = ui.sliceTable, inputs
        self._parameterNode = None
        self._rows: tuple = ()
        self._selection = ""
        self._suspects: dict[int, str] = {}
        columns = (
            (_("Slice"), _("Number of the slice along the volume's third axis, from 0.")),
            (_("Position"), _("Distance from slice 0 along the normal, in mm.")),
            (_("Thickness"), _("Thickness of the slice, in mm.")),
            (_("Myocardium"), _("Share of the myocardium that lies in the slice.")),
            ("", _("Why the slice misses the myocardium, or is suspect after an audit.")),
        )
        self._cells = RowTable(self._table, columns, self._show, ui.sliceDetailLabel)
        self._table.itemChanged.connect(self._onChecked)
        self._resetButton = ui.resetViewsButton
        self._resetButton.clicked.connect(lambda checked=False: self._resetViews())

    def connect(self, parameterNode) -> None:
        self._parameterNode = parameterNode
        self._selection = parameterNode.sliceSelection if parameterNode is not None else ""
        self.update()

    def update(self) -> None:
        """Show the slices of the chosen volume; without a usable model, without what they see."""
        rows = self._readRows()
        isNew = rows != self._rows
        if isNew:
            self._rows = rows
            self._fill()
        parameters = self._parameterNode
        self._resetButton.enabled = bool(rows)
        if parameters is None:
            return
        before, self._selection = self._selection, parameters.sliceSelection
        if self._selection == "list" and not parameters.sliceList and (isNew or before != "list"):
            parameters.sliceList = ",".join(str(row.number) for row in rows if row.reason is None)
        self._mark()

    def cleanup(self) -> None:
        self.connect(None)

    def _readRows(self) -> tuple:
        parameters = self._parameterNode
        if parameters is None or parameters.lgeVolume is None:
            return ()
        for modelNode in (parameters.lvModel, None):
            try:
                return sliceRows(self._inputs, parameters.lgeVolume, modelNode, parameters.sliceThickness or None)
            except CardioScarError:  # the geometry check says what is wrong
                continue
        return ()

    def showSuspects(self, suspects: dict[int, str]) -> None:
        """Tell in the last column why slices are suspect. suspects: sentence by number of the slice."""
        if suspects != self._suspects:
            self._suspects = suspects
            self._fill()
            if self._parameterNode is not None:
                self._mark()

    def _fill(self) -> None:
        rows = []
        for row in self._rows:
            share = "" if row.share is None else _shareInWords(row.share)
            remark = row.reason or ("\N{WARNING SIGN} " + self._suspects[row.number] if row.number in self._suspects else "")
            texts = (str(row.number), f"{row.position:.1f} mm", f"{row.thickness:.3g} mm", share, remark)
            rows.append((texts, remark or _("Click to show this slice in the slice views."), row.reason is not None, remark))
        self._cells.fill(rows)

    def _mark(self) -> None:
        """Set the check marks to what a run would use; only those of a list can be changed."""
        try:
            used = sliceIndices(self._parameterNode)
        except BadSettings:
            used = []
        flags = qt.Qt.ItemIsSelectable | qt.Qt.ItemIsEnabled
        if self._parameterNode.sliceSelection == "list":
            flags = flags | qt.Qt.ItemIsUserCheckable
        self._table.blockSignals(True)
        for number, row in enumerate(self._rows):
            item = self._table.item(number, 0)
            item.setFlags(flags)
            item.setCheckState(qt.Qt.Checked if used is None or row.number in used else qt.Qt.Unchecked)
        self._table.blockSignals(False)

    def _onChecked(self, item) -> None:
        if self._parameterNode is None or self._parameterNode.sliceSelection != "list":
            return
        checked = [row.number for number, row in enumerate(self._rows) if self._table.item(number, 0).checkState() == qt.Qt.Checked]
        self._parameterNode.sliceList = ",".join(str(number) for number in checked)

    def _show(self, row: int) -> None:
        if row < len(self._rows) and self._parameterNode is not None and self._parameterNode.lgeVolume is not None:
            jumpToSlice(self._parameterNode.lgeVolume.GetScene(), self._rows[row])

    def _resetViews(self) -> None:
        if self._parameterNode is not None and self._parameterNode.lgeVolume is not None:
            showVolume(self._parameterNode.lgeVolume)


def _shareInWords(share: float) -> str:
    return f"{100 * share:.1f} %" if share == 0 or share >= 0.001 else "< 0.1 %"
