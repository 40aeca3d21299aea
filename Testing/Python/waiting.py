"""Waiting for what another process does."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

KILLED = -signal.SIGKILL if os.name == "posix" else 1
"""What a child leaves that was ended by its parent; one that came to its end leaves 0."""


def wait_until(happened: Callable[[], object]) -> None:
    """The limit is no claim about how long it takes; it only keeps a test that fails from hanging."""
    until = time.monotonic() + 120
    while not happened():
        assert time.monotonic() < until, "waited two minutes in vain"
        time.sleep(0.01)
