"""Several optimizers, or schedules, whose states are kept together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from CardioScarLib.segmentation.resumable import Kept

if TYPE_CHECKING:
    import torch
    from torch import nn

CONSTANT = 0.5
"""Share of the steps after which the rate falls to zero."""
BETAS = (0.5, 0.999)


class Several:
    """parts: by name."""

    def __init__(self, parts: dict[str, Kept]):
        self.parts = parts

    def state_dict(self) -> dict[str, Any]:
        return {name: one.state_dict() for name, one in self.parts.items()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for name, one in self.parts.items():
            one.load_state_dict(state_dict[name])


def adam(network: nn.Module, rate: float) -> torch.optim.Adam:
    import torch

    return torch.optim.Adam(network.parameters(), rate, betas=BETAS)


def falling(optimizer: torch.optim.Optimizer, steps: int, *, constant: bool = False) -> torch.optim.lr_scheduler.LambdaLR:
    """The rate is constant, then falls in a straight line; or is constant throughout."""
    import torch

    def share(step: int) -> float:
        return 1.0 if constant else min(1.0, (1 - step / (steps + 1)) / (1 - CONSTANT))

    return torch.optim.lr_scheduler.LambdaLR(optimizer, share)
