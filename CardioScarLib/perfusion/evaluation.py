"""How well a network finds the wall on a folder of volumes with masks, beside the threshold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from CardioScarLib.core.errors import BadStack, BadTrainingData, CardioScarError
from CardioScarLib.core.perfusion_settings import SpectSettings
from CardioScarLib.io.images import read_image
from CardioScarLib.io.spect import read_spect
from CardioScarLib.perfusion.find_wall import SpectWall, find_wall
from CardioScarLib.perfusion.layout import Study
from CardioScarLib.perfusion.threshold_wall import threshold_wall
from CardioScarLib.perfusion.weights import SpectNetwork
from CardioScarLib.segmentation.scores import Agreement, Mean, Score, agreement_of, mean_of, score_of

METHODS = ("network", "threshold")
MEASURES = ("dice", "iou", "hd95", "assd", "error_ml")
WALL = 1
SAME_PLACE = 0.1
"""Of a voxel, by which the corners of mask and volume may be apart."""


@dataclass(frozen=True)
class SpectEvaluation:
    """cases: of each volume, the score of each of METHODS; a volume in which the network found no wall has a Dice of 0."""

    cases: Mapping[str, Mapping[str, Score]]
    skipped: tuple[str, ...] = ()

    def mean(self, method: str, measure: str) -> Mean | None:
        return mean_of([_measured(scores[method], measure) for scores in self.cases.values()])

    def agreement(self, method: str) -> Agreement | None:
        return agreement_of([scores[method].error_ml for scores in self.cases.values()])

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        summary = {
            method: {
                **{one: None if (mean := self.mean(method, one)) is None else asdict(mean) for one in MEASURES},
                "bland_altman_ml": None if (agreement := self.agreement(method)) is None else asdict(agreement),
            }
            for method in METHODS
        }
        cases = {name: {method: asdict(one) for method, one in scores.items()} for name, scores in self.cases.items()}
        return {"cases": cases, "summary": summary, "skipped": list(self.skipped)}


def evaluate_spect(
    studies: list[Study],
    trained: SpectNetwork,
    settings: SpectSettings,
    progress: Callable[..., None],
    seen: Callable[[Study, SpectWall, np.ndarray], None] = lambda study, found, true: None,
    allow_mask: bool = False,
) -> SpectEvaluation:
    """Score every volume that has a mask. seen: called with each result and the true mask, as for pictures.

    A broken case is skipped and named. Raises BadTrainingData where no case can be scored.
    """
    with_masks = [one for one in studies if one.mask is not None]
    if not with_masks:
        raise BadTrainingData("No volume has a mask, so nothing can be scored.")
    cases: dict[str, Mapping[str, Score]] = {}
    skipped = []
    for number, one in enumerate(with_masks):
        progress("evaluate", number, len(with_masks))
        try:
            volume = read_spect(one.volume, allow_mask)
            true = read_mask(one.mask, volume.image)
        except CardioScarError as problem:
            skipped.append(f"{one.name} was skipped: {problem}")
            continue
        spacing = volume.image.GetSpacing()[::-1]
        try:
            found = find_wall(volume.image, trained, settings)
            labels = found.labels > 0
            seen(one, found, true)
        except BadStack as problem:
            skipped.append(f"{one.name}: {problem}")
            labels = np.zeros(true.shape, dtype=bool)
        cases[one.name] = {
            "network": score_of(labels, true, spacing),
            "threshold": score_of(threshold_wall(volume.counts, true, spacing), true, spacing),
        }
    progress("evaluate", len(with_masks), len(with_masks))
    if not cases:
        raise BadTrainingData(f"No case can be scored. The first problem: {skipped[0]}")
    return SpectEvaluation(cases, tuple(skipped))


def read_mask(path: Path | None, image: sitk.Image) -> np.ndarray:
    """(k, j, i) bool, where a mask has its only label, or label 1 of several, which is the LV wall in PhysioNet's database.

    Raises BadStack for another grid than the image's, for a mask of nothing, and for several labels without 1.
    """
    if path is None:
        raise BadStack("The volume has no mask.")
    mask = read_image(path)[0]
    if mask.GetSize() != image.GetSize():
        raise BadStack(
            f"{path.name} has {' x '.join(map(str, mask.GetSize()))} voxels and its volume {' x '.join(map(str, image.GetSize()))}."
        )
    last = np.array(image.GetSize()) - 1
    apart = max(
        float(np.linalg.norm(np.subtract(*(one.TransformIndexToPhysicalPoint([int(place) for place in corner]) for one in (mask, image)))))
        for corner in np.array(list(np.ndindex(2, 2, 2))) * last
    )
    if apart > SAME_PLACE * min(image.GetSpacing()):
        raise BadStack(f"{path.name} lies up to {apart:.3g} mm from its volume's voxels; they must be on the same grid.")
    labels = sitk.GetArrayFromImage(mask)
    values = np.unique(labels[labels != 0])
    if not len(values):
        raise BadStack(f"{path.name} labels nothing.")
    if len(values) > 1 and WALL not in values:
        raise BadStack(f"{path.name} has the labels {', '.join(f'{one:g}' for one in values[:6])}; that of the LV wall must be {WALL}.")
    return labels == (values[0] if len(values) == 1 else WALL)


def _measured(score: Score, measure: str) -> float | None:
    if measure == "iou":
        return None if score.dice is None else score.dice / (2 - score.dice)
    return getattr(score, measure)
