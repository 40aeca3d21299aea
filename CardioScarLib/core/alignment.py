"""Shifts of slices against the wall."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from CardioScarLib.core.errors import BadAlignment
from CardioScarLib.core.settings import AlignmentSettings
from CardioScarLib.core.slices import SliceStack


@dataclass(frozen=True)
class SliceShift:
    """The in-plane shift of one slice.

    label: of the slice. shift, sd: mm along its rows (row index growing) and along its columns. reliable: whether it was measured on this
    slice; where not, shift is that of the whole stack. sentence: why.
    """

    label: str
    shift: tuple[float, float]
    sd: tuple[float, float]
    reliable: bool
    sentence: str

    @property
    def distance(self) -> float:
        """mm."""
        return float(np.hypot(*self.shift))


@dataclass(frozen=True)
class Alignment:
    """Shifts of all slices of a stack against the wall, in the order of the stack.

    source: what they were found from. common: (3,) LPS mm, the part of the shifts that all slices of the largest parallel group
    share; it is part of `slices`. spread: mm, SD of the slices' own shifts per direction. settings: those they were
    found with. notes: what was found, in sentences.
    """

    source: str
    slices: tuple[SliceShift, ...]
    common: tuple[float, float, float]
    spread: float
    settings: AlignmentSettings
    notes: tuple[str, ...]

    def applied(self, stack: SliceStack) -> SliceStack:
        """The stack with its slices moved; pixels stay what they are. Raises BadAlignment for another stack."""
        self.check(stack)
        moved = tuple(
            replace(
                one,
                origin=one.origin + found.shift[0] * one.row_step / one.spacing[0] + found.shift[1] * one.column_step / one.spacing[1],
            )
            for one, found in zip(stack, self.slices, strict=True)
        )
        return SliceStack(moved, (*stack.notes, *self.notes, "The slices were moved by these shifts."))

    def check(self, stack: SliceStack) -> None:
        """Raise BadAlignment unless the shifts were found on slices like these."""
        if [one.label for one in stack] != [one.label for one in self.slices]:
            raise BadAlignment("The shifts were found on other slices than these; find them again on the slices in use.")

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "slices": [{**asdict(one), "distance": one.distance} for one in self.slices]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Alignment:
        """The alignment that `as_dict`, or JSON made of it, came from."""
        slices = tuple(
            SliceShift(one["label"], tuple(one["shift"]), tuple(one["sd"]), one["reliable"], one["sentence"]) for one in values["slices"]
        )
        return cls(
            values["source"],
            slices,
            tuple(values["common"]),
            values["spread"],
            AlignmentSettings.from_dict(values["settings"]),
            tuple(values["notes"]),
        )
