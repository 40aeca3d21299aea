"""Parsing the command line: flags that take several values, lists of numbers, defaults from the settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from CardioScarLib.core.errors import BadSettings

if TYPE_CHECKING:
    import numpy as np


def repeat_flags(arguments: Sequence[str], flags: Sequence[str]) -> list[str]:
    """`--image a b c` becomes `--image a --image b --image c`, which is the form click understands.

    A flag's values end at the next word that starts with a dash. Raises click.UsageError for a flag without a value: click would
    take the next flag for it.
    """
    spread: list[str] = []
    flag = None
    for position, word in enumerate(arguments):
        name = word.partition("=")[0]
        if word == "--":
            return spread + list(arguments[position:])
        if word in flags:
            flag = word
            if position + 1 == len(arguments) or arguments[position + 1].startswith("-"):
                raise click.UsageError(f"Option '{word}' needs at least one file.")
        elif name in flags:
            flag = name
            spread.append(word)
        elif word.startswith("-") and word != "-":
            flag = None
            spread.append(word)
        elif flag:
            spread += [flag, word]
        else:
            spread.append(word)
    return spread


class Numbers(click.ParamType):
    """Numbers separated by commas: "2,5,8". kind: int or float."""

    name = "numbers"

    def __init__(self, kind: type) -> None:
        self._kind = kind

    def convert(self, value, param, ctx):
        if isinstance(value, tuple):
            return value
        try:
            return tuple(self._kind(word) for word in value.split(","))
        except ValueError:
            words, example = ("whole numbers", "2,5,8") if self._kind is int else ("numbers", "1.5,-20,8")
            self.fail(f"'{value}' is not a list of {words} such as \"{example}\".", param, ctx)


def point(text: str | None, flag: str = "--start") -> np.ndarray | None:
    """(3,) numbers of a flag's "x,y,z"; None without a text."""
    if text is None:
        return None
    import numpy as np

    try:
        numbers = np.array([float(word) for word in text.split(",")])
    except ValueError:
        numbers = np.empty(0)
    if numbers.shape != (3,) or not np.all(np.isfinite(numbers)):
        raise BadSettings(f"{flag} is '{text}'; it must be three numbers, x,y,z in LPS mm.")
    return numbers
