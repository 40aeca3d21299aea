"""Signals that end a process: all of them as cleanly as Ctrl-C."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

BY_CTRL_C = 128 + signal.SIGINT
"""Exit code, as of shells."""
Handler = Callable[[int, FrameType | None], object] | int | signal.Handlers
OTHERS: tuple[int, ...] = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class Ended(KeyboardInterrupt):
    """The process was told to end. number: of the signal."""

    def __init__(self, number: int):
        super().__init__()
        self.number = number


class Ending:
    """exit_code: of a process that ends because of a signal."""

    exit_code: int = BY_CTRL_C


@contextmanager
def ends_by_signals() -> Iterator[Ending]:
    """Within, SIGTERM and SIGHUP raise what Ctrl-C raises. Those that are ignored, as under nohup, stay ignored."""
    ending = Ending()

    def end(number: int, frame: FrameType | None) -> None:
        ending.exit_code = 128 + number
        raise Ended(number)

    with _handled(OTHERS, end, unless=signal.SIG_IGN):
        yield ending


@contextmanager
def hold_interrupts() -> Iterator[None]:
    """Within, neither Ctrl-C nor the other signals end the process: files are given their names, which takes a moment."""
    with _handled((signal.SIGINT, *OTHERS), signal.SIG_IGN):
        yield


@contextmanager
def interrupts_afterwards() -> Iterator[None]:
    """Within, signals wait; afterwards they do what they would have done. For steps that must not be left halfway."""
    waiting: list[int] = []

    def wait(number: int, frame: FrameType | None) -> None:
        waiting.append(number)

    with _handled((signal.SIGINT, *OTHERS), wait, unless=signal.SIG_IGN):
        yield
    for number in waiting[:1]:
        signal.raise_signal(number)


@contextmanager
def _handled(numbers: tuple[int, ...], handler: Handler, unless: Handler | None = None) -> Iterator[None]:
    before: dict[int, Handler] = {}
    try:
        for number in numbers:
            now = signal.getsignal(number)
            if now is not None and now != unless:
                signal.signal(number, handler)
                before[number] = now
    except ValueError:  # not the main thread, to which signals belong
        pass
    try:
        yield
    finally:
        for number, one in before.items():
            signal.signal(number, one)
