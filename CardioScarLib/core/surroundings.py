"""What the surrounding process may be set to, and numbers must not depend on."""

from __future__ import annotations

import locale
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@contextmanager
def plain_numbers() -> Iterator[None]:
    """Numbers with a decimal point, whatever the locale of the process: ITK reads "1.5" as 1 where a comma is expected."""
    before = locale.setlocale(locale.LC_NUMERIC)
    try:
        if locale.localeconv()["decimal_point"] != ".":
            locale.setlocale(locale.LC_NUMERIC, "C")
        yield
    finally:
        locale.setlocale(locale.LC_NUMERIC, before)


def printable_output() -> None:
    """Let print write what the encoding of the output does not hold as escapes: a redirected output on Windows is in cp1252."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def usual_arithmetic() -> np.errstate:
    """The context in which numpy treats underflow and the like as it does unless told otherwise."""
    import numpy as np  # here, since the command line must set the number of threads before

    return np.errstate(divide="warn", over="warn", under="ignore", invalid="warn")
