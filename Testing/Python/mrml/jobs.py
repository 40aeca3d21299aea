"""Jobs that stand for child processes: they end when they are told to."""

from __future__ import annotations

from CardioScarLib.runner import ProgressReport


class AJob:
    """As `CardioScarLib.runner.Job`; `end()` makes the next poll find it done. task: what it was started for."""

    def __init__(self, task=None, found=None):
        self.task, self.found = task, found
        self.state, self.error, self.log = "running", None, ""
        self.progress = ProgressReport("fit", 3, 12)
        self.on_progress = lambda: None
        self._ended = False

    def end(self) -> None:
        self._ended = True

    def poll(self) -> str:
        if self.state == "running" and self._ended:
            self.state = "done"
        return self.state

    def answer(self):
        return self.found

    def cancel(self) -> None:
        if self.state == "running":
            self.state = "cancelled"

    def close(self) -> None:
        self.cancel()
