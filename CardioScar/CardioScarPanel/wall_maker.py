"""Making the LV wall from a segmentation."""

from __future__ import annotations

from CardioScarMRML.parameters import settingsFrom
from CardioScarMRML.walls import drawnOn, startWall
from slicer.i18n import tr as _

from CardioScarLib.core.settings import WallSettings
from CardioScarPanel.segment_choice import SegmentChoice


class WallMaker:
    """The small form behind the button beside the LV model.

    :param runControl: follows the run.
    :param onMade: called with the new model node; returns what is to be said about it.
    """

    def __init__(self, ui, runControl, onMade) -> None:
        self._ui, self._runControl, self._onMade = ui, runControl, onMade
        self._parameterNode = None
        self._segments = [
            SegmentChoice(ui.wallMyocardiumComboBox, "wallSegmentation", "wallMyocardiumID", _("Automatic")),
            SegmentChoice(ui.wallCavityComboBox, "wallSegmentation", "wallCavityID", _("Automatic")),
        ]
        ui.makeWallFrame.visible = False
        ui.makeWallButton.toggled.connect(self._onOpened)
        ui.startWallButton.clicked.connect(self.start)

    def connect(self, parameterNode) -> None:
        self._parameterNode = parameterNode
        for segments in self._segments:
            segments.connect(parameterNode)

    def update(self) -> None:
        for segments in self._segments:
            segments.update()
        self.checkCanStart()

    def checkCanStart(self) -> None:
        ready = self._parameterNode is not None and self._parameterNode.wallSegmentation is not None
        self._ui.wallBaseSpinBox.enabled = self._ui.wallBaseCheckBox.checked
        self._ui.startWallButton.enabled = ready and not self._runControl.running
        self._ui.startWallButton.toolTip = (
            _("Make the LV wall in the background and select it as the LV model.") if ready else _("Choose the segmentation.")
        )

    def start(self) -> None:
        self._runControl.start(self._startWall, self._onMade)

    def _startWall(self):
        parameters = self._parameterNode
        segmentation = parameters.wallSegmentation
        return startWall(
            segmentation,
            myocardiumSegmentID=parameters.wallMyocardiumID or None,
            cavitySegmentID=parameters.wallCavityID or None,
            # Drawn on a cine or CT it is finer there than on the slices of the LGE volume.
            referenceVolumeNode=None if drawnOn(segmentation) else parameters.lgeVolume,
            settings=settingsFrom(parameters.wall, WallSettings),
        )

    def _onOpened(self) -> None:
        self._ui.makeWallFrame.visible = self._ui.makeWallButton.checked
