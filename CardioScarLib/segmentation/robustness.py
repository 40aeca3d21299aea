"""How a network's scores change with noise in the images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from CardioScarLib.core.errors import BadTrainingData, CardioScarError
from CardioScarLib.core.segmentation_settings import SegmentSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.segmentation.cases import LabeledCase, find_pairs, read_pairs
from CardioScarLib.segmentation.evaluation import Evaluation
from CardioScarLib.segmentation.predict import segment
from CardioScarLib.segmentation.scores import Score, scores_of
from CardioScarLib.segmentation.weights import Trained

RANGE = (1, 99)
"""Percentiles of a stack between which noise is measured."""


def noise_curve(
    folder: Path,
    labels: str,
    levels: Sequence[float],
    trained: Trained,
    finder: Trained,
    settings: SegmentSettings,
    progress: Callable[..., None] = lambda stage, step, steps: None,
) -> dict[float, Evaluation]:
    """Scores of the labeled cases in a folder, for each level of Gaussian noise that is added.

    levels: standard deviations as shares of the range of intensities of a stack, 0 adds none. A case on which no left ventricle is
    found counts as empty. Raises BadTrainingData where no case can be read.
    """
    pairs, alone = find_pairs(folder)
    skipped = [f"{name} was skipped: it has no label map." for name in alone]
    cases: dict[float, dict[str, dict[str, Score]]] = {level: {} for level in levels}
    for number, case in enumerate(read_pairs(pairs, labels, skipped)):
        for place, level in enumerate(levels):
            progress("noise", number * len(levels) + place, len(pairs) * len(levels))
            cases[level][case.name] = scores_of(_segmented(case, noisy(case.image, level), trained, finder, settings), case.classes)
    progress("noise", len(pairs) * len(levels), len(pairs) * len(levels))
    if not any(cases.values()):
        raise BadTrainingData(f"No case of {Path(folder).name} can be used. The first problem: {skipped[0]}")
    return {level: Evaluation(scores, tuple(skipped)) for level, scores in cases.items()}


def noisy(stack: SliceStack, level: float, seed: int = 0) -> SliceStack:
    """The stack with white Gaussian noise of `level` times its range; the same seed gives the same noise, at each level in proportion."""
    low, high = np.percentile(np.concatenate([one.pixels.ravel() for one in stack]), RANGE)
    random = np.random.default_rng(seed)
    return stack.with_pixels([one.pixels + level * (high - low) * random.standard_normal(one.pixels.shape) for one in stack])


def _segmented(case: LabeledCase, image: SliceStack, trained: Trained, finder: Trained, settings: SegmentSettings) -> SliceStack:
    try:
        return segment(image, trained, finder, settings).labels
    except CardioScarError:
        return case.classes.with_pixels([np.zeros_like(one.pixels) for one in case.classes])
