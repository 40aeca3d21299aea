"""Segmenting a stack."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from CardioScarLib.core.errors import BadEvidence
from CardioScarLib.core.segmentation_settings import SegmentSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.reconstruction.dropout.device import choose_device
from CardioScarLib.segmentation.anatomy import most_likely, plausible, tissue
from CardioScarLib.segmentation.classes import CLASSES, WALL
from CardioScarLib.segmentation.finding import find_heart, main_group
from CardioScarLib.segmentation.forward import probabilities
from CardioScarLib.segmentation.not_cine import looks_like_cine
from CardioScarLib.segmentation.recipes import EVERY_CLASS
from CardioScarLib.segmentation.tissue import with_intensities
from CardioScarLib.segmentation.views import back_on, neighbors, view
from CardioScarLib.segmentation.weights import Trained

SHORT = 12
OFF_CENTER = 6.0
"""mm: a heart that lies farther from the middle of its view is looked at again, from its own middle ..."""
LOOKS = 3
"""... so often at most, the first included."""


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Classes of the pixels of a stack, on its own planes.

    image: the slices. labels: pixels are values of `CLASSES`. probabilities: for each slice (5, rows, columns) float32. uncertainty:
    (rows, columns) of each slice, 0..1: entropy of the class over its maximum, so that the turns' disagreement is part of it.
    disagreement: that part alone. network: its name and the SHA-256 of its weights. share_spread: see `core.case.ScarShares`; None
    where it was not measured. notes: sentences about what was assumed or left out.
    """

    image: SliceStack
    labels: SliceStack
    probabilities: tuple[np.ndarray, ...]
    uncertainty: tuple[np.ndarray, ...]
    disagreement: tuple[np.ndarray, ...]
    network: str
    share_spread: float | None
    notes: tuple[str, ...]


def segment(
    stack: SliceStack,
    trained: Trained,
    finder: Trained,
    settings: SegmentSettings | None = None,
    progress: Callable[..., None] = lambda stage, step, steps: None,
) -> Segmentation:
    """Segment the parallel short-axis slices of a stack; other slices stay background.

    The result does not depend on the order or direction in which slices, rows and columns are stored. Raises BadStack where no left
    ventricle is found, BadSettings, OutOfMemory.
    """
    settings = settings or SegmentSettings()
    device = choose_device(settings.device)[0]
    group = main_group(stack)
    progress("heart", 0, 1)
    center = find_heart(stack, group, finder, settings.views, device)
    progress("heart", 1, 1)
    around = dict(zip(group, neighbors(stack, group), strict=True))
    recipe = trained.recipe
    for look in range(LOOKS):
        progress("segmentation", look, LOOKS)
        squares = {number: view(stack.slices[number], center, recipe.spacing, recipe.size) for number in group}
        found = probabilities(trained, squares, around, settings.views, device)
        middle = _middle([(squares[number], found[number][0]) for number in group])
        if middle is None or np.linalg.norm(middle - center) < OFF_CENTER:
            break
        center = middle
    progress("segmentation", LOOKS, LOOKS)
    each, spread = _on_slices(stack, squares, found)
    labels = [most_likely(one) for one in each]
    for number, one in zip(group, plausible([labels[number] for number in group], settings), strict=True):
        labels[number] = one
    notes = list(stack.notes)
    if (cine := looks_like_cine(stack, labels)) is not None:
        notes.append(cine)
    if settings.intensities and recipe.classes == EVERY_CLASS:
        each, labels, said = _with_intensities(stack, each, labels)
        notes += said
    left = len(stack) - len(group)
    if left:
        notes.append(f"Slices that are not parallel to the others were not segmented: {left} of {len(stack)}.")
    known = trained.record.get("share_spread")
    name = f"{recipe.name}, weights {trained.sha256[:SHORT]}"
    return Segmentation(stack, stack.with_pixels(labels), tuple(each), uncertainty_of(each), tuple(spread), name, known, tuple(notes))


def _with_intensities(stack: SliceStack, each: list[np.ndarray], labels: list[np.ndarray]):
    """Probabilities and labels whose tissue the intensities of the image have a say in, and notes."""
    if not any(np.isin(one, WALL).any() for one in labels):
        return each, labels, []
    try:
        each = with_intensities(stack, labels, each)
    except BadEvidence as problem:
        return each, labels, [f"Scar is told by the network alone, since the intensities of the image could not be read: {problem}"]
    return each, [np.where(np.isin(one, WALL), tissue(told), one).astype(np.uint8) for one, told in zip(labels, each, strict=True)], []


def uncertainty_of(probabilities: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    """Entropy of the class at each pixel over its maximum, 0 to 1, float32; probabilities: (5, rows, columns) for each slice."""
    return tuple((-(one * np.log(np.clip(one, 1e-12, 1))).sum(axis=0) / np.log(len(CLASSES))).astype(np.float32) for one in probabilities)


def _middle(seen) -> np.ndarray | None:
    """(3,) of the pixels that are more likely heart than not; None where there are none."""
    points = [square.to_points(*np.nonzero(one[0] < 0.5)) for square, one in seen]
    points = [one for one in points if len(one)]
    return np.mean([one.mean(axis=0) for one in points], axis=0) if points else None


def _on_slices(stack: SliceStack, squares, found) -> tuple[list[np.ndarray], list[np.ndarray]]:
    background = np.eye(len(CLASSES))[0]
    each, spread = [], []
    for number, one in enumerate(stack):
        if number not in squares:
            each.append(np.broadcast_to(background[:, None, None], (len(CLASSES), *one.pixels.shape)).astype(np.float32))
            spread.append(np.zeros(one.pixels.shape, dtype=np.float32))
            continue
        mean, apart = found[number]
        there = back_on(one, squares[number], np.concatenate([mean, apart[None]]), np.append(background, 0.0))
        each.append(there[:-1].astype(np.float32))
        spread.append(there[-1].astype(np.float32))
    return each, spread
