"""Work on workers of Dask: processes of this machine, of a cluster that is there, or of jobs that are sent to SLURM.

Dask keeps account of workers and gives the work of one that is gone to another. A scheduler that ends is waited for, and what it
had not told is sent again: what was done by then is found on the disk and kept.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from CardioScarLib.cohort.outcome import POSTPONED
from CardioScarLib.cohort.ways import A, P, Way
from CardioScarLib.core.errors import MissingPackage, RunFailed
from CardioScarLib.core.packing import pack, unpack
from CardioScarLib.runner import Helper

PER_WORKER = 2
"""Pieces of work sent ahead per worker; the others stay here, so that the scheduler's memory does not grow with the study."""
LEAST_AHEAD = 4
LOSSES = 10
"""Times that a piece may be lost with its worker before it has failed; Dask's own count, of which more than one may be used up."""
PATIENCE = 900.0
"""Seconds to wait for a scheduler that is gone, or for the first worker."""
BETWEEN_LOOKS = 1.0
BETWEEN_COUNTS = 5.0
ROOM = 1.5
"""Times the longest piece so far, which the rest of a worker's time must hold for another one."""
_of_thread = threading.local()


def check_distributed() -> None:
    """Raise MissingPackage without Dask."""
    try:
        import distributed  # noqa: F401
    except ImportError as problem:
        raise MissingPackage('Workers need Dask; install it with: pip install "cardioscar[cohort]".') from problem


def do_packed(way: Way[P, A], values: str, results: str) -> str:
    """In a worker: do the piece that was packed, and pack its answer. The child process stays for the next piece."""
    helper = getattr(_of_thread, "helper", None)
    if helper is None:
        helper = _of_thread.helper = Helper()
    answer = way.do(unpack(way.piece, json.loads(values), {}), Path(results), helper)
    return json.dumps({"answer": pack(answer)[0], "worker": _address()})


def _address() -> str:
    from distributed import get_worker

    return str(get_worker().address)


class DaskEngine:
    """An engine on a client of Dask.

    connect: makes a client; called again when its scheduler is gone. tend: called every few seconds, such as to replace lost jobs.
    dashboard: address of Dask's page; empty where nobody wants it.
    """

    def __init__(self, connect: Callable[[], Any], tend: Callable[[], None] = lambda: None, dashboard: str = ""):
        self.workers, self.dashboard = 0, dashboard
        self._connect, self._tend = connect, tend
        self._events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._sent: dict[Any, Any] = {}
        self._losses: dict[Path, int] = {}
        self._longest = 0.0
        self._counted_at = 0.0

    def make(self, pieces: Iterable[P], results: Path, way: Way[P, A]) -> Iterator[tuple[P, A] | None]:
        waiting = deque(pieces)
        client = self._connect()
        try:
            while waiting or self._sent:
                if client.status != "running":
                    waiting.extendleft(reversed(self._recalled()))
                    client = self._reconnected(client)
                self._count(client)
                while waiting and len(self._sent) < max(LEAST_AHEAD, PER_WORKER * self.workers) and client.status == "running":
                    self._send(client, waiting.popleft(), results, way)
                found = self._next()
                if found is not None:
                    piece, answer = self._answer(client, *found, way)
                    if answer is None:
                        waiting.appendleft(piece)
                    else:
                        yield piece, answer
                else:
                    yield None
        finally:
            with suppress(Exception):  # of a scheduler that is gone
                client.close(timeout=5)

    def _send(self, client: Any, piece: Any, results: Path, way: Way[P, A]) -> None:
        values = json.dumps(pack(replace(piece, expected=ROOM * self._longest))[0])
        future = client.submit(partial(do_packed, way), values, str(results), pure=False)
        self._sent[future.key] = piece
        future.add_done_callback(self._events.put)

    def _next(self) -> tuple[Any, Any] | None:
        """A future that has ended, and its piece; None if there is none for a while."""
        while True:
            try:
                future = self._events.get(timeout=BETWEEN_LOOKS)
            except queue.Empty:
                return None
            piece = self._sent.pop(future.key, None)
            if piece is not None:  # else of a scheduler that was given up
                return future, piece

    def _answer(self, client: Any, future: Any, piece: P, way: Way[P, A]) -> tuple[P, A | None]:
        """None: the piece goes back."""
        if future.status == "finished":
            try:
                told = json.loads(future.result(timeout=30))
                answer = unpack(way.answer, told["answer"], {})
            except Exception:  # its worker, or the scheduler, went away before it told
                return piece, self._lost(piece, way)
            if answer.state == POSTPONED:
                with suppress(Exception):  # it may be gone by now
                    client.retire_workers([told["worker"]], close_workers=True, remove=True)
                return piece, None
            self._longest = max(self._longest, answer.seconds)
            return piece, answer
        if future.status == "error":
            error = future.exception(timeout=30)
            if type(error).__name__ == "KilledWorker":
                return piece, self._lost(piece, way)
            sentence = f"Internal error ({type(error).__name__}) in a worker. Please report it with the workers' log."
            return piece, way.failed(piece, sentence)
        return piece, None  # cancelled with its scheduler

    def _lost(self, piece: P, way: Way[P, A]) -> A | None:
        self._losses[piece.place] = self._losses.get(piece.place, 0) + 1
        if self._losses[piece.place] < LOSSES:
            return None
        return way.failed(piece, f"It was lost with its worker {LOSSES} times; see whether the workers have enough memory and time.")

    def _count(self, client: Any) -> None:
        if time.monotonic() < self._counted_at:
            return
        self._counted_at = time.monotonic() + BETWEEN_COUNTS
        with suppress(Exception):
            self._tend()
        with suppress(Exception):
            self.workers = len(client.scheduler_info(n_workers=-1)["workers"])

    def _recalled(self) -> list[Any]:
        pieces, self._sent = list(self._sent.values()), {}
        return pieces

    def _reconnected(self, client: Any) -> Any:
        with suppress(Exception):
            client.close(timeout=2)
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return self._connect()
            except OSError as problem:
                if time.monotonic() > end:
                    raise RunFailed("The scheduler is gone and has not come back; the same command continues.") from problem
                time.sleep(BETWEEN_LOOKS)
