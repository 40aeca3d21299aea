"""The parent's side: functions that run in the child."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import wraps
from io import BufferedReader, BufferedWriter
from pathlib import Path
from typing import Any, TypeVar, cast

from CardioScarLib.core import errors
from CardioScarLib.core.errors import CardioScarError, RunFailed, UnreadableFile
from CardioScarLib.core.interpreter import python_executable
from CardioScarLib.core.memory import MEBIBYTE
from CardioScarLib.core.packing import unpack
from CardioScarLib.core.threads import ONE_THREAD
from CardioScarLib.io.apart import limits, wire

T = TypeVar("T")
MEMORY_FOR_ALL = 384 * MEBIBYTE
"""Bytes a reader may take for the smallest file, over what its libraries take."""
COPIES = 3
"""Of what a file holds, in the memory of a reader."""
SECONDS_FOR_ALL = 2.0
BYTES_PER_SECOND = 8 * MEBIBYTE
"""Slower than the slowest reader, that of text."""
ENDING = 1.0
"""Seconds that a process may need to end."""
INSIDE = False
"""Whether this process is the child."""
# One thread each: the threads of a reader would reserve more memory than the file needs.
ENVIRONMENT = {**ONE_THREAD, "VTK_SMP_MAX_THREADS": "1", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1", "MALLOC_ARENA_MAX": "1"}


def apart(answer: Any, holds: Callable[[Path], int]) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Let a function that reads a file run in the child, with limits of memory and time that grow with what the file holds.

    answer: type of what it returns, which `core.packing` can store. holds: bytes that a sound file of this name and size takes in
    memory; may raise UnreadableFile. The function is one of a module, its first argument the path, the others plain values. It
    raises what it raises in the child, and UnreadableFile where the child crashes, is too slow, or takes too much.
    """

    def decorate(function: Callable[..., T]) -> Callable[..., T]:
        @wraps(function)
        def read(path: Path, *others: Any) -> T:
            if INSIDE:
                return function(path, *others)
            try:
                content = holds(Path(path))
            except OSError as problem:
                raise UnreadableFile(f"{Path(path).name} cannot be opened: {problem.strerror or problem}.") from problem
            request = {
                "function": f"{function.__module__}:{function.__qualname__}",
                "arguments": [{"path": os.path.abspath(path)}, *others],
                "memory": MEMORY_FOR_ALL + COPIES * content,
                "by_system": limits.BY_SYSTEM,
                "seconds": SECONDS_FOR_ALL + content / BYTES_PER_SECOND,
            }
            return unpack(answer, *_ask(request, Path(path).name))

        return read

    return decorate


class _Child:
    """A child process, and the two pipes to it."""

    def __init__(self) -> None:
        script = str(Path(__file__).with_name("child.py"))
        options: dict[str, Any] = {}
        if sys.platform == "win32":
            options = {"creationflags": subprocess.CREATE_NO_WINDOW}
        try:
            self.process = subprocess.Popen(
                [python_executable(), script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                env={**os.environ, **ENVIRONMENT}, cwd=Path(__file__).parent, **options,
            )  # fmt: skip
        except OSError as problem:
            raise RunFailed(f"The process that reads files cannot be started: {problem.strerror or problem}.") from problem
        self.owner = os.getpid()
        self.answered = False
        self.stdin, self.stdout = cast(BufferedWriter, self.process.stdin), cast(BufferedReader, self.process.stdout)

    def ask(self, request: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Raises BrokenWire when the child is gone, or was ended because it took too long."""
        clock = threading.Timer(limits.wall_clock(request["seconds"]), self.process.kill)
        clock.daemon = True
        clock.start()
        try:
            with limits.watched(self.process, request["memory"]):
                wire.send(self.stdin, request)
                found = wire.receive(self.stdout, request["memory"])
        except OSError as problem:
            raise wire.BrokenWire from problem
        finally:
            clock.cancel()
        self.answered = True
        return found

    def ended_with(self) -> int | None:
        """Exit code of a child that sends nothing any more; None if it still runs."""
        try:
            return self.process.wait(ENDING)
        except subprocess.TimeoutExpired:
            return None

    def close(self) -> None:
        self.process.kill()
        for stream in (self.stdin, self.stdout):
            try:
                stream.close()
            except OSError:  # what was not sent yet
                pass
        self.process.wait()


_lock = threading.Lock()
_child: _Child | None = None


def close() -> None:
    """End the child; the next file starts another one."""
    global _child
    child, _child = _child, None
    if child is not None and child.owner == os.getpid():
        child.close()


atexit.register(close)


def _ask(request: dict[str, Any], name: str) -> tuple[Any, dict[str, Any]]:
    """Packed value and arrays. name: of the file, for messages."""
    global _child
    with _lock:
        if _child is None or _child.owner != os.getpid() or _child.process.poll() is not None:
            close()
            _child = _Child()
        try:
            answer, arrays = _child.ask(request)
        except wire.BrokenWire as problem:
            never_started = not _child.answered and _child.ended_with() == 1  # Python itself, or the import of the library, failed
            close()
            if never_started:
                raise RunFailed("The process that reads files does not start; is CardioScar installed completely?") from problem
            raise UnreadableFile(
                f"{name} cannot be read: it is damaged, or it makes its reader take far more time or memory than a file of its size needs."
            ) from problem
        except BaseException:  # Ctrl-C: what the child still sends must not be taken for the answer to the next request
            close()
            raise
    if "value" in answer:
        return answer["value"], arrays
    if answer["kind"] is None:
        raise UnreadableFile(f"{name} cannot be read; it is truncated, damaged or of another kind.") from RuntimeError(answer["error"])
    raise getattr(errors, answer["kind"], CardioScarError)(answer["error"])
