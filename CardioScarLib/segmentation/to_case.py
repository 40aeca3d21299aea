"""From a segmentation to a case: its wall, and its probabilities of scar as evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from CardioScarLib.core.case import Case
from CardioScarLib.core.errors import BadContours, BadWall
from CardioScarLib.core.settings import WallSettings
from CardioScarLib.segmentation.classes import CAVITY, MYOCARDIUM, NO_REFLOW, SCAR, WALL
from CardioScarLib.segmentation.finding import main_group
from CardioScarLib.segmentation.predict import Segmentation
from CardioScarLib.segmentation.shares import shares_of
from CardioScarLib.wall import build_wall, shape_from_labels

LABELS = {"cavity": (CAVITY,), "myocardium": (MYOCARDIUM,), "scar": (SCAR,), "no-reflow": (NO_REFLOW,)}
LEAST_SLICES = 3


def case_of(
    found: Segmentation,
    settings: WallSettings | None = None,
    progress: Callable[..., None] = lambda stage, step, steps: None,
    inputs: Sequence[Mapping[str, Any]] = (),
    reading: Mapping[str, Any] | None = None,
) -> Case:
    """The case of a segmented stack: an LV wall from its labels, and its probabilities as evidence with weights.

    inputs, reading: of the files the stack came from, see `Case`. Raises BadContours where the labels make no wall.
    """
    settings = settings or WallSettings()
    group = [number for number in main_group(found.labels) if np.isin(found.labels.slices[number].pixels, WALL).any()]
    if len(group) < LEAST_SLICES:
        raise BadContours(f"The segmentation shows myocardium on {len(group)} slices; a wall needs {LEAST_SLICES} at least.")
    labels = found.labels.select(group)
    progress("wall", 0, 1)
    try:
        wall = build_wall(shape_from_labels(labels, LABELS, settings), settings).wall
    except (BadContours, BadWall) as problem:
        raise BadContours(
            f"The network's labels make no LV wall; look at them (cardioscar segment predict) and correct them. In detail: {problem}"
        ) from problem
    progress("wall", 1, 1)
    return Case(found.image, wall, reading=dict(reading or {}), inputs=tuple(dict(one) for one in inputs), shares=shares_of(found))
