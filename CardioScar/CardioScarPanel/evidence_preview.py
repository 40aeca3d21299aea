"""What a run would take as scar, over the slices and as a histogram, while its method is being chosen."""

from __future__ import annotations

import qt
import slicer
from CardioScarMRML.parameters import caseFrom, settingsFrom
from slicer.i18n import tr as _

from CardioScarLib.core.errors import CardioScarError

HEIGHT = 110


class EvidencePreview:
    """Follows the choices as long as its check box is set.

    inputs: a `CardioScarMRML.inputs.Inputs`, shared with the other parts.
    """

    def __init__(self, ui, inputs) -> None:
        self._ui, self._inputs = ui, inputs
        self._parameterNode = None
        self._overlay = None
        self._shown = None
        ui.evidencePreviewCheckBox.toggled.connect(lambda checked=False: self.update())

    def connect(self, parameterNode) -> None:
        self._parameterNode = parameterNode
        if self._overlay is not None:
            self._overlay.cleanup()
            self._overlay = None
        self.update()

    def update(self) -> None:
        """Draw what the present choices give, or say in a line why there is nothing to draw."""
        parameters = self._parameterNode
        if parameters is None or not self._ui.evidencePreviewCheckBox.checked:
            self._hide("")
        elif parameters.lgeVolume is None or parameters.lvModel is None:
            self._hide(_("Choose the LGE volume and the LV model to see which pixels count as scar."))
        else:
            qt.QApplication.setOverrideCursor(qt.Qt.WaitCursor)  # the first time takes up to a second
            try:
                self._show(parameters)
            except CardioScarError as error:
                self._hide(str(error))
            finally:
                qt.QApplication.restoreOverrideCursor()

    def cleanup(self) -> None:
        self.connect(None)

    def _show(self, parameters) -> None:
        # These take scipy and SimpleITK, which would make Slicer start later.
        from CardioScarMRML.evidence_preview import EvidenceOverlay

        from CardioScarLib.evidence.preview import preview_evidence
        from CardioScarPanel.histogram import histogramPixmap

        if self._overlay is None:
            self._overlay = EvidenceOverlay(slicer.mrmlScene)
        case = caseFrom(parameters)
        settings = case.settings(settingsFrom(parameters))
        evidence = settings.evidence
        stack, pixels = self._inputs.pixels(case, settings.operator)
        if case.segmentationNode is not None:
            stack = case.scarStack(stack)
        shown = (pixels, stack, evidence, settings.operator)
        if shown == self._shown and self._overlay.visible:
            return
        preview = preview_evidence(stack, pixels, evidence, settings.operator.pixel_support)
        self._overlay.show(case.lgeVolumeNode, pixels, preview, case.sliceIndices)
        self._shown = shown
        self._say("\n".join([preview.sentence, *preview.evidence.notes]))
        self._ui.histogramLabel.setPixmap(histogramPixmap(preview, max(240, self._ui.evidenceLabel.width), HEIGHT))
        self._ui.histogramLabel.visible = True

    def _hide(self, reason: str) -> None:
        if self._overlay is not None:
            self._overlay.hide()
        self._shown = None
        self._say(reason)
        self._ui.histogramLabel.visible = False

    def _say(self, text: str) -> None:
        label = self._ui.evidenceLabel
        label.text = text
        label.visible = bool(text)
        label.setMinimumHeight(label.heightForWidth(label.width) if text else 0)  # layouts cut the last line of many
