"""The networks: (b, 1, k, j, i) counts to logits of the share of each voxel that is wall."""

from __future__ import annotations

from typing import TYPE_CHECKING

from CardioScarLib.core.errors import BadSettings
from CardioScarLib.segmentation.networks import require_packages

if TYPE_CHECKING:
    from torch import nn

NETWORKS = ("spect-default", "original")
FILTERS = (16, 32, 64, 96)
RATES = {"spect-default": 3e-3, "original": 1e-4}
WIDTH = 32
"""Channels of the first level of the original network."""


def build(name: str) -> nn.Module:
    """A network with random weights. Raises BadSettings for another name, MissingPackage."""
    if name not in NETWORKS:
        raise BadSettings(f"'{name}' is not a network for SPECT; the networks are {', '.join(NETWORKS)}.")
    require_packages()
    return _original() if name == "original" else _default()


def _default() -> nn.Module:
    """The plain U-Net of nnU-Net (Isensee et al. 2021) with few filters, 1.1 million weights."""
    from monai.networks.nets import DynUNet

    return DynUNet(
        spatial_dims=3,
        in_channels=1,
        out_channels=1,
        kernel_size=[3] * len(FILTERS),
        strides=[1, *[2] * (len(FILTERS) - 1)],
        upsample_kernel_size=[2] * (len(FILTERS) - 1),
        filters=FILTERS,
        norm_name=("BATCH", {"affine": True}),
    )


def _original() -> nn.Module:
    """UNet3D of Nemati 2025 (mpi-spect-seg): two levels and a bottleneck, 32 to 128 channels; its layer names, so that its weights fit.

    Its transposed convolutions give one voxel too many along each axis, which is cut off at the low end as there.
    """
    import torch
    from torch import nn

    def block(channels: int, features: int) -> nn.Module:
        layers: list[nn.Module] = []
        for entering in (channels, features):
            layers += [nn.Conv3d(entering, features, 3, padding=1, bias=False), nn.BatchNorm3d(features), nn.ReLU(inplace=True)]
        return nn.Sequential(*layers)

    class UNet3D(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder1, self.encoder2, self.bottleneck = block(1, WIDTH), block(WIDTH, 2 * WIDTH), block(2 * WIDTH, 4 * WIDTH)
            self.pool1, self.pool2 = nn.MaxPool3d(2), nn.MaxPool3d(2)
            self.up2 = nn.ConvTranspose3d(4 * WIDTH, 2 * WIDTH, 2, stride=2, output_padding=1)
            self.decoder2 = block(4 * WIDTH, 2 * WIDTH)
            self.up1 = nn.ConvTranspose3d(2 * WIDTH, WIDTH, 2, stride=2, output_padding=1)
            self.decoder1 = block(2 * WIDTH, WIDTH)
            self.conv_last = nn.Conv3d(WIDTH, 1, 1)

        def forward(self, volumes: torch.Tensor) -> torch.Tensor:
            first = self.encoder1(volumes)
            second = self.encoder2(self.pool1(first))
            up = _cut_like(self.up2(self.bottleneck(self.pool2(second))), second)
            up = _cut_like(self.up1(self.decoder2(torch.cat((up, second), 1))), first)
            return self.conv_last(self.decoder1(torch.cat((up, first), 1)))

    return UNet3D()


def _cut_like(larger, wanted):
    return larger[(..., *(slice(have - want, have) for have, want in zip(larger.shape[2:], wanted.shape[2:], strict=True)))]
