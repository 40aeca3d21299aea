"""From views to class probabilities, as the mean over turns and mirror images of each view."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from CardioScarLib.core.errors import OutOfMemory
from CardioScarLib.core.slices import Slice
from CardioScarLib.segmentation.normalized import normalized
from CardioScarLib.segmentation.weights import Trained

if TYPE_CHECKING:
    import torch

BATCH = 16
TURNS = ((0, False), (2, True), (1, False), (3, True), (2, False), (0, True), (3, False), (1, True))
"""Quarter turns, and whether mirrored: all eight ways to lay a square."""


def probabilities(
    trained: Trained,
    squares: Mapping[int, Slice],
    around: Mapping[int, tuple[int | None, int | None]],
    views: int,
    device: torch.device,
) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """For each view its (outputs, n, n) probabilities, and their (n, n) disagreement between turns, 0 to 1.

    squares: views of one size. around: numbers of each one's neighbors. Disagreement is the mutual information of class and turn,
    over its maximum. Raises OutOfMemory.
    """
    import torch

    numbers = list(squares)
    pictures = [_channels(squares, number, around[number] if trained.recipe.neighbors else ()) for number in numbers]
    images = torch.from_numpy(np.stack(pictures).astype(np.float32))
    valid = torch.isfinite(images)
    inputs = normalized(images.nan_to_num(0.0), valid)
    network = trained.network.to(device)
    found = {}
    try:
        with torch.inference_mode():
            for start in range(0, len(numbers), BATCH):
                some = inputs[start : start + BATCH].to(device)
                each = torch.stack([_turned_back(network(_turned(some, *turn)).softmax(1), *turn) for turn in TURNS[:views]])
                mean = each.mean(0)
                apart = (_entropy(mean) - _entropy(each.transpose(1, 2).transpose(0, 1)).mean(0)).clamp(min=0)
                most = np.log(max(2, min(views, mean.shape[1])))
                for place, number in enumerate(numbers[start : start + BATCH]):
                    found[number] = (mean[place].cpu().numpy(), (apart[place] / most).cpu().numpy())
    except (torch.OutOfMemoryError, MemoryError) as full:
        raise OutOfMemory("The memory does not hold a batch of slices; close other programs, or use the device 'cpu'.") from full
    return found


def _channels(squares: Mapping[int, Slice], number: int, around: tuple[int | None, ...]) -> np.ndarray:
    here = squares[number].pixels
    if not around:
        return here[None]
    below, above = (np.full_like(here, np.nan) if one is None else squares[one].pixels for one in around)
    return np.stack([below, here, above])


def _turned(images: torch.Tensor, quarters: int, mirrored: bool) -> torch.Tensor:
    return (images.flip(3) if mirrored else images).rot90(quarters, (2, 3))


def _turned_back(images: torch.Tensor, quarters: int, mirrored: bool) -> torch.Tensor:
    images = images.rot90(-quarters, (2, 3))
    return images.flip(3) if mirrored else images


def _entropy(each: torch.Tensor) -> torch.Tensor:
    """Over the axis of the classes, the second."""
    return -(each * each.clamp(min=1e-12).log()).sum(1)
