"""Jobs that stand for child processes: they end when they are told to."""

from __future__ import annotations

from CardioScarLib.runner import ProgressReport


class AJob:
    """As `CardioScarLib.runner.Job`; `end()` makes the next poll find it done."""

    def __init__(self, stage: str = "fit"):
        self.state, self.error, self.log, self.folder = "running", None, "", None
        self.progress = ProgressReport(stage, 3, 12)
        self.on_progress = lambda: None
        self._ended = False

    def end(self) -> None:
        self._ended = True

    def poll(self) -> str:
        if self.state == "running" and self._ended:
            self.state = "done"
        return self.state

    def cancel(self) -> None:
        if self.state == "running":
            self.state = "cancelled"

    def close(self) -> None:
        self.cancel()
