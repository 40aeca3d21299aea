"""The task "benchmark": one method on one problem in a process of its own, to measure its time and memory."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from CardioScarLib.benchmark.methods import find_method
from CardioScarLib.benchmark.problem import Answer, Problem
from CardioScarLib.core.errors import CardioScarError, RunFailed
from CardioScarLib.core.threads import ONE_THREAD
from CardioScarLib.runner.environment import NO_GPU
from CardioScarLib.runner.task import Task, TaskProgress


@dataclass(frozen=True, eq=False)
class Scored:
    """answer: of a method. used: what it cost: cpu_seconds (children included), wall_seconds, peak_mb."""

    answer: Answer
    used: dict[str, Any]


@dataclass(frozen=True, eq=False)
class MethodTask(Task[Scored]):
    """method, original_python: as for `find_method`. search_path: PYTHONPATH of the child, for methods of one's own."""

    answer: ClassVar[type] = Scored

    problem: Problem
    method: str
    original_python: str | None = None
    search_path: str = ""

    def run(self, progress: TaskProgress) -> Scored:
        method = find_method(self.method, self.original_python)
        for package in (*method.packages, *method.code):
            import_module(package)  # no part of the work
        progress("fit", 0, 1)
        start, clock = _cpu_seconds(), time.perf_counter()
        try:
            answer = method.run(self.problem)
        except CardioScarError:
            raise
        except Exception as error:
            raise RunFailed(f"The method {method.name} failed: {type(error).__name__}: {error}.") from error
        used = {"cpu_seconds": _cpu_seconds() - start, "wall_seconds": time.perf_counter() - clock, "peak_mb": peak_mb()}
        if not isinstance(answer, Answer):
            raise RunFailed(f"The method {method.name} returns {type(answer).__name__}; it must return an Answer.")
        answer = answer.checked(len(self.problem.wall.nodes))
        sd, draws = (None if one is None else np.asarray(one, dtype=np.float32) for one in (answer.sd, answer.draws))
        try:
            summary = json.loads(json.dumps(answer.summary))
        except TypeError as error:
            raise RunFailed(f"The method {method.name} gives a summary that is not plain JSON: {error}.") from error
        return Scored(Answer(answer.mean, sd, draws, summary), used)

    @property
    def environment(self) -> dict[str, str]:
        return {**ONE_THREAD, **NO_GPU, **({"PYTHONPATH": self.search_path} if self.search_path else {})}


def peak_mb() -> float | None:
    """Largest memory so far of this process, or of a child of it; None on Windows, which does not tell. On Linux ru_maxrss starts
    at the size of the process that started it, so the kernel's own high-water mark is read there."""
    try:
        import resource
    except ImportError:
        return None
    status = Path("/proc/self/status")
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    if status.is_file():
        own = next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return max(own, children) / 1024
    return max(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, children) / 1024**2  # bytes on macOS


def _cpu_seconds() -> float:
    """Of this process and of its children that have ended."""
    used = os.times()
    return time.process_time() + used.children_user + used.children_system
