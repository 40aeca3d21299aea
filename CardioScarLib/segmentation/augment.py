"""Hearts in other places, sizes and turns, and other appearances of them, made batch by batch in PyTorch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from CardioScarLib.segmentation.classes import CAVITY, MYOCARDIUM, SCAR
from CardioScarLib.segmentation.recipes import Recipe

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Variety:
    """How much is varied: all in mm, factors, or shares of the range of intensities; a heart may lie any way round.

    shift: standard deviation of the heart's place. scale, stretch: of log size, and of log ratio of the axes. thickness: of the log
    exponent that makes a wall thicker inward, or thinner, of every third heart. apart: of a neighbor's place (breath-holds). gamma,
    shading: of log. tissue: of the intensity of blood, of the wall, and of scar beyond the wall's. noise: at most. small_field: how
    often only a part of the view is within the image; without: how often a neighbor is missing; swapped: how often the order of the
    slices is unknown.
    """

    shift: float = 8.0
    scale: float = 0.15
    stretch: float = 0.06
    thickness: float = 0.4
    apart: float = 1.5
    gamma: float = 0.35
    shading: float = 0.25
    tissue: float = 0.12
    noise: float = 0.06
    small_field: float = 0.15
    without: float = 0.15
    swapped: float = 0.25


def variety_of(recipe: Recipe) -> Variety:
    """That of a network which finds the heart must show it anywhere in the image."""
    return Variety(shift=40.0) if recipe.name == "finder" else Variety()


NONE = Variety(*[0.0] * 12)
"""As it is, for validation."""


def placed(
    images: torch.Tensor,
    valid: torch.Tensor,
    labels: torch.Tensor,
    recipe: Recipe,
    finer: float,
    variety: Variety,
    random: torch.Generator,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Views of the network's size from wider and finer ones, turned at random.

    images: (b, c, s, s); valid, labels: of the same shape, bool and whole numbers. finer: their spacing over that of the network.
    Returns the three at (b, c, n, n).
    """
    import torch
    from torch.nn import functional

    count, channels, stored = images.shape[:3]
    size = recipe.size
    turned = variety != NONE

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=random)

    angle = torch.rand(count, generator=random) * 2 * math.pi * turned
    flip = 1.0 - 2.0 * ((torch.rand(count, generator=random) < 0.5) & turned)
    size_by = torch.exp(variety.scale * normal(count).clamp(-2, 2))
    stretch = torch.exp(variety.stretch * normal(count).clamp(-2, 2))
    reach = size / (finer * stored)
    matrix = torch.zeros(count, channels, 2, 3)
    cos, sin = torch.cos(angle), torch.sin(angle)
    matrix[:, :, 0, 0] = (reach * size_by * stretch * flip * cos)[:, None]
    matrix[:, :, 0, 1] = (-reach * size_by / stretch * sin)[:, None]
    matrix[:, :, 1, 0] = (reach * size_by * stretch * flip * sin)[:, None]
    matrix[:, :, 1, 1] = (reach * size_by / stretch * cos)[:, None]
    per_mm = 2.0 / (finer * recipe.spacing * stored)
    matrix[:, :, :, 2] = (variety.shift * normal(count, 1, 2) + variety.apart * normal(count, channels, 2)) * per_mm
    shape = (count * channels, 1, size, size)
    grid = functional.affine_grid(matrix.flatten(0, 1), list(shape), align_corners=False)
    exponent = torch.exp(variety.thickness * normal(count).clamp(-2.5, 1) * (torch.rand(count, generator=random) < 1 / 3))
    grid = _thickened(grid.view(count, channels, size, size, 2), labels[:, channels // 2], exponent).flatten(0, 1)

    def at(values: torch.Tensor, mode: str) -> torch.Tensor:
        one_each = values.float().flatten(0, 1)[:, None]
        return functional.grid_sample(one_each, grid, mode, padding_mode="zeros", align_corners=False).view(count, channels, size, size)

    return at(images, "bilinear"), at(valid, "nearest") > 0.5, at(labels, "nearest").long()


def _thickened(grid: torch.Tensor, labels: torch.Tensor, exponent: torch.Tensor) -> torch.Tensor:
    """Places, (b, c, n, n, 2) from -1 to 1, within the heart moved along rays from its middle, which changes the thickness of its wall.

    labels: (b, s, s) of the views that the places are in. exponent: (b,) of the distance from the middle over the heart's radius;
    below 1 the cavity becomes smaller and the wall thicker.
    """
    import torch

    places = torch.linspace(-1 + 1 / labels.shape[1], 1 - 1 / labels.shape[1], labels.shape[1])
    heart = (labels > 0).float()
    amount = heart.sum((1, 2)).clamp(min=1)
    middle = torch.stack([(heart.sum(1) @ places) / amount, (heart.sum(2) @ places) / amount], 1)
    radius = torch.sqrt(amount / math.pi) * 2 / labels.shape[1]
    away = grid - middle[:, None, None, None]
    share = (away.norm(dim=4) / radius[:, None, None, None]).clamp(min=1e-3)
    factor = torch.where(share < 1, share ** (exponent[:, None, None, None] - 1), 1.0)
    return middle[:, None, None, None] + away * factor[..., None]


def recolored(
    images: torch.Tensor, valid: torch.Tensor, labels: torch.Tensor, variety: Variety, random: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Images, (b, c, n, n), in another contrast, shading, sharpness and noise, and what of them is still valid."""
    import torch
    from torch.nn import functional

    count, channels, size = images.shape[:3]

    def uniform(low: float, high: float, *shape: int) -> torch.Tensor:
        return low + (high - low) * torch.rand(*shape, generator=random)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=random)

    def seldom(chance: float, *shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=random) < chance

    low, high = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    scaled = (images - low) / (high - low).clamp(min=1e-6)
    change = torch.zeros_like(scaled)
    amount = variety.tissue * uniform(0, 1, count, 1, 1, 1) * (~seldom(0.3, count, 1, 1, 1))
    for within in (labels == CAVITY, labels >= MYOCARDIUM, labels == SCAR):
        change += within * (normal(count, 1, 1, 1) * amount)
    scaled = scaled + functional.avg_pool2d(change, 3, 1, 1)
    scaled = scaled.clamp(min=0) ** torch.exp(variety.gamma * normal(count, 1, 1, 1))
    bend = functional.interpolate(normal(count, 1, 4, 4), size=(size, size), mode="bicubic", align_corners=True)
    scaled = scaled * torch.exp(variety.shading * uniform(0, 1, count, 1, 1, 1) * bend)
    smooth = functional.avg_pool2d(scaled, 3, 1, 1)
    scaled = torch.lerp(scaled, smooth, uniform(-0.5, 1, count, 1, 1, 1) * seldom(0.4, count, 1, 1, 1))
    noise = normal(count, channels, size, size)
    noise = torch.where(seldom(0.6, count, 1, 1, 1), 2 * functional.avg_pool2d(noise, 3, 1, 1), noise)
    scaled = scaled + noise * (variety.noise * uniform(0, 1, count, 1, 1, 1) ** 2)
    scaled = scaled * torch.exp(0.15 * normal(count, channels, 1, 1))
    return scaled, valid & _field(valid, variety, random)


def _field(valid: torch.Tensor, variety: Variety, random: torch.Generator) -> torch.Tensor:
    """(b, 1, n, n): the part of each view that is within a smaller image, and channels that are missing."""
    import torch

    count, channels, size = valid.shape[:3]
    places = torch.linspace(-1, 1, size)
    edges = 0.35 + 0.65 * torch.rand(count, 4, generator=random)
    edges[torch.rand(count, generator=random) >= variety.small_field] = 2.0
    rows = (places > -edges[:, :1]) & (places < edges[:, 1:2])
    columns = (places > -edges[:, 2:3]) & (places < edges[:, 3:])
    there = rows[:, None, :, None] & columns[:, None, None, :]
    lost = torch.rand(count, channels, 1, 1, generator=random) < variety.without
    if channels > 1:
        lost[:, channels // 2] = False
        return there & ~lost
    return there
