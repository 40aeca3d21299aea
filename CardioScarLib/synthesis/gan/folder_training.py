"""Training on folders of images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from CardioScarLib.core.errors import BadTrainingData, CardioScarError
from CardioScarLib.core.synthesis_settings import CycleGanSettings, Pix2PixSettings
from CardioScarLib.io.files import made_folder
from CardioScarLib.segmentation.cases import Pair, find_images, read_pair, split
from CardioScarLib.segmentation.folder_training import read_sides
from CardioScarLib.synthesis.gan.cyclegan import train_cyclegan
from CardioScarLib.synthesis.gan.pix2pix import GanReport, train_pix2pix
from CardioScarLib.synthesis.gan.recipes import gan_recipe
from CardioScarLib.synthesis.gan.samples import MARGIN, GanSamples, Views, views_of
from CardioScarLib.synthesis.gan.sources import of_image
from CardioScarLib.synthesis.gan.weights import TO_CINE, TO_LGE


@dataclass(frozen=True)
class GanFolderReport:
    """training: what came out. stacks: how many were learned from, and validated with. skipped: a sentence about each other case."""

    training: GanReport
    stacks: tuple[int, int]
    skipped: tuple[str, ...]


def pix2pix_on_folder(folder: Path, output: Path, labels: str, settings: Pix2PixSettings, progress: Callable[..., None]) -> GanFolderReport:
    """Train on all images with label maps of a folder, split by patient; a case that cannot be used is skipped and named.

    labels: what the values of the label maps mean, see `classes.class_map`. output: folder of the weights, made if it is missing.
    Raises CardioScarError with a sentence.
    """
    recipe = gan_recipe(settings)

    def read(pair: Pair) -> Views:
        case = read_pair(pair, labels)
        return views_of(case.image, case.classes, recipe.spacing, recipe.size + 2 * MARGIN)

    sides = read_sides(folder, read, settings.validation, settings.seed, progress)
    learning, validating = GanSamples.of(sides.learning), GanSamples.of(sides.validating)
    made_folder(output)
    record = {
        "stacks": [len(sides.learning), len(sides.validating)],
        "slices": [len(learning), len(validating)],
        "labels": labels,
        "looks": learning.looks.round(3).tolist(),
    }
    report = train_pix2pix(learning, validating, output, settings, record, progress)
    return GanFolderReport(report, (len(sides.learning), len(sides.validating)), tuple(sides.skipped))


def cyclegan_on_folders(
    cine: Path, lge: Path, output: Path, orders: tuple[str, str], settings: CycleGanSettings, progress: Callable[..., None]
) -> GanFolderReport:
    """Train on the images of two folders, each split by patient; label maps, where there are any, tell where the heart is and whether masks
    stay in their places, and otherwise the shipped network looks for the heart.

    orders: what the values of the label maps of cine and LGE mean. Raises CardioScarError with a sentence.
    """
    if Path(cine).resolve() == Path(lge).resolve():
        raise BadTrainingData("Cine and LGE are one folder; each kind of image must have a folder of its own.")
    skipped: list[str] = []
    learning: dict[str, GanSamples] = {}
    validating: dict[str, GanSamples] = {}
    counts = [0, 0]
    for kind, folder, order in ((TO_CINE, cine, orders[0]), (TO_LGE, lge, orders[1])):
        sides = _image_sides(folder, order, settings, progress, skipped)
        for number, (side, parts) in enumerate(zip((learning, validating), sides, strict=True)):
            side[kind] = GanSamples.of(parts)
            counts[number] += len(parts)
    made_folder(output)
    record = {
        "stacks": counts,
        "slices": {kind: [len(learning[kind]), len(validating[kind])] for kind in learning},
        "labels": {TO_CINE: orders[0], TO_LGE: orders[1]},
    }
    report = train_cyclegan(learning, validating, output, settings, record, progress)
    return GanFolderReport(report, (counts[0], counts[1]), tuple(skipped))


def _image_sides(
    folder: Path, order: str, settings: CycleGanSettings, progress: Callable[..., None], skipped: list[str]
) -> tuple[list[Views], list[Views]]:
    """Views to learn from, and to validate with. Raises BadTrainingData where a side has none."""
    recipe = gan_recipe(settings)
    files = find_images(folder)
    learning, _ = split([one.patient for one in files], settings.validation, settings.seed)
    sides: tuple[list[Views], list[Views]] = ([], [])
    notes = []
    for number, one in enumerate(files):
        progress(f"read {Path(folder).name}", number + 1, len(files))
        try:
            image, classes, center = of_image(one).read(order, settings.device)
            sides[one.patient not in learning].append(views_of(image, classes, recipe.spacing, recipe.size + 2 * MARGIN, center))
        except CardioScarError as problem:
            notes.append(f"{one.name} was skipped: {problem}")
    if not all(sides):
        first = f" The first problem: {notes[0]}" if notes else ""
        raise BadTrainingData(f"Too few images of {Path(folder).name} can be used to learn from and to validate with.{first}")
    skipped.extend(notes)
    return sides
