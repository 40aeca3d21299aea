"""How the child process is started, and in which environment."""

from __future__ import annotations

import os
from pathlib import Path

from CardioScarLib.core.interpreter import python_executable

NO_GPU = {"CUDA_VISIBLE_DEVICES": "-1"}


def child_command(folder: Path) -> list[str]:
    """By path and not by module name, so that the library need not be on the child's search path."""
    return [python_executable(), str(Path(__file__).with_name("child.py")), str(folder)]


def child_environment(changes: dict[str, str]) -> dict[str, str]:
    """The environment of this process with changes; this process keeps its own."""
    return {**os.environ, **changes, "PYTHONIOENCODING": "utf-8"}
