"""The audit of a stack: asked for, told in a traffic light and sentences, and slice by slice."""

from __future__ import annotations

from CardioScarMRML.audits import AUDIT_ATTRIBUTE, auditIsAbout, auditOf
from CardioScarMRML.slice_list import jumpToNumber
from slicer.i18n import tr as _

from CardioScarLib.core.errors import CardioScarError
from CardioScarPanel.run_button import RunButton
from CardioScarPanel.tables import RowTable
from CardioScarPanel.traffic_light import lightPixmap

LEAST_COVERAGE = 0.8
"""Of the pixels near scar borders in their 95 % intervals; slices with less are marked."""


class AuditView:
    """Shows the audit of the model with the result, and marks its suspects in the table of slices.

    :param inputs: a `CardioScarMRML.inputs.Inputs`, shared with the other parts.
    :param startAudit: called without arguments; returns the run.
    :param modelNode: called without arguments; returns the model that holds the result, or None.
    :param about: called without arguments; what an audit of the present choices would be about. May raise CardioScarError.
    :param sliceTable: its `showSuspects` is called.
    """

    def __init__(self, ui, inputs, runControl, startAudit, modelNode, about, sliceTable) -> None:
        self._ui, self._inputs, self._modelNode, self._about, self._sliceTable = ui, inputs, modelNode, about, sliceTable
        self._parameterNode = None
        self._shown = None
        self._button = RunButton(ui.auditButton, runControl, startAudit, self._onAudited)
        columns = (
            (_("Slice"), _("Number of the slice along the volume's third axis, from 0.")),
            (_("Error"), _("RMS difference between the slice and its prediction from the other slices, on a scar scale from 0 to 1.")),
            (_("In 95 %"), _("Share of the pixels near scar borders that lie within their 95 % intervals.")),
            (_("Remark"), _("What is unusual about this slice.")),
        )
        self._table = RowTable(ui.auditTable, columns, self._showSlice, ui.auditDetailLabel)

    def connect(self, parameterNode) -> None:
        self._parameterNode = parameterNode
        self.update()

    def update(self) -> None:
        """Show the audit there is, and whether it is about the present choices."""
        audit = auditOf(self._modelNode()) if self._parameterNode is not None else None
        ui = self._ui
        for widget in (ui.auditFrame, ui.claimsLabel, ui.auditTable):
            widget.visible = audit is not None
        ui.auditNoteLabel.text = _aboutNarrow(audit) if audit is not None else ""
        ui.auditNoteLabel.visible = bool(ui.auditNoteLabel.text)
        if audit is None:
            self._shown = None
            self._sliceTable.showSuspects({})
            return
        isNow = self._isAboutNow()
        if (audit, isNow) == self._shown:
            return
        self._shown = audit, isNow
        ui.lightLabel.setPixmap(lightPixmap(audit.light))
        ui.lightLabel.toolTip = _lightInWords(audit.light)
        other = "" if isNow else "\n" + _("This audit was made with other slices or settings than those above.")
        ui.auditLabel.text = f"{_lightInWords(audit.light)}: {audit.sentence}{other}"
        ui.claimsLabel.text = "\n".join(_sentences(audit))
        sentences = {one.label: one.sentence for one in audit.suspects}
        self._table.fill([_cells(one, sentences.get(one.label, "")) for one in audit.slices])
        self._sliceTable.showSuspects({_number(label): sentence for label, sentence in sentences.items()} if isNow else {})

    @property
    def hasAudit(self) -> bool:
        """Whether the map that is shown was audited."""
        modelNode = self._modelNode()
        return modelNode is not None and bool(modelNode.GetAttribute(AUDIT_ATTRIBUTE))

    def checkCanStart(self, missing: str, seconds: float | None) -> None:
        """missing: what has to be done before any run, in sentences. seconds: that the audit will take, if known."""
        if not missing and self._parameterNode is not None and self._parameterNode.model.model != "field":
            missing = _("The audit requires the model Field.")
        self._button.update(missing, seconds)

    def cleanup(self) -> None:
        self.connect(None)

    def _isAboutNow(self) -> bool:
        try:
            return auditIsAbout(self._modelNode(), self._about())
        except CardioScarError:  # said elsewhere
            return False

    def _onAudited(self, audit) -> str:
        self.update()
        return _("The stack was audited. {light}: {sentence}").format(light=_lightInWords(audit.light), sentence=audit.sentence)

    def _showSlice(self, row: int) -> None:
        parameters = self._parameterNode
        if parameters is None or parameters.lgeVolume is None:
            return
        jumpToNumber(self._inputs, parameters.lgeVolume, int(self._ui.auditTable.item(row, 0).text()))


def _lightInWords(light: str) -> str:
    return {"green": _("Green"), "yellow": _("Yellow"), "red": _("Red")}[light]


def _sentences(audit) -> list[str]:
    """Claims and suspects of an `Audit`, a line each, with a sign before it."""
    claims = [("\N{CHECK MARK} " if one.supported else "\N{BALLOT X} ") + one.sentence for one in audit.claims]
    return [*claims, *("\N{WARNING SIGN} " + one.sentence for one in audit.suspects)]


def _isNarrow(one) -> bool:
    """Whether the intervals of a `SliceAudit` hold far fewer pixels than they say."""
    return one.coverage_95 is not None and one.coverage_95 < LEAST_COVERAGE


def _aboutNarrow(audit) -> str:
    """What marked rows mean beside the light; nothing where none is marked."""
    slices = [str(_number(one.label)) for one in audit.slices if _isNarrow(one)]
    if not slices:
        return ""
    return _(
        "\N{WARNING SIGN} On slices {slices} fewer than {percent} % of the pixels near scar borders lie within their 95 % intervals: "
        "borders are less certain there than the map says. The light tells whether the slices predict each other as a whole."
    ).format(slices=", ".join(slices), percent=round(100 * LEAST_COVERAGE))


def _number(label: str) -> int:
    """Along k: slices of a volume are labeled "slice 7"."""
    return int(label.rpartition(" ")[2])


def _cells(one, sentence: str) -> tuple:
    """One row of the table: a `SliceAudit`. sentence: why the slice is suspect, or nothing."""
    remark = f"\N{WARNING SIGN} {one.remark}" if one.remark else ""
    coverage = "" if one.coverage_95 is None else f"{100 * one.coverage_95:.0f} %"
    if _isNarrow(one):
        coverage = f"\N{WARNING SIGN} {coverage}"
    texts = (str(_number(one.label)), f"{one.rmse:.3f}", coverage, remark)
    shift = ""
    if one.shift is not None:
        down, right = one.shift
        shift = _("It would fit the others best if moved by {right:+.1f} mm to the right and {down:+.1f} mm down.").format(
            right=right, down=down
        )
    more = _("CRPS {crps:.3f}. Click to show this slice in the slice views.").format(crps=one.crps)
    detail = "\n".join(part for part in (sentence, shift) if part)
    return texts, "\n".join(part for part in (detail, more) if part), False, detail
