"""Files of weights: safetensors with what the network is, checked before they are used."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.io.files import atomic_path, check_readable
from CardioScarLib.io.tensor_files import read_tensors, write_tensors
from CardioScarLib.segmentation.networks import build, require_packages
from CardioScarLib.segmentation.recipes import RECIPES, Recipe

if TYPE_CHECKING:
    import torch
    from torch import nn

KIND = "segmentation network"
SHIPPED = Path(__file__).parent / "shipped"
SHIPPED_SHA256: dict[str, str] = {
    "default": "8890159bdea3ee4632aa9fbb1559d2c7d968ba8accba70c1f4624f8f297a24ea",
    "finder": "ff62592d5c77e80312950fac55c65078f0f1a3ea120fc0c4d9dfe9f6f4777007",
}
"""Of the files of weights that come with the library, by the name of the network."""


@dataclass(frozen=True, eq=False)
class Trained:
    """A network with its weights. record: how it was trained and what it reached, plain JSON values; sha256: of its file."""

    network: nn.Module = field(repr=False)
    recipe: Recipe
    record: Mapping[str, Any]
    sha256: str


def read_weights(name_or_file: str | Path) -> Trained:
    """The network of a file, or one that comes with the library ("default", "finder").

    Raises UnreadableFile for a file that is not one of ours, is damaged, is not what was shipped, or belongs to another architecture,
    and MissingPackage.
    """
    require_packages()
    name = str(name_or_file)
    path = SHIPPED / f"{name}.safetensors" if name in SHIPPED_SHA256 else Path(name_or_file)
    sha256 = hashlib.sha256(check_readable(path).read_bytes()).hexdigest()
    if name in SHIPPED_SHA256 and sha256 != SHIPPED_SHA256[name]:
        raise UnreadableFile(f"The weights {path.name} are not those that came with the library; install it again.")
    tensors, header = read_tensors(path, KIND)
    if header.get("network") not in RECIPES:
        raise UnreadableFile(f"{path.name} holds a network '{header.get('network')}' that this version does not know.")
    recipe = RECIPES[header["network"]]
    network = build(recipe)
    load(network, tensors, path.name)
    return Trained(network.eval(), recipe, header.get("record") or {}, sha256)


def load_start(network: nn.Module, name_or_file: str | Path, wanted: str) -> None:
    """Give a network, of the name `wanted`, the weights of a file to go on from. Raises UnreadableFile."""
    found = read_weights(name_or_file)
    if found.recipe.name != wanted:
        raise UnreadableFile(f"{Path(name_or_file).name} holds weights of the network '{found.recipe.name}', not of '{wanted}'.")
    network.load_state_dict(found.network.state_dict())


def load(network: nn.Module, tensors: Mapping[str, np.ndarray], name: str) -> None:
    """Give a network its weights, every one and no other. Raises UnreadableFile. name: of the file."""
    import torch

    own = tensors_of(network)
    wrong = sorted(own.keys() ^ tensors.keys()) or sorted(key for key in own if tuple(own[key].shape) != tensors[key].shape)
    if wrong:
        raise UnreadableFile(f"{name} belongs to another architecture: {len(wrong)} of its weights do not fit, such as '{wrong[0]}'.")
    with torch.no_grad():
        for key, value in own.items():
            value.copy_(torch.from_numpy(tensors[key].astype(np.float32)))


def write_weights(network: nn.Module, recipe: Recipe, record: Mapping[str, Any], path: Path, overwrite: bool = False) -> Path:
    """Write weights in half precision, which changes the result less than rounding of the image does."""
    tensors = {key: value.detach().cpu().numpy().astype(np.float16) for key, value in tensors_of(network).items()}
    with atomic_path(path, overwrite) as temporary:
        write_tensors(tensors, {"network": recipe.name, "record": record}, KIND, temporary)
    return path


def tensors_of(network: nn.Module) -> dict[str, torch.Tensor]:
    """Each weight once, though MONAI's U-Net knows some under two names; without counters of batches, which no result depends on."""
    every = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    return {key: value for key, value in every.items() if not key.endswith("num_batches_tracked")}
