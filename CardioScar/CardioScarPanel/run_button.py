"""A button that starts a run, and stops it while it goes on."""

from __future__ import annotations

from slicer.i18n import tr as _

from CardioScarPanel.run_times import roughlyInWords


class RunButton:
    """As the Apply button, for what is found beside the map; only one run goes on at a time.

    :param startRun, onDone: as for `RunControl.start`.
    """

    def __init__(self, button, runControl, startRun, onDone) -> None:
        self._button, self._runControl, self._startRun, self._onDone = button, runControl, startRun, onDone
        self._text, self._toolTip = button.text, button.toolTip
        self._isMine = False
        button.clicked.connect(self._onClicked)

    def update(self, missing: str, seconds: float | None = None) -> None:
        """missing: what has to be done before, in sentences; empty if nothing. seconds: that a run will take, if known."""
        self._isMine = self._isMine and self._runControl.running
        self._button.text = _("Cancel") if self._isMine else self._text
        if seconds is not None and not (self._isMine or missing):
            self._button.text = _("{what} (about {time})").format(what=self._text, time=roughlyInWords(seconds))
        self._button.enabled = self._isMine or not (missing or self._runControl.running)
        self._button.toolTip = _("Stop the run. The scene does not change.") if self._isMine else missing or self._toolTip

    def _onClicked(self, checked=False) -> None:
        if self._isMine:
            self._runControl.cancel()
            return
        self._isMine = True
        self._runControl.start(self._startRun, self._onDone)
        self._isMine = self._runControl.running
