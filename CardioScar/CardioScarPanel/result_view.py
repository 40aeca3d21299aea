"""How the result is shown: probability, uncertainty, or scar above a threshold."""

from __future__ import annotations

import slicer
from CardioScarMRML.cameras import lookAtScar
from CardioScarMRML.display import (
    DISPLAY_ATTRIBUTE,
    THRESHOLD_ATTRIBUTE,
    setThreshold,
    showBinary,
    showChannels,
    showScarProbability,
    showUncertainty,
)
from CardioScarMRML.results_table import titleOf
from CardioScarMRML.writing import quantitiesOf
from slicer.i18n import tr as _

from CardioScarLib.quantification.burden import ABOVE, BEYOND, BURDEN, MASS, VOLUME

SHOWN = (BURDEN, VOLUME, MASS, BEYOND)
"""Names of the quantities that do not depend on the threshold; what does is told while the model shows it."""


class ResultView:
    """Colors the model that holds the result as the person chooses, at once.

    Only a choice made in the panel changes how a model looks: opening the module or a scene changes nothing.
    """

    def __init__(self, ui) -> None:
        self._ui = ui
        self._parameterNode = None
        self._shown = None
        self._buttons = {
            "probability": ui.showProbabilityButton,
            "uncertainty": ui.showUncertaintyButton,
            "binary": ui.showBinaryButton,
            "channels": ui.showChannelsButton,
        }
        for name, button in self._buttons.items():
            button.clicked.connect(lambda checked=True, name=name: self._choose(name))

    def connect(self, parameterNode) -> None:
        self._parameterNode, self._shown = parameterNode, None
        self.update()

    def update(self) -> None:
        """Offer what the model has, and show what is chosen if that has changed for this model."""
        arrays = _scarArrays(self.modelNode)
        if arrays and (self._shown is None or self._shown[0] != self.modelNode.GetID()):
            self._takeOver()
        self._ui.showFrame.enabled = bool(arrays)
        self._ui.showUncertaintyButton.enabled = "scar_uncertainty" in arrays
        self._ui.showUncertaintyButton.toolTip = (
            _("Color the model by the standard deviation of the scar probability, which tells how reliable the map is.")
            if "scar_uncertainty" in arrays or not arrays
            else _("This map was made by a model without uncertainty.")
        )
        self._ui.showChannelsButton.enabled = "channel_probability" in arrays
        display = self._parameterNode.display if self._parameterNode else "probability"
        self._buttons[display].checked = True
        self._ui.binaryThresholdSlider.enabled = bool(arrays) and display == "binary"
        if arrays and self._wanted() != self._shown:
            self.show()
        numbers = _numbersInWords(self.modelNode, display == "binary") if arrays else ""
        self._ui.resultLabel.text = numbers
        self._ui.resultLabel.visible = bool(numbers)

    def show(self) -> None:
        """Color the model as is chosen now."""
        modelNode, display, threshold = self.modelNode, self._parameterNode.display, self._parameterNode.threshold
        before, self._shown = self._shown, self._wanted()
        if display == "binary" and before is not None and before[:2] == self._shown[:2]:
            setThreshold(modelNode, threshold)
        elif display == "binary":
            showBinary(modelNode, threshold)
        elif display == "uncertainty" and "scar_uncertainty" in _scarArrays(modelNode):
            showUncertainty(modelNode)
        elif display == "channels" and "channel_probability" in _scarArrays(modelNode):
            showChannels(modelNode)
        else:
            showScarProbability(modelNode)

    def showNew(self, modelNode) -> None:
        """A run has put its result onto a model: color it as the result before, unless results are not to be shown."""
        display = self._parameterNode.display
        with slicer.util.NodeModify(self._parameterNode):
            self._parameterNode.resultModel = modelNode
            self._parameterNode.display = "probability" if f"scar_{display}" not in _scarArrays(modelNode) else display
            self._shown = self._wanted()  # nothing to take over
        if self._parameterNode.showResult:
            self._shown = None
            self.show()
            lookAtScar(modelNode)
        self.update()

    @property
    def hasMap(self) -> bool:
        """Whether there is a scar map to show."""
        return bool(_scarArrays(self.modelNode))

    @property
    def modelNode(self):
        """The model that holds the result, if there is one."""
        if self._parameterNode is None:
            return None
        return self._parameterNode.resultModel or self._parameterNode.lvModel

    def _choose(self, display: str) -> None:
        if self._parameterNode is None:
            return
        if display == self._parameterNode.display:  # the model may have been colored otherwise meanwhile
            self._shown = None
            self.show()
        else:
            self._parameterNode.display = display

    def _takeOver(self) -> None:
        """Choose what this model is shown by already."""
        displayNode, threshold = self.modelNode.GetDisplayNode(), self.modelNode.GetAttribute(THRESHOLD_ATTRIBUTE)
        display = displayNode.GetAttribute(DISPLAY_ATTRIBUTE) if displayNode else None
        self._shown = self._wanted()
        with slicer.util.NodeModify(self._parameterNode):
            if display in self._buttons:  # colors of perfusion have buttons of their own
                self._parameterNode.display = display
            if display == "binary" and threshold is not None:
                self._parameterNode.threshold = float(threshold)
            self._shown = self._wanted()

    def _wanted(self):
        if self.modelNode is None:
            return None
        display = self._parameterNode.display
        return self.modelNode.GetID(), display, self._parameterNode.threshold if display == "binary" else None


def _scarArrays(modelNode) -> set[str]:
    if modelNode is None or modelNode.GetMesh() is None:
        return set()
    pointData = modelNode.GetMesh().GetPointData()
    if not pointData.HasArray("scar_probability"):
        return set()
    return {pointData.GetArrayName(number) for number in range(pointData.GetNumberOfArrays())}


def _numbersInWords(modelNode, withThreshold: bool) -> str:
    """Of the last run, a line for each number."""
    shown = (*SHOWN, ABOVE) if withThreshold else SHOWN
    return "\n".join(f"{titleOf(one)}: {one}" for one in quantitiesOf(modelNode) if one.name in shown)
