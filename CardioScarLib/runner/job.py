"""A run, as seen by the process that started it."""

from __future__ import annotations

import platform
import queue
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Generic

from CardioScarLib.core import errors
from CardioScarLib.core.errors import Cancelled, CardioScarError, RunFailed, UnreadableFile, UnwritableOutput
from CardioScarLib.core.version import __version__
from CardioScarLib.io.claims import Claim, abandoned
from CardioScarLib.io.json_files import parse_json, record_of
from CardioScarLib.runner.environment import child_command, child_environment, end_group, group_of_its_own
from CardioScarLib.runner.progress import ProgressClock, ProgressReport
from CardioScarLib.runner.task import Answer, Task, TaskProgress, read_answer, write_task

PREFIX = "cardioscar-job-"
"""Of a job's folder, which may hold images of patients; of a process that was killed, the next job removes it."""
WORD, WHOLE = {"type": "string"}, {"type": "integer", "minimum": 0}
FIELDS = {"progress": ("stage", "step", "steps", "loss"), "failed": ("kind", "error"), "done": ()}
"""Of a line of the child, by its event."""
EVENT = {
    "oneOf": [
        record_of({"event": {"const": "progress"}, "stage": WORD, "step": WHOLE, "steps": WHOLE, "loss": {"type": ["number", "null"]}}),
        record_of({"event": {"const": "failed"}, "kind": WORD, "error": WORD}),
        record_of({"event": {"const": "done"}}),
    ]
}
"""Schema of a line of the child."""


def start_job(task: Task[Answer]) -> Job[Answer]:
    """Start a task in a child process.

    Raises UnwritableOutput when its folder cannot be filled, RunFailed when there is no Python to start.
    """
    place = Path(tempfile.gettempdir())
    for left in abandoned(place, PREFIX):
        shutil.rmtree(left, ignore_errors=True)
    claim = None
    try:
        claim = Claim(place, PREFIX)
        write_task(task, claim.folder)
        return Job(task, claim)
    except OSError as problem:
        _release(claim)
        raise UnwritableOutput(f"The temporary files of the run cannot be written: {problem.strerror or problem}.") from problem
    except BaseException:
        _release(claim)
        raise


def _release(claim: Claim | None) -> None:
    if claim is not None:
        claim.release()


class _Work:
    """The interface of every job.

    state: "running", "done", "failed" or "cancelled"; changes in `poll` and `cancel` only.
    error: a CardioScarError for the user; None unless state is "failed".
    on_progress: called without arguments in `poll` when there is something new in `progress`; what it raises leaves `poll`.
    """

    def __init__(self, kind: str):
        self.state = "running"
        self.error: Exception | None = None
        self.on_progress: Callable[[], None] = _ignore
        self._clock = ProgressClock()
        self._lines = [f"CardioScar {__version__}, {kind}"]

    @property
    def progress(self) -> ProgressReport:
        return self._clock.report()

    @property
    def log(self) -> str:
        """What happened, one line each: stages with the seconds since the start, and what the child printed."""
        return "\n".join(self._lines)

    def _say(self, text: str) -> None:
        self._lines.append(f"{self._clock.elapsed:8.1f} s  {text}")


