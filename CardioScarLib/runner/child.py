"""The child process: `python child.py FOLDER` does the task that FOLDER holds, and leaves its answer there.

Stdout carries one JSON object per line and nothing else: {"event": "progress", "stage", "step", "steps", "loss"},
then {"event": "done"} or {"event": "failed", "kind", "error"}. What libraries print goes to stderr. When stdin is
closed, because the process that started this one is gone, this one ends with all that it has started, and takes FOLDER
along, which holds images of patients and would otherwise remain.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # instead of this folder, whose files would hide modules of the same name
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from CardioScarLib.core.errors import CardioScarError
from CardioScarLib.runner.task import read_task, write_answer

BETWEEN_REPORTS = 0.05
"""Seconds between progress reports: faster ones cannot be read."""
BETWEEN_LOOKS = 0.2
"""Seconds between checks of a child on Windows whether its parent still runs."""


class Channel:
    """The JSON lines. Takes stdout away from everybody else in this process, native libraries included."""

    def __init__(self) -> None:
        self._file = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self._stage: str | None = None
        self._sent = 0.0

    def send(self, **event: Any) -> None:
        self._file.write(json.dumps(event) + "\n")
        self._file.flush()

    def progress(self, stage: str, step: int, steps: int, loss: float | None = None) -> None:
        now = time.monotonic()
        if stage == self._stage and step < steps and now - self._sent < BETWEEN_REPORTS:
            return
        self._stage, self._sent = stage, now
        self.send(event="progress", stage=stage, step=int(step), steps=int(steps), loss=None if loss is None else float(loss))


def end_with_parent(folder: Path) -> None:
    wait_for_end_of_input()
    shutil.rmtree(folder, ignore_errors=True)
    if os.name == "posix" and os.getsid(0) == os.getpgrp():  # a session of our own, which the parent has made for the job
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)


def wait_for_end_of_input() -> None:
    """Return when the other end of stdin, which is a pipe, is closed."""
    if sys.platform != "win32":
        while os.read(0, 1):  # not through sys.stdin, whose lock would be held when this process ends normally
            pass
        return
    # On Windows a read that waits holds up whoever asks what stdin is, as the libraries below numpy and scipy do when
    # they are loaded (numpy issue 24290): the run would never begin.
    import ctypes
    import msvcrt

    pipe = ctypes.c_void_p(msvcrt.get_osfhandle(0))
    while ctypes.windll.kernel32.PeekNamedPipe(pipe, None, 0, None, None, None):
        time.sleep(BETWEEN_LOOKS)


def main(folder: Path) -> int:
    channel = Channel()
    threading.Thread(target=end_with_parent, args=(folder,), daemon=True).start()
    try:
        task = read_task(folder)
        answer = task.run(channel.progress)
        channel.progress("write", 0, 1)
        write_answer(task, answer, folder)
    except CardioScarError as error:
        channel.send(event="failed", kind=type(error).__name__, error=str(error))
        return 2
    except MemoryError:
        traceback.print_exc()
        sentence = "There is not enough memory for this; choose a smaller preset, fewer samples or a coarser LV model."
        channel.send(event="failed", kind="RunFailed", error=sentence)
        return 1
    except Exception as error:
        traceback.print_exc()
        sentence = f"Internal error ({type(error).__name__}). Please report it with the log."
        channel.send(event="failed", kind="RunFailed", error=sentence)
        return 1
    channel.send(event="done")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
