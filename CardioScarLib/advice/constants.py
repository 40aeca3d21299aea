"""The constants of the adviser that were fitted to cases; each is explained where it is declared.

Chosen on development phantoms (seeds 100 to 103). docs/measurements/next_slice.md holds the tables for length, unknown, seen_length
and little; staying and pixel_error were chosen with them, and no table of them was kept.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AdviceConstants:
    """version grows with every change of a value. Advice names the version and the values it was made with.

    length: mm: correlation length of errors of the map.
    unknown: standard deviation of what the posterior misses, such as an island of scar between two slices: networks that
        have not seen it agree that it is not there.
    seen_length: mm from the middle of a slice over which its information fades. Similar slices cannot
        remove errors within slices.
    staying: standard deviation, RMS over the wall, of errors that no further slice removes.
    pixel_error: standard deviation of what a square of a slice measures: noise, partial volume, position.
    little: below this drop, further slices hardly changed the error of phantoms.
    """

    version: int = 1
    length: float = 5.0
    unknown: float = 0.1
    seen_length: float = 8.0
    staying: float = 0.02
    pixel_error: float = 0.1
    little: float = 0.03


ADVICE = AdviceConstants()
