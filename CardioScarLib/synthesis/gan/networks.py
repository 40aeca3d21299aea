"""Generators and discriminators, built when they are needed; blocks are MONAI's where it has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from CardioScarLib.segmentation.networks import require_packages
from CardioScarLib.synthesis.gan.batches import planes_of
from CardioScarLib.synthesis.gan.recipes import GanRecipe

if TYPE_CHECKING:
    import torch
    from torch import nn

LEVELS = 4
"""Halvings of the generator of the default recipe."""
DROPPED = 2
"""Layers of the original's decoder with dropout, next to its bottleneck."""
BLOCKS = 4
"""Residual blocks in the middle of CycleGAN's generators."""
HIDDEN = 16
"""Filters between a plane of labels and SPADE's scale and shift."""


def generator_of(recipe: GanRecipe) -> nn.Module:
    """(b, planes, n, n) -> (b, 1, n, n) in -1 to 1, with random weights. Raises MissingPackage."""
    require_packages()
    if recipe.name == "cyclegan":
        return _residual(recipe.width)
    if recipe.name == "default":
        return _spade(planes_of(recipe), recipe.width)
    halvings = min(6, recipe.size.bit_length() - 2) if recipe.is_original else LEVELS
    return _unet(planes_of(recipe) + (not recipe.is_original), recipe.width, halvings, noise=not recipe.is_original)


def discriminator_of(recipe: GanRecipe) -> nn.Module:
    """(b, planes + 1, n, n) -> list of features, the last of them a number for each patch."""
    require_packages()
    from monai.networks.nets import PatchDiscriminator
    from torch import nn
    from torch.nn.utils.parametrizations import spectral_norm

    if recipe.is_original:
        return _original_discriminator(planes_of(recipe) + 1, recipe.critic)
    network = PatchDiscriminator(2, recipe.critic, planes_of(recipe) + 1, num_layers_d=2 if recipe.size <= 64 else 3, norm="INSTANCE")
    if recipe.makes_of_labels:
        for layer in [one for one in network.modules() if isinstance(one, nn.Conv2d)]:
            spectral_norm(layer)
    return network


def _unet(planes: int, width: int, halvings: int, noise: bool) -> nn.Module:
    """The U-Net of Pix2Pix: convolutions of 4 pixels down and up, handed across, with dropout next to the bottleneck.

    Instance norm is what batch norm is in batches of one image, as the original is trained and used.
    noise: a plane of random numbers in place of dropout, so that images have grain.
    """
    import torch
    from torch import nn

    filters = [width * min(2**level, 8) for level in range(halvings)]

    class UNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.down, self.up = nn.ModuleList(), nn.ModuleList()
            before = planes
            for level, after in enumerate(filters):
                layers: list[nn.Module] = [nn.Conv2d(before, after, 4, 2, 1, bias=level in (0, halvings - 1))]
                layers += [nn.InstanceNorm2d(after, affine=True)] if 0 < level < halvings - 1 else []
                self.down.append(nn.Sequential(*layers, nn.LeakyReLU(0.2)))
                before = after
            for number, level in enumerate(reversed(range(halvings))):
                after = filters[level - 1] if level else 1
                given = filters[level] * (1 if number == 0 else 2)
                layers = [nn.ConvTranspose2d(given, after, 4, 2, 1)]
                if level:
                    layers += [nn.InstanceNorm2d(after, affine=True)]
                    layers += [nn.Dropout(0.5)] if number < DROPPED and not noise else []
                    layers += [nn.ReLU()]
                self.up.append(nn.Sequential(*layers))

        def forward(self, given: torch.Tensor) -> torch.Tensor:
            values = torch.cat([given, torch.randn_like(given[:, :1])], 1) if noise else given
            levels = []
            for down in self.down:
                values = down(values)
                levels.append(values)
            values = levels.pop()
            for up in self.up:
                values = up(values)
                if levels:
                    values = torch.cat([values, levels.pop()], 1)
            return values.tanh()

    return UNet()


