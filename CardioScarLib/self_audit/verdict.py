"""From left-out slices to what a stack supports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from CardioScarLib.core.audit import Claim, Suspect
from CardioScarLib.core.wall import Wall
from CardioScarLib.quantification.burden import GRAM
from CardioScarLib.quantification.draws import interval, with_evidence
from CardioScarLib.reconstruction.field.fit import FittedField
from CardioScarLib.reconstruction.process.posterior import ProcessPosterior
from CardioScarLib.self_audit.constants import AUDIT
from CardioScarLib.self_audit.left_out import LeftOutSlice
from CardioScarLib.self_audit.slopes import map_slopes, pixel_slopes
from CardioScarLib.wall.surfaces import area_vectors, skin

SURE_MASS = 0.15
"""Half of the 95 % interval of the scar volume, as a share of it, up to which a mass is supported."""
QUARTER = 0.25
"""Of the wall's thickness: transmurality is reported in quarters, so borders must be known to this share."""
USUAL_GAP = 8.0
"""mm between slices, where no two are parallel."""
WIDEST_CHANNEL = 10.0
"""mm: a stack that shows only wider channels shows none that conduct slowly."""
MASS, TRANSMURALITY, CHANNELS = CLAIMS = ("scar mass", "transmurality", "channels")


POOR, FAIR, GOOD = "poor", "fair", "good"
GUESS, SOUND = 1 / 3, 2 / 3
"""Of the variance of rough scars in left-out slices, predicted: with less than the first a map is a guess, with more than the second the
slices predict each other well. Decided, not fitted."""


@dataclass(frozen=True, eq=False)
class Facts:
    """What the verdict rests on.

    missed: mm by which borders of scar were missed in left-out slices. border: mm by which those of the map are off, to be
    expected from that. coverage: of left-out pixels near borders, pooled. suspects: slices that disagree. posterior: of the
    whole stack. shifts: `Evidence.share_shifts`, None where there are none.
    """

    slices: Sequence[LeftOutSlice]
    suspects: tuple[Suspect, ...]
    missed: float
    border: float
    coverage: float | None
    posterior: FittedField
    wall: Wall
    shifts: np.ndarray | None = None


def border_error(slices: Sequence[LeftOutSlice], noise: float) -> float:
    """mm by which borders of scar lie elsewhere than predicted in left-out slices, RMS.

    A border of width w that is d off makes squared differences of d^2 / w per length where d is small against w, and of d
    where it is large; the larger one of the two estimates of d is right.
    """
    squares = length = steepness = 0.0
    for one in slices:
        pixel = float(np.prod(one.operator.stack.slices[one.number].spacing))
        beyond_noise = one.weights @ (one.predicted - one.values) ** 2 - 0.5 * noise**2 * np.count_nonzero(one.weights)
        slope = pixel_slopes(one)
        squares += pixel * max(beyond_noise, 0.0)
        length += pixel * float(one.weights @ slope)
        steepness += pixel * float(one.weights @ slope**2)
    return float(max(squares / max(length, 1e-9), np.sqrt(squares / max(steepness, 1e-9))))


def gaps(slices: Sequence[LeftOutSlice]) -> np.ndarray:
    """mm between the planes of neighbors in the largest set of parallel slices; the usual one where there is no set."""
    stack = slices[0].operator.stack
    seen = {one.number for one in slices}
    group = [number for number in stack.parallel_groups()[0] if number in seen]
    heights = np.sort([stack.slices[number].center @ stack.slices[group[0]].normal for number in group])
    return np.diff(heights) if len(group) > 1 else np.array([USUAL_GAP])


def map_border(slices: Sequence[LeftOutSlice], missed: float) -> float:
    """mm by which borders of scar in the map are off, to be expected. missed: mm, in left-out slices."""
    return AUDIT.map_share * missed / float(np.sqrt(np.median(gaps(slices))))


def thickness(wall: Wall) -> float | None:
    """Mean thickness of the wall, mm: twice its volume over the area of its skin; None where it has no volume."""
    if wall.kind != "volume":
        return None
    return 2 * float(wall.volumes.sum()) / float(np.linalg.norm(area_vectors(wall.nodes, skin(wall)), axis=1).sum())


def expected_error(facts: Facts) -> float:
    """RMS error of the map when its borders lie elsewhere by as much as is to be expected; 1 at most, as probabilities are."""
    slope, measure = map_slopes(facts.posterior, facts.wall)
    return min(facts.border * float(np.sqrt(np.average(np.sum(slope**2, axis=1), weights=measure))), 1.0)


def quality(facts: Facts, expected: float) -> str:
    """How well the slices predict each other: POOR, FAIR or GOOD; expected: `expected_error`.

    Rough scars are judged by how much of their variance in left-out slices is predicted. The error of a map alone, by which smooth ones
    are judged, would call every label map a guess: between tissue that is scar and tissue that is not there is no small error.
    """
    if isinstance(facts.posterior, ProcessPosterior):
        share = explained(facts.slices)
        return POOR if share < GUESS else FAIR if share < SOUND else GOOD
    return POOR if expected > AUDIT.red else FAIR if expected > AUDIT.yellow else GOOD


