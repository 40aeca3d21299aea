"""What training lowers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from CardioScarLib.segmentation.recipes import Recipe

if TYPE_CHECKING:
    from torch import nn

FOCAL_TVERSKY, DICE, CROSS_ENTROPY = 0.5, 0.4, 0.1
"""Shares in the loss of ScarNet (Tavakoli et al. 2025)."""
FALSE_POSITIVES, MISSES = 0.5, 0.5
"""Tversky's alpha and beta; of .3, .5 and .7 for alpha, .5 came out best, by little (docs/measurements/segmentation.md)."""
FOCUS = 4 / 3
"""Exponent of the focal Tversky loss, on 1 - index (Abraham and Khan 2019, their 1/gamma with gamma 3/4 inverted: hard ones count more)."""


def loss_of(recipe: Recipe) -> nn.Module:
    """The loss of a network: ScarNet has its own."""
    return of_scarnet() if recipe.name.startswith("scarnet") else dice_and_cross_entropy()


def dice_and_cross_entropy() -> nn.Module:
    """Dice of each class over the batch, plus cross-entropy; labels are (b, 1, n, n) whole numbers."""
    from monai.losses import DiceCELoss

    return DiceCELoss(include_background=False, to_onehot_y=True, softmax=True, batch=True, smooth_nr=1.0, smooth_dr=1.0)


def of_scarnet(false_positives: float = FALSE_POSITIVES, misses: float = MISSES) -> nn.Module:
    """0.5 focal Tversky + 0.4 Dice + 0.1 cross-entropy."""
    import torch
    from monai.losses import DiceLoss, TverskyLoss
    from torch import nn

    class OfScarNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            smooth: dict[str, Any] = {
                "batch": True,
                "smooth_nr": 1.0,
                "smooth_dr": 1.0,
                "include_background": False,
                "to_onehot_y": True,
                "softmax": True,
            }
            self.tversky = TverskyLoss(alpha=false_positives, beta=misses, reduction="none", **smooth)
            self.dice = DiceLoss(**smooth)
            self.cross_entropy = nn.CrossEntropyLoss()

        def forward(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            focal = self.tversky(logits, labels).clamp(min=0).pow(FOCUS).mean()
            entropy = self.cross_entropy(logits, labels[:, 0].long())
            return FOCAL_TVERSKY * focal + DICE * self.dice(logits, labels) + CROSS_ENTROPY * entropy

    return OfScarNet()
