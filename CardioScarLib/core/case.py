"""A case, the input of a map: slices, wall, masks, shifts, and how they were read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from CardioScarLib.core.alignment import Alignment
from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.grids import on_grid
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall import Wall


@dataclass(frozen=True, eq=False)
class LabelMap:
    """Labels drawn on the slices of a case.

    stack: whole numbers on the grid of the case's slices, however its slices, rows and columns are stored.
    names: what label values mean, such as {"scar": (3, 4)}; a name without values leaves their choice to the method ("scar": ()).
    rule: a sentence on how the labels of the scar were found, or why none was, if nobody named them; they give way to labels that
        are named in the settings.
    """

    stack: SliceStack
    names: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    rule: str = ""


@dataclass(frozen=True, eq=False)
class ScarShares:
    """What a segmentation network says of the scar on the slices of a case, on their own grid.

    stack: pixels are the probability that the wall there is scarred, 0 to 1. weights: pixels say how much each counts, 0 to 1.
    spread: standard deviation of the error of the log-odds of a heart's share of scar, measured on hearts that the network did not
    learn from.
    description: which network, for provenance.
    """

    stack: SliceStack
    weights: SliceStack
    spread: float = 0.0
    description: str = ""


@dataclass(frozen=True, eq=False)
class Case:
    """One heart as it was examined.

    stack: LGE slices of one or many series, LPS mm, as they were read: not moved by `alignment`.
    wall: LV myocardium, LPS mm.
    scar: labels of the scar, used instead of intensities; shares: probabilities of it, used so. myocardium: labels of the myocardium,
        scar included: they tell an alignment where it lies, and a label map of the scar on which pixels the absence of scar means
        anything.
    alignment: shifts found on this stack, by which its slices are moved before anything is computed.
    reading: how files or nodes were read, plain JSON values. inputs: name, size and SHA-256 of each file, for the provenance.
    mesh: the mesh as read, if the wall came from a file; results are written on it. It stays in this process.
    """

    stack: SliceStack
    wall: Wall
    scar: LabelMap | None = None
    myocardium: LabelMap | None = None
    alignment: Alignment | None = None
    reading: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[dict[str, Any], ...] = ()
    mesh: Any = field(default=None, repr=False, metadata={"packed": False})
    shares: ScarShares | None = None

    def __post_init__(self) -> None:
        for name in ("scar", "myocardium"):
            labels = getattr(self, name)
            if labels is not None:
                object.__setattr__(self, name, replace(labels, stack=on_grid(self.stack, labels.stack)))
        if self.scar is not None and self.shares is not None:
            raise BadSettings("A case has labels of the scar or probabilities of it, not both.")
        if self.alignment is not None:
            self.alignment.check(self.stack)

    @property
    def observed_stack(self) -> SliceStack:
        """The pixels for the evidence: labels or probabilities of the scar if given, otherwise the slices; moved by the alignment."""
        given = self.scar or self.shares
        stack = self.stack if given is None else self.stack.with_pixels([one.pixels for one in given.stack])
        return stack if self.alignment is None else self.alignment.applied(stack)

    @property
    def drawn_myocardium(self) -> LabelMap | None:
        """The label map that decides where myocardium is: its own, or that of the scar if labels of it are named so."""
        if self.myocardium is None and self.scar is not None and self.scar.names.get("myocardium"):
            return self.scar
        return self.myocardium

    @property
    def notes(self) -> tuple[str, ...]:
        """Assumptions made on reading, as sentences."""
        return (*self.observed_stack.notes, *self.wall.notes)

    def aligned(self, alignment: Alignment | None) -> Case:
        """The same case with its slices moved. Raises BadAlignment for shifts of other slices."""
        return replace(self, alignment=alignment)


def check_evidence_of_mask(method: str) -> None:
    """Raise BadSettings for an evidence method that needs intensities if labels replace them."""
    if method not in ("auto", "labels"):
        raise BadSettings(f"--mask replaces the intensities, which --evidence {method} needs; omit one of them.")
