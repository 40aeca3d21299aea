"""What the buttons start, with the choices of the moment."""

from __future__ import annotations

from CardioScarMRML.case import CardioScarCase
from CardioScarMRML.parameters import caseFrom, settingsFrom
from CardioScarMRML.predictions import startSegmentation
from slicer.i18n import tr as _

from CardioScarLib.core.perfusion_settings import PerfusionSettings
from CardioScarLib.core.settings import AdviceSettings, AlignmentSettings, QuantifySettings, ReconstructionSettings
from CardioScarPanel.dependencies import ensurePackage, ensureSegmentation, ensureTorch

HIGHDICOM = "highdicom>=0.28,<0.29"
"""As the extra `dicom` of the library wants it."""


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

    def segmentation(self):
        if not ensureSegmentation():
            return None
        from CardioScarLib.core.segmentation_settings import SegmentSettings

        parameters = self._parameterNode()
        settings = SegmentSettings(device=parameters.model.network.device)
        return startSegmentation(parameters.lgeVolume, settings, sliceThickness=parameters.sliceThickness or None)

    def perfusion(self):
        if not ensureSegmentation():
            return None
        parameters = self._parameterNode()
        model = self._resultModel()
        return self._logic().startPerfusion(
            parameters.spectVolume,
            parameters.spectRest,
            settingsFrom(parameters.perfusion, PerfusionSettings),
            case=caseFrom(parameters) if model is not None else None,
            resultModelNode=model,
            wall=parameters.spectWall,
            device=parameters.model.network.device,
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

    def numbers(self, result=None):
        """result: of the run that has just made the map, or None."""
        return self._logic().startNumbers(caseFrom(self._parameterNode()), result=result, **self._told())

    def report(self, folder):
        if not ensurePackage("matplotlib", "matplotlib", _("The report")):
            return None
        parameters = self._parameterNode()
        return self._logic().startReport(caseFrom(parameters), folder, spectVolumeNode=parameters.spectVolume, **self._told())

    def export(self, folder, kind: str):
        if kind == "dicom" and not ensurePackage("highdicom", HIGHDICOM, _("The export to DICOM")):
            return None
        return self._logic().startExport(caseFrom(self._parameterNode()), folder, (kind,), **self._told())

    def auditWouldBeAbout(self) -> dict:
        return self._logic().auditWouldBeAbout(*self._caseAndSettings())

    def _told(self) -> dict:
        """How numbers are told, as keywords of `CardioScarLogic.startNumbers`."""
        parameters = self._parameterNode()
        return {
            "quantify": settingsFrom(parameters.numbers, QuantifySettings),
            "insertionsNode": parameters.insertions,
            "resultModelNode": self._resultModel(),
        }

    def _caseAndSettings(self) -> tuple[CardioScarCase, ReconstructionSettings]:
        return caseFrom(self._parameterNode()), settingsFrom(self._parameterNode())

    def _canCompute(self) -> bool:
        return self._parameterNode().model.model != "network" or ensureTorch()
