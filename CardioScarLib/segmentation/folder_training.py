"""Training on a folder of images and label maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from CardioScarLib.core.errors import BadTrainingData, CardioScarError
from CardioScarLib.core.segmentation_settings import SegmentTrainingSettings
from CardioScarLib.io.files import made_folder
from CardioScarLib.segmentation.cases import Pair, find_pairs, first_by_lot, read_pair, read_pairs, split
from CardioScarLib.segmentation.recipes import Recipe, recipe_of
from CardioScarLib.segmentation.samples import Samples, samples_of
from CardioScarLib.segmentation.training import TrainingReport, train

if TYPE_CHECKING:
    from torch import nn

One = TypeVar("One")


@dataclass(frozen=True)
class FolderReport:
    """training: what came out. patients: how many to learn from, and to validate with. skipped: a sentence about each other case.
    synthetic: how many synthetic cases were learned from, too."""

    training: TrainingReport
    patients: tuple[int, int]
    skipped: tuple[str, ...]
    synthetic: int = 0


@dataclass(frozen=True)
class Sides(Generic[One]):
    """What was read of the cases to learn from and of those to validate with, how many patients these are of, and a sentence about each
    case that was skipped."""

    learning: list[One]
    validating: list[One]
    patients: tuple[int, int]
    skipped: list[str]


def read_sides(
    folder: Path,
    read: Callable[[Pair], One],
    validation: float,
    seed: int,
    progress: Callable[..., None],
    patients: int | None = None,
) -> Sides[One]:
    """Read the pairs of a folder, split by patient. patients: learn from so many only.

    Raises BadTrainingData where one side has no case that can be used.
    """
    pairs, alone = find_pairs(folder)
    skipped = [f"{name} was skipped: it has no label map." for name in alone]
    learning, validating = split([pair.patient for pair in pairs], validation, seed)
    if patients is not None:
        learning = first_by_lot(learning, patients, seed)
    pairs = [pair for pair in pairs if pair.patient in learning | validating]
    found: dict[str, One] = {}
    for number, pair in enumerate(pairs):
        progress("read", number, len(pairs))
        try:
            found[pair.name] = read(pair)
        except CardioScarError as problem:
            skipped.append(f"{pair.name} was skipped: {problem}")
    progress("read", len(pairs), len(pairs))
    parts = [[found[pair.name] for pair in pairs if pair.name in found and pair.patient in side] for side in (learning, validating)]
    if not all(parts):
        first = f" The first problem: {skipped[0]}" if skipped else ""
        raise BadTrainingData(f"Too few cases of {Path(folder).name} can be used to learn from and to validate with.{first}")
    return Sides(parts[0], parts[1], (len(learning), len(validating)), skipped)


def train_on_folder(
    folder: Path,
    output: Path,
    labels: str,
    settings: SegmentTrainingSettings,
    progress: Callable[..., None],
    pixel_spacing: float | None = None,
    start: Callable[[nn.Module], None] | None = None,
    synthetic: Sequence[Path] = (),
) -> FolderReport:
    """Train on all pairs of a folder, split by patient; a case that cannot be used is skipped and named.

    labels: what the values of the label maps mean, see `classes.class_map`. output: folder of the weights, made if it is missing.
    start: see `training.train`. synthetic: folders of pairs that are learned from, too, in the share of the settings, labels in the
    order of `CLASSES`; never validated with. Raises CardioScarError with a sentence.
    """
    recipe = recipe_of(settings.network)

    def read(pair: Pair) -> Samples:
        case = read_pair(pair, labels, pixel_spacing)
        return samples_of(case.image, case.classes, recipe)

    sides = read_sides(folder, read, settings.validation, settings.seed, progress, settings.patients)
    made = _synthetic(synthetic, recipe, sides.skipped, progress)
    made_folder(output)
    record = {
        "cases": [len(sides.learning), len(sides.validating)],
        "slices": [sum(len(one) for one in part) for part in (sides.learning, sides.validating)],
        "labels": labels,
        **({"synthetic_cases": len(made), "synthetic_slices": sum(len(one) for one in made)} if made else {}),
    }
    learned = Samples.joined([*sides.learning, *made])
    report = train(learned, Samples.joined(sides.validating), output, settings, record, progress, start)
    return FolderReport(report, sides.patients, tuple(sides.skipped), len(made))


def _synthetic(folders: Sequence[Path], recipe: Recipe, skipped: list[str], progress: Callable[..., None]) -> list[Samples]:
    """Raises BadTrainingData for a folder in which no case can be used."""
    made: list[Samples] = []
    for folder in folders:
        pairs, alone = find_pairs(folder)
        notes = [f"{name} was skipped: it has no label map." for name in alone]
        before = len(made)
        for number, case in enumerate(read_pairs(pairs, "emidec", notes)):
            progress("read synthetic", number + 1, len(pairs))
            try:
                one = samples_of(case.image, case.classes, recipe)
            except CardioScarError as problem:
                notes.append(f"{case.name} was skipped: {problem}")
                continue
            made.append(replace(one, synthetic=np.ones(len(one), dtype=bool)))
        if len(made) == before:
            raise BadTrainingData(f"No case of {Path(folder).name} can be used. The first problem: {notes[0]}")
        skipped.extend(notes)
    return made
