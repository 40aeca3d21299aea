"""A denoising autoencoder of walls: from a wall with gaps and growths to one that is like those it has learned (Vincent et al. 2008).

Optional, after the network and the steps of `tidy`. It learns from walls by formula that were spoiled on purpose, and sees no counts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.io.files import atomic_path, check_readable
from CardioScarLib.io.tensor_files import read_tensors, write_tensors
from CardioScarLib.segmentation.networks import require_packages
from CardioScarLib.segmentation.weights import load, tensors_of

if TYPE_CHECKING:
    import torch
    from torch import nn

KIND = "perfusion wall refiner"
EDGE = 40
"""Voxels of 4 mm along an edge of what it sees, around the wall."""
FILTERS = (8, 16, 32, 32)
RATE = 3e-3
BATCH = 4


@dataclass(frozen=True, eq=False)
class Refiner:
    """A trained autoencoder. sha256: of its file."""

    network: nn.Module = field(repr=False)
    sha256: str

    def __call__(self, shares: np.ndarray) -> np.ndarray:
        """(k, j, i) float32 share of wall on the canonical grid, as the autoencoder would have it; 0 far from the wall."""
        import torch

        place = around(shares)
        with torch.inference_mode():
            found = self.network(torch.from_numpy(shares[place][None, None].astype(np.float32))).sigmoid()[0, 0].numpy()
        made = np.zeros_like(shares, dtype=np.float32)
        made[place] = found
        return made


def around(shares: np.ndarray) -> tuple[slice, ...]:
    """EDGE voxels along each axis around the middle of the wall."""
    middle = ndimage.center_of_mass(shares)
    start = np.clip(np.rint(np.array(middle) - EDGE / 2), 0, np.array(shares.shape) - EDGE).astype(int)
    return tuple(slice(int(one), int(one) + EDGE) for one in start)


def build_refiner() -> nn.Module:
    """An autoencoder with random weights: the wall passes through EDGE / 8 voxels along each axis."""
    require_packages()
    from monai.networks.nets import AutoEncoder

    return AutoEncoder(3, 1, 1, channels=FILTERS, strides=(2, 2, 2, 1), num_res_units=0, norm="batch")


def train_refiner(walls: Sequence[np.ndarray], steps: int, seed: int, progress: Callable[..., None]) -> nn.Module:
    """walls: (EDGE, EDGE, EDGE) true shares of wall, spoiled anew in every step."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    torch.manual_seed(seed)
    network = build_refiner()
    optimizer = torch.optim.AdamW(network.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps + 1, cycle_momentum=False)
    network.train()
    for number, (spoiled, true) in zip(range(steps), _batches(walls, seed), strict=False):
        logits = network(spoiled)
        found = logits.sigmoid()
        dice = 1 - 2 * (found * true).sum() / ((found**2).sum() + (true**2).sum() + 1)
        loss = binary_cross_entropy_with_logits(logits, true) + 0.5 * dice
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        progress("train", number + 1, steps, loss=loss.item())
    return network.eval()


def spoiled(share: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """(k, j, i) a wall as a network may find it: eaten away where perfusion is low, grown where something else is bright, rough."""
    shape = share.shape
    made = share.copy()
    wall = np.argwhere(share >= 0.5)
    grid = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
    for _ in range(random.integers(0, 3)):
        away = np.linalg.norm((grid - wall[random.integers(len(wall))]) / random.uniform(2.0, 6.0), axis=-1)
        made *= 1 - random.uniform(0.5, 1.0) * np.clip(2 - away, 0, 1)
    for _ in range(random.integers(0, 2)):
        beside = wall[random.integers(len(wall))] + random.normal(0, 3, 3)
        made = np.maximum(made, np.clip(1.5 - np.linalg.norm((grid - beside) / random.uniform(1.0, 4.0), axis=-1), 0, 1))
    rough = ndimage.gaussian_filter(random.normal(size=shape), 1.5)
    made = ndimage.gaussian_filter(made, random.uniform(0.0, 0.8)) + random.uniform(0, 0.25) * rough / rough.std() * (made > 0.05)
    return np.clip(made, 0, 1).astype(np.float32)


def _batches(walls: Sequence[np.ndarray], seed: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Spoiled and true, (b, 1, k, j, i), without end."""
    import torch

    random = np.random.default_rng(seed)
    while True:
        pairs = []
        for number in random.integers(0, len(walls), BATCH):
            flips = tuple(axis for axis in range(3) if random.random() < 0.5)
            true = np.flip(walls[number], flips).astype(np.float32)
            pairs.append((spoiled(true, random), true))
        first, second = (torch.from_numpy(np.stack(one)[:, None]) for one in zip(*pairs, strict=True))
        yield first, second


def write_refiner(network: nn.Module, record: dict, path: Path, overwrite: bool = False) -> Path:
    """Write weights in half precision."""
    tensors = {key: value.detach().cpu().numpy().astype(np.float16) for key, value in tensors_of(network).items()}
    with atomic_path(path, overwrite) as temporary:
        write_tensors(tensors, {"network": "autoencoder", "record": record}, KIND, temporary)
    return path


def read_refiner(path: Path) -> Refiner:
    """Raises UnreadableFile for a file of another kind, MissingPackage."""
    require_packages()
    sha256 = hashlib.sha256(check_readable(path).read_bytes()).hexdigest()
    tensors, header = read_tensors(path, KIND)
    if header.get("network") != "autoencoder":
        raise UnreadableFile(f"{path.name} holds no autoencoder of walls.")
    network = build_refiner()
    load(network, tensors, path.name)
    return Refiner(network.eval(), sha256)
