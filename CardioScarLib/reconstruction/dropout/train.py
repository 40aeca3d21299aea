"""Training the network until it predicts held-out groups."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.settings import NetworkSettings
from CardioScarLib.reconstruction.dropout.architecture import FREQUENCIES, Architecture
from CardioScarLib.reconstruction.dropout.batches import Batch, make_batches
from CardioScarLib.reconstruction.dropout.device import choose_device, memory_errors_in_words
from CardioScarLib.reconstruction.dropout.forward import features, logits
from CardioScarLib.reconstruction.dropout.groups import GroupedPoints
from CardioScarLib.reconstruction.dropout.recipes import Recipe, recipe_of

if TYPE_CHECKING:
    import torch

    from CardioScarLib.reconstruction.dropout.forward import Masks

HELD_OUT = 0.04
"""Share of the groups that choose the best epoch and are not trained on."""
FEWEST_TO_HOLD_OUT = 50
"""Of fewer groups none can be spared: the training error chooses."""
TINY = 1e-6
RISE = 0.3
"""Share of a run with one cycle in which the learning rate rises."""

State = dict[str, np.ndarray]
Progress = Callable[[int, int, float, float], None]
"""Called with (epochs done, epochs at most, loss, learning rate) after every epoch; may raise to end the run."""


@dataclass(frozen=True, eq=False)
class TrainingState:
    """Everything needed to continue training after an epoch: plain arrays, and a history of plain numbers.

    state, best: tensors of the network, now and at its best epoch. first_moment, second_moment: Adam's.
    """

    epoch: int
    steps: int
    state: State
    best: State
    first_moment: State
    second_moment: State
    history: dict


@dataclass(frozen=True, eq=False)
class Trained:
    """state: tensors of the best epoch. device: sentence on where it was trained. interrupted: ended by Ctrl-C.

    history: losses and rates (per epoch), held_out_errors (root mean square, per epoch), best_loss (the training loss of the
    best epoch), best_epoch (from 1), converged_epoch (epochs done), seconds, held_out_groups.
    """

    state: State
    architecture: Architecture
    history: dict = field(default_factory=dict)
    device: str = ""
    interrupted: bool = False


def train(
    groups: GroupedPoints,
    architecture: Architecture,
    settings: NetworkSettings,
    *,
    seed: int = 0,
    start: State | None = None,
    freeze_stages: int = 0,
    progress: Progress = lambda epoch, epochs, loss, rate: None,
    resume: TrainingState | None = None,
    on_checkpoint: Callable[[TrainingState], None] | None = None,
    every_epochs: int = 50,
) -> Trained:
    """Train until the recipe's end, or until the held-out groups are predicted no better; the best epoch is kept.

    start: state to begin with, as for fine-tuning. freeze_stages: hidden layers, from the first, that keep their weights.
    resume: continues where an `on_checkpoint`, called every so many epochs, left off, and ends with the same weights as
    without the break; groups, architecture, settings and seed must be the same. Ctrl-C ends it and keeps the best so far.
    Raises OutOfMemory when not even one group fits, BadSettings when it diverges or fewer layers exist than are to be frozen.
    """
    if not 0 <= freeze_stages <= architecture.depth:
        raise BadSettings(f"{freeze_stages} hidden layers cannot be frozen: the network has {architecture.depth}.")
    device, found = choose_device(settings.device)
    recipe = recipe_of(settings)
    if start is None:
        start = architecture.initial(seed, recipe.length)
    with memory_errors_in_words():
        run = _Run(groups, architecture, recipe, seed, device, freeze_stages, resume or _beginning(start))
        interrupted = False
        try:
            while not run.finished:
                run.epoch()
                if on_checkpoint and run.done % every_epochs == 0:
                    on_checkpoint(run.snapshot())
                progress(run.done, recipe.epochs, run.history["losses"][-1], run.history["rates"][-1])
        except KeyboardInterrupt:
            interrupted = True
    return Trained(run.best, architecture, run.summary(), found, interrupted)


def _beginning(start: State) -> TrainingState:
    history = {"losses": [], "rates": [], "held_out_errors": [], "best_epoch": 0, "seconds": 0.0}
    return TrainingState(0, 0, start, start, {}, {}, history)


class _Run:
    """One training run: the tensors, Adam's memory of them, and what happened so far."""

    def __init__(
        self,
        groups: GroupedPoints,
        architecture: Architecture,
        recipe: Recipe,
        seed: int,
        device: torch.device,
        freeze_stages: int,
        resume: TrainingState,
    ):
        import torch

        self.groups, self.architecture, self.recipe, self.seed, self.device = groups, architecture, recipe, seed, device
        self.done, self.steps, self.best = resume.epoch, resume.steps, resume.best
        self.history: dict[str, Any] = {name: list(value) if isinstance(value, list) else value for name, value in resume.history.items()}
        self.tensors = {key: torch.tensor(values, dtype=torch.float32, device=device) for key, values in resume.state.items()}
        frozen = (FREQUENCIES, *(f"{name}{kind}" for name in architecture.layers[:freeze_stages] for kind in (".weight", ".bias")))
        self.trained = {key: tensor.requires_grad_() for key, tensor in self.tensors.items() if key not in frozen}
        self.optimizer = torch.optim.Adam(list(self.trained.values()), lr=recipe.lowest_rate, fused=True)
        for key, tensor in self.trained.items():
            if key in resume.first_moment:
                moments = (resume.first_moment[key], resume.second_moment[key])
                exp_avg, exp_avg_sq = (torch.tensor(values, device=device) for values in moments)
                step = torch.tensor(float(resume.steps), device=device)
                self.optimizer.state[tensor] = {"step": step, "exp_avg": exp_avg, "exp_avg_sq": exp_avg_sq}
        random = np.random.default_rng([seed, 7])
        order = random.permutation(np.flatnonzero(groups.confidence))
        held_out = round(HELD_OUT * len(order)) if len(order) >= FEWEST_TO_HOLD_OUT else 0
        self.held_out, kept = np.sort(order[:held_out]), order[held_out:]
        self.kept = kept if recipe.shuffled else np.sort(kept)
        self.batch_size = recipe.batch_size
        self._cut()

    def _cut(self) -> None:
        self.batches = make_batches(self.groups, self.kept, self.batch_size, self.device)
        self.aside = make_batches(self.groups, self.held_out, self.batch_size, self.device)

    @property
    def finished(self) -> bool:
        since_best = self.done - self.history["best_epoch"]
        return self.done >= self.recipe.epochs or (self.recipe.patience is not None and since_best >= self.recipe.patience)

    def epoch(self) -> None:
        """One pass over the batches; smaller batches if they do not fit into memory."""
        import torch

        started = time.perf_counter()
        while True:
            try:
                losses = self._pass()
                error = self._error()
                break
            except torch.OutOfMemoryError:
                if self.batch_size <= self.groups.sizes.max():  # groups stay whole
                    raise
            self._shrink()  # here, because the error above holds the memory of its batch
        if not np.isfinite([error, *losses]).all():
            raise BadSettings(f"The training diverged in epoch {self.done + 1}; lower the highest learning rate.")
        self.done += 1
        history = self.history
        history["losses"].append(float(np.mean(losses)))
        history["rates"].append(self._rate())
        history["held_out_errors"].append(error)
        if error <= min(history["held_out_errors"]):
            history["best_epoch"], self.best = self.done, self._copy()
        history["seconds"] += time.perf_counter() - started

    def _pass(self) -> list[float]:
        random = np.random.default_rng([self.seed, 8, self.done])
        order = random.permutation(len(self.batches)) if self.recipe.shuffled else range(len(self.batches))
        losses = []
        for place, number in enumerate(order):
            for group in self.optimizer.param_groups:
                group["lr"] = self._rate(place)
            self.optimizer.zero_grad()
            loss = self._loss(self.batches[number], self._masks(self.batches[number]))
            loss.backward()
            self.optimizer.step()
            self.steps += 1
            losses.append(loss.detach())
        return [loss.item() for loss in losses]

    def _loss(self, batch: Batch, masks: Masks) -> torch.Tensor:
        import torch

        drawn = torch.sigmoid(logits(self.tensors, self.architecture, features(self.tensors, batch.points), masks))
        mean = batch.means(drawn.reshape(-1, len(batch.points)).mean(dim=0))
        if self.done < self.recipe.entropy_share * self.recipe.epochs:
            mean = mean.clamp(TINY, 1 - TINY)
            errors = -(batch.target * mean.log() + (1 - batch.target) * (1 - mean).log())
        else:
            errors = (mean - batch.target) ** 2
        return (batch.confidence * errors).sum() / batch.confidence.sum()

    def _masks(self, batch: Batch) -> Masks:
        """One per point, drawn from the seed and the number of the step, so that a run can be resumed."""
        import torch

        rate = self.architecture.dropout
        random = torch.Generator(self.device).manual_seed(self.seed + 2**32 * self.steps)
        shape = (self.recipe.training_samples, len(batch.points), self.architecture.width)
        return {
            layer: (torch.rand(shape, generator=random, device=self.device) >= rate) / (1 - rate)
            for layer in self.architecture.dropout_layers
        }

    def _error(self) -> float:
        """Root mean square over the held-out groups, without dropout; over all of them where none is held out."""
        import torch

        with torch.inference_mode():
            total = weight = 0.0
            for batch in self.aside or self.batches:
                field = torch.sigmoid(logits(self.tensors, self.architecture, features(self.tensors, batch.points)))
                total += (batch.confidence * (batch.means(field) - batch.target) ** 2).sum().item()
                weight += batch.confidence.sum().item()
        return float(np.sqrt(total / weight)) if weight > 0 else 0.0

    def _rate(self, place: int = 0) -> float:
        """Learning rate of the batch at this place in the coming epoch.

        Triangles that rise first (Smith 2017); or one cycle over the whole run, a line up and half a cosine down.
        """
        recipe = self.recipe
        if recipe.half_cycle is None:
            position = (self.done + place / len(self.batches)) / recipe.epochs
            share = position / RISE if position < RISE else 0.5 * (1 + np.cos(np.pi * (position - RISE) / (1 - RISE)))
        else:
            share = 1 - abs(self.steps / recipe.half_cycle % 2 - 1)
        return float(recipe.lowest_rate + (recipe.highest_rate - recipe.lowest_rate) * share)

    def _shrink(self) -> None:
        import torch

        self.batch_size = max(self.batch_size // 2, int(self.groups.sizes.max()))
        torch.cuda.empty_cache()
        self._cut()

    def _copy(self) -> State:
        return {key: tensor.detach().cpu().numpy().copy() for key, tensor in self.tensors.items()}

    def snapshot(self) -> TrainingState:
        moments = {}
        for name in ("exp_avg", "exp_avg_sq"):
            moments[name] = {key: self.optimizer.state[tensor][name].cpu().numpy().copy() for key, tensor in self.trained.items()}
        history = {name: list(value) if isinstance(value, list) else value for name, value in self.history.items()}
        return TrainingState(self.done, self.steps, self._copy(), self.best, moments["exp_avg"], moments["exp_avg_sq"], history)

    def summary(self) -> dict:
        best = self.history["best_epoch"]
        return {
            **self.history,
            "best_loss": self.history["losses"][best - 1] if best else None,
            "converged_epoch": self.done,
            "held_out_groups": len(self.held_out),
        }
