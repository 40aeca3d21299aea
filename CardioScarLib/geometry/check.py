"""Checks of a stack and a wall before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from CardioScarLib.core.errors import StackMissesWall
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.geometry.overlap import PLAUSIBLE_SIZE, judged, overlap

SEVERITIES = ("error", "warning", "note")
LITTLE = 0.5
"""A smaller share of the wall within the stack is worth a warning."""
TOUCHING = 0.05
"""Thickness and distance of slices that differ by less than this share of the distance are taken as equal."""


@dataclass(frozen=True)
class Finding:
    """severity: "error", a run is impossible; "warning", check the input; "note", what was found or assumed.

    text: one sentence. remedies: what would correct it: "flip", "um" or "m" (see `overlap.REMEDIES`), or two of them.
    """

    severity: str
    text: str
    remedies: tuple[str, ...] = ()


def check_geometry(stack: SliceStack, wall: Wall) -> tuple[Finding, ...]:
    """Overlap of stack and wall, their sizes, and the gaps between slices; the worst finding first. LPS mm."""
    meeting = _meeting(overlap(stack, wall))
    findings = [meeting, *_slice_gaps(stack), *(Finding("warning", note) for note in (*stack.notes, *wall.notes))]
    if not meeting.remedies:
        findings += _size(wall)
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


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
    size = float(np.linalg.norm(np.ptp(wall.nodes, axis=0)))
    low, high = PLAUSIBLE_SIZE
    for remedy, factor, unit in (("um", 1e-3, "micrometers"), ("m", 1e3, "meters")):
        if not low <= size <= high and low <= factor * size <= high:
            return [Finding("warning", f"The LV model is {size:,.4g} mm long, as one in {unit} would be.", (remedy,))]
    if not low <= size <= high:
        return [Finding("warning", f"The LV model is {size:,.4g} mm long, which is not the size of a left ventricle; check its unit.")]
    return []


def _slice_gaps(stack: SliceStack) -> list[Finding]:
    """Thickness against the distance between slices, of the largest set of parallel ones."""
    group = [stack.slices[number] for number in stack.parallel_groups()[0]]
    if len(group) < 2:
        return []
    normal = group[0].normal
    steps = np.diff([one.center @ normal for one in group])
    step, thickness = float(np.median(steps)), float(np.median([one.thickness for one in group]))
    if step <= 0:
        return []
    slices = f"The slices are {thickness:.3g} mm thick and {step:.3g} mm apart"
    widest = float(steps.max())
    if widest > 1.5 * step:
        return [Finding("warning", f"{slices}, but two neighbors are {widest:.3g} mm apart: is a slice missing?")]
    if thickness > (1 + TOUCHING) * step:
        return [Finding("warning", f"{slices}: they overlap by {thickness - step:.3g} mm. Check the thickness.")]
    if thickness < 0.5 * step:
        return [Finding("warning", f"{slices}: more of the myocardium lies between them than in them. Check the thickness.")]
    gap = step - thickness
    return [Finding("note", f"{slices}, with gaps of {gap:.2g} mm." if gap > TOUCHING * step else f"{slices}, without gaps.")]
