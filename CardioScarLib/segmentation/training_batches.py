"""Batches for training and for validation, from samples in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from CardioScarLib.segmentation.augment import NONE, Variety, placed, recolored
from CardioScarLib.segmentation.classes import NO_REFLOW, SCAR
from CardioScarLib.segmentation.normalized import normalized
from CardioScarLib.segmentation.recipes import Recipe
from CardioScarLib.segmentation.samples import FINER, Samples

if TYPE_CHECKING:
    import torch

WITH_SCAR, WITH_NO_REFLOW = 2.0, 5.0
"""How much more often a slice with scar, or with no-reflow, which is rare, is drawn than one without."""


class Batches:
    """Random batches without end; `state` and `resume` make a run that was stopped go on with the same ones."""

    def __init__(self, samples: Samples, recipe: Recipe, variety: Variety, size: int, seed: int, synthetic: float = 0.5):
        """synthetic: share of the draws that are synthetic images, where there are any."""
        import torch

        self.samples, self.recipe, self.variety, self.size = samples, recipe, variety, size
        weights = np.where(samples.has(NO_REFLOW), WITH_NO_REFLOW, np.where(samples.has(SCAR), WITH_SCAR, 1.0))
        if samples.synthetic.any():
            for side, share in ((samples.synthetic, synthetic), (~samples.synthetic, 1 - synthetic)):
                weights = np.where(side, share * weights / max(float(weights[side].sum()), 1e-12), weights)
        self.chances = torch.from_numpy(weights / weights.sum())
        self.random = torch.Generator().manual_seed(seed)

    def __next__(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs, (b, c, n, n) float, and labels, (b, 1, n, n) outputs."""
        import torch

        chosen = torch.multinomial(self.chances, self.size, replacement=True, generator=self.random).numpy()
        return _batch(self.samples, chosen, self.recipe, self.variety, self.random)

    def state(self) -> torch.Tensor:
        return self.random.get_state()

    def resume(self, state: torch.Tensor) -> None:
        self.random.set_state(state)


def in_order(samples: Samples, recipe: Recipe, size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor, np.ndarray]]:
    """All samples once, as they are: inputs, labels, and the rows of the samples."""
    import torch

    random = torch.Generator().manual_seed(0)
    for start in range(0, len(samples), size):
        rows = np.arange(start, min(start + size, len(samples)))
        yield *_batch(samples, rows, recipe, NONE, random), rows


def _batch(
    samples: Samples, rows: np.ndarray, recipe: Recipe, variety: Variety, random: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    columns = rows[:, None]
    if recipe.neighbors:
        around = samples.around[rows]
        turned = (torch.rand(len(rows), generator=random) < variety.swapped).numpy()
        around = np.where(turned[:, None], around[:, ::-1], around)
        columns = np.stack([around[:, 0], rows, around[:, 1]], axis=1)
    there = columns >= 0
    images = torch.from_numpy(samples.images[columns].astype(np.float32))
    valid = torch.from_numpy(samples.valid[columns] & there[..., None, None])
    labels = torch.from_numpy(samples.labels[columns].astype(np.int64))
    images, valid, labels = placed(images, valid, labels, recipe, FINER, variety, random)
    if variety != NONE:
        images, valid = recolored(images, valid, labels, variety, random)
    of_outputs = torch.tensor(recipe.classes)[labels[:, labels.shape[1] // 2]]
    return normalized(images, valid), of_outputs[:, None]
