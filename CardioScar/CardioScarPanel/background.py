"""Computing beside the panel, in a thread of this process: for what takes a second, where starting a process would take longer."""

from __future__ import annotations

import threading

import qt

TURN_MS = 20
"""Given to the thread at a time; then the window has its turn. Slicer's main thread keeps Python to itself while it waits."""


class Background:
    """Does the last thing that it was asked for; what was asked before and has not begun yet is forgotten.

    What it computes must touch neither nodes nor widgets.

    :param onDone: called in the main thread with what was computed.
    :param onFailed: called in the main thread with the exception.
    """

    def __init__(self, onDone, onFailed) -> None:
        self._onDone, self._onFailed = onDone, onFailed
        self._thread, self._found, self._next = None, [], None
        self._isWanted = False
        self._timer = qt.QTimer()
        self._timer.setInterval(1)
        self._timer.timeout.connect(self._turn)

    @property
    def working(self) -> bool:
        """Whether something that was asked for is still to come."""
        return self._isWanted

    def ask(self, compute) -> None:
        """compute: called without arguments in the thread."""
        self._next, self._isWanted = compute, True
        if self._thread is None:
            self._begin()

    def forget(self) -> None:
        """Nothing is wanted any more; what is being computed ends by itself."""
        self._next, self._isWanted = None, False

    def _begin(self) -> None:
        compute, found = self._next, []

        def work() -> None:
            try:
                found.append((compute(), None))
            except Exception as error:
                found.append((None, error))

        self._next, self._found = None, found
        self._thread = threading.Thread(target=work, daemon=True)
        self._thread.start()
        self._timer.start()

    def _turn(self) -> None:
        self._thread.join(0.001 * TURN_MS)
        if self._thread.is_alive():
            return
        self._timer.stop()
        self._thread = None
        if self._next is not None:
            self._begin()
        elif self._isWanted:
            self._isWanted = False
            ((value, error),) = self._found
            if error is None:
                self._onDone(value)
            else:
                self._onFailed(error)
