"""A child process that stays for further tasks, with limits that are enforced from here.

Python and the libraries are loaded once, which takes longer than many tasks. A task that takes more time or memory than it may
is ended with the process; the next one gets a new process.
"""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from CardioScarLib.core import errors
from CardioScarLib.core.errors import CardioScarError, MissingPackage, OverLimit, RunFailed, UnreadableFile, UnwritableOutput
from CardioScarLib.core.memory import can_measure, resident_mb
from CardioScarLib.io.claims import Claim, abandoned
from CardioScarLib.io.json_files import parse_json
from CardioScarLib.runner.environment import child_command, child_environment, end_group, group_of_its_own
from CardioScarLib.runner.job import EVENT, PREFIX
from CardioScarLib.runner.progress import ProgressClock, ProgressReport
from CardioScarLib.runner.task import Answer, Task, read_answer, write_task

TASKS = 50
"""After which a process is replaced, so that what libraries do not give back does not add up."""
BETWEEN_LOOKS = 0.1
"""Seconds between two looks at the time and the memory that a task takes."""


@dataclass(frozen=True)
class Limits:
    """Of one task. seconds: by the clock. memory_mb: MiB of the process and those that it has started; None: no limit."""

    seconds: float | None = None
    memory_mb: float | None = None

    def check(self) -> None:
        """Raise MissingPackage where memory is limited and cannot be measured."""
        if self.memory_mb is not None and not can_measure():
            raise MissingPackage("A limit of the memory needs psutil; install it with: pip install psutil.")


class Helper:
    """Does one task at a time; call it from one thread, and `close` at the end.

    log: lines of the last task: its stages with the seconds since its start, and what the process printed. tasks: how many there were.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._events: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._environment: dict[str, str] = {}
        self._done = 0
        self.log: list[str] = []
        self.tasks = 0

    def do(
        self,
        task: Task[Answer],
        limits: Limits | None = None,
        stop: Callable[[], bool] = lambda: False,
        tell: Callable[[ProgressReport], None] = lambda report: None,
    ) -> Answer:
        """The answer of the task. stop: looked at often; when it says so, the task is ended and Cancelled raised. tell: called with each
        report of the progress, in this thread.

        Raises what the task raises, OverLimit for one that takes too much, RunFailed for a process that ends by itself, and
        UnwritableOutput where the temporary folder cannot be filled.
        """
        limits = limits or Limits()
        limits.check()
        self.tasks += 1
        claim = None
        try:
            claim = Claim(Path(tempfile.gettempdir()), PREFIX)
            write_task(task, claim.folder)
        except OSError as problem:
            if claim is not None:
                claim.release()
            raise UnwritableOutput(f"The temporary files of the run cannot be written: {problem.strerror or problem}.") from problem
        try:
            self._start(task.environment)
            self._order(claim.folder)
            self._wait(limits, stop, tell)
            return read_answer(task, claim.folder)
        except BaseException as error:
            if not isinstance(error, CardioScarError) or isinstance(error, RunFailed):
                self.close()  # whatever state it is in
            raise
        finally:
            claim.release()

    def close(self) -> None:
        """End the process, if there is one; the next task starts another."""
        process, self._process = self._process, None
        if process is not None:
            end_group(process)
            with suppress(OSError):
                _pipe(process.stdin).close()
            process.wait()

    def _start(self, environment: dict[str, str]) -> None:
        if self._process is not None and (self._process.poll() is not None or self._done >= TASKS or environment != self._environment):
            self.close()
        if self._process is not None:
            return
        for left in abandoned(Path(tempfile.gettempdir()), PREFIX):
            shutil.rmtree(left, ignore_errors=True)
        try:
            process = subprocess.Popen(
                child_command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env=child_environment(environment), cwd=tempfile.gettempdir(), **group_of_its_own(),
            )  # fmt: skip
        except OSError as problem:
            raise RunFailed(f"The child process cannot be started: {problem.strerror or problem}.") from problem
        self._process, self._environment, self._done = process, environment, 0
        self._events = queue.SimpleQueue()
        threading.Thread(target=_listen, args=(process, self._events), daemon=True).start()

    def _order(self, folder: Path) -> None:
        assert self._process is not None  # see _start
        self._done += 1
        with suppress(queue.Empty):  # what the last task printed, and nobody read
            while True:
                self._events.get_nowait()
        try:
            stdin = _pipe(self._process.stdin)
            stdin.write(json.dumps(str(folder)).encode() + b"\n")
            stdin.flush()
        except OSError as problem:
            raise RunFailed("The child process does not start; is CardioScar installed completely?") from problem

    def _wait(self, limits: Limits, stop: Callable[[], bool], tell: Callable[[ProgressReport], None]) -> None:
        """Return when the task is done; raise otherwise."""
        assert self._process is not None  # see _start
        clock, self.log = ProgressClock(), []
        while True:
            with suppress(queue.Empty):
                kind, event = self._events.get(timeout=BETWEEN_LOOKS)
                if kind == "progress":
                    if clock.update(event["stage"], event["step"], event["steps"], event["loss"]):
                        self.log.append(f"{clock.elapsed:8.1f} s  {event['stage']}")
                    tell(clock.report())
                elif kind == "line":
                    self.log.append(event)
                elif kind == "done":
                    self.log.append(f"{clock.elapsed:8.1f} s  done")
                    return
                elif kind == "failed":
                    self._failed(clock, getattr(errors, event["kind"], CardioScarError)(event["error"]))
                else:
                    sentence = f"The computation stopped unexpectedly (exit code {event}); it may have run out of memory. See the log."
                    self._failed(clock, RunFailed(sentence))
            if stop():
                raise errors.Cancelled
            if limits.seconds is not None and clock.elapsed > limits.seconds:
                self._failed(clock, OverLimit(f"It took more than its limit of {limits.seconds:g} seconds and was ended."))
            if limits.memory_mb is not None and resident_mb(self._process.pid) > limits.memory_mb:
                self._failed(clock, OverLimit(f"It took more than its limit of {limits.memory_mb:g} MiB of memory and was ended."))

    def _failed(self, clock: ProgressClock, error: CardioScarError) -> None:
        self.log.append(f"{clock.elapsed:8.1f} s  failed: {error}")
        raise error


def _listen(process: subprocess.Popen[bytes], events: queue.SimpleQueue[tuple[str, Any]]) -> None:
    errors_thread = threading.Thread(target=_listen_to_errors, args=(process, events), daemon=True)
    errors_thread.start()
    with suppress(ValueError, OSError):
        for raw in _pipe(process.stdout):
            text = raw.decode("utf-8", "replace").rstrip()
            try:
                event = parse_json(text, EVENT, "This is no event.")
                events.put((event["event"], event))
            except (UnreadableFile, KeyError, TypeError):
                events.put(("line", text))
    code = process.wait()
    errors_thread.join(timeout=1.0)
    events.put(("exit", code))


def _listen_to_errors(process: subprocess.Popen[bytes], events: queue.SimpleQueue[tuple[str, Any]]) -> None:
    with suppress(ValueError, OSError):
        for raw in _pipe(process.stderr):
            events.put(("line", raw.decode("utf-8", "replace").rstrip()))


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None  # all three were asked for
    return pipe
