"""A run that works beside the panel and everything else in it."""

from __future__ import annotations

import qt

POLL_INTERVAL_MS = 200


class QuietRun:
    """Follows one `CardioScarRun` at a time; a new one takes the place of the last.

    Unlike `RunControl` it keeps no button from working: nobody asked for this run, and it only adds to what is there.

    :param onEnded: called with the result, or None, and a sentence on why there is none.
    """

    def __init__(self, onEnded) -> None:
        self._onEnded, self._run = onEnded, None
        self._timer = qt.QTimer()
        self._timer.setInterval(POLL_INTERVAL_MS)
        self._timer.timeout.connect(self._poll)

    @property
    def running(self) -> bool:
        return self._run is not None

    def start(self, run) -> None:
        self.cancel()
        self._run = run
        self._timer.start()

    def cancel(self) -> None:
        """Stop the run and say nothing."""
        self._timer.stop()
        run, self._run = self._run, None
        if run is not None:
            run.cancel()

    def _poll(self) -> None:
        run = self._run
        state = run.poll()
        if state == "running" or run is not self._run:  # stopped by somebody who heard of what it wrote
            return
        self._timer.stop()
        self._run = None
        self._onEnded(run.result, run.error or "")
