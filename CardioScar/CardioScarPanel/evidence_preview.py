"""What a run would take as scar, over the slices and as a histogram, while its method is being chosen."""

from __future__ import annotations

import slicer
from CardioScarMRML.parameters import caseFrom, settingsFrom
from slicer.i18n import tr as _

from CardioScarLib.core.errors import CardioScarError
from CardioScarPanel.background import Background

HEIGHT = 110


class EvidencePreview:
    """Follows the choices as long as its check box is set. Nodes are read at once; the rest is computed in the background.

    inputs: a `CardioScarMRML.inputs.Inputs`, shared with the other parts.
    """

    def __init__(self, ui, inputs) -> None:
        self._ui, self._inputs = ui, inputs
        self._parameterNode = None
        self._overlay = None
        self._asked, self._shown = None, None
        self._background = Background(self._show, self._onFailed)
        ui.evidencePreviewCheckBox.toggled.connect(lambda checked=False: self.update())

    @property
    def working(self) -> bool:
        """Whether what is drawn is not yet what the choices give."""
        return self._background.working

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
            try:
                self._ask(parameters)
            except CardioScarError as error:
                self._hide(str(error))

    def cleanup(self) -> None:
        self.connect(None)

    def _ask(self, parameters) -> None:
        from CardioScarLib.evidence.preview import preview_evidence  # takes scipy, which would make Slicer start later

        case = caseFrom(parameters)
        settings = case.settings(settingsFrom(parameters), self._inputs)
        stack, pixels = self._inputs.pixels(case, settings.operator)
        shares = case.shares(stack, case.scarSource(self._inputs))
        if shares is not None:
            scar = shares.stack
        else:
            scar = stack if case.segmentationNode is None else case.scarStack(stack)
        asked = (pixels, scar, settings.evidence, settings.operator)
        if asked == (self._asked if self.working else self._shown):
            return
        self._asked = asked
        if self._overlay is None:
            self._say(_("Looking for scar on the slices..."))

        def compute():
            found = preview_evidence(scar, pixels.pixels, settings.evidence, settings.operator.pixel_support, shares)
            return asked, case, pixels.pixels, found

        self._background.ask(compute)

    def _show(self, found) -> None:
        from CardioScarMRML.evidence_preview import EvidenceOverlay

        from CardioScarPanel.histogram import histogramPixmap

        self._shown, case, pixels, preview = found
        if case.lgeVolumeNode.GetScene() is None:  # removed meanwhile
            return
        if self._overlay is None:
            self._overlay = EvidenceOverlay(slicer.mrmlScene)
        self._overlay.show(case.lgeVolumeNode, pixels, preview, case.sliceIndices)
        self._say("\n".join([preview.sentence, *preview.evidence.notes]))
        self._ui.histogramLabel.setPixmap(histogramPixmap(preview, max(240, self._ui.evidenceLabel.width), HEIGHT))
        self._ui.histogramLabel.visible = True

    def _onFailed(self, error: Exception) -> None:
        if not isinstance(error, CardioScarError):
            self._hide("")
            raise error
        self._hide(str(error))

    def _hide(self, reason: str) -> None:
        self._background.forget()
        if self._overlay is not None:
            self._overlay.hide()
        self._asked = self._shown = None
        self._say(reason)
        self._ui.histogramLabel.visible = False

    def _say(self, text: str) -> None:
        label = self._ui.evidenceLabel
        label.text = text
        label.visible = bool(text)
        label.setMinimumHeight(label.heightForWidth(label.width) if text else 0)  # layouts cut the last line of many
