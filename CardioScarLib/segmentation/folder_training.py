"""Training on a folder of images and label maps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from CardioScarLib.core.errors import BadTrainingData, CardioScarError
from CardioScarLib.core.segmentation_settings import SegmentTrainingSettings
from CardioScarLib.io.files import made_folder
from CardioScarLib.segmentation.cases import Pair, find_pairs, first_by_lot, read_pair, split
from CardioScarLib.segmentation.recipes import Recipe, recipe_of
from CardioScarLib.segmentation.samples import Samples, samples_of
from CardioScarLib.segmentation.training import TrainingReport, train

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class FolderReport:
    """training: what came out. patients: how many to learn from, and to validate with. skipped: a sentence about each other case."""

    training: TrainingReport
    patients: tuple[int, int]
    skipped: tuple[str, ...]


def train_on_folder(
    folder: Path,
    output: Path,
    labels: str,
    settings: SegmentTrainingSettings,
    progress: Callable[..., None],
    pixel_spacing: float | None = None,
    start: Callable[[nn.Module], None] | None = None,
) -> FolderReport:
    """Train on all pairs of a folder, split by patient; a case that cannot be used is skipped and named.

    labels: what the values of the label maps mean, see `classes.class_map`. output: folder of the weights, made if it is missing.
    start: see `training.train`. Raises CardioScarError with a sentence.
    """
    recipe = recipe_of(settings.network)
    pairs, alone = find_pairs(folder)
    skipped = [f"{name} was skipped: it has no label map." for name in alone]
    learning, validating = split([pair.patient for pair in pairs], settings.validation, settings.seed)
    if settings.patients is not None:
        learning = first_by_lot(learning, settings.patients, settings.seed)
    pairs = [pair for pair in pairs if pair.patient in learning | validating]
    made_folder(output)
    read: dict[str, Samples] = {}
    for number, pair in enumerate(pairs):
        progress("read", number, len(pairs))
        found = _read(pair, labels, recipe, pixel_spacing, skipped)
        if found is not None:
            read[pair.name] = found
    progress("read", len(pairs), len(pairs))
    parts = [[read[pair.name] for pair in pairs if pair.name in read and pair.patient in side] for side in (learning, validating)]
    if not all(parts):
        first = f" The first problem: {skipped[0]}" if skipped else ""
        raise BadTrainingData(f"Too few cases of {Path(folder).name} can be used to learn from and to validate with.{first}")
    record = {
        "cases": [len(part) for part in parts],
        "slices": [sum(len(one) for one in part) for part in parts],
        "labels": labels,
    }
    report = train(Samples.joined(parts[0]), Samples.joined(parts[1]), output, settings, record, progress, start)
    return FolderReport(report, (len(learning), len(validating)), tuple(skipped))


def _read(pair: Pair, labels: str, recipe: Recipe, pixel_spacing: float | None, skipped: list[str]) -> Samples | None:
    try:
        case = read_pair(pair, labels, pixel_spacing)
        return samples_of(case.image, case.classes, recipe)
    except CardioScarError as problem:
        skipped.append(f"{pair.name} was skipped: {problem}")
        return None
