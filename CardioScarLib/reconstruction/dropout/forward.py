"""The network's forward pass, with dropout masks handed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from CardioScarLib.reconstruction.dropout.architecture import FREQUENCIES, Architecture

if TYPE_CHECKING:
    import torch

    Tensors = dict[str, torch.Tensor]
    """State-dict keys and values."""
    Masks = dict[int, torch.Tensor]
    """Per hidden layer with dropout, counted from 1: (k, 1, width) for k samples that are each one field, or (k, n, width)."""


def features(tensors: Tensors, points: torch.Tensor) -> torch.Tensor:
    """(n, 3) coordinates -> what the first layer takes: themselves, or (n, 2f) random Fourier features."""
    import torch

    if FREQUENCIES not in tensors:
        return points
    phase = points @ tensors[FREQUENCIES].T
    return np.sqrt(2.0) * torch.cat([torch.cos(phase), torch.sin(phase)], dim=1)


def logits(tensors: Tensors, architecture: Architecture, inputs: torch.Tensor, masks: Masks | None = None) -> torch.Tensor:
    """(k, n) logits of k samples, or (n,) without masks: the deterministic pass. inputs: of `features`."""
    return head(tensors, architecture, trunk(tensors, architecture, inputs), masks)


def trunk(tensors: Tensors, architecture: Architecture, inputs: torch.Tensor) -> torch.Tensor:
    """(n, width) activations that the first dropout acts on; those before are the same for all samples."""
    activations = inputs
    for name in architecture.layers[: architecture.first_dropout]:
        activations = _linear(tensors, name, activations).relu()
    return activations


def head(tensors: Tensors, architecture: Architecture, activations: torch.Tensor, masks: Masks | None) -> torch.Tensor:
    """Logits from the activations of `trunk`, as in `logits`."""
    masks = masks or {}
    first = architecture.first_dropout
    if first in masks:
        activations = activations * masks[first]
    *hidden, output = architecture.layers[first:]
    for number, name in enumerate(hidden, first + 1):
        activations = _linear(tensors, name, activations).relu()
        if number in masks:
            activations = activations * masks[number]
    return _linear(tensors, output, activations).squeeze(-1)


def _linear(tensors: Tensors, name: str, inputs: torch.Tensor) -> torch.Tensor:
    from torch.nn.functional import linear

    return linear(inputs, tensors[f"{name}.weight"], tensors[f"{name}.bias"])


def field_masks(architecture: Architecture, samples: range, seed: int, device: torch.device) -> Masks:
    """Masks of the samples with these numbers, the same on every device: number i is the same field in every call."""
    import torch

    keep = np.empty((len(samples), len(architecture.dropout_layers), architecture.width), dtype=np.float32)
    for row, number in enumerate(samples):
        keep[row] = np.random.default_rng([seed, 5, number]).random(keep.shape[1:]) >= architecture.dropout
    scaled = torch.from_numpy(keep / np.float32(1 - architecture.dropout)).to(device)
    return {layer: scaled[:, place, None] for place, layer in enumerate(architecture.dropout_layers)}
