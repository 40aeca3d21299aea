"""Weights of SAM's image encoder, as MedSAM or SAM publish them, for ScarNet's transformer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.io.files import check_readable

if TYPE_CHECKING:
    import torch
    from torch import nn

ORIGINAL, HUGGING_FACE = "image_encoder.", "vision_encoder."
"""Prefixes of the encoder's weights in the two layouts; those of the prompt encoder and the mask decoder are left out."""
RENAMED = (
    (r"^patch_embed\.proj\.", "patch_embed.projection."),
    (r"^blocks\.", "layers."),
    (r"\.norm([12])\.", r".layer_norm\1."),
    (r"^neck\.0\.", "neck.conv1."),
    (r"^neck\.1\.", "neck.layer_norm1."),
    (r"^neck\.2\.", "neck.conv2."),
    (r"^neck\.3\.", "neck.layer_norm2."),
)
"""From the original layout to that of transformers, in this order."""


def load_encoder(encoder: nn.Module, path: Path) -> None:
    """Give ScarNet's transformer the weights of a checkpoint of SAM or MedSAM (ViT-B), in its original or its Hugging Face layout.

    Embeddings of places are resized to the smaller image, as ScarNet does. Every weight must fit. Raises UnreadableFile.
    """
    found = _encoder_weights(named_weights(path), path.name)
    own = encoder.state_dict()
    prefix = HUGGING_FACE if all(key.startswith(HUGGING_FACE) for key in own) else ""
    wanted = {key.removeprefix(prefix): value for key, value in own.items()}
    odd = sorted(wanted.keys() ^ found.keys())
    if odd:
        raise UnreadableFile(
            f"{path.name} is no checkpoint of this encoder: {len(odd)} of its weights are missing or too many, such as {odd[0]}."
        )
    resized = {key: _resized(key, found[key], wanted[key].shape) for key in wanted}
    wrong = [key for key, value in resized.items() if value.shape != wanted[key].shape]
    if wrong:
        shapes = tuple(found[wrong[0]].shape), tuple(wanted[wrong[0]].shape)
        raise UnreadableFile(f"{path.name} is of another size than ViT-B: {wrong[0]} has the shape {shapes[0]} instead of {shapes[1]}.")
    encoder.load_state_dict({prefix + key: value for key, value in resized.items()})


def named_weights(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file that holds weights alone, by name; nothing in it is executed. Raises UnreadableFile."""
    import torch

    check_readable(path)
    try:
        if path.suffix.lower() == ".safetensors":
            from safetensors.torch import load_file

            loaded = load_file(str(path))
        else:
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as problem:  # whatever a damaged or unsafe file makes the readers raise
        raise UnreadableFile(f"{path.name} cannot be read as a checkpoint of weights alone.") from problem
    named: Any = loaded.get("model", loaded) if isinstance(loaded, dict) else None
    if not named or not all(isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in named.items()):
        raise UnreadableFile(f"{path.name} holds something else than named weights.")
    return dict(named)


def _encoder_weights(loaded: dict[str, torch.Tensor], name: str) -> dict[str, torch.Tensor]:
    """The encoder's weights by the names of transformers, without prefix."""
    for prefix in (HUGGING_FACE, ORIGINAL):
        found = {key.split(prefix, 1)[1]: value for key, value in loaded.items() if prefix in key}
        if found and prefix == HUGGING_FACE:
            return found
        if found:
            return {_renamed(key): value for key, value in found.items()}
    raise UnreadableFile(f"{name} holds no image encoder of SAM or MedSAM.")


def _renamed(key: str) -> str:
    for before, after in RENAMED:
        key = re.sub(before, after, key)
    return key


def _resized(key: str, value: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    from torch.nn import functional

    if key == "pos_embed" and value.ndim == 4 and value.shape[3] == shape[3]:
        moved = value.float().permute(0, 3, 1, 2)
        return functional.interpolate(moved, size=shape[1:3], mode="bicubic", align_corners=False).permute(0, 2, 3, 1)
    if "rel_pos" in key and value.ndim == 2 and value.shape[1] == shape[1]:
        return functional.interpolate(value.float().T[None], size=shape[0], mode="linear", align_corners=False)[0].T
    return value.float()
