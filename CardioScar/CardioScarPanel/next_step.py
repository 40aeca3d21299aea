"""What has to be done before a run, and the line that says what to do next."""

from __future__ import annotations

import slicer
from CardioScarMRML.parameters import caseFrom
from slicer.i18n import tr as _

from CardioScarLib.core.errors import CardioScarError
from CardioScarPanel.run_times import roughlyInWords


def missingFor(parameters, geometryError: str | None, alignmentError: str | None) -> tuple[list[str], list[str]]:
    """What has to be done before slices and wall can be looked at, and before a run, in sentences.

    :param parameters: the parameter node, or None.
    :param geometryError, alignmentError: why slices and wall, or shifts that are to be used, do not fit; None where they do.
    """
    missing = []
    if not (parameters and parameters.lgeVolume):
        missing.append(_("Choose the LGE volume."))
    if not (parameters and parameters.lvModel):
        missing.append(_("Choose the LV model."))
    if missing:
        return missing, missing
    try:
        caseFrom(parameters)
    except CardioScarError as error:
        missing.append(str(error))
    if geometryError:
        missing.append(geometryError)
    more = []
    if parameters.scarSegmentation is not None and not parameters.scarSegmentID:
        more.append(_("The scar segmentation has no segment; draw one, or take the scar from the intensities."))
    if parameters.placement == "keep" and not parameters.suffix.strip():
        more.append(_("Enter a suffix for the previous maps."))
    if alignmentError:
        more.append(alignmentError)
    return missing, [*more, *missing]


class NextStep:
    """The line below Apply, with a button that opens the module where the step is done."""

    def __init__(self, ui) -> None:
        self._ui, self._module = ui, None
        ui.nextButton.clicked.connect(lambda checked=False: slicer.util.selectModule(self._module))

    def update(self, parameters, missing: list[str], running: bool, hasMap: bool, hasAudit: bool, seconds: float | None) -> None:
        """seconds: that a map will take; None where nobody knows."""
        sentence, module = ("", None) if running or parameters is None else _step(parameters, missing, hasMap, hasAudit, seconds)
        self._module = module if module is not None and _hasModule(module) else None
        self._ui.nextLabel.text = _("Next: {step}").format(step=sentence) if sentence else ""
        self._ui.nextFrame.visible = bool(sentence)
        self._ui.nextButton.visible = self._module is not None
        if self._module is not None:
            self._ui.nextButton.text = {"DICOM": _("DICOM"), "SegmentEditor": _("Segment Editor")}[self._module]


def _step(parameters, missing: list[str], hasMap: bool, hasAudit: bool, seconds: float | None) -> tuple[str, str | None]:
    """A sentence, and the module where that is done, if it is not this one."""
    if not parameters.lgeVolume and not firstVisibleNode("vtkMRMLScalarVolumeNode"):
        return _("Load the LGE slices, for example from the DICOM database, or click Load example."), "DICOM"
    if parameters.lgeVolume and not parameters.lvModel and not firstVisibleNode("vtkMRMLModelNode"):
        if firstVisibleNode("vtkMRMLSegmentationNode"):
            return _("Click Make wall to build the LV model from the segmentation of the myocardium."), None
        step = _("Click Segment LGE, or draw the myocardium in the Segment Editor; then click Make wall. Or load a model of the LV wall.")
        return step, "SegmentEditor"
    if missing:
        return " ".join(missing), None
    if not hasMap:
        apply = _("Apply.") if seconds is None else _("Apply. The map takes about {time}.").format(time=roughlyInWords(seconds))
        return apply, None
    if not hasAudit and parameters.model.model == "field":
        return _("See under Reliability how far the map can be trusted."), None
    return "", None


def _hasModule(name: str) -> bool:
    """Whether the application has a module, and a window to show it in."""
    return hasattr(getattr(slicer, "modules", None), name.lower()) and slicer.util.mainWindow() is not None


def firstVisibleNode(className: str):
    """The first node of exactly this class (label maps are volumes, too) that selectors show; None if there is none."""
    for number in range(slicer.mrmlScene.GetNumberOfNodesByClass(className)):
        node = slicer.mrmlScene.GetNthNodeByClass(number, className)
        if node.GetClassName() == className and not node.GetHideFromEditors():
            return node
    return None
