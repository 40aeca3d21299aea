"""Slices for training: views of stacks around the heart, with what the networks are told about each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from CardioScarLib.core.errors import BadTrainingData
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.segmentation.finding import main_group
from CardioScarLib.segmentation.views import neighbors, view
from CardioScarLib.synthesis.gan.looks import look_of, scaled

MARGIN = 8
"""Pixels on each side of a stored view beyond the network's, by which views are shifted in training."""
BEYOND = 0.5
"""Heights of slices below the apex and above the base are cut at this, as a share of the heart's."""


@dataclass(frozen=True, eq=False)
class Views:
    """The parallel slices of one stack on square views around one point, from apex to base.

    squares: where they are. images: (slices, n, n) float32, -1 to 1, or None. labels: (slices, n, n) classes, 0 where none are known.
    around: (slices, 2) rows of the neighbors toward apex and base, -1 where there is none. height: (slices,) 0 at the most apical slice
    with labels, 1 at the most basal one.
    """

    squares: tuple[Slice, ...]
    images: np.ndarray | None
    labels: np.ndarray
    around: np.ndarray
    height: np.ndarray


def views_of(image: SliceStack | None, classes: SliceStack | None, spacing: float, size: int, center: np.ndarray | None = None) -> Views:
    """Views around the labels' middle, or around center, (3,) LPS mm. Raises BadTrainingData without labels and center."""
    stack = image if image is not None else classes
    if stack is None:
        raise ValueError("Views need an image or classes.")
    group = main_group(stack)
    if center is None:
        points = [one.to_points(*np.nonzero(one.pixels)) for one in (classes.slices[number] for number in group)] if classes else []
        if not sum(len(one) for one in points):
            raise BadTrainingData("its label map is empty")
        center = np.concatenate(points).mean(axis=0)
    squares = [view(stack.slices[number], center, spacing, size, order=int(image is not None)) for number in group]
    images = None
    if image is not None:
        raw = np.stack([one.pixels for one in squares])
        images = scaled(np.nan_to_num(raw), np.isfinite(raw))
    labels = np.zeros((len(group), size, size), dtype=np.uint8)
    if classes is not None:
        drawn = [view(classes.slices[number], center, spacing, size, order=0).pixels for number in group]
        labels = np.nan_to_num(np.stack(drawn)).astype(np.uint8)
    place = {number: row for row, number in enumerate(group)}
    around = np.array([[-1 if one is None else place[one] for one in pair] for pair in neighbors(stack, group)])
    return Views(tuple(squares), images, labels, around, _heights(labels))


def _heights(labels: np.ndarray) -> np.ndarray:
    used = np.flatnonzero(labels.any(axis=(1, 2)))
    first, last = (used[0], used[-1]) if len(used) else (0, len(labels) - 1)
    if last == first:
        return np.clip(0.5 + np.arange(len(labels)) - first, -BEYOND, 1 + BEYOND).astype(np.float32)
    return np.clip((np.arange(len(labels)) - first) / (last - first), -BEYOND, 1 + BEYOND).astype(np.float32)


@dataclass(frozen=True, eq=False)
class GanSamples:
    """Slices of many stacks, stored MARGIN pixels wider than the network's views.

    images: (n, s, s) float16, -1 to 1. labels: (n, s, s) uint8 classes. around, height: see `Views`. case: (n,) number of the stack.
    looks: (stacks, len(LOOK)).
    """

    images: np.ndarray
    labels: np.ndarray
    around: np.ndarray
    height: np.ndarray
    case: np.ndarray
    looks: np.ndarray

    def __len__(self) -> int:
        return len(self.images)

    @classmethod
    def of(cls, parts: Sequence[Views]) -> GanSamples:
        """parts: with images."""
        starts = np.cumsum([0, *(len(one.labels) for one in parts[:-1])])
        images = [one.images for one in parts if one.images is not None]
        return cls(
            np.concatenate(images).astype(np.float16),
            np.concatenate([one.labels for one in parts]),
            np.concatenate([np.where(one.around < 0, -1, one.around + start) for one, start in zip(parts, starts, strict=True)]),
            np.concatenate([one.height for one in parts]),
            np.concatenate([np.full(len(one.labels), number) for number, one in enumerate(parts)]),
            np.stack([look_of(each, one.labels) for each, one in zip(images, parts, strict=True)]),
        )

    def middle(self, stored: np.ndarray) -> np.ndarray:
        """The network's views of stored ones, (n, s, s)."""
        return stored[:, MARGIN:-MARGIN, MARGIN:-MARGIN]
