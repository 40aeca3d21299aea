"""Predictions of a trained network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from CardioScarLib.reconstruction.dropout.architecture import Architecture
from CardioScarLib.reconstruction.dropout.device import choose_device, memory_errors_in_words
from CardioScarLib.reconstruction.dropout.forward import features, field_masks, head, trunk

if TYPE_CHECKING:
    from CardioScarLib.reconstruction.dropout.forward import Masks

State = dict[str, np.ndarray]
BATCH = {"cpu": 4096, "cuda": 50_000}
"""Points that go through the network together; on a CPU their activations stay in its cache."""


def predict(
    state: State,
    architecture: Architecture,
    points: np.ndarray,
    *,
    samples: int,
    seed: int = 0,
    device: str = "auto",
    batch_size: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """(n,) mean and (n,) standard deviation over Monte Carlo dropout samples.

    points: (n, 3) in the network's coordinates. Each sample has one dropout mask for all points, so that it is a field;
    the same seed gives the same result, whatever the batches. The deviation divides by the number of samples.
    """
    mean, deviation = np.empty(len(points)), np.empty(len(points))
    for where, drawn in _chunks(state, architecture, points, range(samples), seed, device, batch_size):
        mean[where], deviation[where] = drawn.mean(axis=0, dtype=np.float64), drawn.std(axis=0, dtype=np.float64)
    return mean, deviation


def predict_samples(
    state: State,
    architecture: Architecture,
    points: np.ndarray,
    *,
    samples: int,
    seed: int = 0,
    device: str = "auto",
    batch_size: int | None = None,
) -> np.ndarray:
    """(samples, n) float32: the fields behind `predict`."""
    fields = np.empty((samples, len(points)), dtype=np.float32)
    for where, drawn in _chunks(state, architecture, points, range(samples), seed, device, batch_size):
        fields[:, where] = drawn
    return fields


def predict_without_dropout(
    state: State, architecture: Architecture, points: np.ndarray, *, device: str = "auto", batch_size: int | None = None
) -> np.ndarray:
    """(n,) the deterministic pass."""
    field = np.empty(len(points))
    for where, drawn in _chunks(state, architecture, points, None, 0, device, batch_size):
        field[where] = drawn
    return field


def _chunks(
    state: State, architecture: Architecture, points: np.ndarray, samples: range | None, seed: int, wanted: str, batch_size: int | None
) -> Iterator[tuple[slice, np.ndarray]]:
    """Slices of the points with their (k, n) or (n,) predictions; halves the batches when memory runs out."""
    device, _ = choose_device(wanted)
    import torch

    with memory_errors_in_words():
        tensors = {key: torch.from_numpy(np.asarray(values, dtype=np.float32)).to(device) for key, values in state.items()}
        masks: list[Masks | None] = [None]
        if samples is not None:
            masks = [field_masks(architecture, samples[number : number + 1], seed, device) for number in range(len(samples))]
        size = batch_size or BATCH[device.type]
        start = 0
        while start < len(points):
            where = slice(start, start + size)
            try:
                with torch.inference_mode():
                    local = torch.from_numpy(np.asarray(points[where], dtype=np.float32)).to(device)
                    activations = trunk(tensors, architecture, features(tensors, local))
                    drawn = [torch.sigmoid(head(tensors, architecture, activations, mask)).reshape(-1) for mask in masks]
                    answers = torch.stack(drawn).cpu().numpy()
            except torch.OutOfMemoryError:
                if size == 1:
                    raise
                answers = None
            if answers is None:  # here, because the error above holds the memory of its batch
                size = max(1, size // 2)
                torch.cuda.empty_cache()
                continue
            yield where, answers if samples is not None else answers[0]
            start += size
