"""Weights of the perfusion networks: our files, those that are shipped, and those of the original program."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.io.files import atomic_path, check_readable
from CardioScarLib.io.tensor_files import read_tensors, write_tensors
from CardioScarLib.perfusion.networks import NETWORKS, build
from CardioScarLib.perfusion.refine import Refiner, read_refiner
from CardioScarLib.segmentation.networks import require_packages
from CardioScarLib.segmentation.weights import load, tensors_of

if TYPE_CHECKING:
    from torch import nn

KIND = "perfusion network"
SHIPPED = Path(__file__).parent / "shipped"
SHIPPED_SHA256 = {"spect-default": "25f48c375ac3adcb0caa935fbfc99fd09a2205cf8e701b91fc4380c095e64977"}
"""Of the weights that come with the library, by the name of the network."""
ORIGINAL_SUFFIXES = (".pth", ".pt")


@dataclass(frozen=True, eq=False)
class SpectNetwork:
    """A network with its weights. record: how it was trained and what it reached; sha256: of its file.

    refiner: what comes after it, if anything.
    """

    network: nn.Module = field(repr=False)
    name: str
    record: Mapping[str, Any]
    sha256: str
    refiner: Refiner | None = field(default=None, repr=False)

    @property
    def marks(self) -> dict[str, str]:
        """For records."""
        return {"weights_sha256": self.sha256, **({"dae_sha256": self.refiner.sha256} if self.refiner is not None else {})}


def read_spect_weights(name_or_file: str | Path, dae: Path | None = None) -> SpectNetwork:
    """With the denoising autoencoder of another file, if one is given; see `read_network`."""
    trained = read_network(name_or_file)
    return trained if dae is None else replace(trained, refiner=read_refiner(dae))


def read_network(name_or_file: str | Path) -> SpectNetwork:
    """The network of a file, or "spect-default", which comes with the library. Files of PyTorch are read as those of the original program.

    Raises UnreadableFile for a file that is damaged, is not what was shipped, or belongs to another architecture; MissingPackage.
    """
    require_packages()
    name = str(name_or_file)
    if name in NETWORKS and name not in SHIPPED_SHA256:
        raise UnreadableFile(
            f"No trained weights '{name}' come with this version; give its file (.pth), or train it (cardioscar spect train "
            "--phantoms 280 -o FOLDER) and give FOLDER/best.safetensors."
        )
    path = SHIPPED / f"{name}.safetensors" if name in SHIPPED_SHA256 else Path(name_or_file)
    sha256 = hashlib.sha256(check_readable(path).read_bytes()).hexdigest()
    if name in SHIPPED_SHA256 and sha256 != SHIPPED_SHA256[name]:
        raise UnreadableFile(f"The weights {path.name} are not those that came with the library; install it again.")
    if path.suffix.lower() in ORIGINAL_SUFFIXES:
        network = build("original")
        load(network, _original_tensors(path), path.name)
        return SpectNetwork(network.eval(), "original", {"read_from": "a file of PyTorch"}, sha256)
    tensors, header = read_tensors(path, KIND)
    if header.get("network") not in NETWORKS:
        raise UnreadableFile(f"{path.name} holds a network '{header.get('network')}' that this version does not know.")
    network = build(header["network"])
    load(network, tensors, path.name)
    return SpectNetwork(network.eval(), header["network"], header.get("record") or {}, sha256)


def write_spect_weights(network: nn.Module, name: str, record: Mapping[str, Any], path: Path, overwrite: bool = False) -> Path:
    """Write weights in half precision."""
    tensors = {key: value.detach().cpu().numpy().astype(np.float16) for key, value in tensors_of(network).items()}
    with atomic_path(path, overwrite) as temporary:
        write_tensors(tensors, {"network": name, "record": record}, KIND, temporary)
    return path


def _original_tensors(path: Path) -> dict[str, np.ndarray]:
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        return {key: value.float().numpy() for key, value in state.items() if not key.endswith("num_batches_tracked")}
    except Exception as problem:  # whatever a damaged or foreign file makes the reader raise
        raise UnreadableFile(f"{path.name} does not hold the weights of a network alone, as the original program saves them.") from problem
