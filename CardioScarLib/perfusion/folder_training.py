"""Training on a folder of volumes and masks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import ndimage

from CardioScarLib.core.errors import BadTrainingData, CardioScarError
from CardioScarLib.core.perfusion_settings import SpectTrainingSettings
from CardioScarLib.io.files import made_folder
from CardioScarLib.io.spect import read_spect
from CardioScarLib.perfusion.canonical import canonical_grid, onto
from CardioScarLib.perfusion.evaluation import read_mask
from CardioScarLib.perfusion.find_wall import on_image
from CardioScarLib.perfusion.layout import Names, Study, find_studies
from CardioScarLib.perfusion.samples import SpectSamples
from CardioScarLib.perfusion.training import SpectTrainingReport, train_spect
from CardioScarLib.segmentation.cases import split

AWAY = 24.0
"""mm by which the middle of the grid may lie beside the heart along each axis, so that the network does not learn its place."""


def train_on_folder(
    folder: Path,
    output: Path,
    settings: SpectTrainingSettings,
    progress: Callable[..., None],
    names: Names | None = None,
    allow_mask: bool = False,
    epochs: int | None = None,
) -> tuple[SpectTrainingReport, tuple[int, int], tuple[str, ...]]:
    """Train on all volumes that have a mask, split by patient; a case that cannot be used is skipped and named.

    epochs: how often every volume is seen, instead of the steps in the settings. Returns how many volumes were learned from and kept.
    """
    studies, alone = find_studies(folder, names, allow_mask)
    skipped = [*alone, *(f"{one.name} was skipped: it has no mask." for one in studies if one.mask is None)]
    made: list[SpectSamples] = []
    for number, one in enumerate(studies):
        progress("read", number, len(studies))
        if one.mask is None:
            continue
        try:
            made.append(_sample(one, allow_mask, settings.seed + number))
        except CardioScarError as problem:
            skipped.append(f"{one.name} was skipped: {problem}")
    progress("read", len(studies), len(studies))
    if not made:
        raise BadTrainingData(f"No volume of {Path(folder).name} can be used." + (f" The first problem: {skipped[0]}" if skipped else ""))
    samples = SpectSamples.joined(made)
    learning, validating = split(samples.patients, settings.validation, settings.seed)
    parts = samples.only(learning), samples.only(validating)
    if epochs is not None:
        settings = replace(settings, steps=max(1, round(epochs * len(parts[0]) / settings.batch_size)))
    made_folder(output)
    record = {"data": "a folder", "volumes": [len(part) for part in parts], "patients": [len(learning), len(validating)]}
    report = train_spect(*parts, output, settings, record, progress)
    return report, (len(parts[0]), len(parts[1])), tuple(skipped)


def _sample(one: Study, allow_mask: bool, seed: int) -> SpectSamples:
    """One volume on a canonical grid around the heart."""
    volume = read_spect(one.volume, allow_mask)
    mask = read_mask(one.mask, volume.image)
    index = [float(place) for place in ndimage.center_of_mass(mask)[::-1]]
    middle = np.array(volume.image.TransformContinuousIndexToPhysicalPoint(index))
    grid = canonical_grid(middle + np.random.default_rng(seed).uniform(-AWAY, AWAY, 3))
    return SpectSamples.of([onto(volume.image, grid)], [onto(on_image(mask.astype(np.float32), volume.image), grid)], [one.patient])
