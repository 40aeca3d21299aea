"""Limits of a process that reads one file: by the system, POSIX those of time and Linux that of memory; elsewhere by its parent."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen

from CardioScarLib.core.memory import MEBIBYTE, can_measure, resident_mb

BY_SYSTEM = sys.platform.startswith("linux")
"""Whether the system limits the memory of a process; macOS knows the limit and does not enforce it."""
BETWEEN_LOOKS = 0.05
"""Seconds between two looks at the memory of a process: a reader that swells fills some hundred megabytes meanwhile."""
LIBRARIES = 256.0
"""MiB that the libraries of a reader take; a process that has just started has not loaded them."""
PER_WORD = 4
"""Wall-clock seconds per second of work, on a busy machine."""
PATIENCE = 10.0
"""Further wall-clock seconds, for a disk that wakes up or lies behind a network."""


def wall_clock(seconds: float) -> float:
    """How long a reader that may work for `seconds` may take, all waiting included."""
    return PER_WORD * seconds + PATIENCE


def forbid_core_dumps() -> None:
    """A dump of a reader that crashes would hold a patient's image."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@contextmanager
def watched(process: Popen[bytes], memory: int) -> Iterator[None]:
    """Meanwhile, where the system does not limit it, end a process that takes `memory` more bytes than it has now.

    Without psutil, which comes with every installation by pip where it is needed, nothing limits the memory there.
    """
    if BY_SYSTEM or not can_measure():
        yield
        return
    most = max(resident_mb(process.pid, and_started=False), LIBRARIES) + memory / MEBIBYTE
    done = threading.Event()

    def look() -> None:
        while not done.wait(BETWEEN_LOOKS):
            if resident_mb(process.pid, and_started=False) > most:
                process.kill()
                return

    watch = threading.Thread(target=look, daemon=True)
    watch.start()
    try:
        yield
    finally:
        done.set()
        watch.join()


def limit(memory: int | None, seconds: float) -> None:
    """From now on this process may take `memory` more bytes and work for `seconds` more, or the system ends it; None: its parent looks."""
    if sys.platform == "win32":
        return
    import resource
    import signal

    used = resource.getrusage(resource.RUSAGE_SELF)
    _set_soft(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime + seconds) + 1)
    signal.alarm(int(wall_clock(seconds)) + 1)
    if memory is not None:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        _set_soft(resource.RLIMIT_AS, pages * resource.getpagesize() + memory)


def lift() -> None:
    """No limits while waiting for the next file."""
    if sys.platform == "win32":
        return
    import resource
    import signal

    signal.alarm(0)
    _set_soft(resource.RLIMIT_CPU, None)
    if BY_SYSTEM:
        _set_soft(resource.RLIMIT_AS, None)


def _set_soft(kind: int, value: int | None) -> None:
    """Never above the hard limit, which is that of the system or of the user."""
    if sys.platform == "win32":
        return
    import resource

    hard = resource.getrlimit(kind)[1]
    if value is None or (hard != resource.RLIM_INFINITY and value > hard):
        value = hard
    resource.setrlimit(kind, (value, hard))
