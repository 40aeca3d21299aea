"""Files of generators: safetensors with what they are and how they were trained, checked before they are used."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.io.files import atomic_path, check_readable
from CardioScarLib.io.tensor_files import read_tensors, write_tensors
from CardioScarLib.segmentation.networks import require_packages
from CardioScarLib.segmentation.weights import load, tensors_of
from CardioScarLib.synthesis.gan.looks import LOOK
from CardioScarLib.synthesis.gan.networks import generator_of
from CardioScarLib.synthesis.gan.recipes import GanRecipe, recipe_from

if TYPE_CHECKING:
    from torch import nn

KIND = "image generator"
OF_LABELS, TO_LGE, TO_CINE = "generator", "to_lge", "to_cine"
"""Names of the networks in a file: Pix2Pix has the first, CycleGAN the others."""


@dataclass(frozen=True, eq=False)
class Generators:
    """networks: by name. record: how they were trained; its looks are those of the stacks learned from. sha256: of the file."""

    networks: Mapping[str, nn.Module] = field(repr=False)
    recipe: GanRecipe
    record: Mapping[str, Any]
    sha256: str


def write_generators(
    networks: Mapping[str, nn.Module], recipe: GanRecipe, record: Mapping[str, Any], path: Path, overwrite: bool = False
) -> Path:
    """Write generators in half precision; discriminators are in the training's state alone."""
    tensors = {
        f"{name}.{key}": value.detach().cpu().numpy().astype(np.float16)
        for name, network in networks.items()
        for key, value in tensors_of(network).items()
    }
    with atomic_path(path, overwrite) as temporary:
        write_tensors(tensors, {"recipe": asdict(recipe), "record": record}, KIND, temporary)
    return path


def read_generators(path: Path) -> Generators:
    """Raises UnreadableFile for a file that is not one of ours, is damaged, or belongs to another architecture, and MissingPackage."""
    require_packages()
    sha256 = hashlib.sha256(check_readable(path).read_bytes()).hexdigest()
    tensors, header = read_tensors(path, KIND)
    recipe = recipe_from(header.get("recipe"), path.name)
    record = header.get("record") or {}
    if recipe.makes_of_labels:
        looks = np.asarray(record.get("looks") or [[]], dtype=float)
        if looks.ndim != 2 or looks.shape[1] != len(LOOK) or not np.isfinite(looks).all():
            raise UnreadableFile(f"{path.name} does not tell the contrast of the images it learned from; train it again.")
    networks = {}
    for name in (OF_LABELS,) if recipe.makes_of_labels else (TO_LGE, TO_CINE):
        network = generator_of(recipe)
        load(network, {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}, path.name)
        networks[name] = network  # not for evaluation: dropout is what varies the images of Pix2Pix
    return Generators(networks, recipe, record, sha256)