def explained(slices: Sequence[LeftOutSlice]) -> float:
    """Share of the variance of the pixels of left-out slices, about their mean over all slices, that is predicted."""
    values, weights = (np.concatenate([getattr(one, name) for one in slices]) for name in ("values", "weights"))
    missed = sum(one.weights @ (one.predicted - one.values) ** 2 for one in slices)
    return 1 - float(missed / max(weights @ (values - np.average(values, weights=weights)) ** 2, 1e-12))


def claims(facts: Facts, expected: float) -> tuple[Claim, ...]:
    """What the stack supports: nothing while a slice disagrees with the others, as the map rests on it, or if the map is a guess.

    expected: `expected_error`. No claim then has a number, which would be read as something known.
    """
    if facts.suspects:
        names = ", ".join(one.label for one in facts.suspects)
        reason = f"while {names} {'disagrees' if len(facts.suspects) == 1 else 'disagree'} with the other slices"
    elif quality(facts, expected) == POOR:
        reason = "because the slices predict each other poorly"
    else:
        return (_mass(facts), _transmurality(facts), _channels(facts))
    return tuple(Claim(name, False, f"{_unsupported(name)} {reason}.") for name in CLAIMS)


def _unsupported(name: str) -> str:
    return f"{name.capitalize()} {'are' if name == CHANNELS else 'is'} not supported"


def _mass(facts: Facts) -> Claim:
    measure = facts.wall.node_measure
    draws = facts.posterior.samples(facts.posterior.count, facts.wall.nodes) @ measure
    middle = float(facts.posterior.mean(facts.wall.nodes) @ measure)
    low, high = interval(with_evidence(draws, float(measure.sum()), facts.shifts), 0.95, middle)
    share = float((high - low) / (2 * max(middle, 1e-9)))
    unit, factor = ("g", GRAM) if facts.wall.kind == "volume" else ("% of the wall", 100 / measure.sum())
    told = f"{factor * middle:.1f} {unit}, 95 % interval {factor * low:.1f} to {factor * high:.1f}"
    if facts.coverage is not None and facts.coverage < AUDIT.least_coverage:
        reason = (
            f"only {facts.coverage:.0%} of the left-out pixels near borders lie in their 95 % intervals, so this one is too narrow as well"
        )
        return Claim(MASS, False, f"{_unsupported(MASS)} ({told}): {reason}.")
    if share > SURE_MASS:
        return Claim(MASS, False, f"{_unsupported(MASS)}: {told}, which is wider than ±{SURE_MASS:.0%}.")
    return Claim(MASS, True, f"Scar mass is supported: {told}.")


def _transmurality(facts: Facts) -> Claim:
    across = thickness(facts.wall)
    if across is None:
        return Claim(TRANSMURALITY, False, f"{_unsupported(TRANSMURALITY)}: this LV model has no thickness.")
    measured = f"borders of left-out slices were missed by {facts.missed:.1f} mm, so those of the map may be off by {facts.border:.1f} mm"
    if facts.border > QUARTER * across:
        return Claim(TRANSMURALITY, False, f"{_unsupported(TRANSMURALITY)}: {measured}, more than a quarter of the wall ({across:.0f} mm).")
    return Claim(TRANSMURALITY, True, f"Transmurality in quarters is supported: {measured} in a wall of {across:.0f} mm.")


def _channels(facts: Facts) -> Claim:
    across, along = channel_widths(facts)
    if across > WIDEST_CHANNEL:
        reason = f"those that cross the slices would have to be wider than {np.ceil(across):.0f} mm to be seen"
        return Claim(CHANNELS, False, f"{_unsupported(CHANNELS)}: {reason}.")
    sentence = f"Channels that cross the slices are supported if they are wider than {np.ceil(across):.0f} mm"
    return Claim(CHANNELS, True, f"{sentence}, channels that run along the slices if they are wider than {np.ceil(along):.0f} mm.")


def channel_widths(facts: Facts) -> tuple[float, float]:
    """mm: the narrowest channel that is supported, across the slices and along them."""
    stack = facts.slices[0].operator.stack
    pixel = max(max(stack.slices[one.number].spacing) for one in facts.slices)
    thick = max(stack.slices[one.number].thickness for one in facts.slices)
    return 2 * pixel + 2 * facts.border, max(float(gaps(facts.slices).max()), thick, 2 * pixel) + 2 * facts.border


def light(facts: Facts, expected: float, made: Sequence[Claim]) -> tuple[str, str]:
    """The traffic light, and why."""
    if facts.suspects:
        names = ", ".join(one.label for one in facts.suspects)
        sentence = f"Look at {names} first: {'it disagrees' if len(facts.suspects) == 1 else 'they disagree'} with the other slices."
        return ("yellow" if quality(facts, expected) == GOOD else "red"), sentence
    if quality(facts, expected) == POOR:
        return "red", "The slices predict each other poorly: the map between them is a guess."
    unsupported = [one.name for one in made if not one.supported]
    if len(unsupported) == len(made):
        return "yellow", "The slices support none of the claims."
    if unsupported:
        return "yellow", f"The slices support only part of the claims; not {', '.join(unsupported)}."
    if quality(facts, expected) == FAIR:
        return "yellow", "The slices support the claims, but they predict each other only fairly well: details between them are uncertain."
    return "green", "The slices predict each other well."
