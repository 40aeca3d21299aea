"""Checks of a stack and a wall before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from CardioScarLib.core.errors import BadStack, CardioScarError, StackMissesWall
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.geometry.overlap import PLAUSIBLE_SIZE, SCALES, UNIT_WORDS, judged, overlap

SEVERITIES = ("error", "warning", "note")
LITTLE = 0.5
"""A smaller share of the wall within the stack is worth a warning."""
TOUCHING = 0.05
"""Thickness and distance of slices that differ by less than this share of the distance are taken as equal."""
FEWEST_ACROSS, THINNEST_ACROSS = 4, 4.0
"""Slices, and mm of thickness, from which on a parallel set is taken for short-axis slices; 3D images lie in any direction."""
MOST_OBLIQUE = 40.0
"""Degrees between the long axis of an LV and the normal of its short-axis slices."""
PLAUSIBLE_THICKNESS = 0.5, 20.0
"""mm: of a slice, from 3D images to those of the body."""


@dataclass(frozen=True)
class Finding:
    """severity: "error", a run is impossible; "warning", check the input; "note", what was found or assumed.

    text: one sentence. remedies: what would correct it: "flip", "um", "cm" or "m" (see `overlap.REMEDIES`), or two of them.
    kind: what an error is raised as.
    """

    severity: str
    text: str
    remedies: tuple[str, ...] = ()
    kind: type[CardioScarError] = StackMissesWall


def check_geometry(stack: SliceStack, wall: Wall) -> tuple[Finding, ...]:
    """Overlap of stack and wall, whether they are what they should be, and the gaps between slices; the worst finding first. LPS mm."""
    return _sorted([*_findings(stack, wall), *(Finding("warning", note) for note in (*stack.notes, *wall.notes))])


def geometry_doubts(stack: SliceStack, wall: Wall) -> tuple[str, ...]:
    """The warnings of `check_geometry` as sentences, without the stack's and the wall's own notes.

    Raises StackMissesWall or BadStack, with the sentence of the first error.
    """
    findings = _sorted(_findings(stack, wall))
    if findings[0].severity == "error":
        raise findings[0].kind(findings[0].text)
    return tuple(finding.text for finding in findings if finding.severity == "warning")


def _sorted(findings: list[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def _findings(stack: SliceStack, wall: Wall) -> list[Finding]:
    from CardioScarLib.geometry.plausible import wall_doubts  # not at the start of Slicer, which would wait for scipy

    meeting = _meeting(overlap(stack, wall))
    findings = [meeting, *_places(stack), *_slice_gaps(stack)]
    sizes = [] if meeting.remedies else _size(wall)
    findings += sizes
    if not sizes and not meeting.remedies:  # a wall in another unit is not judged by its mL, and a flipped one by its axis
        findings += [Finding("warning", doubt) for doubt in (*wall_doubts(wall), *_axis(stack, wall))]
    return findings


def _places(stack: SliceStack) -> list[Finding]:
    try:
        stack.check_repeated()
    except BadStack as error:
        return [Finding("error", str(error), kind=BadStack)]
    return []


def _meeting(found: dict) -> Finding:
    remedies = tuple(next(iter(found["remedies"]), "").split(" and ")) if found["remedies"] else ()
    try:
        doubts = judged(found)
    except StackMissesWall as error:
        return Finding("error", str(error), remedies)
    if doubts:
        return Finding("warning", doubts[0], remedies)
    if found["covered"] < LITTLE:
        return Finding("warning", f"Only {found['covered']:.0%} of the LV model lies within the stack; no slice sees the rest.")
    return Finding("note", f"{found['covered']:.0%} of the LV model lies within the stack, {found['inside']:.0%} inside a slice.")


def _size(wall: Wall) -> list[Finding]:
    """A doubt about the unit of a wall that is too large or too small for an LV."""
    size = float(np.linalg.norm(np.ptp(wall.nodes[wall.node_measure > 0], axis=0)))
    low, high = PLAUSIBLE_SIZE
    if low <= size <= high:
        return []
    for unit, factor in SCALES.items():
        if low <= factor * size <= high:
            return [Finding("warning", f"The LV model is {size:,.4g} mm long, as one in {UNIT_WORDS[unit]} would be.", (unit,))]
    return [Finding("warning", f"The LV model is {size:,.4g} mm long, which is not the size of a left ventricle; check its unit.")]


def _axis(stack: SliceStack, wall: Wall) -> list[str]:
    """A doubt about a wall that a stack of thick slices, as of the short axis, cuts obliquely."""
    group = [stack.slices[number] for number in stack.parallel_groups()[0]]
    if len(group) < FEWEST_ACROSS or float(np.median([one.thickness for one in group])) < THINNEST_ACROSS:
        return []
    from CardioScarLib.geometry.plausible import apex_direction

    apex = apex_direction(wall)
    if apex is None:
        return []
    angle = float(np.degrees(np.arccos(min(1.0, abs(apex @ group[0].normal)))))
    if angle <= MOST_OBLIQUE:
        return []
    return [
        f"The long axis of the LV model is {angle:.0f} degrees off the direction across the slices, while short-axis slices lie across it: "
        "check the frame of the model (LPS or RAS), and that both belong to the same heart."
    ]


def _slice_gaps(stack: SliceStack) -> list[Finding]:
    """Thickness against the distance between slices, of each set of parallel ones."""
    groups = [[stack.slices[number] for number in group] for group in stack.parallel_groups()]
    found = [_gap(group) for group in groups]
    return [one for one in dict.fromkeys(found) if one is not None]


def _gap(group: list[Slice]) -> Finding | None:
    normal = group[0].normal
    steps = np.diff([one.center @ normal for one in group])
    step, thickness = float(np.median(steps)) if len(steps) else 0.0, float(np.median([one.thickness for one in group]))
    low, high = PLAUSIBLE_THICKNESS
    if not low <= thickness <= high:
        return Finding("warning", f"The slices are {thickness:.3g} mm thick, which slices of a heart hardly ever are; check the thickness.")
    if step <= 0:
        return None
    slices = f"The slices are {thickness:.3g} mm thick and {step:.3g} mm apart"
    widest = float(steps.max())
    if widest > 1.5 * step:
        return Finding("warning", f"{slices}, but two neighbors are {widest:.3g} mm apart: is a slice missing?")
    if thickness > (1 + TOUCHING) * step:
        return Finding("warning", f"{slices}: they overlap by {thickness - step:.3g} mm. Check the thickness.")
    if thickness < 0.5 * step:
        return Finding("warning", f"{slices}: more of the myocardium lies between them than in them. Check the thickness.")
    gap = step - thickness
    return Finding("note", f"{slices}, with gaps of {gap:.2g} mm." if gap > TOUCHING * step else f"{slices}, without gaps.")
