"""The flags that move slices in their planes to fit the wall, and the shifts in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

import click

from CardioScarLib.cli.arguments import Integers, setting
from CardioScarLib.errors import BadSettings
from CardioScarLib.settings import ALIGNMENT_SOURCES, AlignmentSettings

if TYPE_CHECKING:
    from CardioScarLib.cli.inputs import Inputs
    from CardioScarLib.geometry.alignment import Alignment
    from CardioScarLib.geometry.slices import SliceStack
    from CardioScarLib.geometry.wall import Wall


@dataclass(frozen=True)
class AlignmentChoice:
    """What the flags say. source: None where nothing is to be moved. files: the mask or the contours."""

    source: str | None
    files: tuple[Path, ...]
    settings: AlignmentSettings

    def __post_init__(self) -> None:
        if self.source is None and self.files:
            raise BadSettings("--align-from names files to align the slices by; add --align mask or --align contours.")
        if self.source == "image" and self.files:
            raise BadSettings("--align image takes the slices as they are; drop --align-from, or choose --align mask or contours.")
        if self.source == "contours" and not self.files:
            raise BadSettings("--align contours needs the contour files, or their folder, after --align-from.")

    def find(self, inputs: Inputs, stack: SliceStack, wall: Wall) -> Alignment | None:
        """The shifts of the slices that the inputs name; None where nothing is to be moved."""
        if self.source is None:
            return None
        from CardioScarLib.geometry.alignment import find_shifts

        if self.source == "contours":
            from CardioScarLib.io.contours import read_contours

            contours, _ = read_contours(self.files, inputs.images, inputs.slice_axis, inputs.slice_thickness)
            return find_shifts(stack, wall, self.source, contours=contours, settings=self.settings)
        if self.source == "image":
            return find_shifts(inputs.read_images(), wall, self.source, settings=self.settings)
        if not (self.files or inputs.masks):
            raise BadSettings("--align mask needs the label map of the myocardium after --align-from, or as --mask.")
        mask = inputs.read_labels(self.files or inputs.masks)
        return find_shifts(stack, wall, self.source, mask=mask, settings=self.settings)


def align_options(required: bool = False) -> Callable[[Callable], Callable]:
    """Give a command the flags, which it gets together as the keyword `align`. required: whether there has to be a source."""
    help_text = "Move slices in their planes to fit the wall, by this."
    options = (
        click.option("--align", "source", type=click.Choice(ALIGNMENT_SOURCES), required=required, help=help_text),
        click.option("--align-from", "files", multiple=True, type=Path, metavar="FILE...", help="That mask, or those contours."),
        setting("--wall-labels", AlignmentSettings, "wall_labels", type=Integers(), metavar='"2,3"', help="Labels of the wall in it."),
        setting("--largest-shift", AlignmentSettings, "largest_shift", type=float, metavar="MM", help="Of a slice, if it is moved."),
    )

    def with_flags(command: Callable) -> Callable:
        @wraps(command)
        def with_alignment(*inputs, source, files, wall_labels, largest_shift, **values):
            return command(*inputs, align=AlignmentChoice(source, files, AlignmentSettings(largest_shift, wall_labels)), **values)

        for option in reversed(options):
            with_alignment = option(with_alignment)
        return with_alignment

    return with_flags


def in_words(alignment: Alignment) -> str:
    """The shifts as a table, for a person."""
    width = max(len(one.label) for one in alignment.slices)
    lines = [f"{'Slice':<{width}}  along rows  along columns  distance (mm)"]
    for one in alignment.slices:
        numbers = [f"{shift:+.1f} \N{PLUS-MINUS SIGN} {sd:.1f}" for shift, sd in zip(one.shift, one.sd, strict=True)]
        doubt = "" if one.reliable else f"  {one.sentence}"
        lines.append(f"{one.label:<{width}}  {numbers[0]:>10}  {numbers[1]:>13}  {one.distance:>13.1f}{doubt}")
    return "\n".join(lines)
