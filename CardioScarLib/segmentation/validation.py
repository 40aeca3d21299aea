"""How good a network is while it is trained, on slices of patients that it does not learn from."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from CardioScarLib.segmentation.classes import CLASSES, NO_REFLOW, SCAR, WALL
from CardioScarLib.segmentation.recipes import EVERY_CLASS, Recipe
from CardioScarLib.segmentation.samples import Samples
from CardioScarLib.segmentation.training_batches import in_order

if TYPE_CHECKING:
    import torch
    from torch import nn

LEAST_SHARE = 0.01
"""Of scar in the wall, of hearts from which the spread is measured; without scar the odds have no logarithm."""


def pooled_dice(network: nn.Module, samples: Samples, recipe: Recipe, batch_size: int, device: torch.device) -> dict[str, float]:
    """Dice of each output over all slices together, so that slices without a class do not count as failures or successes."""
    both, sums = np.zeros(recipe.outputs), np.zeros(recipe.outputs)
    for found, labels, _ in _found(network, samples, recipe, batch_size, device):
        seen = found.argmax(axis=1)
        for output in range(1, recipe.outputs):
            both[output] += int(((seen == output) & (labels == output)).sum())
            sums[output] += int((seen == output).sum() + (labels == output).sum())
    return {name: float(2 * both[number] / sums[number]) for number, name in enumerate(_names(recipe), 1) if sums[number]}


def share_spread(network: nn.Module, samples: Samples, recipe: Recipe, batch_size: int, device: torch.device) -> float | None:
    """How far the share of scar in the wall is off, heart by heart: root mean square error of its log-odds.

    The share is that which the probabilities expect. Over the hearts with scar; None for a network that does not tell scar, and where
    no heart has any.
    """
    if recipe.classes != EVERY_CLASS:
        return None
    found_scar, found_wall, true_scar, true_wall = np.zeros((4, int(samples.case.max()) + 1))
    for found, labels, rows in _found(network, samples, recipe, batch_size, device):
        cases = samples.case[rows]
        np.add.at(found_wall, cases, found[:, list(WALL)].sum(axis=(1, 2, 3)))
        np.add.at(found_scar, cases, found[:, [SCAR, NO_REFLOW]].sum(axis=(1, 2, 3)))
        np.add.at(true_wall, cases, np.isin(labels, WALL).sum(axis=(1, 2)))
        np.add.at(true_scar, cases, np.isin(labels, (SCAR, NO_REFLOW)).sum(axis=(1, 2)))
    scarred = true_scar > LEAST_SHARE * np.maximum(true_wall, 1)
    if not scarred.any():
        return None
    errors = _log_odds(true_scar[scarred] / true_wall[scarred]) - _log_odds(found_scar[scarred] / np.maximum(found_wall[scarred], 1))
    return float(np.sqrt(np.mean(np.square(errors))))


def half_precision(device: torch.device) -> Any:
    """Automatic mixed precision: bfloat16, which needs no scaling of gradients, where the device computes with it."""
    import torch

    fast = torch.cuda.is_bf16_supported() if device.type == "cuda" else torch.backends.mkldnn.is_available()
    return torch.autocast(device.type, torch.bfloat16) if fast else nullcontext()


def _found(network: nn.Module, samples: Samples, recipe: Recipe, batch_size: int, device: torch.device):
    """Probabilities (b, outputs, n, n), labels (b, n, n) and rows of each batch."""
    import torch

    network.eval()
    with torch.inference_mode():
        for inputs, labels, rows in in_order(samples, recipe, batch_size):
            with half_precision(device):
                found = network(inputs.to(device)).float().softmax(1)
            yield found.cpu().numpy(), labels[:, 0].numpy(), rows
    network.train()


def _names(recipe: Recipe) -> list[str]:
    """What the outputs but the background mean."""
    groups = [[CLASSES[number] for number, output in enumerate(recipe.classes) if output == wanted] for wanted in range(1, recipe.outputs)]
    return ["+".join(group) for group in groups]


def _log_odds(share: np.ndarray) -> np.ndarray:
    """Of shares that are taken to be a little away from 0 and 1."""
    kept = np.clip(share, LEAST_SHARE / 2, 1 - LEAST_SHARE / 2)
    return np.log(kept) - np.log1p(-kept)
