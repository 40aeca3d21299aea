"""What the buttons start, with the choices of the moment."""

from __future__ import annotations

from CardioScarMRML.case import CardioScarCase
from CardioScarMRML.parameters import caseFrom, settingsFrom

from CardioScarLib.core.settings import AdviceSettings, AlignmentSettings, ReconstructionSettings
from CardioScarPanel.dependencies import ensureTorch


class Starts:
    """Each returns a `CardioScarRun`, or None if the person decided against it. They raise CardioScarError.

    :param logic, parameterNode, resultModel: called without arguments; what they return may change.
    """

    def __init__(self, logic, parameterNode, resultModel) -> None:
        self._logic, self._parameterNode, self._resultModel = logic, parameterNode, resultModel

    def reconstruction(self):
        parameters = self._parameterNode()
        if not self._canCompute():
            return None
        return self._logic().startReconstruction(
            caseFrom(parameters),
            settings=settingsFrom(parameters),
            asCopy=parameters.placement == "copy",
            keepEarlierAs=parameters.suffix if parameters.placement == "keep" else None,
            show=parameters.showResult,
        )

    def findShifts(self, **source):
        parameters = self._parameterNode()
        return self._logic().startFindShifts(caseFrom(parameters), settings=settingsFrom(parameters.alignment, AlignmentSettings), **source)

    def audit(self):
        return self._logic().startAudit(*self._caseAndSettings(), resultModelNode=self._resultModel())

    def advice(self):
        if not self._canCompute():
            return None
        advice = settingsFrom(self._parameterNode().advice, AdviceSettings)
        return self._logic().startAdvice(*self._caseAndSettings(), advice, resultModelNode=self._resultModel())

    def auditWouldBeAbout(self) -> dict:
        return self._logic().auditWouldBeAbout(*self._caseAndSettings())

    def _caseAndSettings(self) -> tuple[CardioScarCase, ReconstructionSettings]:
        return caseFrom(self._parameterNode()), settingsFrom(self._parameterNode())

    def _canCompute(self) -> bool:
        return self._parameterNode().model.model != "network" or ensureTorch()
