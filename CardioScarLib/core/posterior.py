"""The interface of all models: what is known about the field after a fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from CardioScarLib.core.errors import UnreadableFile


class Posterior(Protocol):
    """Scar probability as a field on the wall, with what is known about its errors.

    Points are (n, 3) LPS mm and can lie anywhere; answers outside the wall mean nothing.
    """

    @property
    def has_spread(self) -> bool:
        """False for baselines: `sd` and `samples` then raise NoSpread."""

    @property
    def part(self) -> int:
        """How many points `described` takes at a time: few where several cores share the work, always the same for the same bits."""

    @property
    def summary(self) -> dict[str, Any]:
        """Numbers about the fit, for reports and the record."""

    def mean(self, points: np.ndarray) -> np.ndarray:
        """(n,) expected local scar fraction, 0..1."""

    def sd(self, points: np.ndarray) -> np.ndarray:
        """(n,) standard deviation of the scar fraction."""

    def samples(self, n: int, points: np.ndarray) -> np.ndarray:
        """(n, len(points)) distinct joint fields: row i is draw i of one whole field.

        Draw i is the same field in every call, whatever the points, so that pieces evaluated one after
        another belong together.
        """

    def described(self, n: int) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """A function of points that gives `mean`, `sd` and `samples` with n draws, and computes once what they share.

        It may be called from several threads, each with `part` points.
        """


def one_by_one(posterior: Posterior, n: int) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """`described` of a posterior whose answers share nothing."""
    return lambda points: (posterior.mean(points), posterior.sd(points), posterior.samples(n, points))


def check_constants(made_with: int, known: int) -> None:
    """Raise UnreadableFile unless a posterior's constants are of the version that this code draws samples with."""
    if made_with != known:
        raise UnreadableFile(
            f"The map was fitted with constants of version {made_with}, and this version of CardioScar draws samples with "
            f"version {known}; make the map again."
        )
