"""Errors of one family, each with a sentence for the user."""

from __future__ import annotations

from CardioScarLib.core.printable import one_line


class CardioScarError(ValueError):
    """The input or the settings cannot be used; the message says what is wrong, where, and what to do.

    Messages quote what files hold: it is made one line of characters that command no terminal.
    """

    def __init__(self, *words: object) -> None:
        super().__init__(*(one_line(one) if isinstance(one, str) else one for one in words))


class UnreadableFile(CardioScarError):
    """A file is missing, empty, truncated, of another kind, or of a shape that is not handled."""


class UnwritableOutput(CardioScarError):
    """A result cannot be written to the given place, or would overwrite something."""


class BadSettings(CardioScarError):
    """A setting is out of its range or contradicts another one."""


class BadWall(CardioScarError):
    """The LV model has no usable points or cells."""


class BadContours(CardioScarError):
    """Contours, labels or surfaces do not make an LV wall."""


class BadStack(CardioScarError):
    """The slices have no usable pixels or geometry."""


class StackMissesWall(CardioScarError):
    """The slices and the LV model do not meet in space."""


class BadAlignment(CardioScarError):
    """Shifts of slices cannot be found from the input, or belong to other slices."""


class OtherCase(CardioScarError):
    """A stored result belongs to another wall, or to other slices, than those it is to be used with."""


class BadEvidence(CardioScarError):
    """Scar evidence cannot be derived from these pixels with this method."""


class BadTrainingData(CardioScarError):
    """A file of nodes in groups contradicts itself, or holds too little to learn from."""


class OutsideTrainingBox(CardioScarError):
    """A mesh or training data lie outside the training box of a network."""


class NoSpread(CardioScarError):
    """An uncertainty was requested from a model that has none."""


class MissingPackage(CardioScarError):
    """An optional package that this needs is not installed."""


class OutOfMemory(CardioScarError):
    """Even the smallest batch does not fit into the memory of the device."""


class RunFailed(CardioScarError):
    """The child process of a run stopped unexpectedly, or had an internal error; its log has the details."""


class OverLimit(RunFailed):
    """A task took more time or memory than it was given, and was ended."""


class Cancelled(Exception):
    """The user stopped the run. Not an error: nothing is written."""
