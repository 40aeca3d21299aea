"""Attention residual U-Net: residual units down and up, and gates on what is handed across."""

from __future__ import annotations

from typing import TYPE_CHECKING

from CardioScarLib.segmentation.recipes import Recipe

if TYPE_CHECKING:
    import torch
    from torch import nn

FILTERS = (16, 32, 64, 128, 192)


def attention_resunet(recipe: Recipe, filters: tuple[int, ...] = FILTERS) -> nn.Module:
    """Oktay et al. 2018 with the residual units of He et al. 2016; the blocks are MONAI's.

    recipe: one channel in 2D; in 2.5D the slices toward apex and base are channels, too.
    """
    import torch
    from monai.networks.blocks import ResidualUnit
    from monai.networks.nets.attentionunet import AttentionBlock
    from torch import nn

    def residual(before: int, after: int, stride: int = 1) -> nn.Module:
        return ResidualUnit(2, before, after, strides=stride, subunits=2, norm=("INSTANCE", {"affine": True}))

    class AttentionResUNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            pairs = list(zip(filters, filters[1:], strict=False))
            self.first = residual(recipe.channels, filters[0])
            self.down = nn.ModuleList(residual(above, below, 2) for above, below in pairs)
            self.up = nn.ModuleList(nn.ConvTranspose2d(below, above, 2, 2) for above, below in pairs)
            self.gates = nn.ModuleList(AttentionBlock(2, f_int=above // 2, f_g=above, f_l=above) for above, _ in pairs)
            self.joined = nn.ModuleList(residual(2 * above, above) for above, _ in pairs)
            self.last = nn.Conv2d(filters[0], recipe.outputs, 1)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            levels = [self.first(images)]
            for down in self.down:
                levels.append(down(levels[-1]))
            found = levels.pop()
            for up, gate, joined in zip(reversed(self.up), reversed(self.gates), reversed(self.joined), strict=True):
                wider = up(found)
                found = joined(torch.cat([gate(g=wider, x=levels.pop()), wider], 1))
            return self.last(found)

    return AttentionResUNet()
