"""The networks, built when they are needed: PyTorch, MONAI and transformers are imported here only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from CardioScarLib.core.errors import MissingPackage
from CardioScarLib.segmentation.recipes import Recipe

if TYPE_CHECKING:
    from torch import nn


def build(recipe: Recipe) -> nn.Module:
    """A network with random weights: (b, channels, n, n) -> (b, outputs, n, n) logits. Raises MissingPackage."""
    require_packages()
    if recipe.name in ("default", "finder"):
        from CardioScarLib.segmentation.networks.unet import unet

        return unet(recipe)
    if recipe.name.startswith("attention-resunet"):
        from CardioScarLib.segmentation.networks.attention_resunet import attention_resunet

        return attention_resunet(recipe)
    from CardioScarLib.segmentation.networks.scarnet import LARGE, SMALL, scarnet

    return scarnet(recipe, LARGE if recipe.name == "scarnet-vit-b" else SMALL)


def require_packages() -> None:
    """Raise MissingPackage where PyTorch, safetensors or MONAI cannot be imported."""
    try:
        import monai  # noqa: F401
        import safetensors  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingPackage(
            f'The network needs the package {error.name}, which is not installed here: pip install "cardioscar[segmentation]".'
        ) from error
