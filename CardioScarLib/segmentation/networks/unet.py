"""The networks that are shipped: small U-Nets of MONAI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from CardioScarLib.segmentation.recipes import Recipe

if TYPE_CHECKING:
    from torch import nn

FILTERS = {"default": (16, 32, 64, 128, 192), "finder": (12, 24, 48, 96, 128)}


def unet(recipe: Recipe) -> nn.Module:
    """The plain U-Net of nnU-Net (Isensee et al. 2021) with few filters: 1.6 million weights for "default", .8 for "finder"."""
    from monai.networks.nets import DynUNet

    filters = FILTERS[recipe.name]
    return DynUNet(
        spatial_dims=2,
        in_channels=recipe.channels,
        out_channels=recipe.outputs,
        kernel_size=[3] * len(filters),
        strides=[1, *[2] * (len(filters) - 1)],
        upsample_kernel_size=[2] * (len(filters) - 1),
        filters=filters,
        norm_name=("INSTANCE", {"affine": True}),
    )
