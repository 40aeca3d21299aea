"""Training on phantoms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from CardioScarLib.core.perfusion_settings import SpectTrainingSettings
from CardioScarLib.io.files import check_writable, made_folder
from CardioScarLib.perfusion.canonical import canonical_grid
from CardioScarLib.perfusion.phantom_images import STUDIES, sample
from CardioScarLib.perfusion.phantom_ranges import TRAINING, drawn_subject
from CardioScarLib.perfusion.phantom_scan import Grid, wall_fraction
from CardioScarLib.perfusion.refine import EDGE, Refiner, spoiled, train_refiner, write_refiner
from CardioScarLib.perfusion.samples import SpectSamples
from CardioScarLib.perfusion.training import SpectTrainingReport, train_spect

SEED = 1_000_000
"""Of the first phantom; frozen ones have small seeds."""
AWAY, KEPT = 12.0, 12
"""mm by which a wall may lie beside the middle of what the autoencoder sees, and walls on which it is tried."""


def phantom_samples(count: int, seed: int, progress: Callable[..., None]) -> SpectSamples:
    """Phantoms of as many patients, at stress or at rest by turns."""
    pairs = []
    for number in range(count):
        progress("phantoms", number, count)
        pairs.append(sample(drawn_subject(SEED + seed + number, TRAINING), STUDIES[number % 2], SEED + seed + number))
    progress("phantoms", count, count)
    counts, fractions = zip(*pairs, strict=True)
    return SpectSamples.of(counts, fractions, [f"phantom {seed + number}" for number in range(count)])


def phantom_walls(count: int, seed: int, progress: Callable[..., None]) -> list[np.ndarray]:
    """(EDGE, EDGE, EDGE) shares of wall of as many phantoms, a few voxels beside the middle."""
    made = []
    for number in range(count):
        progress("phantoms", number, count)
        heart = drawn_subject(SEED + seed + number, TRAINING).stress
        random = np.random.default_rng(SEED + seed + number)
        grid = canonical_grid(np.array(heart.center) + random.uniform(-AWAY, AWAY, 3), (EDGE, EDGE, EDGE))
        matrix = np.diag([*grid.GetSpacing(), 1.0])
        matrix[:3, 3] = grid.GetOrigin()
        made.append(wall_fraction(heart, Grid(grid.GetSize(), matrix)).astype(np.float32))
    progress("phantoms", count, count)
    return made


def train_refiner_on_phantoms(
    count: int, steps: int, seed: int, path: Path, progress: Callable[..., None], overwrite: bool = False
) -> tuple[Path, float, float]:
    """Train the autoencoder on walls of phantoms. Returns its file, and the Dice of other spoiled walls before and after it."""
    check_writable(path, overwrite)
    network = train_refiner(phantom_walls(count, 10_000 * seed, progress), steps, seed, progress)
    refiner, random, before, after = Refiner(network, ""), np.random.default_rng(seed), [], []
    for true in phantom_walls(KEPT, 10_000 * seed + count, lambda stage, step, steps: None):
        found = spoiled(true, random)
        before.append(_dice(found, true))
        after.append(_dice(refiner(found), true))
    scores = float(np.mean(before)), float(np.mean(after))
    record = {"data": "walls of phantoms of CardioScar", "walls": count, "steps": steps, "seed": seed, "dice": scores}
    return write_refiner(network, record, path, overwrite), *scores


def _dice(found: np.ndarray, true: np.ndarray) -> float:
    one, other = found >= 0.5, true >= 0.5
    return 2 * int(np.sum(one & other)) / max(1, int(np.sum(one)) + int(np.sum(other)))


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
