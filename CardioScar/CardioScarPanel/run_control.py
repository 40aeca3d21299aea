"""Follows a run that works in the background: progress, log, cancel."""

from __future__ import annotations

import time

import qt
import slicer
from slicer.i18n import tr as _

from CardioScarLib.core.errors import CardioScarError, MissingPackage, OutOfMemory
from CardioScarPanel.dependencies import torchIsBroken
from CardioScarPanel.words import durationInWords, stageInWords

POLL_INTERVAL_MS = 100


class RunControl:
    """Shows the progress of one `CardioScarRun` at a time and tells what became of it; the one place that shows errors.

    The run works in a child process; asking it how far it is takes a few milliseconds, so the panel stays alive.

    :param onChanged: called without arguments when a run has begun or ended.
    :param onTook: called with the seconds that a run took when it has succeeded.

    ranOutOfMemory: whether it failed because the GPU's memory did not suffice.
    """

    def __init__(self, ui, onChanged, onTook) -> None:
        self._ui, self._onChanged, self._onTook = ui, onChanged, onTook
        self._run, self._onDone, self._began, self._log = None, None, 0.0, ""
        self._asked: tuple = ()
        self.ranOutOfMemory = False
        self._timer = qt.QTimer()
        self._timer.setInterval(POLL_INTERVAL_MS)
        self._timer.timeout.connect(self.poll)
        ui.logButton.toggled.connect(self._showLog)
        ui.progressBar.visible = False
        ui.logTextEdit.visible = False
        ui.runFrame.visible = False

    @property
    def running(self) -> bool:
        return self._run is not None

    def start(self, startRun, onDone) -> None:
        """Start a run and follow it. What a person can mend is said in the status line, our own faults in a dialog.

        :param startRun: called without arguments; returns the run, or None if the person decided against it.
        :param onDone: called with the result if the run succeeds; returns what is to be said about it.
        """
        self.say("")
        self._asked, self.ranOutOfMemory = (startRun, onDone), False
        with slicer.util.tryWithErrorDisplay(_("The run could not be started.")):
            try:
                run = startRun()
            except CardioScarError as error:
                self.say(str(error))
                return
        if run is None:
            return
        self._run, self._onDone, self._began = run, onDone, time.monotonic()
        self._ui.progressBar.visible = True
        self._ui.runFrame.visible = True
        self._timer.start()
        self._onChanged()
        self.poll()

    def startAgain(self) -> None:
        """Start the last run once more."""
        self.start(*self._asked)

    def cancel(self) -> None:
        """Stop the run; the scene stays as it is."""
        if self._run is not None:
            self._run.cancel()
            self._end(_("Canceled. The scene is unchanged."))

    def release(self) -> None:
        """The scene or the panel goes away: stop the run and say nothing."""
        if self._run is not None:
            self._run.cancel()
            self._end("")

    def say(self, text: str) -> None:
        self._ui.statusLabel.text = text

    def poll(self) -> None:
        """Called by the timer; the end of a run is noticed here."""
        run = self._run
        if run is None:
            return
        state = run.poll()
        if run is not self._run:  # it was stopped by somebody who heard of what it wrote
            return
        if state == "running":
            self._showProgress(run)
        elif state == "done":
            onDone = self._onDone
            self._onTook(time.monotonic() - self._began)
            self._end("")
            with slicer.util.tryWithErrorDisplay(_("The result could not be shown.")):
                self.say(onDone(run.result))
        elif state == "failed":
            self.ranOutOfMemory = isinstance(run.exception, OutOfMemory)
            # The library's words are for a command line; the packages are there, since the panel has looked before.
            isTorch = isinstance(run.exception, MissingPackage) and any(one in run.error for one in ("PyTorch", "Segmentation"))
            self._end(torchIsBroken() if isTorch else run.error)
            if not isinstance(run.exception, CardioScarError):
                with slicer.util.tryWithErrorDisplay(_("The run ended with an error.")):
                    raise run.exception
        else:
            self._end(_("Canceled. The scene is unchanged."))

    def _end(self, text: str) -> None:
        self._timer.stop()
        self._showProgress(self._run)
        self._run, self._onDone = None, None
        self._ui.progressBar.visible = False
        self.say(text)
        self._onChanged()

    def _showProgress(self, run) -> None:
        elapsed = time.monotonic() - self._began
        progress = run.progress
        words = _("{elapsed} elapsed").format(elapsed=durationInWords(elapsed))
        if progress is not None:
            if progress.remaining is not None:
                words = _("{elapsed} elapsed, this stage ends in about {remaining}").format(
                    elapsed=durationInWords(elapsed), remaining=durationInWords(progress.remaining)
                )
            counted = progress.steps > 1  # else the bar moves to and fro
            self._ui.progressBar.maximum = int(progress.steps) if counted else 0
            self._ui.progressBar.value = int(progress.step) if counted else 0
            self.say(self._inWords(progress))
        self._ui.timeLabel.text = words
        if run.log != self._log:
            self._log = run.log
            self._showLog()

    def _showLog(self) -> None:
        self._ui.logTextEdit.visible = self._ui.logButton.checked
        if self._ui.logButton.checked:
            self._ui.logTextEdit.setPlainText(self._log)
            scrollBar = self._ui.logTextEdit.verticalScrollBar()
            scrollBar.value = scrollBar.maximum

    @staticmethod
    def _inWords(progress) -> str:
        text = stageInWords(progress.stage)
        if progress.steps > 1:
            text = _("{stage}: {step} of {steps}").format(stage=text, step=progress.step, steps=progress.steps)
        if progress.loss is not None:
            text = _("{stage}, loss {loss}").format(stage=text, loss=f"{progress.loss:.4g}")
        return text
