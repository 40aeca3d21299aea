"""Progress of a run."""

from __future__ import annotations

import time
from dataclasses import dataclass

WORTH_ESTIMATING = 1.0
"""Seconds of a stage before its remaining time is estimated."""


@dataclass(frozen=True)
class ProgressReport:
    """stage: what is being done; step of steps: how far. loss: of the fit, if the model reports it.

    elapsed: seconds since the start of the run. remaining: seconds until the end of this stage, at its pace so far;
    None if unknown.
    """

    stage: str
    step: int
    steps: int
    loss: float | None = None
    elapsed: float = 0.0
    remaining: float | None = None


class ProgressClock:
    """Adds the times to what a task reports."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._stage, self._stage_start = "start", self._start
        self._step, self._steps, self._step_time = 0, 1, self._start
        self._loss: float | None = None

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._start

    def update(self, stage: str, step: int, steps: int, loss: float | None = None) -> bool:
        """Keep what was reported; True when a stage begins."""
        now = time.monotonic()
        begins = stage != self._stage
        if begins:
            self._stage, self._stage_start = stage, now
        self._step, self._steps, self._loss, self._step_time = step, steps, loss, now
        return begins

    def report(self) -> ProgressReport:
        now = time.monotonic()
        remaining = None
        spent = self._step_time - self._stage_start
        if 0 < self._step < self._steps and spent > WORTH_ESTIMATING:
            at_report = spent * (self._steps - self._step) / self._step
            remaining = max(0.0, at_report - (now - self._step_time))
        return ProgressReport(self._stage, self._step, self._steps, self._loss, now - self._start, remaining)
