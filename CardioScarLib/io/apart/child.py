"""The child process that reads: `python child.py` answers requests on stdin until stdin is closed.

A request names a function of this library, its arguments, and the limits. The answer is its packed value, or the kind and the
sentence of an error. What native libraries print goes nowhere.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # instead of this folder, whose files would hide modules of the same name
    sys.path[0] = str(Path(__file__).resolve().parents[3])

from CardioScarLib.core.errors import CardioScarError
from CardioScarLib.core.packing import pack
from CardioScarLib.io.apart import door, limits, wire


def main() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this process
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    limits.forbid_core_dumps()
    door.INSIDE = True
    while True:
        try:
            request, _ = wire.receive(requests)
        except wire.BrokenWire:
            return 0
        try:
            limits.limit(request["memory"] if request["by_system"] else None, request["seconds"])
            try:
                values, arrays = pack(_function(request["function"])(*map(_argument, request["arguments"])))
            finally:
                limits.lift()
            answer: Any = {"value": values}
        except CardioScarError as error:
            answer, arrays = {"kind": type(error).__name__, "error": str(error)}, {}
        except Exception:  # whatever a damaged file makes the readers raise
            answer, arrays = {"kind": None, "error": traceback.format_exc()}, {}
        wire.send(answers, answer, arrays)
        del answer, arrays  # or they stay in memory until the next file comes


def _function(name: str) -> Any:
    """Of this library only."""
    module, _, function = name.partition(":")
    if module.partition(".")[0] != door.__name__.partition(".")[0]:
        raise ValueError(name)
    return getattr(import_module(module), function)


def _argument(value: Any) -> Any:
    return Path(value["path"]) if isinstance(value, dict) else value


if __name__ == "__main__":
    sys.exit(main())
