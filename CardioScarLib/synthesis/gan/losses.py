"""What generators and discriminators lower."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from CardioScarLib.synthesis.gan.recipes import GanRecipe

if TYPE_CHECKING:
    import torch

ORIGINAL_LAMBDA, ORIGINAL_WEIGHTS = 100.0, (1.0, 7.0, 11.0, 26.0, 90.0)
"""Of the L1 loss, and of background, cavity, myocardium, infarct and no-reflow in it. In the original program the weights are broadcast
over one axis too many and land on other pixels; here each lands on its own."""
LAMBDA, WEIGHTS = 20.0, (1.0, 2.0, 4.0, 6.0, 6.0)
FEATURES = 10.0
"""Weight of the distance between features of the discriminator (Wang et al. 2018)."""


def weighted_l1(found: torch.Tensor, true: torch.Tensor, labels: torch.Tensor, weights: Sequence[float]) -> torch.Tensor:
    """Mean over the pixels of weight x distance. found, true: (b, 1, n, n). labels: (b, n, n) classes; weights: of each class."""
    each = torch_of(weights, found)[labels]
    return (each * (found - true).abs()[:, 0]).mean()


def torch_of(weights: Sequence[float], like: torch.Tensor) -> torch.Tensor:
    return like.new_tensor(list(weights))


def of_discriminator(recipe: GanRecipe, real: torch.Tensor, made: torch.Tensor) -> torch.Tensor:
    """Of its numbers for patches of real images and of made ones.

    original: cross-entropy. cyclegan: least squares (Mao et al. 2017). Otherwise hinge (Lim and Ye 2017); MONAI's, which puts a tanh
    before it, is another.
    """
    from torch.nn import functional

    if recipe.is_original:
        return 0.5 * (functional.softplus(-real).mean() + functional.softplus(made).mean())
    if recipe.name == "cyclegan":
        return 0.5 * ((real - 1).square().mean() + made.square().mean())
    return 0.5 * (functional.relu(1 - real).mean() + functional.relu(1 + made).mean())


def of_generator(recipe: GanRecipe, made: torch.Tensor) -> torch.Tensor:
    """Of the discriminator's numbers for patches of made images."""
    from torch.nn import functional

    if recipe.is_original:
        return functional.softplus(-made).mean()
    if recipe.name == "cyclegan":
        return (made - 1).square().mean()
    return -made.mean()


def of_features(made: Sequence[torch.Tensor], real: Sequence[torch.Tensor]) -> torch.Tensor:
    """Mean distance between the discriminator's features of made images and of real ones; its numbers for patches do not count."""
    pairs = list(zip(made[:-1], real[:-1], strict=True))
    return sum(((one.float() - other.detach().float()).abs().mean() for one, other in pairs), start=made[0].new_zeros(())) / len(pairs)
