"""From a stack, a wall and the borders of the myocardium to the shift of each slice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from CardioScarLib.alignment.borders import borders_of_contours, borders_of_mask
from CardioScarLib.alignment.edges import Brightness, brightness, edges, searched
from CardioScarLib.alignment.labels import wall_labels
from CardioScarLib.alignment.match import Match, match
from CardioScarLib.alignment.outline import BorderPoints, Outline, bordering_skin, outline
from CardioScarLib.alignment.shrink import shrunken
from CardioScarLib.core.alignment import Alignment, SliceShift
from CardioScarLib.core.errors import BadAlignment
from CardioScarLib.core.grids import on_grid
from CardioScarLib.core.settings import AlignmentSettings
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.geometry.check import geometry_doubts
from CardioScarLib.wall import SliceContours

WORTH_TELLING = 2.0
"""mm: slices with a larger shift are counted in the note."""
SOURCES_IN_WORDS = {
    "mask": "a mask of the myocardium",
    "contours": "contours of the myocardium",
    "image": "the borders visible in the image",
}
SYSTEMATIC = 0.2
"""mm by which borders as a whole are drawn off center on a slice, in addition to their scatter."""
COMMON_BIAS = {"mask": 0.0, "contours": 0.0, "image": 1.0}
"""mm by which all slices together seem shifted where none is: scar and papillary muscles lie at the same side on all of them."""
SURE_ENOUGH = {"mask": 1.0, "contours": 1.0, "image": 0.7}
"""mm: a shift that is less certain in some direction is not reliable. Scar and papillary muscles are not random, so
the scatter of edges in an image underestimates their error."""
EDGE_ROUNDS, SETTLED = 8, 0.05
"""How often edges are sought in the image, unless the shift settles within so many mm."""
AGREEING = 0.5
"""Share of the borders that must fit the outline."""


def find_shifts(
    stack: SliceStack,
    wall: Wall,
    source: str,
    mask: SliceStack | None = None,
    contours: Sequence[SliceContours] | None = None,
    settings: AlignmentSettings | None = None,
) -> Alignment:
    """The in-plane shift of each slice that brings the borders of the myocardium onto those of the wall.

    stack, wall: LPS mm. source: "mask", "contours" or "image". mask: labels on the grid of the stack. contours: as read by
    `io.contours.read_contours`, drawn on slices of the stack.
    Raises BadAlignment, BadWall for a wall that encloses no volume, StackMissesWall.
    """
    settings = settings or AlignmentSettings()
    notes = list(geometry_doubts(stack, wall))
    surface = bordering_skin(wall)
    outlines = [outline(surface, one) for one in stack]
    largest = settings.largest_shift
    if source == "image":
        found = [_seen(image, line, largest) for image, line in zip(brightness(stack, wall), outlines, strict=True)]
        doubts = [_doubt(one, source, len(line), 1, settings) for one, line in zip(found, outlines, strict=True)]
    else:
        borders = _given(source, stack, wall, mask, contours, settings, notes)
        found = [match(line, border, one.thickness, largest) for line, border, one in zip(outlines, borders, stack, strict=True)]
        doubts = [_doubt(one, source, len(line), len(border), settings) for one, line, border in zip(found, outlines, borders, strict=True)]
    return _alignment(stack, source, settings, found, doubts, notes)


def _given(source, stack, wall, mask, contours, settings: AlignmentSettings, notes: list[str]) -> list[BorderPoints]:
    """The borders that were drawn or segmented, per slice."""
    if source == "contours":
        return borders_of_contours(stack, contours or ())
    if source == "mask":
        if mask is None:
            raise BadAlignment("Alignment by a mask needs a label map of the myocardium.")
        mask = on_grid(stack, mask)
        return borders_of_mask(stack, mask, settings.wall_labels or wall_labels(mask, wall, notes))
    raise BadAlignment(f"Slices cannot be aligned by '{source}'; use {', '.join(SOURCES_IN_WORDS)}.")


def _seen(image: Brightness, line: Outline, largest: float) -> Match | None:
    """The shift of a slice by the edges in its image, which are sought again after every shift."""
    shift, found = searched(image, line, largest), None
    for _ in range(EDGE_ROUNDS):
        if shift is None:
            return None
        found = match(line, edges(image, line, shift), image.one.thickness, largest, start=shift)
        if found is None or np.linalg.norm(found.shift - shift) < SETTLED or np.linalg.norm(found.shift) > 2 * largest:
            break
        shift = found.shift
    return found


def _doubt(found: Match | None, source: str, cut: int, drawn: int, settings: AlignmentSettings) -> str | None:
    """Why the shift of a slice is not reliable; None if it is."""
    if not cut:
        return "The middle plane of the slice misses the LV wall."
    if not drawn:
        return "No border of the myocardium is given on this slice."
    if found is None or found.agreeing < AGREEING:
        share = 0.0 if found is None else found.agreeing
        return f"Only {share:.0%} of the borders on this slice fit the outline of the LV wall."
    distance = float(np.hypot(*found.shift))
    if distance > settings.largest_shift:
        return f"Its shift would be {distance:.1f} mm, more than the {settings.largest_shift:g} mm allowed."
    worst = float(np.sqrt(np.linalg.eigvalsh(found.covariance)[-1]))
    if worst > SURE_ENOUGH[source]:
        return f"Too little of the border is visible, or it is too oblique: the shift is known only to within {worst:.1f} mm."
    return None


def _alignment(
    stack: SliceStack, source: str, settings: AlignmentSettings, found: list[Match | None], doubts: list[str | None], notes: list[str]
) -> Alignment:
    sure = {number: own for number, (own, doubt) in enumerate(zip(found, doubts, strict=True)) if own is not None and doubt is None}
    if not sure:
        raise BadAlignment(f"No shift can be found on any of the {len(stack)} slices. {_most_common(doubts)}")
    groups = stack.parallel_groups()
    group, axes = np.empty(len(stack), dtype=int), np.empty((len(groups), 2, 3))
    for number, members in enumerate(groups):
        group[members] = number
        axes[number] = _directions(stack.slices[members[0]])
    # Rows and columns of slices into those of their group, and back.
    turns = np.array([axes[group[number]] @ _directions(one).T for number, one in enumerate(stack)])
    measured, covariance = np.zeros((len(stack), 2)), np.full((len(stack), 2, 2), np.inf)
    for number, own in sure.items():
        measured[number] = turns[number] @ own.shift
        covariance[number] = turns[number] @ (own.covariance + SYSTEMATIC**2 * np.eye(2)) @ turns[number].T
    shifts, sd, offsets, spread = shrunken(measured, covariance, group, COMMON_BIAS[source])
    slices = tuple(
        SliceShift(
            one.label,
            _pair(turns[number].T @ shifts[number]),
            _pair(np.abs(turns[number].T) @ sd[number]),
            number in sure,
            doubts[number] or f"{sure[number].seen:.0f} mm of border fit with a residual of {sure[number].residual:.1f} mm.",
        )
        for number, one in enumerate(stack)
    )
    common = offsets[0] @ axes[0]
    return Alignment(source, slices, tuple(common.tolist()), spread, settings, (*notes, *_sentences(source, slices, common)))


def _pair(values: np.ndarray) -> tuple[float, float]:
    row, column = values.tolist()
    return row, column


def _directions(one: Slice) -> np.ndarray:
    """(2, 3) unit vectors along rows and columns."""
    return np.stack([one.row_step / one.spacing[0], one.column_step / one.spacing[1]])


def _sentences(source: str, slices: Sequence[SliceShift], common: np.ndarray) -> list[str]:
    far = sum(one.distance > WORTH_TELLING for one in slices)
    largest = max(slices, key=lambda one: one.distance)
    words = (
        f"According to {SOURCES_IN_WORDS[source]}, {far} of {len(slices)} slices are shifted in their plane by more than "
        f"{WORTH_TELLING:g} mm; the largest shift is {largest.distance:.1f} mm, of {largest.label}."
    )
    sentences = [words]
    unsure = [one.label for one in slices if not one.reliable]
    if unsure:
        sentences.append(f"{len(unsure)} of {len(slices)} slices have no reliable shift of their own: {', '.join(unsure)}.")
    offset = float(np.linalg.norm(common))
    if offset > WORTH_TELLING:
        sentences.append(
            f"The stack as a whole is shifted by {offset:.1f} mm from the LV model, which breath-holds do not explain: the LV model may "
            "lie in the wrong place, or come from another examination."
        )
    return sentences


def _most_common(doubts: list[str | None]) -> str:
    return max((doubt for doubt in doubts if doubt), key=doubts.count)
