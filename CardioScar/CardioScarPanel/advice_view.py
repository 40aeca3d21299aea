"""Proposals of a next slice: asked for, listed, and shown by a click."""

from __future__ import annotations

import slicer
from CardioScarMRML.next_slices import adviceNotes, jumpToPlaneNode, planesOf, proposalOf, removePlanes
from slicer.i18n import tr as _

from CardioScarPanel.run_button import RunButton
from CardioScarPanel.tables import RowTable


class AdviceView:
    """Lists the planes that belong to the model with the result.

    :param startAdvice: called without arguments; returns the run.
    :param modelNode: called without arguments; returns the model that holds the result, or None.
    """

    def __init__(self, ui, runControl, startAdvice, modelNode) -> None:
        self._ui, self._modelNode = ui, modelNode
        self._button = RunButton(ui.adviseButton, runControl, startAdvice, self._onAdvised)
        columns = (
            ("", _("Rank of the proposal.")),
            (_("Error reduction"), _("Expected reduction of the squared error of the whole map by this slice.")),
            (_("Plane"), _("Where the plane lies.")),
        )
        self._planes: list = []
        self._table = RowTable(ui.adviceTable, columns, self._show, ui.adviceDetailLabel)
        ui.removePlanesButton.clicked.connect(self._onRemove)

    def connect(self, parameterNode) -> None:
        self.update()

    def update(self) -> None:
        """Show the planes there are now."""
        modelNode = self._modelNode()
        self._planes = planesOf(modelNode)
        rows = []
        for number, plane in enumerate(self._planes, 1):
            proposal = proposalOf(plane)
            texts = (str(number), f"{100 * proposal['expected_drop']:.0f} %", proposal["label"])
            rows.append((texts, proposal["label"], False, proposal["label"]))
        self._table.fill(rows)
        notes = "\n".join(adviceNotes(modelNode)) if self._planes else ""
        self._ui.adviceLabel.text = notes
        self._ui.adviceLabel.visible = bool(notes)
        self._ui.adviceTable.visible = self._ui.removePlanesButton.visible = bool(self._planes)

    def checkCanStart(self, missing: str, seconds: float | None) -> None:
        """missing: what has to be done before any run, in sentences. seconds: that the advice will take, if known."""
        modelNode = self._modelNode()
        pointData = modelNode.GetMesh().GetPointData() if modelNode is not None and modelNode.GetMesh() is not None else None
        if not missing and (pointData is None or not pointData.HasArray("scar_uncertainty")):
            missing = _("Compute a map with uncertainty first, with the model Field or the neural network.")
        self._button.update(missing, seconds)

    def _onAdvised(self, advice) -> str:
        """advice: of `CardioScarLib.advice.ranking`."""
        self.update()
        count = len(advice.proposals)
        if not count:
            return _("No further slice would reduce the uncertainty.")
        return _("{count} proposed planes were drawn, the best one in yellow.").format(count=count)

    def _onRemove(self, checked=False) -> None:
        if self._modelNode() is not None:
            removePlanes(self._modelNode())
        self.update()

    def _show(self, row: int) -> None:
        if row < len(self._planes) and self._planes[row].GetScene() is slicer.mrmlScene:
            jumpToPlaneNode(self._planes[row])
