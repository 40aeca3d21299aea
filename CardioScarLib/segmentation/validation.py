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
"""Of scar in the wall, of hearts from which the spread is measured: without scar no move of the odds is right."""
FARTHEST, HALVINGS = 8.0, 30


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
    """How far the log-odds of scar must be moved, all alike, for a heart's share of scar to be the true one: root mean square.

    Over the hearts with scar; None for a network that does not tell scar, and where no heart has any.
    """
    if recipe.classes != EVERY_CLASS:
        return None
    chances: dict[int, list[np.ndarray]] = {}
    true = np.zeros((int(samples.case.max()) + 1, 2))
    for found, labels, rows in _found(network, samples, recipe, batch_size, device):
        for one, drawn, case in zip(found, labels, samples.case[rows], strict=True):
            wall = one[list(WALL)].sum(axis=0)
            scar = one[SCAR] + one[NO_REFLOW]
            chances.setdefault(int(case), []).append((scar / np.maximum(wall, 1e-6))[wall > 0.5])
            true[case] += np.isin(drawn, (SCAR, NO_REFLOW)).sum(), np.isin(drawn, WALL).sum()
    moves = [
        _move(np.concatenate(chances[case]), scar / wall) for case, (scar, wall) in enumerate(true) if wall and scar / wall > LEAST_SHARE
    ]
    return float(np.sqrt(np.mean(np.square(moves)))) if moves else None


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


def _move(chances: np.ndarray, share: float) -> float:
    """By how much all log-odds must be moved for the mean to be this share; by bisection."""
    clipped = np.clip(chances.astype(float), 1e-4, 1 - 1e-4)
    log_odds = np.log(clipped) - np.log1p(-clipped)
    low, high = -FARTHEST, FARTHEST
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        below = not len(log_odds) or np.mean(1 / (1 + np.exp(-log_odds - middle))) < share
        low, high = (middle, high) if below else (low, middle)
    return 0.5 * (low + high)
