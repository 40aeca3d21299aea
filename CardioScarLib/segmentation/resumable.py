"""The state of a training that can go on after it was stopped, for every network that is trained on folders."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from CardioScarLib.core.errors import BadSettings, UnreadableFile
from CardioScarLib.io.files import atomic_path

if TYPE_CHECKING:
    import torch
    from torch import nn

WEIGHTS, STATE = "best.safetensors", "state.pt"


class DrawnBatches(Protocol):
    def __next__(self) -> tuple[torch.Tensor, torch.Tensor]: ...

    def state(self) -> torch.Tensor: ...

    def resume(self, state: torch.Tensor) -> None: ...


class Resumable:
    """network, optimizer, schedule (None keeps the rate), batches, settings (a dataclass) and device are set by who trains.

    step, best: how far it is, and the best score on validation so far. draws_as_before: whether its batches go on where they were.
    """

    network: nn.Module
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler | None
    batches: DrawnBatches
    settings: Any
    device: torch.device
    draws_as_before = True

    def __init__(self, best: Any) -> None:
        self.step, self.best = 0, best
        self.losses: list[float] = []

    def mean_loss(self) -> float:
        """Of the steps since this was asked for the last time."""
        mean = float(np.mean(self.losses))
        self.losses = []
        return mean

    def save(self, path: Path) -> None:
        import torch

        state = {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": None if self.schedule is None else self.schedule.state_dict(),
            "batches": self.batches.state(),
            "step": self.step,
            "best": self.best,
            "settings": asdict(self.settings),
        }
        with atomic_path(path, overwrite=True) as temporary:
            torch.save(state, temporary)

    def resume(self, path: Path) -> None:
        """Go on from a state of the same settings, if there is one. Raises UnreadableFile and BadSettings."""
        import torch

        if not path.is_file():
            return
        try:
            state = torch.load(path, map_location=self.device, weights_only=True)
        except Exception as problem:  # whatever a damaged file makes the reader raise
            raise UnreadableFile(f"{path.name} cannot be read; remove it to begin anew.") from problem
        if state.get("settings") != asdict(self.settings):
            raise BadSettings(f"The folder holds a run with other settings; give those of {path.name}, another folder, or remove the file.")
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.schedule is not None:
            self.schedule.load_state_dict(state["schedule"])
        self.step, self.best = state["step"], state["best"]
        if self.draws_as_before:
            self.batches.resume(state["batches"].cpu())
