"""The child process: `python child.py FOLDER` does the task that FOLDER holds, and leaves its answer there.

`python child.py` without a folder stays: each line of stdin, the name of a folder as JSON, is a task, done in turn.

Stdout carries one JSON object per line and nothing else: {"event": "progress", "stage", "step", "steps", "loss"},
then {"event": "done"} or {"event": "failed", "kind", "error"}. What libraries print goes to stderr. When stdin is
closed, because the process that started this one is gone, this one ends with all that it has started, and takes FOLDER
along, which holds images of patients and would otherwise remain.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

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
    end_all(folder)


def end_all(folder: Path | None) -> None:
    """End this process and all that it has started, after the folder of the task at work is gone."""
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
    if os.name == "posix" and os.getsid(0) == os.getpgrp():  # a session of our own, which the parent has made for the job
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)


def wait_for_end_of_input(take: Callable[[bytes], object] = len) -> None:
    """Return when the other end of stdin, which is a pipe, is closed. take: called with what arrives before."""
    if sys.platform != "win32":
        while content := os.read(0, 1 << 16):  # not through sys.stdin, whose lock would be held when this process ends normally
            take(content)
        return
    # On Windows a read that waits holds up whoever asks what stdin is, as the libraries below numpy and scipy do when
    # they are loaded (numpy issue 24290): the run would never begin.
    import ctypes
    import msvcrt

    pipe, waiting = ctypes.c_void_p(msvcrt.get_osfhandle(0)), ctypes.c_ulong()
    while ctypes.windll.kernel32.PeekNamedPipe(pipe, None, 0, None, ctypes.byref(waiting), None):
        if waiting.value:
            take(os.read(0, waiting.value))
        time.sleep(BETWEEN_LOOKS)


class Orders:
    """The folders that arrive on stdin, read by a thread of its own, which ends the process with its parent."""

    def __init__(self) -> None:
        self._folders: queue.SimpleQueue[Path] = queue.SimpleQueue()
        self._rest = b""
        self._at_work: Path | None = None
        threading.Thread(target=self._listen, daemon=True).start()

    def next(self) -> Path:
        folder = self._folders.get()
        self._at_work = folder
        return folder

    def _listen(self) -> None:
        wait_for_end_of_input(self._take)
        end_all(self._at_work)

    def _take(self, content: bytes) -> None:
        *lines, self._rest = (self._rest + content).split(b"\n")
        for line in lines:
            self._folders.put(Path(json.loads(line)))


def main(folder: Path) -> int:
    channel = Channel()
    threading.Thread(target=end_with_parent, args=(folder,), daemon=True).start()
    return do(folder, channel)


def stay() -> NoReturn:
    """Task after task, until stdin is closed."""
    channel, orders = Channel(), Orders()
    while True:
        do(orders.next(), channel)


def do(folder: Path, channel: Channel) -> int:
    """Do the task of a folder; returns the exit code of a process that did nothing else."""
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
    sys.exit(main(Path(sys.argv[1])) if len(sys.argv) > 1 else stay())
