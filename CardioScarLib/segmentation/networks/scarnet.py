"""ScarNet (Tavakoli et al. 2025): a transformer's view of the whole slice beside a U-Net with attention, joined by a learned fusion.

What the published program gets wrong is not repeated: the transformer's classes come from layers that are trained and kept with the
weights, every size works (norms need no batch), and training and use prepare images alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from CardioScarLib.core.errors import MissingPackage
from CardioScarLib.segmentation.recipes import Recipe

if TYPE_CHECKING:
    import torch
    from torch import nn

SMALL = {"hidden_size": 96, "num_hidden_layers": 4, "num_attention_heads": 4, "mlp_dim": 192, "output_channels": 64, "patch_size": 8}
"""A transformer that learns from nothing in reasonable time; ViT-B, of MedSAM, is `LARGE`."""
LARGE = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "mlp_dim": 3072, "output_channels": 256, "patch_size": 16}
GLOBAL_EVERY = 3
"""Each third layer of the encoder attends to the whole image, the others to windows."""
U_FILTERS = (24, 48, 96, 192)
HEAD_FILTERS = (96, 48, 24)


def scarnet(recipe: Recipe, size: dict[str, int]) -> nn.Module:
    """size: of the transformer, `SMALL` or `LARGE`. Raises MissingPackage."""
    import torch
    from torch import nn
    from torch.nn import functional

    def block(before: int, after: int) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(before, after, 3, padding=1, bias=False),
            nn.InstanceNorm2d(after, affine=True),
            nn.LeakyReLU(0.01),
        )

    class ScarAttention(nn.Module):
        """Gates of the channels, then of the places."""

        def __init__(self, channels: int) -> None:
            super().__init__()
            few = max(4, channels // 8)
            self.channel = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, few, 1), nn.ReLU(), nn.Conv2d(few, channels, 1))
            self.place = nn.Conv2d(channels, 1, 7, padding=3)

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            values = values * self.channel(values).sigmoid()
            return values * self.place(values).sigmoid()

    class Attended(nn.Module):
        """Two convolutions, squeeze-and-excitation (Hu et al. 2018), and attention to scar."""

        def __init__(self, before: int, after: int) -> None:
            from monai.networks.blocks import ChannelSELayer

            super().__init__()
            self.blocks = nn.Sequential(block(before, after), block(after, after), ChannelSELayer(2, after, r=8), ScarAttention(after))

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return self.blocks(values)

    class UNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.down = nn.ModuleList(Attended(a, b) for a, b in zip((recipe.channels, *U_FILTERS), U_FILTERS, strict=False))
            self.up = nn.ModuleList(Attended(a + b, a) for a, b in zip(U_FILTERS, U_FILTERS[1:], strict=False))
            self.last = nn.Conv2d(U_FILTERS[0], recipe.outputs, 1)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            levels = []
            for number, down in enumerate(self.down):
                images = down(functional.max_pool2d(images, 2) if number else images)
                levels.append(images)
            found = levels.pop()
            for up in reversed(self.up):
                level = levels.pop()
                found = up(torch.cat([level, functional.interpolate(found, size=level.shape[2:], mode="bilinear")], 1))
            return self.last(found)

    class OfTransformer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = vision_encoder(recipe.size, size)
            filters = (size["output_channels"], *HEAD_FILTERS)
            self.blocks = nn.ModuleList(Attended(a, b) for a, b in zip(filters, HEAD_FILTERS, strict=False))
            self.scales = nn.ModuleList(ScarAttention(HEAD_FILTERS[-1]) for _ in range(3))
            self.fused = nn.Conv2d(sum(HEAD_FILTERS), HEAD_FILTERS[-1], 1)
            self.last = nn.Conv2d(3 * HEAD_FILTERS[-1], recipe.outputs, 1)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            here = images[:, images.shape[1] // 2, None].expand(-1, 3, -1, -1)
            found = self.encoder(pixel_values=here).last_hidden_state
            wide = []
            for one in self.blocks:
                found = one(functional.interpolate(found, scale_factor=2.0, mode="bilinear"))
                wide.append(functional.interpolate(found, size=images.shape[2:], mode="bilinear"))
            joined = self.fused(torch.cat(wide, 1))
            scales = []
            for number, attention in enumerate(self.scales):
                coarse = attention(functional.avg_pool2d(joined, 2**number) if number else joined)
                scales.append(functional.interpolate(coarse, size=images.shape[2:], mode="bilinear"))
            return self.last(torch.cat(scales, 1))

    class ScarNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.transformer, self.unet = OfTransformer(), UNet()
            self.fusion = nn.Sequential(block(2 * recipe.outputs, 32), nn.Conv2d(32, recipe.outputs, 1))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            both = [self.transformer(images).softmax(1), self.unet(images).softmax(1)]
            return self.fusion(torch.cat(both, 1))

    return ScarNet()


def vision_encoder(image_size: int, size: dict[str, int]) -> nn.Module:
    """The image encoder of SAM (Kirillov et al. 2023) with random weights; its blocks are those of transformers."""
    try:
        from transformers import SamVisionConfig, SamVisionModel
    except ImportError as error:
        raise MissingPackage("The network 'scarnet' needs the package transformers, which is not installed here.") from error
    layers = size["num_hidden_layers"]
    everywhere = list(range(GLOBAL_EVERY - 1, layers, GLOBAL_EVERY))
    settings: dict[str, Any] = {**size, "image_size": image_size, "global_attn_indexes": everywhere}
    return SamVisionModel(SamVisionConfig(**settings))
