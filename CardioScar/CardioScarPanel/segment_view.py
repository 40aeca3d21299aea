"""Segmenting the LGE volume with a network, and what became of its segments."""

from __future__ import annotations

import slicer
from CardioScarMRML.parameters import caseFrom
from CardioScarMRML.predictions import MARK, SCAR_ID, predictionNotes
from slicer.i18n import tr as _

from CardioScarLib.core.errors import CardioScarError
from CardioScarPanel.run_button import RunButton

EDITOR = "SegmentEditor"


class SegmentView:
    """The row below the LGE volume.

    :param inputs: a `CardioScarMRML.inputs.Inputs`, shared with the other parts.
    :param startSegmentation: called without arguments; returns the run, or None if the person decided against it.
    :param parameterNode: called without arguments; returns the parameter node, also while another module is open.
    """

    def __init__(self, ui, inputs, runControl, startSegmentation, parameterNode) -> None:
        self._ui, self._inputs, self._anyParameterNode = ui, inputs, parameterNode
        self._parameterNode = None
        self._button = RunButton(ui.segmentButton, runControl, startSegmentation, self._onSegmented)
        ui.correctButton.clicked.connect(self._onCorrect)

    def connect(self, parameterNode) -> None:
        self._parameterNode = parameterNode
        self.update()

    def update(self) -> None:
        """Say whether the network's probabilities or corrected segments tell the scar."""
        text = self._source()
        self._ui.segmentLabel.text = text
        self._ui.segmentLabel.visible = bool(text)
        self._ui.correctButton.enabled = self._segmentation() is not None

    def checkCanStart(self) -> None:
        ready = self._parameterNode is not None and self._parameterNode.lgeVolume is not None
        self._button.update("" if ready else _("Choose the LGE volume."))

    def _source(self) -> str:
        if self._parameterNode is None:
            return ""
        try:
            source = caseFrom(self._parameterNode).scarSource(self._inputs)
        except CardioScarError:  # the line below Apply says what is wrong
            return ""
        return "" if source is None else source.sentence

    def _segmentation(self):
        """What a person would correct: where the scar comes from, or else the wall."""
        parameters = self._parameterNode
        return None if parameters is None else parameters.scarSegmentation or parameters.wallSegmentation

    def _onSegmented(self, segmentationNode) -> str:
        parameters = self._anyParameterNode()
        with slicer.util.NodeModify(parameters):
            parameters.wallSegmentation, parameters.wallMyocardiumID, parameters.wallCavityID = segmentationNode, "", ""
            parameters.scarSegmentation, parameters.scarSegmentID = segmentationNode, SCAR_ID
        self._ui.makeWallButton.checked = True
        said = _(
            "The volume was segmented. Look at each slice and correct the segments where they are wrong, then make the LV wall from them. "
            "For research only."
        )
        return "\n".join([said, *predictionNotes(segmentationNode)])

    def _onCorrect(self, checked=False) -> None:
        segmentation = self._segmentation()
        if segmentation is None:
            return
        slicer.util.selectModule(EDITOR)
        editor = getattr(getattr(slicer.modules, f"{EDITOR}Widget", None), "editor", None)
        if editor is not None:
            editor.setSegmentationNode(segmentation)
            if self._anyParameterNode().lgeVolume is not None and segmentation.GetAttribute(MARK) is not None:
                editor.setSourceVolumeNode(self._anyParameterNode().lgeVolume)
