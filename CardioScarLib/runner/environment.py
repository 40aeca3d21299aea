"""How a child process is started, in which environment, and how it is ended with all it has started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from CardioScarLib.core.interpreter import python_executable

DASKS_OWN = "MALLOC_TRIM_THRESHOLD_"
"""Dask has its workers give memory back to the system at once; the arrays of a map would ask for it again, a quarter of its time."""
NO_GPU = {"CUDA_VISIBLE_DEVICES": "-1"}


def child_command(*words: str) -> list[str]:
    """By path and not by module name, so that the library need not be on the child's search path."""
    return [python_executable(), str(Path(__file__).with_name("child.py")), *words]


def child_environment(changes: dict[str, str]) -> dict[str, str]:
    """The environment of this process with changes; this process keeps its own."""
    inherited = {name: value for name, value in os.environ.items() if name != DASKS_OWN}
    return {**inherited, **changes, "PYTHONIOENCODING": "utf-8"}


def group_of_its_own() -> dict[str, Any]:
    """A process group that can be ended as a whole, out of reach of a Ctrl-C for this process, and no console window."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process that was started in a group of its own; returns at once."""
    if process.poll() is not None:
        return
    if sys.platform == "win32":
        subprocess.Popen(["taskkill", "/T", "/F", "/PID", str(process.pid)], **group_of_its_own())
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
