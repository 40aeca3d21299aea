"""Training that can go on after it was stopped, for every network that is trained on folders: its loop and its state."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from CardioScarLib.core.errors import BadSettings, BadTrainingData, UnreadableFile
from CardioScarLib.io.files import atomic_path

if TYPE_CHECKING:
    import torch
    from torch import nn

WEIGHTS, STATE = "best.safetensors", "state.pt"


class DrawnBatches(Protocol):
    def __next__(self) -> Any: ...

    def state(self) -> torch.Tensor: ...

    def resume(self, state: torch.Tensor) -> None: ...


class Kept(Protocol):
    """What has a state that a run goes on with, as torch's optimizers and schedules do."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> None: ...


class Resumable:
    """network, optimizer, schedule (None keeps the rate), batches, settings (a dataclass) and device are set by who trains.

    step, best: how far it is, and the best score on validation so far. draws_as_before: whether its batches go on where they were.
    """

    network: nn.Module
    optimizer: Kept
    schedule: Kept | None
    batches: DrawnBatches
    settings: Any
    device: torch.device
    draws_as_before = True

    def __init__(self, best: Any) -> None:
        self.step, self.best = 0, best
        self.losses: list[float] = []

    def one_step(self) -> float:
        """Take the next step, count it, and return its loss, which is also kept in `losses`."""
        raise NotImplementedError

    def validated(self) -> dict[str, float]:
        """Scores on the validation data, by the names of their curves."""
        raise NotImplementedError

    def keep_if_best(self, scores: dict[str, float], path: Path) -> None:
        """Write the weights to the path where the scores, those of `validated`, are the best so far."""
        raise NotImplementedError

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


def train_in_rounds(run: Resumable, folder: Path, progress: Callable[..., None], is_first: bool = True) -> None:
    """Take all steps of the settings; after each round, write curves for TensorBoard, the weights if they are the best, and the state.

    Goes on from a state in the folder. is_first: False in all but one of several processes that train one network; these write nothing.
    Raises BadTrainingData where the loss is no number any more.
    """
    from torch.utils.tensorboard import SummaryWriter

    run.resume(folder / STATE)
    steps = run.settings.steps
    every = max(1, steps // run.settings.rounds)
    curves = SummaryWriter(str(folder / "curves")) if is_first else None
    try:
        while run.step < steps:
            loss = run.one_step()
            if not math.isfinite(loss):
                raise BadTrainingData(
                    f"The training diverged at step {run.step} of {steps}: its loss is not a number any more. The weights and the state "
                    "of the last round are kept; train into another folder with a lower rate (--rate)."
                )
            if is_first:
                progress("train", run.step, steps, loss=loss)
            if run.step % every and run.step < steps:
                continue
            scores = run.validated()
            if curves is not None:
                for name, value in {"loss": run.mean_loss(), **scores}.items():
                    curves.add_scalar(name, value, run.step)
                curves.flush()
                run.keep_if_best(scores, folder / WEIGHTS)
                run.save(folder / STATE)
    finally:
        if curves is not None:
            curves.close()
