"""Which slice disagrees with its neighbors, and how."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from CardioScarLib.core.audit import Suspect
from CardioScarLib.self_audit.constants import AUDIT
from CardioScarLib.self_audit.displacement import FARTHEST, Displacement, error_at
from CardioScarLib.self_audit.left_out import LeftOutSlice

TOO_FAR = FARTHEST - 0.5
"""mm: a maximum at the end of the search is not a shift."""


def find_suspects(slices: Sequence[LeftOutSlice], displacements: dict[int, Displacement]) -> tuple[Suspect, ...]:
    """The slices that disagree, the worst first.

    Neighbors of a named slice are not named: it misleads their prediction. With a gross fault (an artifact, a wrong
    label, a wrong order) no shifts are named; they show when it has been corrected.
    """
    by_number = {one.number: one for one in slices}
    usual = float(np.median([max(one.error, AUDIT.error_floor) for one in slices]))
    found: list[tuple[float, Suspect]] = []
    for one in slices:
        suspect, weight = _judged(one, displacements[one.number], by_number, usual)
        if suspect:
            found.append((weight, suspect))
    if any(suspect.kind != "shifted" for _, suspect in found):
        found = [(weight, suspect) for weight, suspect in found if suspect.kind != "shifted"]
    worst = max((weight for weight, _ in found), default=0.0)
    found = [(weight, suspect) for weight, suspect in found if weight >= AUDIT.beside_the_worst * worst]
    named: dict[int, Suspect] = {}
    for _, suspect in sorted(found, key=lambda pair: -pair[0]):
        if not any(number in named for number in by_number[suspect.number].without):
            named[suspect.number] = suspect
    return tuple(named.values())


def relief(one: LeftOutSlice, by_number: dict[int, LeftOutSlice]) -> float:
    """Logarithm of the factor by which the error of its neighbors falls when a slice is left out too.

    A sound slice helps to predict its neighbors: -0.4 to -0.9. A slice that misleads them has a positive one.
    """
    with_it = [by_number[number].error for number in one.without]
    without = [by_number[number].error_without(one.number) for number in one.without]
    return float(np.log(np.hypot(*np.maximum(with_it, AUDIT.error_floor)) / np.hypot(*np.maximum(without, AUDIT.error_floor))))


def excuse(one: LeftOutSlice) -> float:
    """Logarithm of the factor by which its error falls when the worse of its neighbors is left out too.

    Above 0 that neighbor misled the prediction: the fault is the neighbor's, even at an end, where no neighbor is judged.
    """
    without = min(one.error_without(number) for number in one.without)
    return float(np.log(max(one.error, AUDIT.error_floor) / max(without, AUDIT.error_floor)))


def suspicion(displacement: Displacement, relieved: float) -> float:
    """The evidence for a shift, see `AuditConstants.suspicious`; 0 where the shift is too small to tell or at the end of the search."""
    if not AUDIT.seems_shifted <= displacement.distance <= TOO_FAR:
        return 0.0
    return float(np.log(max(displacement.before, AUDIT.error_floor) / max(displacement.after, AUDIT.error_floor))) + relieved


def _judged(one: LeftOutSlice, displacement: Displacement, by_number: dict, usual: float) -> tuple[Suspect | None, float]:
    gross = _gross(one)
    if gross:
        return gross, np.inf
    # At an end there is one neighbor only, predicted from beyond the end of what is left.
    if len(one.without) < 2:
        return None, 0.0
    relieved = relief(one, by_number)
    weight = suspicion(displacement, relieved) if one.scar > AUDIT.least_scar else 0.0
    misleads = relieved > AUDIT.misleads and np.log(one.error / usual) > AUDIT.stands_out
    if weight <= AUDIT.suspicious and not misleads:
        return None, 0.0
    swapped = _swapped_with(one, by_number)
    if swapped is None and excuse(one) > AUDIT.excused:
        return None, 0.0
    if swapped is not None:
        label = by_number[swapped].operator.stack.slices[swapped].label
        return _suspect(one, "out of order", f"fits better at the position of {label}, and the other way around; check their order"), weight
    if weight > AUDIT.suspicious:
        rows, columns = displacement.shift
        sentence = f"fits its neighbors best when it is moved by {displacement.distance:.0f} mm "
        sentence += f"({rows:+.0f} mm along its rows' direction, {columns:+.0f} mm along its columns')"
        return _suspect(one, "shifted", sentence, displacement.shift), weight
    return _suspect(one, "mislabeled", "contradicts both neighbors, and no shift explains it; check its contours and labels"), relieved


def _gross(one: LeftOutSlice) -> Suspect | None:
    """Scar everywhere, or none where the neighbors have it."""
    # Without either neighbor too, which may be the one that is wrong.
    predictions = np.array([one.predicted, *(one.predicted_without(number) for number in one.without)])
    pixel = float(np.prod(one.operator.stack.slices[one.number].spacing))
    healthy, scar = predictions.max(axis=0) < 0.2, predictions.min(axis=0) > 0.8
    if pixel * one.weights[healthy].sum() > AUDIT.least_area:
        seen = np.average(one.values[healthy], weights=one.weights[healthy])
        if seen > AUDIT.bright:
            return _suspect(one, "artifact", f"shows {seen:.0%} scar where its neighbors show none; check its brightness and its labels")
    if len(one.without) == 2 and pixel * one.weights[scar].sum() > AUDIT.least_area:  # scar may end with the stack
        seen = np.average(one.values[scar], weights=one.weights[scar])
        if seen < AUDIT.dark:
            return _suspect(one, "mislabeled", f"shows {seen:.0%} scar where its neighbors show it; check its labels and its brightness")
    return None


def _swapped_with(one: LeftOutSlice, by_number: dict[int, LeftOutSlice]) -> int | None:
    """The neighbor with which it has changed places: both fit much better when exchanged, by what has seen neither."""
    for number, predictor in one.without.items():
        other = by_number[number]
        offset = other.operator.stack.slices[number].center - one.operator.stack.slices[one.number].center
        of_one = error_at(one, predictor.field, offset) / max(one.error_without(number), AUDIT.error_floor)
        of_other = error_at(other, predictor.field, -offset) / max(other.error_without(one.number), AUDIT.error_floor)
        if max(of_one, of_other) < AUDIT.in_order:
            return number
    return None


def _suspect(one: LeftOutSlice, kind: str, sentence: str, shift: tuple[float, float] | None = None) -> Suspect:
    label = one.operator.stack.slices[one.number].label  # may be the name of a file, so it does not begin the sentence
    return Suspect(one.number, label, kind, f"{kind.capitalize()}: {label} {sentence}.", shift)
