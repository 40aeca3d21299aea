"""Which slice disagrees with its neighbors, and how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from CardioScarLib.reconstruction.audit.displacement import Displacement, error_at
from CardioScarLib.reconstruction.audit.left_out import LeftOutSlice

ERROR_FLOOR = 0.02
"""Errors below are alike: the fits themselves leave as much."""
RELIEF = 0.85
"""Neighbors whose error falls below this share of it without a slice are better off without. A sound slice helps: without it
their error is 1.5 to 2.5 times as large."""
SEEMS_SHIFTED = 2.5
"""mm: smaller shifts are found where there is none."""
EXPLAINED = 0.8
"""A shift explains a slice that fits this much better, as a ratio of errors, after it."""
BRIGHT = 0.5
"""Mean evidence in pixels where the other slices see no scar, in a slice that shows scar everywhere."""
DARK = 0.2
"""Mean evidence in pixels where the other slices see scar, in a slice that shows none."""
FEWEST = 15
"""Pixels that say what a slice shows where the others see scar."""


@dataclass(frozen=True)
class Suspect:
    """A slice that the others contradict.

    number: in the stack. kind: "shifted", "mislabeled", "artifact" or "out of order". shift: (2,) mm along rows and
    columns by which its origin has to move to fit the others, for "shifted".
    """

    number: int
    label: str
    kind: str
    sentence: str
    shift: tuple[float, float] | None = None


def relief(one: LeftOutSlice, slices: dict[int, LeftOutSlice]) -> float | None:
    """How much larger the error of its neighbors is without a slice than with it, as a ratio; below 1 the slice misleads them.

    Of each neighbor, left out, the error is taken with and without the slice among those that predict it. None without
    two neighbors: at an end, the neighbor that remains is predicted from beyond the end of what is left.
    """
    if len(one.without) < 2:
        return None
    with_it = [slices[number].error for number in one.without]
    without = [slices[number].error_without(one.number) for number in one.without]
    return float(np.hypot(*np.maximum(without, ERROR_FLOOR)) / np.hypot(*np.maximum(with_it, ERROR_FLOOR)))


def find_suspects(slices: Sequence[LeftOutSlice], displacements: dict[int, Displacement]) -> tuple[Suspect, ...]:
    """The slices that disagree, the worst first."""
    by_number = {one.number: one for one in slices}
    found: list[tuple[float, Suspect]] = []
    for one in slices:
        kind = _artifact(one)
        ease = relief(one, by_number)
        if kind:
            found.append((0.0, _suspect(one, "artifact", kind)))
        elif ease is not None and ease < RELIEF:
            found.append((ease, _named(one, displacements[one.number], by_number)))
    return tuple(suspect for _, suspect in sorted(found, key=lambda pair: pair[0]))


def _artifact(one: LeftOutSlice) -> str | None:
    healthy, scar = one.predicted < 0.2, one.predicted > 0.8
    if one.weights[healthy].sum() > FEWEST:
        seen = np.average(one.values[healthy], weights=one.weights[healthy])
        if seen > BRIGHT:
            return f"shows scar in {seen:.0%} of the wall where its neighbors show none: is its brightness that of the others?"
    if one.weights[scar].sum() > FEWEST:
        seen = np.average(one.values[scar], weights=one.weights[scar])
        if seen < DARK:
            return f"shows scar in only {seen:.0%} of the wall where its neighbors show it: is it labeled, and is its brightness right?"
    return None


def _named(one: LeftOutSlice, displacement: Displacement, by_number: dict[int, LeftOutSlice]) -> Suspect:
    swapped = _swapped_with(one, by_number)
    if swapped is not None:
        label = by_number[swapped].operator.stack.slices[swapped].label
        return _suspect(one, "out of order", f"fits better in the place of {label}, and {label} in its: are they in the right order?")
    if displacement.distance >= SEEMS_SHIFTED and displacement.after < EXPLAINED * displacement.before:
        rows, columns = displacement.shift
        sentence = f"fits its neighbors best when it is moved by {displacement.distance:.0f} mm ({rows:+.0f} along its rows' direction, "
        sentence += f"{columns:+.0f} along its columns')"
        return _suspect(one, "shifted", sentence, displacement.shift)
    return _suspect(one, "mislabeled", "contradicts both neighbors, and no shift explains it: look at its contours and at its labels")


def _swapped_with(one: LeftOutSlice, by_number: dict[int, LeftOutSlice]) -> int | None:
    """The neighbor with which a slice fits much better when both change places, as a network says that has seen neither."""
    for number, network in one.without.items():
        other = by_number[number]
        offset = other.operator.stack.slices[number].center - one.operator.stack.slices[one.number].center

        def field(points, network=network):
            return network.network.field(network.weights, points)

        as_is = np.hypot(one.error_without(number), other.error_without(one.number))
        swapped = np.hypot(error_at(one, field, offset), error_at(other, field, -offset))
        if swapped < 0.6 * as_is:
            return number
    return None


def _suspect(one: LeftOutSlice, kind: str, sentence: str, shift: tuple[float, float] | None = None) -> Suspect:
    label = one.operator.stack.slices[one.number].label
    return Suspect(one.number, label, kind, f"{label[:1].upper()}{label[1:]} {sentence}.".replace("?.", "?"), shift)
