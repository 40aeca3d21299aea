"""The constants of the adviser that were fitted to cases; each is explained where it is declared.

Chosen on development phantoms (seeds 100 to 103). docs/measurements/next_slice.md holds the tables for length, unknown, seen_length
and little; staying and pixel_error were chosen beside them, and no table of them was kept.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AdviceConstants:
    """version grows with every change of a value. Advice names the version and the values it was made with.

    length: mm: scale over which errors of the map are alike.
    unknown: standard deviation of what the posterior does not know of, such as an island of scar between two slices: networks that
        have not seen it agree that it is not there.
    seen_length: mm from the middle of a slice over which what is known fades. Errors within slices are what slices like them cannot
        take away.
    staying: standard deviation, RMS over the wall, of errors that no further slice takes away.
    pixel_error: standard deviation of what a square of a slice says about its part of the wall: noise, partial volume, place.
    little: drop below which further slices changed the error of phantoms by next to nothing.
    """

    version: int = 1
    length: float = 5.0
    unknown: float = 0.1
    seen_length: float = 8.0
    staying: float = 0.02
    pixel_error: float = 0.1
    little: float = 0.03


ADVICE = AdviceConstants()
