"""Independent calls on several cores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from queue import SimpleQueue
from threading import Event
from typing import TypeVar

from CardioScarLib.core.threads import one_thread_each

T = TypeVar("T")
Tick = Callable[..., None]
PATIENCE = 0.1
"""Seconds between two looks at how far the calls are."""


class _Stopped(Exception):
    """Ends a call whose result is not wanted any more."""


def side_by_side(calls: Sequence[Callable[[Tick], T]], jobs: int, tick: Tick) -> list[T]:
    """The results of the calls in their order, the same as one after the other; `jobs` of them at a time.

    On threads: numpy and scipy release Python's lock in what takes the time. Each call gets a function that it calls during its
    work. tick: called as often as all of those, in the thread of the caller only, as a progress bar needs; what it raises ends all
    calls, and so does what a call raises.
    """
    if jobs == 1 or len(calls) < 2:
        return [call(tick) for call in calls]
    ticks: SimpleQueue[None] = SimpleQueue()
    stop = Event()

    def count(*anything: object) -> None:
        if stop.is_set():
            raise _Stopped
        ticks.put(None)

    one_thread = one_thread_each()

    def run(call: Callable[[Tick], T]) -> T:
        with one_thread():  # some libraries keep the number of threads for each thread that calls them
            return call(count)

    with one_thread(), ThreadPoolExecutor(min(jobs, len(calls))) as pool:
        futures = [pool.submit(run, call) for call in calls]
        try:
            pending = set(futures)
            while pending:
                finished, pending = wait(pending, PATIENCE, FIRST_EXCEPTION)
                for _ in range(ticks.qsize()):
                    ticks.get()
                    tick()
                for one in finished:
                    one.result()
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    return [one.result() for one in futures]
