"""Training a network that makes LGE images of label maps (Isola et al. 2017)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from CardioScarLib.core.errors import BadTrainingData
from CardioScarLib.core.synthesis_settings import Pix2PixSettings
from CardioScarLib.reconstruction.dropout.device import choose_device, memory_errors_in_words
from CardioScarLib.segmentation.networks import require_packages
from CardioScarLib.segmentation.resumable import WEIGHTS, Resumable, train_in_rounds
from CardioScarLib.segmentation.validation import half_precision
from CardioScarLib.synthesis.gan import losses
from CardioScarLib.synthesis.gan.batches import Batch, GanBatches, in_order
from CardioScarLib.synthesis.gan.features import frechet_distance, seen_by, shipped_network
from CardioScarLib.synthesis.gan.networks import discriminator_of, generator_of
from CardioScarLib.synthesis.gan.recipes import GanRecipe, gan_recipe
from CardioScarLib.synthesis.gan.samples import GanSamples
from CardioScarLib.synthesis.gan.seeded import seeded
from CardioScarLib.synthesis.gan.several import Several, adam, falling
from CardioScarLib.synthesis.gan.weights import OF_LABELS, write_generators

if TYPE_CHECKING:
    import torch

AVERAGED = 0.995
"""Share of earlier steps' generators in the one that is kept, at most; the original keeps its own."""
YOUNG = 10
"""Steps in which that share rises, so that a short run does not keep the random weights it began with: at step n it is n / (n + 9)."""
CRITIC_RATE = 2.0
"""The discriminator's rate over the generator's (Heusel et al. 2017), but for the original."""
VALIDATED = 160
"""Slices of patients kept apart on which weights are compared, at most."""


@dataclass(frozen=True)
class GanReport:
    """weights: file of the best. scores: with these, on validation slices. seconds: of this run, without earlier ones."""

    weights: Path
    step: int
    scores: dict[str, float]
    seconds: float


def train_pix2pix(
    training: GanSamples,
    validation: GanSamples,
    folder: Path,
    settings: Pix2PixSettings,
    record: dict[str, Any],
    progress: Callable[..., None],
) -> GanReport:
    """Train a generator and a discriminator, keep the generator whose images of validation label maps are nearest to the real ones by the
    Frechet distance on features of the shipped segmentation network, and go on where an earlier run was stopped.

    folder: where `best.safetensors`, `state.pt` and the curves for TensorBoard are kept. record: of the data, for the weights.
    """
    require_packages()
    import torch

    if not len(training) or not len(validation):
        raise BadTrainingData("Training needs slices to learn from and slices of other patients to validate with.")
    begin = time.perf_counter()
    with memory_errors_in_words():
        torch.manual_seed(settings.seed)
        run = _Run(settings, training, validation, record)
        train_in_rounds(run, folder, progress)
    return GanReport(folder / WEIGHTS, run.step, run.best, time.perf_counter() - begin)


