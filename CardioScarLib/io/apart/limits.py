"""Limits of a process that reads one file. POSIX has those of time, Linux that of memory; elsewhere the parent's clock remains."""

from __future__ import annotations

import sys
from pathlib import Path

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


def limit(memory: int, seconds: float) -> None:
    """From now on this process may take `memory` more bytes and work for `seconds` more, or the system ends it."""
    if sys.platform == "win32":
        return
    import resource
    import signal

    used = resource.getrusage(resource.RUSAGE_SELF)
    _set_soft(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime + seconds) + 1)
    signal.alarm(int(wall_clock(seconds)) + 1)
    if sys.platform.startswith("linux"):
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
    if sys.platform.startswith("linux"):
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
