"""Shifts of slices: found, listed, looked at, and used only where that is chosen."""

from __future__ import annotations

import slicer
from CardioScarMRML.outlines import OutlineOverlay
from CardioScarMRML.parameters import caseFrom
from CardioScarMRML.shifts import shiftsAreOf, shiftsAsText, shiftsFromText
from CardioScarMRML.slice_list import jumpToNumber
from slicer.i18n import tr as _

from CardioScarLib.core.errors import CardioScarError
from CardioScarPanel.run_button import RunButton
from CardioScarPanel.segment_choice import SegmentChoice
from CardioScarPanel.tables import RowTable


class AlignmentView:
    """The section "Align slices". `error` says why shifts that are to be used cannot be; None where they can.

    :param inputs: a `CardioScarMRML.inputs.Inputs`, shared with the other parts.
    :param startSearch: called with the parameters as keywords of `CardioScarLogic.startFindShifts`; returns the run.
    """

    def __init__(self, ui, inputs, runControl, startSearch) -> None:
        self._ui, self._inputs, self._startSearch = ui, inputs, startSearch
        self._parameterNode = None
        self._overlay = None
        self._shown, self._outlined, self._asked = None, None, None
        self.error: str | None = None
        self._segments = SegmentChoice(ui.alignmentSegmentComboBox, "alignmentSegmentation", "alignmentSegmentID", _("Automatic"))
        self._button = RunButton(ui.findShiftsButton, runControl, self._start, self._onFound)
        columns = (
            (_("Slice"), _("Number of the slice along the volume's third axis, from 0.")),
            (_("Right"), _("Shift of the slice to the right in its image, in mm.")),
            (_("Down"), _("Shift of the slice down in its image, in mm.")),
            ("\N{PLUS-MINUS SIGN}", _("Standard deviation of the shift in mm, the larger one of the two directions.")),
            (_("Reliable"), _("Whether the shift was measured on this slice; otherwise it is that of the whole stack.")),
        )
        self._table = RowTable(ui.shiftTable, columns, self._showSlice, ui.shiftDetailLabel)
        ui.outlinesCheckBox.toggled.connect(lambda checked=False: self._updateOutlines())

    def connect(self, parameterNode) -> None:
        self._parameterNode = parameterNode
        if self._overlay is not None:
            self._overlay.cleanup()
            self._overlay = None
        self._segments.connect(parameterNode)
        self.update()

    def update(self) -> None:
        """Show the shifts that are kept, and whether they still are of these slices and this wall."""
        self._segments.update()
        parameters, ui = self._parameterNode, self._ui
        text = parameters.shifts if parameters is not None else ""
        alignment, fits = shiftsFromText(text), self._fits(text)
        if text != self._shown:
            self._shown = text
            self._table.fill([] if alignment is None else [_cells(one) for one in alignment.slices])
        stale = _("The slices or the model have changed or moved since the shifts were found. Find the shifts again, or do not use them.")
        missing = _("Find the shifts first, or do not use them.")
        uses = parameters is not None and parameters.useShifts
        self.error = (missing if alignment is None else None if fits else stale) if uses else None
        ui.alignmentLabel.text = "" if alignment is None else "\n".join([*([] if fits else [stale]), *alignment.notes])
        for widget in (ui.alignmentLabel, ui.shiftTable, ui.outlinesCheckBox):
            widget.visible = alignment is not None
        ui.useShiftsCheckBox.visible = alignment is not None or uses
        ui.useShiftsCheckBox.enabled = fits or uses
        ui.outlinesCheckBox.enabled = fits
        ui.alignmentCollapsibleButton.text = _("Align slices (shifts are used)") if uses else _("Align slices")
        self._updateOutlines()

    def checkCanStart(self, missing: str) -> None:
        """missing: what has to be done before any run, in sentences."""
        parameters = self._parameterNode
        if not missing and parameters is not None:
            missing = {
                "none": _("Choose what shows the myocardium on the slices."),
                "segmentation": "" if parameters.alignmentSegmentation else _("Choose the segmentation of the myocardium."),
                "labelmap": "" if parameters.alignmentLabelMap else _("Choose the label map of the myocardium."),
            }.get(parameters.alignmentSource, "")
        self._button.update(missing)

    def cleanup(self) -> None:
        self.connect(None)

    def _start(self):
        parameters = self._parameterNode
        self._asked = parameters, *self._now()
        node = {"segmentation": parameters.alignmentSegmentation, "labelmap": parameters.alignmentLabelMap}.get(parameters.alignmentSource)
        return self._startSearch(
            source="image" if parameters.alignmentSource == "image" else "mask",
            myocardiumNode=node,
            myocardiumSegmentID=parameters.alignmentSegmentID or None,
        )

    def _onFound(self, alignment) -> str:
        parameters, stack, wall = self._asked  # another module may be open by now, or another slice chosen
        self._asked = None
        with slicer.util.NodeModify(parameters):
            parameters.useShifts = False  # until somebody has looked at them
            parameters.shifts = shiftsAsText(alignment, stack, wall)
        self.update()
        return _("The shifts were found; nothing was moved. Review them, then choose whether to use them.")

    def _now(self):
        """The slices and the wall that a run would take now."""
        parameters = self._parameterNode
        case = caseFrom(parameters)
        return case.stack(self._inputs), case.wall(self._inputs)

    def _fits(self, text: str) -> bool:
        try:
            return bool(text) and shiftsAreOf(text, *self._now())
        except CardioScarError:  # the geometry check says what is wrong
            return False

    def _updateOutlines(self) -> None:
        text = self._parameterNode.shifts if self._parameterNode is not None else ""
        if not (self._ui.outlinesCheckBox.checked and self._fits(text)):
            if self._overlay is not None:
                self._overlay.hide()
            return
        if self._overlay is None:
            self._overlay = OutlineOverlay(slicer.mrmlScene)
        stack, wall = self._now()
        if not self._overlay.visible or self._outlined != (text, wall):
            self._overlay.show(stack, wall, shiftsFromText(text))
            self._outlined = text, wall

    def _showSlice(self, row: int) -> None:
        parameters = self._parameterNode
        if parameters is None or parameters.lgeVolume is None:
            return
        jumpToNumber(self._inputs, parameters.lgeVolume, int(self._ui.shiftTable.item(row, 0).text()))


def _cells(one) -> tuple:
    """One row of the table: a `SliceShift`."""
    down, right = one.shift
    texts = (
        one.label.rpartition(" ")[2],
        f"{right:.1f} mm".replace("-0.0 ", "0.0 "),
        f"{down:.1f} mm".replace("-0.0 ", "0.0 "),
        f"{max(one.sd):.1f} mm",
        _("yes") if one.reliable else _("no: {reason}").format(reason=one.sentence),
    )
    return texts, one.sentence, not one.reliable, one.sentence
