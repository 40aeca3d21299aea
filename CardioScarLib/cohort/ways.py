"""How an engine deals with a kind of work: the units of a study, or the runs of the benchmark."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from CardioScarLib.runner import Helper


class Piece(Protocol):
    """Work that is done as a whole: a dataclass that can be packed.

    place: tells it from others. expected: seconds that it may take, as far as that is known; 0 otherwise.
    """

    @property
    def place(self) -> Path: ...

    @property
    def expected(self) -> float: ...


class Answered(Protocol):
    """What became of a piece: a dataclass that can be packed. state: "postponed" where its worker ends too soon for it."""

    @property
    def state(self) -> str: ...

    @property
    def seconds(self) -> float: ...


P = TypeVar("P", bound=Piece)
A = TypeVar("A", bound=Answered)


@dataclass(frozen=True)
class Way(Generic[P, A]):
    """piece, answer: the classes. do: makes an answer of a piece, in whatever process; it gets the folder of the results, and a helper
    that stays for the next piece. failed: the answer for a piece that could not be done, with a sentence that says why.
    """

    piece: type[P]
    answer: type[A]
    do: Callable[[P, Path, Helper], A]
    failed: Callable[[P, str], A]
