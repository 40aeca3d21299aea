"""What the networks learn from: counts and shares of wall on the canonical grid, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from CardioScarLib.core.errors import BadTrainingData

if TYPE_CHECKING:
    import torch

CROP = 40
"""Voxels along an edge of what a step sees."""
NEAR = 0.75
"""Share of the crops that lie around the heart; the others lie anywhere."""
GAIN = 2.0
"""Counts are multiplied by up to this, or divided by it: the level of the wall is not known before it is found."""
MOST = 4.0
"""Of the wall's counts; more, as in liver or gut, is cut off."""
FIRST_LEVEL = 99.0
"""Percentile of the counts that stands for the wall's level before it is found."""
WALL_LEVEL = 90.0
"""Percentile of the counts in the wall that is 1 to the network."""


@dataclass(frozen=True, eq=False)
class SpectSamples:
    """counts, fraction: (n, k, j, i) float16; counts are 1 at the level of the wall. patients: of each."""

    counts: np.ndarray
    fraction: np.ndarray
    patients: tuple[str, ...]

    @classmethod
    def of(cls, counts: Sequence[np.ndarray], fraction: Sequence[np.ndarray], patients: Sequence[str]) -> SpectSamples:
        """Raises BadTrainingData where a volume has no wall."""
        scaled = []
        for one, wall, name in zip(counts, fraction, patients, strict=True):
            inside = one[wall >= 0.5]
            if not len(inside) or np.percentile(inside, WALL_LEVEL) <= 0:
                raise BadTrainingData(f"The volume of {name} has no counts in a wall.")
            scaled.append((one / np.percentile(inside, WALL_LEVEL)).clip(-MOST, 2 * MOST).astype(np.float16))
        return cls(np.stack(scaled), np.stack(fraction).astype(np.float16), tuple(patients))

    @classmethod
    def joined(cls, parts: Sequence[SpectSamples]) -> SpectSamples:
        counts, fraction = (np.concatenate([getattr(one, name) for one in parts]) for name in ("counts", "fraction"))
        return cls(counts, fraction, tuple(patient for one in parts for patient in one.patients))

    def __len__(self) -> int:
        return len(self.counts)

    def only(self, patients: set[str]) -> SpectSamples:
        kept = [number for number, one in enumerate(self.patients) if one in patients]
        return SpectSamples(self.counts[kept], self.fraction[kept], tuple(self.patients[number] for number in kept))


def first_level(counts: np.ndarray) -> float:
    """The level of the wall before it is found. counts: (k, j, i)."""
    return float(max(np.percentile(counts, FIRST_LEVEL), 1e-3 * counts.max(), 1e-12))


class SpectBatches:
    """Random crops without end; `state` and `resume` make a run that was stopped go on with the same ones."""

    def __init__(self, samples: SpectSamples, size: int, seed: int, whole: bool):
        """whole: give the whole grid, not crops, scaled to its own lowest and highest count, as the original program does."""
        import torch

        self.samples, self.size, self.whole = samples, size, whole
        self.random = torch.Generator().manual_seed(seed)

    def __next__(self) -> tuple[torch.Tensor, torch.Tensor]:
        """(b, 1, k, j, i) counts and shares of wall."""
        import torch

        # One draw of torch's, which can be stored, starts the many of numpy's.
        random = np.random.default_rng(int(torch.randint(2**62, (1,), generator=self.random)))
        chosen = random.integers(0, len(self.samples), self.size)
        pairs = [self._one(number, random) for number in chosen]
        counts, fraction = (torch.from_numpy(np.stack(part)[:, None].astype(np.float32)) for part in zip(*pairs, strict=True))
        return counts, fraction

    def _one(self, number: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        counts, fraction = (part[number].astype(np.float32) for part in (self.samples.counts, self.samples.fraction))
        if self.whole:
            counts = min_max(counts)
        else:
            place = _crop(fraction, random)
            counts = counts[place] * GAIN ** random.uniform(-1, 1)
            fraction = fraction[place]
        flips = tuple(axis for axis in range(3) if random.random() < 0.5)
        return np.flip(counts, flips).clip(-MOST, MOST), np.flip(fraction, flips)

    def state(self) -> torch.Tensor:
        return self.random.get_state()

    def resume(self, state: torch.Tensor) -> None:
        self.random.set_state(state)


def min_max(counts: np.ndarray) -> np.ndarray:
    """Counts from 0 to 1."""
    low, high = float(counts.min()), float(counts.max())
    return (counts - low) / max(high - low, 1e-12)


def _crop(fraction: np.ndarray, random: np.random.Generator) -> tuple[slice, ...]:
    if random.random() < NEAR and fraction.any():
        middle = np.array([float(one.mean()) for one in np.nonzero(fraction > 0)]) + random.uniform(-8, 8, 3)
        start = middle - CROP / 2
    else:
        start = random.uniform(0, np.array(fraction.shape) - CROP)
    start = np.clip(np.rint(start), 0, np.array(fraction.shape) - CROP).astype(int)
    return tuple(slice(one, one + CROP) for one in start)
