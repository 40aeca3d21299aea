"""Which Python the child process runs, and in which environment."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

NO_GPU = {"CUDA_VISIBLE_DEVICES": "-1"}


def python_executable() -> str:
    """The Python that runs now; where sys.executable is no Python but an application, Slicer's on the search path."""
    if Path(sys.executable or "").name.lower().startswith("python"):
        return sys.executable
    return shutil.which("PythonSlicer") or sys.executable


def child_command(folder: Path) -> list[str]:
    """By path and not by module name, so that the library need not be on the child's search path."""
    return [python_executable(), str(Path(__file__).with_name("child.py")), str(folder)]


def child_environment(changes: dict[str, str]) -> dict[str, str]:
    """The environment of this process with changes; this process keeps its own."""
    return {**os.environ, **changes, "PYTHONIOENCODING": "utf-8"}
