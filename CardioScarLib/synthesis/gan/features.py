"""Images as a segmentation network of ours sees them: its features, and the classes it finds."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from CardioScarLib.core.errors import BadSettings, MissingPackage
from CardioScarLib.segmentation.normalized import normalized
from CardioScarLib.segmentation.recipes import EVERY_CLASS
from CardioScarLib.segmentation.validation import half_precision
from CardioScarLib.segmentation.weights import Trained, read_weights

if TYPE_CHECKING:
    import torch

BATCH = 32
SUBSET, SUBSETS = 50, 100
"""Of the kernel distance: images in a subset at most, and subsets that it is the mean of."""


@dataclass(frozen=True, eq=False)
class Seen:
    """features: (n, c) float32, means over the view of the deepest layer, where the network has one as our U-Nets do. classes, labels:
    (n, s, s) found, and those that were given, on the network's view."""

    features: np.ndarray
    classes: np.ndarray
    labels: np.ndarray


def seen_by(trained: Trained, images: np.ndarray, labels: np.ndarray, around: np.ndarray, spacing: float, device: torch.device) -> Seen:
    """Images of one size on the network's view; it sees no more of the neighbors and surroundings than they show.

    images: (n, s, s), any unit. labels: (n, s, s) classes. around: (n, 2) rows of the neighbors, -1 where there is none. spacing: mm.
    Raises BadSettings for a network that does not tell all classes.
    """
    import torch

    network, recipe = trained.network.to(device).eval(), trained.recipe
    if recipe.classes != EVERY_CLASS:
        raise BadSettings(f"The network '{recipe.name}' does not tell scar from other tissue; give weights of another.")
    kept: list[torch.Tensor] = []
    deepest = getattr(network, "bottleneck", None)
    handle = None
    if deepest is not None:
        handle = deepest.register_forward_hook(lambda module, given, found: kept.append(found.float().mean((2, 3)).cpu()))
    each = torch.from_numpy(np.asarray(images, dtype=np.float32))
    rows = torch.from_numpy(np.stack([around[:, 0], np.arange(len(images)), around[:, 1]], axis=1))
    classes, drawn = [], []
    try:
        with torch.inference_mode():
            for start in range(0, len(images), BATCH):
                some = rows[start : start + BATCH] if recipe.neighbors else rows[start : start + BATCH, 1:2]
                values, inside = _on_view(each[some.clamp(min=0)], spacing, recipe.spacing, recipe.size, "bilinear")
                valid = inside & (some >= 0)[..., None, None]
                with half_precision(device):
                    found = network(normalized(values, valid).to(device))
                classes.append(found.float().argmax(1).cpu().numpy().astype(np.uint8))
                given = torch.from_numpy(labels[start : start + BATCH].astype(np.float32))[:, None]
                drawn.append(_on_view(given, spacing, recipe.spacing, recipe.size, "nearest")[0][:, 0].numpy().astype(np.uint8))
    finally:
        if handle is not None:
            handle.remove()
    return Seen(
        torch.cat(kept).numpy() if kept else np.zeros((len(images), 0), dtype=np.float32), np.concatenate(classes), np.concatenate(drawn)
    )


def _on_view(images: torch.Tensor, spacing: float, wanted: float, size: int, mode: str) -> tuple[torch.Tensor, torch.Tensor]:
    """(b, c, s, s) around the same middle with another spacing and size, and where (size, size) they show anything."""
    import torch
    from torch.nn import functional

    reach = size * wanted / (images.shape[2] * spacing)
    theta = torch.tensor([[reach, 0, 0], [0, reach, 0]], dtype=torch.float32)
    grid = functional.affine_grid(theta.expand(len(images), 2, 3), [len(images), 1, size, size], align_corners=False)
    values = functional.grid_sample(images, grid, mode, padding_mode="border", align_corners=False)
    inside = (grid[0].abs() <= 1 + 1e-6).all(-1)
    return values * inside, inside


def shipped_network() -> Trained:
    return read_weights("default")


def frechet_distance(real: np.ndarray, made: np.ndarray) -> float:
    """Between Gaussians with the means and covariances of features, (n, c) each (Heusel et al. 2017); it is larger for fewer images."""
    import torch

    metric = require_torchmetrics().fid.FrechetInceptionDistance(feature=_given(real.shape[1]))
    metric.update(torch.from_numpy(real), real=True)
    metric.update(torch.from_numpy(made), real=False)
    return float(metric.compute())


def kernel_distance(real: np.ndarray, made: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """Mean and standard deviation over random subsets (Binkowski et al. 2018); its mean does not depend on the number of images."""
    import torch

    size = min(SUBSET, len(real), len(made))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Metric `Kernel Inception Distance` will save", UserWarning)
        metric = require_torchmetrics().kid.KernelInceptionDistance(feature=_given(real.shape[1]), subsets=SUBSETS, subset_size=size)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        metric.update(torch.from_numpy(real), real=True)
        metric.update(torch.from_numpy(made), real=False)
        mean, spread = metric.compute()
    return float(mean), float(spread)


def _given(count: int):
    """A feature extractor for features that are there already."""
    from torch import nn

    class Given(nn.Identity):
        num_features = count

    return Given()


def require_torchmetrics():
    """Its images module. Raises MissingPackage."""
    try:
        import torchmetrics.image.fid
        import torchmetrics.image.kid
    except ImportError as problem:
        sentence = 'Scores of images need the package torchmetrics, which is not installed here: pip install "cardioscar[segmentation]".'
        raise MissingPackage(sentence) from problem
    return torchmetrics.image
