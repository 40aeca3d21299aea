"""The memory that a process has taken, as psutil tells it on every system."""

from __future__ import annotations

from contextlib import suppress

MEBIBYTE = 1 << 20


def can_measure() -> bool:
    """Whether psutil is installed."""
    try:
        import psutil  # noqa: F401
    except ImportError:
        return False
    return True


def resident_mb(process_id: int, and_started: bool = True) -> float:
    """MiB that a process has in memory, and those that it has started unless `and_started` is false; 0 for one that is gone."""
    import psutil

    total = 0
    with suppress(psutil.Error):
        process = psutil.Process(process_id)
        for one in (process, *(process.children(recursive=True) if and_started else ())):
            with suppress(psutil.Error):
                total += one.memory_info().rss
    return total / MEBIBYTE
