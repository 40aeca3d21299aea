"""Training a network that finds the wall on SPECT."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from CardioScarLib.core.errors import BadTrainingData
from CardioScarLib.core.perfusion_settings import SpectTrainingSettings
from CardioScarLib.perfusion.forward import shares
from CardioScarLib.perfusion.networks import RATES, build
from CardioScarLib.perfusion.samples import SpectBatches, SpectSamples
from CardioScarLib.perfusion.weights import SpectNetwork, write_spect_weights
from CardioScarLib.reconstruction.dropout.device import choose_device
from CardioScarLib.segmentation.networks import require_packages
from CardioScarLib.segmentation.resumable import WEIGHTS, Resumable, train_in_rounds
from CardioScarLib.segmentation.validation import half_precision

if TYPE_CHECKING:
    import torch
    from torch import nn

WARM_UP = 0.05
"""Share of the steps in which the learning rate rises; it falls to zero afterwards. The original program's stays as it is."""
DECAY = 1e-4


@dataclass(frozen=True)
class SpectTrainingReport:
    """dice: of voxels of which half is wall, mean over the validation volumes, with the best weights. seconds: of this run."""

    weights: Path
    step: int
    dice: float
    seconds: float


def train_spect(
    training: SpectSamples,
    validation: SpectSamples,
    folder: Path,
    settings: SpectTrainingSettings,
    record: dict[str, Any],
    progress: Callable[..., None],
) -> SpectTrainingReport:
    """Train a network, keep the weights that are best on the validation volumes, and go on where an earlier run was stopped.

    folder: where `best.safetensors`, `state.pt` and the curves for TensorBoard are kept. record: of the data, for the weights.
    """
    require_packages()
    import torch

    if not len(training) or not len(validation):
        raise BadTrainingData("Training needs volumes to learn from and volumes of other patients to validate with.")
    begin = time.perf_counter()
    torch.manual_seed(settings.seed)
    run = _Run(settings, training, validation, record)
    train_in_rounds(run, folder, progress)
    return SpectTrainingReport(folder / WEIGHTS, run.step, run.best, time.perf_counter() - begin)


class _Run(Resumable):
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler | None

    def __init__(self, settings: SpectTrainingSettings, samples: SpectSamples, validation: SpectSamples, record: dict[str, Any]):
        import torch

        super().__init__(best=-1.0)
        self.validation, self.record = validation, record
        self.settings, self.device = settings, choose_device(settings.device)[0]
        self.network = build(settings.network).to(self.device)
        self.is_original = settings.network == "original"
        self.batches = SpectBatches(samples, settings.batch_size, settings.seed, self.is_original)
        rate = settings.rate or RATES[settings.network]
        self.schedule = None
        if self.is_original:
            self.optimizer = torch.optim.Adam(self.network.parameters(), rate)
        else:
            self.optimizer = torch.optim.AdamW(self.network.parameters(), rate, weight_decay=DECAY)
            self.schedule = torch.optim.lr_scheduler.OneCycleLR(
                self.optimizer, rate, total_steps=settings.steps + 1, pct_start=WARM_UP, cycle_momentum=False
            )

    def one_step(self) -> float:
        self.network.train()
        counts, fraction = (one.to(self.device) for one in next(self.batches))
        with half_precision(self.device):
            logits = self.network(counts)
        loss = self._loss(logits.float(), fraction)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        if self.schedule is not None:
            self.schedule.step()
        self.step += 1
        self.losses.append(loss.item())
        return self.losses[-1]

    def validated(self) -> dict[str, float]:
        return {"dice": _dice(self.network, self.settings.network, self.validation, self.device)}

    def keep_if_best(self, scores: dict[str, float], path: Path) -> None:
        if scores["dice"] <= self.best:
            return
        self.best = scores["dice"]
        made = {**self.record, "training": asdict(self.settings), "step": self.step, "validation_dice": self.best}
        write_spect_weights(self.network, self.settings.network, made, path, overwrite=True)

    def _loss(self, logits: torch.Tensor, fraction: torch.Tensor) -> torch.Tensor:
        """Binary cross-entropy, and but for the original network a Dice whose best answer is the share itself, not a yes or no."""
        from torch.nn.functional import binary_cross_entropy_with_logits

        if self.is_original:
            return binary_cross_entropy_with_logits(logits, (fraction >= 0.5).float())
        found = logits.sigmoid()
        dice = 1 - 2 * (found * fraction).sum() / ((found**2).sum() + (fraction**2).sum() + 1)
        return binary_cross_entropy_with_logits(logits, fraction) + 0.5 * dice


def _dice(network: nn.Module, name: str, samples: SpectSamples, device: torch.device) -> float:
    trained = SpectNetwork(network.eval(), name, {}, "")
    every = []
    for counts, fraction in zip(samples.counts, samples.fraction, strict=True):
        found, true = shares(trained, counts.astype(np.float32), 1, device) >= 0.5, fraction >= 0.5
        every.append(2 * int(np.sum(found & true)) / max(1, int(np.sum(found)) + int(np.sum(true))))
    return float(np.mean(every))
