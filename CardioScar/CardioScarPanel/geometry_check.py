"""How volume and model lie to each other, said before a run, with buttons that put a model right and take that back."""

from __future__ import annotations

from CardioScarMRML.case import CardioScarCase
from CardioScarMRML.checks import applyRemedy, checkGeometry, takeBackRemedy
from CardioScarMRML.parameters import caseFrom
from slicer.i18n import tr as _

from CardioScarLib.core.errors import BadSettings


class GeometryCheck:
    """The line below the inputs. `error` says why a run makes no sense; None where it does.

    inputs: a `CardioScarMRML.inputs.Inputs`, shared with the other parts.
    """

    def __init__(self, ui, inputs) -> None:
        self._ui, self._inputs = ui, inputs
        self._parameterNode = None
        self._remedies: dict[str, str | None] = {"mirror": None, "units": None}
        self.error: str | None = None
        ui.fixMirrorButton.clicked.connect(lambda checked=False: self._onFix("mirror"))
        ui.fixUnitsButton.clicked.connect(lambda checked=False: self._onFix("units"))

    def connect(self, parameterNode) -> None:
        self._parameterNode = parameterNode
        if parameterNode is None:
            self._inputs.clear()
        self.update()

    def update(self) -> bool:
        """Look again; returns whether a run makes sense."""
        parameters = self._parameterNode
        if parameters is None or parameters.lgeVolume is None or parameters.lvModel is None:
            self.error = None
            self._show("", (), ())
            return False
        try:
            case = caseFrom(parameters)
        except BadSettings:  # said elsewhere
            case = CardioScarCase(parameters.lgeVolume, parameters.lvModel, sliceThickness=parameters.sliceThickness or None)
        report = checkGeometry(self._inputs, case)
        self.error = report.error
        self._show(report.text, report.offered, report.applied)
        return report.error is None

    def cleanup(self) -> None:
        self.connect(None)

    def _show(self, text: str, offered: tuple[str, ...], applied: tuple[str, ...]) -> None:
        units = next((one for one in (*applied, *offered) if one in ("um", "m")), None)
        self._remedies = {"mirror": "flip" if "flip" in (*applied, *offered) else None, "units": units}
        mirrorWords = _("Undo the flip") if "flip" in applied else _("Flip the model's x and y")
        question, scaleWords = {
            "um": (_("Are the points of the model in micrometers?"), _("Yes, scale from micrometers")),
            "m": (_("Are the points of the model in meters?"), _("Yes, scale from meters")),
        }.get(units, ("", ""))
        if units in applied:
            question, scaleWords = "", _("Undo the scaling")
        self._ui.geometryLabel.text = "\n".join(line for line in (text, question) if line)
        self._ui.geometryLabel.visible = bool(text)
        for button, shown, words in (
            (self._ui.fixMirrorButton, self._remedies["mirror"], mirrorWords),
            (self._ui.fixUnitsButton, units, scaleWords),
        ):
            button.visible = shown is not None
            button.text = words

    def _onFix(self, name: str) -> None:
        remedy, modelNode = self._remedies[name], self._parameterNode and self._parameterNode.lvModel
        if remedy is None or modelNode is None:
            return
        report = checkGeometry(self._inputs, CardioScarCase(self._parameterNode.lgeVolume, modelNode))
        (takeBackRemedy if remedy in report.applied else applyRemedy)(modelNode, remedy)
        self.update()
