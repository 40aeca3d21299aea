"""How the network is trained, in numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.settings import NetworkSettings
from CardioScarLib.reconstruction.dropout.architecture import Architecture


@dataclass(frozen=True)
class Recipe:
    """epochs: at most. patience: epochs without a better held-out error before it ends; None never ends early.

    batch_size: points, in complete groups. training_samples: dropout samples whose mean is compared with the targets.
    lowest_rate, highest_rate: learning rates of Adam. half_cycle: batches from the lowest to the highest rate and as many
    back, again and again; None is one cycle over the whole run.
    entropy_share: first share of the epochs that minimizes the cross-entropy of the group means instead of their squared error.
    shuffled: groups are dealt to the batches at random, instead of in their order.
    frequencies, length: of the random Fourier features, length in mm; 0 frequencies take coordinates in a unit box.
    """

    epochs: int
    patience: int | None
    batch_size: int
    training_samples: int
    lowest_rate: float
    highest_rate: float
    half_cycle: int | None
    entropy_share: float
    shuffled: bool
    frequencies: int
    length: float


RECIPES = {
    "modern": Recipe(
        epochs=30, patience=None, batch_size=1024, training_samples=1, lowest_rate=1e-4, highest_rate=8e-3, half_cycle=None,
        entropy_share=0.67, shuffled=True, frequencies=48, length=13.0,
    ),
    "original": Recipe(
        epochs=10_000, patience=500, batch_size=10_000, training_samples=3, lowest_rate=1e-3, highest_rate=1e-2, half_cycle=2000,
        entropy_share=0.0, shuffled=False, frequencies=0, length=1.0,
    ),
}  # fmt: skip


def recipe_of(settings: NetworkSettings) -> Recipe:
    """The recipe with what the settings change in it; raises BadSettings for a lowest learning rate above the highest."""
    names = ("epochs", "patience", "batch_size", "training_samples", "lowest_rate", "highest_rate", "half_cycle")
    changes = {name: value for name in names if (value := getattr(settings, name)) is not None}
    recipe = replace(RECIPES[settings.recipe], **changes)
    if recipe.lowest_rate > recipe.highest_rate:
        raise BadSettings(f"The lowest learning rate, {recipe.lowest_rate:g}, is above the highest, {recipe.highest_rate:g}.")
    return recipe


def architecture_of(settings: NetworkSettings) -> Architecture:
    return Architecture(settings.width, settings.depth, settings.dropout, frequencies=RECIPES[settings.recipe].frequencies)
