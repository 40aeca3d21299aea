"""Which labels of a mask are myocardium."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from CardioScarLib.alignment.outlined import covered
from CardioScarLib.core.errors import BadAlignment
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.geometry.quadrature import sub_points

COARSE = 1.0
"""mm^3 of wall per point."""
ON_THE_WALL = 0.5
"""A label is myocardium if its pixels lie on the wall at least this much as often as those of the best label."""
MOST_LABELS = 12


def wall_labels(mask: SliceStack, wall: Wall, notes: list[str]) -> tuple[int, ...]:
    """The labels whose pixels lie on the wall; a note names them if there is a choice."""
    values = np.unique(np.concatenate([np.unique(np.rint(np.nan_to_num(one.pixels))) for one in mask]))
    labels = [int(value) for value in values if value != 0]
    if not labels:
        raise BadAlignment("The mask of the myocardium is empty: all its pixels are 0.")
    if len(labels) > MOST_LABELS:
        raise BadAlignment(f"The mask of the myocardium holds {len(labels)} different values; it must be a label map, not an image.")
    if len(labels) == 1:
        return tuple(labels)
    points = sub_points(wall, mask, COARSE)[0]
    chosen = labels_on_wall(mask, labels, (covered(one, points) for one in mask))
    words = " and ".join(str(label) for label in chosen)
    were = "was" if len(chosen) == 1 else "were"
    notes.append(f"Of the labels {', '.join(map(str, labels))} in the mask, {words} {were} taken as myocardium.")
    return chosen


def labels_on_wall(mask: SliceStack, labels: Sequence[int], cover: Iterable[np.ndarray]) -> tuple[int, ...]:
    """Those of the labels whose pixels lie on the wall, compared with the label that does best.

    cover: per slice of the mask, (rows, columns) share of each pixel that lies on the wall, in [0, 1].
    """
    on, total = np.zeros(len(labels)), np.zeros(len(labels))
    for one, share in zip(mask, cover, strict=True):
        for number, label in enumerate(labels):
            here = np.rint(one.pixels) == label
            on[number] += share[here].sum()
            total[number] += np.count_nonzero(here)
    mean = on / np.maximum(total, 1)
    return tuple(label for label, part in zip(labels, mean, strict=True) if part >= ON_THE_WALL * mean.max())
