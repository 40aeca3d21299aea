"""The task "benchmark": one method on one problem, in a process of its own, so that time and memory are its alone."""

from __future__ import annotations

import os
import time
from importlib import import_module
from pathlib import Path

import numpy as np

from CardioScarLib.benchmark.methods import find_method
from CardioScarLib.benchmark.problem import Answer, Problem, read_problem, write_problem
from CardioScarLib.errors import CardioScarError, RunFailed
from CardioScarLib.runner.environment import NO_GPU, ONE_THREAD
from CardioScarLib.runner.job import Job, start_job
from CardioScarLib.runner.results import read_results, write_results
from CardioScarLib.runner.tasks import TaskProgress, read_job


def start_method(problem: Problem, method: str, original_python: str | None = None, search_path: str = "") -> Job:
    """Run a method in a child process; its answer is read by `read_answer(job.folder)`.

    search_path: PYTHONPATH of the child, for methods of one's own.
    """
    environment = {**ONE_THREAD, **NO_GPU, **({"PYTHONPATH": search_path} if search_path else {})}
    return start_job("benchmark", lambda folder: write_problem(folder, problem, method, original_python), environment)


def run_task(folder: Path, progress: TaskProgress) -> None:
    job, problem = read_job(folder), read_problem(folder)
    method = find_method(job["method"], job["original_python"])
    for package in (*method.packages, *method.code):
        import_module(package)  # no part of the work
    progress("fit", 0, 1)
    start, clock = _cpu_seconds(), time.perf_counter()
    try:
        answer = method.run(problem)
    except CardioScarError:
        raise
    except Exception as error:
        raise RunFailed(f"The method {method.name} failed: {type(error).__name__}: {error}.") from error
    used = {"cpu_seconds": _cpu_seconds() - start, "wall_seconds": time.perf_counter() - clock, "peak_mb": peak_mb()}
    if not isinstance(answer, Answer):
        raise RunFailed(f"The method {method.name} returns {type(answer).__name__}; it has to return an Answer.")
    answer = answer.checked(len(problem.wall.nodes))
    arrays = {"mean": answer.mean}
    if answer.sd is not None:
        arrays["sd"] = np.asarray(answer.sd, dtype=np.float32)
    if answer.draws is not None:
        arrays["draws"] = np.asarray(answer.draws, dtype=np.float32)
    try:
        write_results(folder, arrays, {"used": used, "summary": answer.summary})
    except TypeError as error:
        raise RunFailed(f"The method {method.name} gives a summary that is not plain JSON: {error}.") from error


def read_answer(folder: Path) -> tuple[Answer, dict]:
    """The answer, and what it cost: cpu_seconds (children included), wall_seconds, peak_mb. Raises RunFailed when it cannot be read."""
    arrays, words = read_results(folder)
    return Answer(arrays["mean"], arrays.get("sd"), arrays.get("draws"), words["summary"]), words["used"]


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
