"""A run whose result goes to nodes: for the panel, which asks from time to time, and for scripts, which wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from CardioScarLib.core.errors import Cancelled

if TYPE_CHECKING:
    from CardioScarLib.runner import ProgressReport, Task

BETWEEN_POLLS = 0.02
"""Seconds, for those who wait."""


def startInChild(task: Task):
    """A task as a `CardioScarLib.runner.Job`, in a child process."""
    from CardioScarLib.runner import start_job

    return start_job(task)


def startHere(task: Task):
    """A task as a job in this process, which waits for it at the first `poll`."""
    from CardioScarLib.runner import InPlaceJob

    return InPlaceJob(task.run)


class CardioScarRun:
    """Computes in a child process; touches nodes in `poll` only, so call that from the main thread.

    >>> run = logic.startReconstruction(CardioScarCase(lgeVolumeNode, lvModelNode))
    >>> while run.poll() == "running":
    ...     slicer.app.processEvents()

    :param job: `CardioScarLib.runner.Job` or what behaves like it.
    :param check: called before each poll; raises a `CardioScarError` when the run has lost what it works on.
    :param finish: called once with the answer of the job when it is done; writes to nodes and returns the result.
    :param progressCallback: called with a `ProgressReport` in `poll`, when there is a new one; may raise
        `CardioScarLib.core.errors.Cancelled`.

    state: "running", "done", "failed" or "cancelled". result: of `finish`. exception: why it failed.
    """

    def __init__(self, job, check: Callable[[], None], finish: Callable, progressCallback=None) -> None:
        self.state, self.result, self.exception, self.log = "running", None, None, ""
        self._job, self._check, self._finish = job, check, finish
        self._progress = job.progress
        if progressCallback is not None:
            job.on_progress = lambda: progressCallback(job.progress)

    @property
    def progress(self) -> ProgressReport:
        """What was reported last, with the times of now."""
        if self.state == "running":
            self._progress = self._job.progress
        return self._progress

    @property
    def error(self) -> str | None:
        """What failed, in a sentence."""
        return None if self.exception is None else str(self.exception)

    def poll(self) -> str:
        """Look what has happened; at the end, write the result to its nodes. Returns the state."""
        if self.state != "running":
            return self.state
        try:
            self._check()
            jobState = self._job.poll()
            self.log = self._job.log
            if jobState == "done":
                self.result = self._finish(self._job.answer())
            elif jobState == "failed":
                raise self._job.error
        except Cancelled:
            jobState = "cancelled"
        except Exception as error:
            self.exception, jobState = error, "failed"
        except BaseException:
            self.cancel()
            raise
        if jobState != "running":
            self._end(jobState)
        return self.state

    def cancel(self) -> None:
        """End the computation; returns at once and leaves the scene as it is."""
        if self.state == "running":
            self._end("cancelled")

    def wait(self):
        """Poll until the end. Returns the result; raises what failed, or `Cancelled`."""
        try:
            while self.poll() == "running":
                time.sleep(BETWEEN_POLLS)
        except BaseException:
            self.cancel()
            raise
        if self.state == "cancelled":
            raise Cancelled()
        if self.exception is not None:
            raise self.exception
        return self.result

    def _end(self, state: str) -> None:
        self._progress = self._job.progress
        self.state = state
        if self._job.state == "running":
            self._job.cancel()
        else:
            self._job.close()
        self.log = self._job.log
