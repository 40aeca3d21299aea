"""Training on folders of images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from CardioScarLib.core.synthesis_settings import Pix2PixSettings
from CardioScarLib.io.files import made_folder
from CardioScarLib.segmentation.cases import Pair, read_pair
from CardioScarLib.segmentation.folder_training import read_sides
from CardioScarLib.synthesis.gan.pix2pix import GanReport, train_pix2pix
from CardioScarLib.synthesis.gan.recipes import gan_recipe
from CardioScarLib.synthesis.gan.samples import MARGIN, GanSamples, Views, views_of


@dataclass(frozen=True)
class GanFolderReport:
    """training: what came out. stacks: how many were learned from, and validated with. skipped: a sentence about each other case."""

    training: GanReport
    stacks: tuple[int, int]
    skipped: tuple[str, ...]


def pix2pix_on_folder(
    folder: Path, output: Path, labels: str, settings: Pix2PixSettings, progress: Callable[..., None]
) -> GanFolderReport:
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
