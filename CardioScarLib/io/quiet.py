"""Native libraries without their messages on the terminal, and with numbers as files hold them; errors that matter are raised."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import SimpleITK as sitk

from CardioScarLib.core.surroundings import plain_numbers


@contextmanager
def quiet_itk() -> Iterator[None]:
    """Hide warnings of ITK, and what the C libraries behind it print to standard error on their own."""
    with plain_numbers(), _quiet():
        yield


@contextmanager
def _quiet() -> Iterator[None]:
    before = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    kept = None
    try:
        # A program without a terminal (Slicer on Windows) may have no standard error to put aside.
        try:
            if sys.stderr is not None:
                sys.stderr.flush()
            kept = os.dup(2)
            sink = os.open(os.devnull, os.O_WRONLY)
            os.dup2(sink, 2)
            os.close(sink)
        except OSError:
            pass
        yield
    finally:
        if kept is not None:
            os.dup2(kept, 2)
            os.close(kept)
        sitk.ProcessObject.SetGlobalWarningDisplay(before)
