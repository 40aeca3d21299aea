"""A task for the child process that does what it is told, most of it bad. To the runner it is `CardioScarLib.mischief`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from CardioScarLib.core.errors import BadStack
from CardioScarLib.runner import Task
from CardioScarLib.runner.task import TaskProgress

AS_PART_OF_THE_LIBRARY = "CardioScarLib.mischief"


@dataclass(frozen=True)
class Mischief(Task[str]):
    """what: to do. pids: file for the numbers of the processes that hang. changes: to the environment."""

    answer: ClassVar[type] = str

    what: str
    pids: str = ""
    changes: dict[str, str] = field(default_factory=dict)

    def run(self, progress: TaskProgress) -> str:
        return do(self.what, self.pids, progress)

    @property
    def environment(self) -> dict[str, str]:
        return self.changes


Mischief.__module__ = AS_PART_OF_THE_LIBRARY
sys.modules[AS_PART_OF_THE_LIBRARY] = sys.modules[__name__]


def do(what: str, pids: str, progress: TaskProgress) -> str:
    progress("first", 0, 1)
    if what == "talk":
        print("from Python")
        sys.stderr.write("Zoë's warning\n")
        os.write(1, b"from a native library\n")
        print('{"event": "done"}')
        for step in range(1, 2001):
            progress("second", step, 2000, loss=1 / step)
    elif what == "complain":
        raise BadStack("The slices are upside down; turn them.")
    elif what == "fail":
        raise KeyError("ours")
    elif what == "run out of memory":
        raise MemoryError
    elif what == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif what == "swell":
        swollen = bytearray(600 << 20)
        swollen[:: 1 << 12] = b"x" * len(swollen[:: 1 << 12])  # a page that nobody has written takes no memory
        time.sleep(600)
    elif what == "environment":
        return "\n".join(f"{name}={value}" for name, value in os.environ.items())
    elif what == "hang":
        grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        Path(pids).write_text(f"{os.getpid()} {grandchild.pid}")
        progress("hanging", 1, 10)
        time.sleep(600)
    return "done"
