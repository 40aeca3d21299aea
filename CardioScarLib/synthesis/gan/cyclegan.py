"""Training networks that make LGE of cine and cine of LGE, without pairs (Zhu et al. 2017)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from CardioScarLib.core.errors import BadTrainingData
from CardioScarLib.core.synthesis_settings import CycleGanSettings
from CardioScarLib.reconstruction.dropout.device import choose_device, memory_errors_in_words
from CardioScarLib.segmentation.networks import require_packages
from CardioScarLib.segmentation.resumable import WEIGHTS, Resumable, train_in_rounds
from CardioScarLib.segmentation.validation import half_precision
from CardioScarLib.synthesis.gan import losses
from CardioScarLib.synthesis.gan.batches import GanBatches, in_order
from CardioScarLib.synthesis.gan.features import Seen, frechet_distance, seen_by, shipped_network
from CardioScarLib.synthesis.gan.networks import discriminator_of, generator_of
from CardioScarLib.synthesis.gan.pix2pix import GanReport, first_slices
from CardioScarLib.synthesis.gan.recipes import gan_recipe
from CardioScarLib.synthesis.gan.samples import GanSamples
from CardioScarLib.synthesis.gan.several import Several, adam, falling
from CardioScarLib.synthesis.gan.stacks import FOUND_AGAIN, dice_of
from CardioScarLib.synthesis.gan.weights import TO_CINE, TO_LGE, write_generators

if TYPE_CHECKING:
    import torch

VALIDATED = 80
"""Slices of each kind on which weights are compared, at most."""
KINDS = (TO_LGE, TO_CINE)


def train_cyclegan(
    training: dict[str, GanSamples],
    validation: dict[str, GanSamples],
    folder: Path,
    settings: CycleGanSettings,
    record: dict[str, Any],
    progress: Callable[..., None],
) -> GanReport:
    """Train two generators and two discriminators, keep the generators whose LGE of validation cine is nearest to validation LGE by the
    Frechet distance on features of the shipped segmentation network, and go on where an earlier run was stopped.

    training, validation: by the network that makes images of that kind, `weights.TO_LGE` and `weights.TO_CINE`. folder, record: see
    `pix2pix.train_pix2pix`.
    """
    require_packages()
    import torch

    if not all(len(one) for side in (training, validation) for one in side.values()):
        raise BadTrainingData("Training needs slices of both kinds to learn from, and of other patients to validate with.")
    begin = time.perf_counter()
    with memory_errors_in_words():
        torch.manual_seed(settings.seed)
        run = _Run(settings, training, validation, record)
        train_in_rounds(run, folder, progress)
    return GanReport(folder / WEIGHTS, run.step, run.best, time.perf_counter() - begin)


class _BothBatches:
    """Batches of both kinds, one of each at a time."""

    def __init__(self, samples: dict[str, GanSamples], size: int, settings: CycleGanSettings):
        recipe = gan_recipe(settings)
        self.parts = {kind: GanBatches(samples[kind], recipe, size, settings.seed + number) for number, kind in enumerate(KINDS)}

    def __next__(self) -> dict[str, torch.Tensor]:
        return {kind: next(one).images for kind, one in self.parts.items()}

    def state(self) -> torch.Tensor:
        import torch

        return torch.stack([one.state() for one in self.parts.values()])

    def resume(self, state: torch.Tensor) -> None:
        for one, own in zip(self.parts.values(), state, strict=True):
            one.resume(own)


class _Run(Resumable):
    def __init__(
        self, settings: CycleGanSettings, training: dict[str, GanSamples], validation: dict[str, GanSamples], record: dict[str, Any]
    ):
        from torch import nn

        super().__init__(best={})
        self.settings, self.device, self.record = settings, choose_device(settings.device)[0], record
        self.recipe = gan_recipe(settings)
        self.makers = nn.ModuleDict({kind: generator_of(self.recipe) for kind in KINDS}).to(self.device)
        self.critics = nn.ModuleDict({kind: discriminator_of(self.recipe) for kind in KINDS}).to(self.device)
        self.network = nn.ModuleDict({"makers": self.makers, "critics": self.critics})
        self.batches = _BothBatches(training, settings.batch_size, settings)
        self.optimizers = {"makers": adam(self.makers, settings.rate), "critics": adam(self.critics, settings.rate)}
        self.schedules = {name: falling(one, settings.steps) for name, one in self.optimizers.items()}
        self.optimizer, self.schedule = Several(dict(self.optimizers)), Several(dict(self.schedules))
        self.validation = {kind: first_slices(one, VALIDATED) for kind, one in validation.items()}
        self.judge = shipped_network()
        lge = self.validation[TO_LGE]
        self.real = self._seen(lge, lge.middle(lge.images)).features

    def one_step(self) -> float:
        import torch

        real = {kind: images.to(self.device) for kind, images in next(self.batches).items()}
        with half_precision(self.device):
            made = {kind: self.makers[kind](real[other]) for kind, other in zip(KINDS, KINDS[::-1], strict=True)}
            back = {kind: self.makers[kind](made[other]) for kind, other in zip(KINDS, KINDS[::-1], strict=True)}
            same = {kind: self.makers[kind](real[kind]) for kind in KINDS} if self.settings.identity else {}
            judged = {kind: self.critics[kind](made[kind])[-1].float() for kind in KINDS}
        loss = torch.zeros((), device=self.device)
        for kind in KINDS:
            loss = loss + losses.of_generator(self.recipe, judged[kind])
            loss = loss + self.settings.cycle * (back[kind].float() - real[kind]).abs().mean()
            if same:
                loss = loss + self.settings.identity * (same[kind].float() - real[kind]).abs().mean()
        self.optimizers["makers"].zero_grad()
        loss.backward()
        self.optimizers["makers"].step()
        of_critics = torch.zeros((), device=self.device)
        for kind in KINDS:
            with half_precision(self.device):
                of_real, of_made = (self.critics[kind](one)[-1].float() for one in (real[kind], made[kind].detach()))
            of_critics = of_critics + losses.of_discriminator(self.recipe, of_real, of_made)
        self.optimizers["critics"].zero_grad()
        of_critics.backward()
        self.optimizers["critics"].step()
        for schedule in self.schedules.values():
            schedule.step()
        self.step += 1
        self.losses.append(float(loss.item() + of_critics.item()))
        return self.losses[-1]

    def validated(self) -> dict[str, float]:
        """Frechet distance of LGE made of cine; error of coming back; and where there are labels, whether the shipped network finds those
        of the cine again in the LGE made of it: masks must not move."""
        import torch

        cine = self.validation[TO_CINE]
        made, errors = [], []
        with torch.inference_mode():
            for batch, _ in in_order(cine, self.recipe, 16):
                with half_precision(self.device):
                    lge = self.makers[TO_LGE](batch.images.to(self.device))
                    back = self.makers[TO_CINE](lge)
                made.append(lge.float().cpu().numpy()[:, 0])
                errors.append(float((back.float().cpu() - batch.images).abs().mean()))
        seen = self._seen(cine, np.concatenate(made))
        scores = {"frechet_segmentation_features": frechet_distance(self.real, seen.features), "cycle_error": float(np.mean(errors) / 2)}
        for name in ("cavity", "wall"):
            dice = dice_of(np.isin(seen.classes, FOUND_AGAIN[name]), np.isin(seen.labels, FOUND_AGAIN[name]))
            if dice is not None and cine.labels.any():
                scores[f"dice_of_cine_{name}_found_in_lge"] = dice
        return scores

    def keep_if_best(self, scores: dict[str, float], path: Path) -> None:
        name = "frechet_segmentation_features"
        if self.best and scores[name] >= self.best[name]:
            return
        self.best = scores
        made = {**self.record, "training": asdict(self.settings), "step": self.step, "validation": scores}
        write_generators({kind: self.makers[kind] for kind in KINDS}, self.recipe, made, path, overwrite=True)

    def _seen(self, samples: GanSamples, images: np.ndarray) -> Seen:
        return seen_by(self.judge, images, samples.middle(samples.labels), samples.around, self.recipe.spacing, self.device)
