"""A task for the child process that does what a job file says, most of it bad. `sitecustomize` of the tests registers it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from CardioScarLib.errors import BadStack
from CardioScarLib.runner.tasks import TaskProgress, read_job


def run_task(folder: Path, progress: TaskProgress) -> None:
    what = read_job(folder)["what"]
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
    elif what == "environment":
        (folder / "environment.txt").write_text("\n".join(f"{name}={value}" for name, value in os.environ.items()))
    elif what == "hang":
        grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        Path(read_job(folder)["pids"]).write_text(f"{os.getpid()} {grandchild.pid}")
        progress("hanging", 1, 10)
        time.sleep(600)
