"""What the surrounding process may be set to, and numbers must not depend on."""

from __future__ import annotations

import locale
from collections.abc import Iterator
from contextlib import contextmanager

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


def usual_arithmetic() -> np.errstate:
    """The context in which numpy treats underflow and the like as it does unless told otherwise."""
    return np.errstate(divide="warn", over="warn", under="ignore", invalid="warn")
