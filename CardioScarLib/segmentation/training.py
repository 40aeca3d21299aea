"""Training a segmentation network."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from CardioScarLib.core.errors import BadTrainingData
from CardioScarLib.core.segmentation_settings import SegmentTrainingSettings
from CardioScarLib.reconstruction.dropout.device import memory_errors_in_words
from CardioScarLib.segmentation.augment import variety_of
from CardioScarLib.segmentation.launched import Launched
from CardioScarLib.segmentation.losses import loss_of
from CardioScarLib.segmentation.networks import build
from CardioScarLib.segmentation.recipes import Recipe, recipe_of
from CardioScarLib.segmentation.resumable import WEIGHTS, Resumable, train_in_rounds
from CardioScarLib.segmentation.samples import Samples
from CardioScarLib.segmentation.training_batches import Batches
from CardioScarLib.segmentation.validation import half_precision, pooled_dice, share_spread
from CardioScarLib.segmentation.weights import write_weights

if TYPE_CHECKING:
    import torch
    from torch import nn

WARM_UP = 0.05
"""Share of the steps in which the learning rate rises."""
DECAY = 1e-4
LARGEST_GRADIENT = 5.0


@dataclass(frozen=True)
class TrainingReport:
    """dice: of each class on the validation slices, pooled, with the best weights; seconds: of this run, without earlier ones."""

    weights: Path
    step: int
    dice: dict[str, float]
    seconds: float


def train(
    training: Samples,
    validation: Samples,
    folder: Path,
    settings: SegmentTrainingSettings,
    record: dict[str, Any],
    progress: Callable[..., None],
    start: Callable[[nn.Module], None] | None = None,
    loss: nn.Module | None = None,
) -> TrainingReport:
    """Train a network, keep the weights that are best on the validation slices, and go on where an earlier run was stopped.

    folder: where `best.safetensors`, `state.pt` and the curves for TensorBoard are kept. record: of the data, for the weights.
    start: gives a new network weights to begin with, such as an encoder's. loss: in place of the network's own, of logits and labels.
    Under torch's launcher all processes train one network.
    """
    import torch

    if not len(training) or not len(validation):
        raise BadTrainingData("Training needs slices to learn from and slices of other patients to validate with.")
    recipe = recipe_of(settings.network)
    begin = time.perf_counter()
    with Launched(settings.device) as here, memory_errors_in_words():
        torch.manual_seed(settings.seed)
        network = build(recipe)
        if start is not None:
            start(network)
        run = _Run(here, here.shared(network), network, recipe, settings, training, validation, record, loss or loss_of(recipe))
        train_in_rounds(run, folder, progress, here.is_first)
    return TrainingReport(folder / WEIGHTS, run.step, run.best, time.perf_counter() - begin)


class _Run(Resumable):
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler

    def __init__(
        self, here: Launched, shared: nn.Module, network: nn.Module, recipe: Recipe, settings: SegmentTrainingSettings,
        samples: Samples, validation: Samples, record: dict[str, Any], loss: nn.Module,
    ):  # fmt: skip
        import torch

        super().__init__(best={})
        self.recipe, self.validation, self.record = recipe, validation, record
        self.here, self.shared, self.network, self.settings, self.device = here, shared, network, settings, here.device
        self.draws_as_before = here.is_first  # other processes draw other batches than before
        self.batches = Batches(
            samples, recipe, variety_of(recipe), settings.batch_size, settings.seed + here.rank, settings.synthetic_share / 100
        )
        self.loss = loss.to(here.device)
        trained = [one for one in network.parameters() if one.requires_grad]
        self.optimizer = torch.optim.AdamW(trained, settings.rate, weight_decay=DECAY)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, settings.rate, total_steps=settings.steps + 1, pct_start=WARM_UP, cycle_momentum=False
        )

    def one_step(self) -> float:
        import torch

        inputs, labels = next(self.batches)
        with half_precision(self.here.device):
            logits = self.shared(inputs.to(self.here.device))
        loss = self.loss(logits.float(), labels.to(self.here.device))
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), LARGEST_GRADIENT)
        self.optimizer.step()
        self.schedule.step()
        self.step += 1
        self.losses.append(loss.item())
        return self.losses[-1]

    def validated(self) -> dict[str, float]:
        dice = pooled_dice(self.network, self.validation, self.recipe, self.settings.batch_size, self.device)
        return {f"dice/{name}": value for name, value in dice.items()}

    def keep_if_best(self, scores: dict[str, float], path: Path) -> None:
        if self.best and np.mean(list(scores.values())) <= np.mean(list(self.best.values())):
            return
        self.best = {name.removeprefix("dice/"): value for name, value in scores.items()}
        spread = share_spread(self.network, self.validation, self.recipe, self.settings.batch_size, self.device)
        made = {
            **self.record, "training": asdict(self.settings), "step": self.step, "validation_dice": self.best, "share_spread": spread
        }  # fmt: skip
        write_weights(self.network, self.recipe, made, path, overwrite=True)
