"""Training on phantoms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from CardioScarLib.core.perfusion_settings import SpectTrainingSettings
from CardioScarLib.io.files import made_folder
from CardioScarLib.perfusion.phantom_images import STUDIES, sample
from CardioScarLib.perfusion.phantom_ranges import TRAINING, drawn_subject
from CardioScarLib.perfusion.samples import SpectSamples
from CardioScarLib.perfusion.training import SpectTrainingReport, train_spect

SEED = 1_000_000
"""Of the first phantom; frozen ones have small seeds."""


def phantom_samples(count: int, seed: int, progress: Callable[..., None]) -> SpectSamples:
    """Phantoms of as many patients, at stress or at rest by turns."""
    pairs = []
    for number in range(count):
        progress("phantoms", number, count)
        pairs.append(sample(drawn_subject(SEED + seed + number, TRAINING), STUDIES[number % 2], SEED + seed + number))
    progress("phantoms", count, count)
    counts, fractions = zip(*pairs, strict=True)
    return SpectSamples.of(counts, fractions, [f"phantom {seed + number}" for number in range(count)])


def train_on_phantoms(
    count: int, output: Path, settings: SpectTrainingSettings, progress: Callable[..., None]
) -> tuple[SpectTrainingReport, tuple[int, int]]:
    """Train on as many phantoms, of which a share is kept to choose the best weights. Returns how many were which, too."""
    made_folder(output)
    samples = phantom_samples(count, 10_000 * settings.seed, progress)
    kept = max(1, round(count * settings.validation / 100))
    learning, validating = set(samples.patients[kept:]), set(samples.patients[:kept])
    record = {"data": "phantoms of CardioScar", "volumes": [len(learning), len(validating)], "ranges": asdict(TRAINING)}
    report = train_spect(samples.only(learning), samples.only(validating), output, settings, record, progress)
    return report, (len(learning), len(validating))
