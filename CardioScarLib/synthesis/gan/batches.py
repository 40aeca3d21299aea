"""Batches for training, and what a network is told of each slice as planes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from CardioScarLib.segmentation.classes import CLASSES, NO_REFLOW, SCAR
from CardioScarLib.segmentation.training_batches import WITH_NO_REFLOW, WITH_SCAR
from CardioScarLib.synthesis.gan.looks import LOOK
from CardioScarLib.synthesis.gan.recipes import GanRecipe
from CardioScarLib.synthesis.gan.samples import MARGIN, GanSamples

if TYPE_CHECKING:
    import torch

SLICES = 3
"""Toward the apex, the slice itself, toward the base."""


@dataclass(frozen=True, eq=False)
class Batch:
    """told: (b, planes, n, n). images: (b, 1, n, n), -1 to 1. labels: (b, n, n) classes of the slices themselves."""

    told: torch.Tensor
    images: torch.Tensor
    labels: torch.Tensor


def planes_of(recipe: GanRecipe) -> int:
    """How many planes `told` has; none where images are made of images."""
    if not recipe.makes_of_labels:
        return 0
    return 1 if recipe.is_original else SLICES * len(CLASSES) + 1 + len(LOOK)


def told(recipe: GanRecipe, labels: torch.Tensor, height: torch.Tensor, look: torch.Tensor) -> torch.Tensor:
    """(b, planes, n, n) of labels (b, 3, n, n) with -1 where there is no neighbor, height (b,) and look (b, len(LOOK)).

    original: the slice's classes alone, from -1 to 1. Otherwise for each of the three slices a plane per class but the background and one
    where there is no slice, then height and look, each the same at all pixels.
    """
    import torch

    if not recipe.makes_of_labels:
        return labels[:, :0].float()
    if recipe.is_original:
        return labels[:, 1:2].float() * (2 / (len(CLASSES) - 1)) - 1
    one_hot = torch.stack([labels == value for value in (-1, *range(1, len(CLASSES)))], dim=2).flatten(1, 2).float()
    numbers = torch.cat([2 * height[:, None] - 1, look], dim=1)
    return torch.cat([one_hot, numbers[:, :, None, None].expand(-1, -1, *labels.shape[2:])], dim=1)


class GanBatches:
    """Random batches without end, shifted by up to MARGIN pixels; those with scar come more often, as in segmentation."""

    def __init__(self, samples: GanSamples, recipe: GanRecipe, size: int, seed: int):
        import torch

        self.samples, self.recipe, self.size = samples, recipe, size
        scar, core = (np.array([bool((one == value).any()) for one in samples.labels]) for value in (SCAR, NO_REFLOW))
        weights = np.where(core, WITH_NO_REFLOW, np.where(scar, WITH_SCAR, 1.0))
        self.chances = torch.from_numpy(weights / weights.sum())
        self.random = torch.Generator().manual_seed(seed)

    def __next__(self) -> Batch:
        import torch

        rows = torch.multinomial(self.chances, self.size, replacement=True, generator=self.random).numpy()
        shifts = torch.randint(0, 2 * MARGIN + 1, (self.size, 2), generator=self.random).numpy()
        return batch_of(self.samples, self.recipe, rows, shifts)

    def state(self) -> torch.Tensor:
        """With that of the networks' dropout and noise."""
        import torch

        return torch.stack([self.random.get_state(), torch.get_rng_state()])

    def resume(self, state: torch.Tensor) -> None:
        import torch

        self.random.set_state(state[0].clone())  # with a row of a table, torch crashes
        torch.set_rng_state(state[1].clone())


def in_order(samples: GanSamples, recipe: GanRecipe, size: int) -> Iterator[tuple[Batch, np.ndarray]]:
    """All samples once, not shifted, and their rows."""
    for start in range(0, len(samples), size):
        rows = np.arange(start, min(start + size, len(samples)))
        yield batch_of(samples, recipe, rows, np.full((len(rows), 2), MARGIN)), rows


def batch_of(samples: GanSamples, recipe: GanRecipe, rows: np.ndarray, shifts: np.ndarray) -> Batch:
    """shifts: (b, 2) first row and column of each view in the stored one."""
    import torch

    around = samples.around[rows]
    columns = np.stack([around[:, 0], rows, around[:, 1]], axis=1)
    stored = np.where((columns < 0)[..., None, None], -1, samples.labels[columns].astype(np.int8))
    labels = torch.from_numpy(np.stack([_cut(one, shift, recipe.size) for one, shift in zip(stored, shifts, strict=True)]).astype(np.int64))
    images = np.stack([_cut(one, shift, recipe.size) for one, shift in zip(samples.images[rows], shifts, strict=True)])
    looks = torch.from_numpy(samples.looks[samples.case[rows]])
    given = told(recipe, labels, torch.from_numpy(samples.height[rows]), looks)
    return Batch(given, torch.from_numpy(images.astype(np.float32))[:, None], labels[:, 1])


def _cut(stored: np.ndarray, first: np.ndarray, size: int) -> np.ndarray:
    return stored[..., first[0] : first[0] + size, first[1] : first[1] + size]
