"""The network's forward pass, with dropout masks handed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from CardioScarLib.reconstruction.mc_dropout.architecture import FREQUENCIES, Architecture

if TYPE_CHECKING:
    import torch

Masks = dict[int, "torch.Tensor"]
"""Per hidden layer with dropout, counted from 1: (k, 1, width) for k samples that are each one field, or (k, n, width)."""


def features(tensors: dict[str, torch.Tensor], points: torch.Tensor) -> torch.Tensor:
    """(n, 3) coordinates -> what the first layer takes: themselves, or (n, 2f) random Fourier features."""
    import torch

    if FREQUENCIES not in tensors:
        return points
    phase = points @ tensors[FREQUENCIES].T
    return np.sqrt(2.0) * torch.cat([torch.cos(phase), torch.sin(phase)], dim=1)


def logits(tensors: dict[str, torch.Tensor], architecture: Architecture, inputs: torch.Tensor, masks: Masks | None = None) -> torch.Tensor:
    """(k, n) logits of k samples, or (n,) without masks: the deterministic pass. inputs: of `features`.

    Layers before the first dropout are the same for all samples and are computed once.
    """
    from torch.nn.functional import linear

    layer = inputs
    *hidden, output = architecture.layers
    for number, name in enumerate(hidden, 1):
        layer = linear(layer, tensors[f"{name}.weight"], tensors[f"{name}.bias"]).relu()
        if masks is not None and number in masks:
            layer = layer * masks[number]
    return linear(layer, tensors[f"{output}.weight"], tensors[f"{output}.bias"]).squeeze(-1)


def field_masks(architecture: Architecture, samples: range, seed: int, device: torch.device) -> Masks:
    """Masks of the samples with these numbers, the same on every device: number i is the same field in every call."""
    import torch

    keep = np.empty((len(samples), len(architecture.dropout_layers), architecture.width), dtype=np.float32)
    for row, number in enumerate(samples):
        keep[row] = np.random.default_rng([seed, 5, number]).random(keep.shape[1:]) >= architecture.dropout
    keep = torch.from_numpy(keep / np.float32(1 - architecture.dropout)).to(device)
    return {layer: keep[:, place, None] for place, layer in enumerate(architecture.dropout_layers)}
