"""Complete groups, cut into batches that lie on the device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from CardioScarLib.reconstruction.dropout.groups import GroupedPoints

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Batch:
    """points: (n, 3). weight: (n,). sizes: (g,) points of each group. target, confidence: (g,). On the device, single precision."""

    points: torch.Tensor
    weight: torch.Tensor
    sizes: torch.Tensor
    target: torch.Tensor
    confidence: torch.Tensor

    def means(self, predictions: torch.Tensor) -> torch.Tensor:
        """(g,) weighted group means of (n,) predictions."""
        import torch

        return torch.segment_reduce(self.weight * predictions, "sum", lengths=self.sizes, unsafe=True)


def make_batches(groups: GroupedPoints, order: np.ndarray, size: int, device: torch.device) -> list[Batch]:
    """Batches of up to `size` points in complete groups, in this order; a larger group is a batch of its own.

    order: numbers of the groups that take part.
    """
    starts = np.concatenate([[0], np.cumsum(groups.sizes)])
    batches = []
    for chosen in runs(groups.sizes[order], size):
        numbers = order[chosen]
        sizes = groups.sizes[numbers]
        place = np.repeat(starts[numbers] - np.concatenate([[0], np.cumsum(sizes)[:-1]]), sizes) + np.arange(sizes.sum())
        batches.append(Batch(*(_tensor(values, device) for values in (
            groups.points[place], groups.weight[place], sizes, groups.target[numbers], groups.confidence[numbers],
        ))))  # fmt: skip
    return batches


def runs(sizes: np.ndarray, most: int) -> list[slice]:
    """Runs of whole groups with up to `most` points; a larger group is a run of its own."""
    ends = np.cumsum(sizes)
    found, first, done = [], 0, 0
    while first < len(sizes):
        last = max(int(np.searchsorted(ends, done + most, side="right")), first + 1)
        found.append(slice(first, last))
        first, done = last, int(ends[last - 1])
    return found


def _tensor(values: np.ndarray, device: torch.device) -> torch.Tensor:
    import torch

    return torch.from_numpy(values if values.dtype == np.int64 else values.astype(np.float32)).to(device)
