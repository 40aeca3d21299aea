"""Scores of other work: FID, KID and Inception score with Inception's weights, and LPIPS with AlexNet's. The weights are the user's files.

The networks are those of torch-fidelity and lpips, which are used where they are installed and asked for.
"""

from __future__ import annotations

import hashlib
import importlib
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from CardioScarLib.core.errors import MissingPackage, UnreadableFile
from CardioScarLib.segmentation.encoders import named_weights
from CardioScarLib.segmentation.scores import Mean, mean_of
from CardioScarLib.synthesis.gan.features import frechet_distance, kernel_distance, require_torchmetrics
from CardioScarLib.synthesis.gan.pairs_of_images import pairs_of
from CardioScarLib.synthesis.gan.stacks import Stacks

if TYPE_CHECKING:
    import torch
    from torch import nn

BATCH = 16
FEATURES, LOGITS = "2048", "logits_unbiased"
"""torch-fidelity's names of what FID and KID, and the Inception score, are made of."""
SPLITS = 10
"""Parts of the images over which the Inception score is a mean (Salimans et al. 2016)."""


@dataclass(frozen=True, eq=False)
class PublishedNetwork:
    """network: with the weights of a file. name, sha256: of the file."""

    network: nn.Module
    name: str
    sha256: str


@dataclass(frozen=True)
class InceptionScores:
    """fid (Heusel et al. 2017); kid (Binkowski et al. 2018): mean and standard deviation over subsets; both between made and real images.
    inception_score (Salimans et al. 2016): mean and standard deviation over parts, of made and of real images. weights, sha256:
    of the file.
    """

    weights: str
    sha256: str
    fid: float
    kid: tuple[float, float]
    inception_score: dict[str, tuple[float, float]]


@dataclass(frozen=True)
class PerceptualDistance:
    """LPIPS (Zhang et al. 2018): mean over stacks, 0 for equal images; None where no made stack has a real one of the same labels."""

    weights: str
    sha256: str
    lpips: Mean | None


def read_inception(path: Path) -> PublishedNetwork:
    """Inception of FID (TensorFlow's of 2015-12-05) with the weights in a file of torch-fidelity or pytorch-fid.

    Raises MissingPackage, UnreadableFile for another file.
    """
    library = _library("torch_fidelity", "torch-fidelity", "FID, KID and the Inception score")
    import torch

    weights = named_weights(path)
    with tempfile.TemporaryDirectory() as folder:
        safe = Path(folder) / "tensors.pth"
        torch.save(weights, safe)  # the library unpickles whatever it is given: it gets our own copy of the tensors
        try:
            network = library.FeatureExtractorInceptionV3("inception", [FEATURES, LOGITS], feature_extractor_weights_path=str(safe))
        except RuntimeError as problem:  # load_state_dict, which is strict
            raise UnreadableFile(f"{path.name} does not hold the weights of FID's Inception, weights-inception-2015-12-05.") from problem
    return PublishedNetwork(network, path.name, _sha256(path))


def read_lpips(path: Path) -> PublishedNetwork:
    """LPIPS 0.1 on AlexNet with the weights in a file of torchvision; the linear layers come with lpips.

    Raises MissingPackage, UnreadableFile for another file.
    """
    library, models = _library("lpips", "lpips", "LPIPS"), _library("torchvision.models", "torchvision", "LPIPS")
    alexnet = models.alexnet(weights=None)
    try:
        alexnet.load_state_dict(named_weights(path))
    except RuntimeError as problem:
        raise UnreadableFile(f"{path.name} does not hold the weights of torchvision's AlexNet, alexnet-owt.") from problem
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="torchvision")  # lpips calls it as it was called before
        network = library.LPIPS(net="alex", version="0.1", pnet_rand=True, verbose=False)
    own, known = network.net.state_dict(), alexnet.features.state_dict()
    network.net.load_state_dict({key: known[key.split(".", 1)[1]] for key in own})  # slice2.3.weight is features.3.weight
    return PublishedNetwork(network.eval(), path.name, _sha256(path))


def inception_scores(inception: PublishedNetwork, made: Stacks, real: Stacks, device: torch.device) -> InceptionScores:
    """Of slices with labels; gray images of all stacks, -1 to 1 between percentiles of their own."""
    found = {name: _inception_of(inception.network, one.images, device) for name, one in (("made", made), ("real", real))}
    return InceptionScores(
        inception.name,
        inception.sha256,
        frechet_distance(found["real"][0], found["made"][0]),
        kernel_distance(found["real"][0], found["made"][0]),
        {name: _inception_score(logits) for name, (_, logits) in found.items()},
    )


def perceptual_distance(lpips: PublishedNetwork, made: Stacks, real: Stacks, device: torch.device) -> PerceptualDistance:
    """Of slices with labels, against real ones with the same name and labels."""
    import torch

    network, each = lpips.network.to(device), []
    with torch.inference_mode():
        for pair in pairs_of(made, real):
            one, true = (torch.from_numpy(some)[:, None].expand(-1, 3, -1, -1).to(device) for some in pair)
            each.append(float(network(one, true).mean()))
    return PerceptualDistance(lpips.name, lpips.sha256, mean_of(each))


def _inception_of(network: nn.Module, images: np.ndarray, device: torch.device) -> tuple[np.ndarray, np.ndarray]:
    """Features (n, 2048) and logits (n, 1008) of images (n, s, s), -1 to 1; the network resizes them as TensorFlow did."""
    import torch

    bytes_ = torch.from_numpy(np.round(127.5 * (np.clip(images, -1, 1) + 1)).astype(np.uint8))
    network, parts = network.to(device), []
    with torch.inference_mode():
        for start in range(0, len(bytes_), BATCH):
            some = bytes_[start : start + BATCH, None].expand(-1, 3, -1, -1).to(device)
            parts.append([one.float().cpu().numpy() for one in network(some)])
    features, logits = (np.concatenate(some) for some in zip(*parts, strict=True))
    return features, logits


def _inception_score(logits: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """exp of the mean divergence of each image's classes from those of its part: mean and standard deviation over parts."""
    import torch

    require_torchmetrics()
    from torch import nn
    from torchmetrics.image.inception import InceptionScore

    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.filterwarnings("ignore", "Metric `InceptionScore` will save", UserWarning)
        torch.manual_seed(seed)
        metric = InceptionScore(feature=nn.Identity(), splits=min(SPLITS, len(logits)))
        metric.update(torch.from_numpy(logits))
        mean, spread = metric.compute()
    return float(mean), float(spread)


def _library(name: str, package: str, scores: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except (ImportError, RuntimeError) as problem:  # a torchvision that does not fit torch raises RuntimeError
        sentence = f"{scores} need the package {package}, which is not installed here or does not fit PyTorch: pip install {package}."
        raise MissingPackage(sentence) from problem


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
