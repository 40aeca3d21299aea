"""What PyTorch would compute on, looked up in the background when somebody asks for the network, or for a GPU."""

from __future__ import annotations

import qt
from slicer.i18n import tr as _

from CardioScarLib.core.errors import CardioScarError
from CardioScarPanel.dependencies import torchInWords, torchIsInstalled

POLL_INTERVAL_MS = 200


class DeviceCheck:
    """The line beside the device. Importing PyTorch takes seconds, so a child process does it, once."""

    def __init__(self, ui) -> None:
        self._ui, self._parameterNode = ui, None
        self._job, self._found = None, None
        self._timer = qt.QTimer()
        self._timer.setInterval(POLL_INTERVAL_MS)
        self._timer.timeout.connect(self._poll)

    def connect(self, parameterNode) -> None:
        self._parameterNode = parameterNode
        self.update()

    def update(self) -> None:
        if self._parameterNode is None:
            return
        model = self._parameterNode.model
        if model.model != "network" and (model.model != "field" or model.network.device != "cuda"):
            self._ui.deviceLabel.text = ""
            return
        if not torchIsInstalled():
            self._ui.deviceLabel.text = torchInWords()
        elif self._found:
            self._ui.deviceLabel.text = self._found
        elif self._job is None and self._found is None:
            from CardioScarLib.runner import start_job
            from CardioScarLib.tasks.device import DeviceTask

            self._found = ""
            self._ui.deviceLabel.text = _("Looking for a GPU...")
            try:
                self._job = start_job(DeviceTask())
                self._timer.start()
            except CardioScarError:
                self._ui.deviceLabel.text = torchInWords()

    def cleanup(self) -> None:
        self._timer.stop()
        if self._job is not None:
            self._job.close()
            self._job = None

    def _poll(self) -> None:
        state = self._job.poll()
        if state == "running":
            return
        # A PyTorch that cannot be imported is said by the run, with the log beside it.
        self._found = self._job.answer() if state == "done" else torchInWords()
        self._ui.deviceLabel.text = self._found
        self.cleanup()
