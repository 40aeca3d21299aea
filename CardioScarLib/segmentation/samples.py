"""Training samples: slices of cases on wide views, kept in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from CardioScarLib.core.errors import BadTrainingData
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.segmentation.recipes import Recipe
from CardioScarLib.segmentation.views import neighbors, view

FINER, WIDER = 0.75, 2.0
"""Of a stored view against that of the network: spacing and number of pixels, so that it can be turned, shifted and scaled."""
BRIGHT = 99.5
"""Percentile of a stack that becomes 1, so that half precision holds it."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Slices of many cases.

    images: (n, s, s) float16, labels: (n, s, s) uint8 classes, valid: (n, s, s) bool, pixels within the image; at `spacing` mm.
    around: (n, 2) rows of the neighbors toward apex and base, -1 where there is none. case: (n,) number of the case.
    synthetic: (n,) bool, images that were made, and are learned from in a share that the settings tell.
    """

    images: np.ndarray
    labels: np.ndarray
    valid: np.ndarray
    around: np.ndarray
    case: np.ndarray
    spacing: float
    synthetic: np.ndarray

    def __len__(self) -> int:
        return len(self.images)

    def has(self, value: int) -> np.ndarray:
        """(n,) bool: slices with pixels of this class."""
        return np.array([bool((one == value).any()) for one in self.labels])

    @classmethod
    def joined(cls, parts: Sequence[Samples]) -> Samples:
        starts = np.cumsum([0, *(len(one) for one in parts[:-1])])
        return cls(
            np.concatenate([one.images for one in parts]),
            np.concatenate([one.labels for one in parts]),
            np.concatenate([one.valid for one in parts]),
            np.concatenate([np.where(one.around < 0, -1, one.around + start) for one, start in zip(parts, starts, strict=True)]),
            np.concatenate([np.full(len(one), number) for number, one in enumerate(parts)]),
            parts[0].spacing,
            np.concatenate([one.synthetic for one in parts]),
        )


def samples_of(image: SliceStack, classes: SliceStack, recipe: Recipe) -> Samples:
    """The parallel slices of a case around its heart.

    classes: pixels are values of `CLASSES` on the grid of the image. Raises BadTrainingData where nothing is labeled.
    """
    group = image.parallel_groups()[0]
    labeled = [one.to_points(*np.nonzero(one.pixels)) for one in (classes.slices[number] for number in group)]
    if not sum(len(one) for one in labeled):
        raise BadTrainingData("its label map is empty")
    center = np.concatenate(labeled).mean(axis=0)
    spacing, size = FINER * recipe.spacing, int(WIDER * recipe.size)
    bright = float(np.percentile(np.abs(np.concatenate([image.slices[number].pixels.ravel() for number in group])), BRIGHT)) or 1.0
    seen = np.stack([view(image.slices[number], center, spacing, size).pixels for number in group])
    drawn = np.stack([view(classes.slices[number], center, spacing, size, order=0).pixels for number in group])
    place = {number: row for row, number in enumerate(group)}
    around = [[-1 if one is None else place[one] for one in pair] for pair in neighbors(image, group)]
    return Samples(
        np.clip(np.nan_to_num(seen) / bright, -8, 8).astype(np.float16),
        np.nan_to_num(drawn).astype(np.uint8),
        np.isfinite(seen),
        np.array(around),
        np.zeros(len(group), dtype=np.int64),
        spacing,
        np.zeros(len(group), dtype=bool),
    )