class Job(_Work, Generic[Answer]):
    """A child process at work. Made by `start_job`; call `poll` from one thread, often, and `close` at the end.

    folder: where the child leaves its answer; there until `close`.
    """

    def __init__(self, task: Task[Answer], claim: Claim):
        super().__init__(f"{task.title}, Python {platform.python_version()}, {platform.system()}")
        self._task, self._claim = task, claim
        self._events: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._done = False
        try:
            self._process = subprocess.Popen(
                child_command(str(self.folder)),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env=child_environment(task.environment), cwd=self.folder, **group_of_its_own(),
            )  # fmt: skip
        except OSError as problem:
            raise RunFailed(f"The child process cannot be started: {problem.strerror or problem}.") from problem
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def folder(self) -> Path:
        return self._claim.folder

    def poll(self) -> str:
        """Read the child's messages since the last call, and return the state. Never waits."""
        progressed = False
        while self.state == "running":
            try:
                kind, content = self._events.get_nowait()
            except queue.Empty:
                break
            getattr(self, f"_on_{kind}")(content)
            progressed = progressed or kind == "progress"
        if progressed:
            self.on_progress()
        return self.state

    def answer(self) -> Answer:
        """The answer of the task, once the state is "done". Raises RunFailed if it cannot be read back."""
        return read_answer(self._task, self.folder)

    def cancel(self) -> None:
        """End the child and all it has started; returns at once."""
        if self.state == "running":
            self.state = "cancelled"
            self._say("cancelled")
            end_group(self._process)

    def close(self) -> None:
        """Remove the files, and end the child if it still runs."""
        self.cancel()
        self._claim.release()

    # Messages of the child

    def _on_progress(self, event: dict[str, Any]) -> None:
        if self._clock.update(event["stage"], event["step"], event["steps"], event["loss"]):
            self._say(event["stage"])

    def _on_line(self, text: str) -> None:
        self._lines.append(text)

    def _on_done(self, event: dict[str, Any]) -> None:
        self._done = True

    def _on_failed(self, event: dict[str, Any]) -> None:
        self.error = getattr(errors, event["kind"], CardioScarError)(event["error"])

    def _on_exit(self, code: int) -> None:
        if self._done and code == 0:
            self.state = "done"
            self._say("done")
            return
        if self.error is None:
            reason = f"The computation stopped unexpectedly (exit code {code}); it may have run out of memory. See the log."
            self.error = RunFailed(reason)
        self.state = "failed"
        self._say(f"failed: {self.error}")

    # Threads: they touch the queue and the process only

    def _listen(self) -> None:
        errors_thread = threading.Thread(target=self._listen_to_errors, daemon=True)
        errors_thread.start()
        with suppress(ValueError, OSError):
            for raw in self._pipe(self._process.stdout):
                text = raw.decode("utf-8", "replace").rstrip()
                try:
                    event = parse_json(text, EVENT, "This is no event.")
                    self._events.put((event["event"], {name: event[name] for name in FIELDS[event["event"]]}))
                except (UnreadableFile, KeyError, TypeError):
                    self._events.put(("line", text))
        code = self._process.wait()
        errors_thread.join(timeout=1.0)
        self._pipe(self._process.stdin).close()
        self._events.put(("exit", code))
        if self.state == "cancelled":
            self._claim.release()

    def _listen_to_errors(self) -> None:
        with suppress(ValueError, OSError):
            for raw in self._pipe(self._process.stderr):
                self._events.put(("line", raw.decode("utf-8", "replace").rstrip()))

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None  # all three were asked for
        return pipe


def _ignore() -> None:
    pass


class InPlaceJob(_Work, Generic[Answer]):
    """The same as `Job` for work that is done in this process, at the first `poll`, and gives its answer in memory.

    work: called with a progress callback (stage, step, steps, loss=None), which raises `Cancelled` after `cancel`; such as `task.run`.
    """

    def __init__(self, work: Callable[[TaskProgress], Answer]):
        super().__init__("in place")
        self._work = work
        self._answer: list[Answer] = []

    def poll(self) -> str:
        if self.state == "running":
            try:
                self._answer = [self._work(self._progress)]
                self.state = "done"
            except Cancelled:
                self.state = "cancelled"
            except Exception as error:
                self.state, self.error = "failed", error
        return self.state

    def answer(self) -> Answer:
        return self._answer[0]

    def cancel(self) -> None:
        if self.state == "running":
            self.state = "cancelled"

    def close(self) -> None:
        self.cancel()

    def _progress(self, stage: str, step: int, steps: int, loss: float | None = None) -> None:
        if self._clock.update(stage, step, steps, loss):
            self._say(stage)
        self.on_progress()
        if self.state == "cancelled":
            raise Cancelled()
