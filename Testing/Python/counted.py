"""How much work something is, in numbers that are the same on a busy machine: for tests that it stays quick.

Lines of Python, calls and opened files tell a loop over nodes from one call for all of them, a second reading from none,
and what waits from what does not. What C does inside of one call is not seen; where that matters, count what it is given.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

WAITING = {"SimpleQueue.get", "sleep", "wait", "join", "communicate", "select", "rmtree", "cleanup"}
"""Names of functions that something that returns at once must not call."""


@dataclass
class Work:
    """lines: of Python that were run. calls: by name, those of C with the class in front. opened: paths of files. started: programs."""

    lines: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    opened: list[str] = field(default_factory=list)
    started: list[str] = field(default_factory=list)

    @property
    def waits(self) -> set[str]:
        return WAITING & set(self.calls)


_counting: list[tuple[int, Work]] = []


@contextmanager
def counted() -> Iterator[Work]:
    """Count what this thread does inside; the lines of the block itself are not counted."""
    work, before, collects = Work(), (sys.gettrace(), sys.getprofile()), gc.isenabled()

    def in_function(frame, event, arg):
        work.lines += event == "line"
        return in_function

    def on_call(frame, event, arg):
        work.calls[frame.f_code.co_name] += 1
        return in_function

    def on_c_call(frame, event, arg):
        if event == "c_call":
            work.calls[arg.__qualname__] += 1

    if not _counting:
        _listen()
    _counting.append((threading.get_ident(), work))
    gc.disable()  # a collection may call anything, and comes when it likes
    sys.settrace(on_call)
    sys.setprofile(on_c_call)
    try:
        yield work
    finally:
        sys.setprofile(before[1])
        sys.settrace(before[0])
        if collects:
            gc.enable()
        _counting.pop()


_listening = False


def _listen() -> None:
    """An audit hook stays for good, so there is one."""
    global _listening
    if _listening:
        return
    _listening = True

    def hear(event: str, arguments: tuple) -> None:
        if event in ("open", "subprocess.Popen") and _counting and _counting[-1][0] == threading.get_ident():
            work = _counting[-1][1]
            (work.opened if event == "open" else work.started).append(str(arguments[0]))

    sys.addaudithook(hear)
