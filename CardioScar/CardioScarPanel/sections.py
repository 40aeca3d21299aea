"""Which sections are open: they follow a case from its inputs to its result."""

from __future__ import annotations

from slicer.i18n import tr as _

LONGEST_NAME = 18
"""Letters of a node's name in the title of a section, which must not widen the panel."""


class Sections:
    """Before there is a map the inputs are open, afterwards the result is; what a person opens meanwhile stays open."""

    def __init__(self, ui) -> None:
        self._ui = ui
        self._hasMap: bool | None = None
        ui.inputsCollapsibleButton.contentsCollapsed.connect(lambda collapsed: self._nameInputs())
        self._chosen = ""

    def update(self, parameters, hasMap: bool) -> None:
        """Fold if a map has come or gone. parameters: the parameter node, or None."""
        nodes = (parameters.lgeVolume, parameters.lvModel) if parameters is not None else ()
        self._chosen = ", ".join(_short(node.GetName()) for node in nodes if node is not None)
        if hasMap != self._hasMap:
            self._hasMap = hasMap
            self._fold()
        self._nameInputs()

    def showResult(self) -> None:
        """A run has just made a map."""
        self._hasMap = True
        self._fold()

    def _fold(self) -> None:
        self._ui.inputsCollapsibleButton.collapsed = self._hasMap
        self._ui.resultCollapsibleButton.collapsed = not self._hasMap
        self._ui.numbersCollapsibleButton.collapsed = not self._hasMap

    def _nameInputs(self) -> None:
        button = self._ui.inputsCollapsibleButton
        isNamed = button.collapsed and self._chosen
        button.text = _("Inputs: {names}").format(names=self._chosen) if isNamed else _("Inputs")


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "\N{HORIZONTAL ELLIPSIS}"
