"""Which Python runs our child processes."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path


def python_executable() -> str:
    """The Python that runs now; where sys.executable is no Python but an application, Slicer's on the search path."""
    if Path(sys.executable or "").name.lower().startswith("python"):
        return sys.executable
    return shutil.which("PythonSlicer") or sys.executable
