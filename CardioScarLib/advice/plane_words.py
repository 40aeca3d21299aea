"""The position of a plane, in words by which a technologist can plan a slice."""

from __future__ import annotations

import numpy as np

from CardioScarLib.advice.candidate_planes import SHORT, Candidate, LongAxis, short_axis_group
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.core.wall import Wall

SAME_PLACE = 0.5
"""mm."""
SUPERIOR = np.array([0.0, 0.0, 1.0])
"""LPS."""
LYING = 0.5
"""How much of the superior direction lies across the long axis at least for horizontal and vertical long axes to mean something."""
CLOSE = np.radians(20)
TILTED = 25.0
"""Degrees between the slices' normal and the long axis that are worth a note."""


class PlaneWords:
    """Describes where candidates lie relative to the slices of a stack."""

    def __init__(self, stack: SliceStack, axis: LongAxis):
        self.axis = axis
        self.group = [stack.slices[number] for number in short_axis_group(stack, axis)]
        if self.group:
            normal = self.group[0].normal
            self.normal = normal * np.sign(normal @ axis.direction)
            self.group.sort(key=lambda one: float(one.center @ self.normal))  # the apex last

    def of(self, candidate: Candidate) -> str:
        return self._short(candidate.plane) if candidate.kind == SHORT else self._long(candidate.plane)

    def _short(self, plane: Slice) -> str:
        if not self.group:
            towards = float((plane.center - self.axis.center) @ self.axis.direction)
            return f"short axis, {abs(towards):.1f} mm from the middle of the LV towards the {'apex' if towards > 0 else 'base'}"
        base, apex = self.group[0], self.group[-1]
        place = float(plane.center @ self.normal)
        heights = np.array([one.center @ self.normal for one in self.group])
        nearest = int(np.argmin(np.abs(heights - place)))
        if abs(heights[nearest] - place) < SAME_PLACE:
            return f"short axis, at the position of {self.group[nearest].label}"
        if place > heights[-1]:
            return f"short axis, {place - heights[-1]:.1f} mm beyond {apex.label}, the most apical, towards the apex"
        if place < heights[0]:
            return f"short axis, {heights[0] - place:.1f} mm beyond {base.label}, the most basal, towards the base"
        below = int(np.searchsorted(heights, place))
        between = f"between {self.group[below - 1].label} and {self.group[below].label}"
        return f"short axis, {heights[-1] - place:.1f} mm from {apex.label}, the most apical, towards the base ({between})"

    def _long(self, plane: Slice) -> str:
        across = plane.column_step / plane.spacing[1]
        words = "long axis"
        if self.group:
            image = self.group[0]
            right, down = image.column_step / image.spacing[1], image.row_step / image.spacing[0]
            angle = np.degrees(np.arctan2(across @ down, across @ right)) % 180
            words += f", through the middle of the left ventricle, {angle:.0f} degrees clockwise from the rows of {image.label}"
        upwards = SUPERIOR - (SUPERIOR @ self.axis.direction) * self.axis.direction
        if np.linalg.norm(upwards) > LYING:
            turned = np.arccos(min(1.0, abs(across @ upwards) / np.linalg.norm(upwards)))
            if turned < CLOSE:
                words += ", close to the vertical long axis (two-chamber view)"
            elif turned > np.pi / 2 - CLOSE:
                words += ", close to the horizontal long axis (four-chamber view)"
        return words

    def notes(self, stack: SliceStack, wall: Wall) -> tuple[str, ...]:
        """What to consider about the planes of this case."""
        notes = []
        if len(stack) == 1:
            notes.append("The stack has a single slice; proposals far from it are guesses.")
        if not self.group:
            notes.append("The stack has no short-axis slices; short-axis proposals are perpendicular to the long axis of the LV model.")
        elif (tilt := np.degrees(np.arccos(min(1.0, self.normal @ self.axis.direction)))) > TILTED:
            notes.append(
                f"The slices are tilted by {tilt:.0f} degrees from the short axis of the LV model; short-axis proposals are parallel to "
                "the slices, long-axis proposals to the axis of the LV model."
            )
        if wall.kind in ("shell", "points"):
            notes.append("The LV model encloses no volume; the thickness of the myocardium is ignored.")
        return tuple(notes)
