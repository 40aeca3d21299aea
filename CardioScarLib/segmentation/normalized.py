"""Intensities as a network gets them; for PyTorch, the same in training and in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

CUT = 2.5
"""Standard deviations from the mean at which intensities are cut before both are taken again: fat and noise in air have long tails."""
FLAT = 1e-6
"""Spread, as a share of the largest intensity, below which a channel shows nothing."""


def normalized(images: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Each channel of each view with mean 0 and standard deviation 1 over its valid pixels, cut at `CUT`; 0 elsewhere.

    images: (b, c, n, n) float in any unit. valid: the same shape, bool. A channel that is flat, or has no valid pixel, becomes 0. It
    needs no unit, so magnitude and phase-sensitive images, scaled or not, are treated alike.
    """
    import torch

    inside = valid.to(images.dtype)
    count = inside.sum((2, 3), keepdim=True).clamp(min=1)
    largest = (images.abs() * inside).amax((2, 3), keepdim=True)
    scaled = images / largest.clamp(min=torch.finfo(images.dtype).tiny)

    def centered(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        away = (values - (values * inside).sum((2, 3), keepdim=True) / count) * inside
        return away, (away.square().sum((2, 3), keepdim=True) / count).sqrt()

    away, spread = centered(scaled)
    away, spread = centered(away.clamp(-CUT * spread, CUT * spread))
    return torch.where(spread > FLAT, away / spread.clamp(min=FLAT), 0.0)