class _Run(Resumable):
    def __init__(self, settings: Pix2PixSettings, samples: GanSamples, validation: GanSamples, record: dict[str, Any]):
        from torch import nn
        from torch.optim.swa_utils import AveragedModel

        super().__init__(best={})
        self.settings, self.device, self.record = settings, choose_device(settings.device)[0], record
        self.recipe = gan_recipe(settings)
        self.generator, self.critic = generator_of(self.recipe).to(self.device), discriminator_of(self.recipe).to(self.device)
        self.averaged = None if self.recipe.is_original else AveragedModel(self.generator, avg_fn=_mean)
        parts: dict[str, nn.Module] = {"generator": self.generator, "critic": self.critic}
        self.network = nn.ModuleDict(parts if self.averaged is None else {**parts, "averaged": self.averaged})
        self.batches = GanBatches(samples, self.recipe, settings.batch_size, settings.seed)
        rates = settings.rate, settings.rate * (1 if self.recipe.is_original else CRITIC_RATE)
        self.optimizers = [adam(one, rate) for one, rate in zip((self.generator, self.critic), rates, strict=True)]
        self.schedules = [falling(one, settings.steps, constant=self.recipe.is_original) for one in self.optimizers]
        self.optimizer = Several(dict(zip(("generator", "critic"), self.optimizers, strict=True)))
        self.schedule = Several(dict(zip(("generator", "critic"), self.schedules, strict=True)))
        self.validation, self.judge = first_slices(validation, VALIDATED), shipped_network()
        self.real = self._seen(self.validation.middle(self.validation.images)).features

    def one_step(self) -> float:
        import torch

        batch = next(self.batches)
        told, real, labels = batch.told.to(self.device), batch.images.to(self.device), batch.labels.to(self.device)
        with half_precision(self.device):
            made = self.generator(told)
            of_real, of_made = (self.critic(torch.cat([told, one], 1)) for one in (real, made.detach().to(real.dtype)))
        of_critic = losses.of_discriminator(self.recipe, of_real[-1].float(), of_made[-1].float())
        self.optimizers[1].zero_grad()
        of_critic.backward()
        self.optimizers[1].step()
        with half_precision(self.device):
            judged = self.critic(torch.cat([told, made], 1))
        loss = losses.of_generator(self.recipe, judged[-1].float())
        made = made.float()
        if self.recipe.is_original:
            loss = loss + losses.ORIGINAL_LAMBDA * losses.weighted_l1(made, real, labels, losses.ORIGINAL_WEIGHTS)
        else:
            loss = loss + losses.FEATURES * losses.of_features(judged, of_real)
            loss = loss + losses.LAMBDA * losses.weighted_l1(made, real, labels, losses.WEIGHTS)
        self.optimizers[0].zero_grad()
        loss.backward()
        self.optimizers[0].step()
        if self.averaged is not None:
            self.averaged.update_parameters(self.generator)
        for schedule in self.schedules:
            schedule.step()
        self.step += 1
        self.losses.append(float(loss.item() + of_critic.item()))
        return self.losses[-1]

    def validated(self) -> dict[str, float]:
        """Frechet distance, and mean absolute error in units of the range."""
        made = images_of(self._best_generator(), self.recipe, self.validation, self.settings.seed, self.device)
        true = self.validation.middle(self.validation.images).astype(np.float32)
        return {
            "frechet_segmentation_features": frechet_distance(self.real, self._seen(made).features),
            "absolute_error": float(np.abs(made - true).mean() / 2),
        }

    def keep_if_best(self, scores: dict[str, float], path: Path) -> None:
        name = "frechet_segmentation_features"
        if self.best and scores[name] >= self.best[name]:
            return
        self.best = scores
        made = {**self.record, "training": asdict(self.settings), "step": self.step, "validation": scores}
        write_generators({OF_LABELS: self._best_generator()}, self.recipe, made, path, overwrite=True)

    def _best_generator(self) -> torch.nn.Module:
        return self.generator if self.averaged is None else self.averaged.module

    def _seen(self, images: np.ndarray):
        return seen_by(
            self.judge, images, self.validation.middle(self.validation.labels), self.validation.around, self.recipe.spacing, self.device
        )


def _mean(mean: torch.Tensor, now: torch.Tensor, count: torch.Tensor | int) -> torch.Tensor:
    """The running mean of weights after `count` steps and one more."""
    share = min(AVERAGED, (1 + int(count)) / (YOUNG + int(count)))
    return share * mean + (1 - share) * now


def images_of(
    generator: torch.nn.Module, recipe: GanRecipe, samples: GanSamples, seed: int, device: torch.device, size: int = 16
) -> np.ndarray:
    """(n, s, s) float32 images of all samples' labels, -1 to 1. Dropout and noise depend on the seed alone."""
    import torch

    made = []
    with seeded(seed, device), torch.inference_mode():
        for batch, _ in in_order(samples, recipe, size):
            made.append(made_of(generator, batch, device))
    return np.concatenate(made)


def made_of(generator: torch.nn.Module, batch: Batch, device: torch.device) -> np.ndarray:
    with half_precision(device):
        return generator(batch.told.to(device)).float().cpu().numpy()[:, 0]


def first_slices(samples: GanSamples, count: int) -> GanSamples:
    """Whole stacks, so that neighbors stay, up to about so many slices."""
    ends = np.flatnonzero(np.diff(np.append(samples.case, samples.case[-1] + 1))) + 1
    end = int(ends[ends <= max(count, int(ends[0]))][-1])
    parts = {name: getattr(samples, name)[:end] for name in ("images", "labels", "around", "height", "case")}
    return replace(samples, **parts)