def _original_discriminator(planes: int, width: int) -> nn.Module:
    """64 and 128 filters that halve, 512 that do not, and a number for each of 30 x 30 patches of 128 x 128 pixels."""
    from torch import nn

    class Original(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(
                nn.Sequential(nn.Conv2d(planes, width, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)),
                nn.Sequential(
                    nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False), nn.InstanceNorm2d(2 * width, affine=True), nn.LeakyReLU(0.2)
                ),
                nn.Sequential(
                    nn.Conv2d(2 * width, 8 * width, 4, 1, 1, bias=False), nn.InstanceNorm2d(8 * width, affine=True), nn.LeakyReLU(0.2)
                ),
                nn.Conv2d(8 * width, 1, 4, 1, 1),
            )

        def forward(self, given: torch.Tensor) -> list[torch.Tensor]:
            features = []
            for layer in self.layers:
                given = layer(given)
                features.append(given)
            return features

    return Original()


def _spade(planes: int, width: int) -> nn.Module:
    """A coarse encoding of all planes, and residual blocks up whose norms are scaled by the planes themselves (SPADE, Park et al. 2019).

    The last block gets a plane of random numbers, too, for grain: on coarser levels they would become blotches.
    """
    import torch
    from monai.networks.blocks import SPADE
    from torch import nn
    from torch.nn import functional

    filters = [width * min(2**level, 4) for level in range(LEVELS + 1)]

    class Block(nn.Module):
        def __init__(self, before: int, after: int, told: int) -> None:
            super().__init__()
            self.norms = nn.ModuleList(SPADE(told, one, hidden_channels=HIDDEN) for one in (before, after))
            self.layers = nn.ModuleList([nn.Conv2d(before, after, 3, padding=1), nn.Conv2d(after, after, 3, padding=1)])
            self.past = nn.Conv2d(before, after, 1, bias=False)

        def forward(self, values: torch.Tensor, given: torch.Tensor) -> torch.Tensor:
            found = values
            for norm, layer in zip(self.norms, self.layers, strict=True):
                found = layer(functional.leaky_relu(norm(found, given), 0.2))
            return self.past(values) + found

    class Spade(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            pairs = list(zip((planes, *filters[:-1]), filters, strict=True))
            self.down = nn.ModuleList(nn.Conv2d(before, after, 3, 1 + (level > 0), 1) for level, (before, after) in enumerate(pairs))
            coarse = zip(filters[:0:-1], filters[-2:0:-1], strict=False)
            self.up = nn.ModuleList(Block(before, after, planes) for before, after in coarse)
            self.fine = Block(filters[1], filters[0], planes + 1)
            self.last = nn.Conv2d(filters[0], 1, 3, padding=1)

        def forward(self, given: torch.Tensor) -> torch.Tensor:
            values = given
            for down in self.down:
                values = functional.leaky_relu(down(values), 0.2)
            for up in self.up:
                values = up(functional.interpolate(values, scale_factor=2.0, mode="nearest"), given)
            grainy = torch.cat([given, torch.randn_like(given[:, :1])], 1)
            values = self.fine(functional.interpolate(values, scale_factor=2.0, mode="nearest"), grainy)
            return self.last(functional.leaky_relu(values, 0.2)).tanh()

    return Spade()


def _residual(width: int) -> nn.Module:
    """The generator of CycleGAN (Zhu et al. 2017) with fewer blocks: 7 pixels in and out, two halvings, residual units between."""
    from torch import nn

    def block(before: int, after: int, stride: int) -> list[nn.Module]:
        return [nn.Conv2d(before, after, 3, stride, 1), nn.InstanceNorm2d(after), nn.ReLU()]

    class Unit(nn.Module):
        def __init__(self, filters: int) -> None:
            super().__init__()
            self.layers = nn.Sequential(*block(filters, filters, 1), nn.Conv2d(filters, filters, 3, 1, 1), nn.InstanceNorm2d(filters))

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return values + self.layers(values)

    return nn.Sequential(
        nn.Conv2d(1, width, 7, padding=3, padding_mode="reflect"),
        nn.InstanceNorm2d(width),
        nn.ReLU(),
        *block(width, 2 * width, 2),
        *block(2 * width, 4 * width, 2),
        *(Unit(4 * width) for _ in range(BLOCKS)),
        nn.Upsample(scale_factor=2),
        *block(4 * width, 2 * width, 1),
        nn.Upsample(scale_factor=2),
        *block(2 * width, width, 1),
        nn.Conv2d(width, 1, 7, padding=3, padding_mode="reflect"),
        nn.Tanh(),
    )
