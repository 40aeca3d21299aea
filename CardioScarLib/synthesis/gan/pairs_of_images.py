"""Made images against real ones of the same labels, pixel by pixel."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from CardioScarLib.segmentation.scores import Mean, mean_of
from CardioScarLib.synthesis.gan.features import require_torchmetrics
from CardioScarLib.synthesis.gan.stacks import Stacks, images_of

SAME = 0.99
"""Share of the labeled pixels that must agree for two stacks to be of the same labels."""


def psnr_and_ssim(made: Stacks, real: Stacks) -> tuple[Mean | None, Mean | None]:
    """Means over stacks of the peak signal-to-noise ratio, dB, and of the structural similarity of slices with labels.

    Both images are -1 to 1 between percentiles of their own stacks. None where no made stack has a real one with its name and its labels.
    """
    import torch

    require_torchmetrics()
    from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

    psnr, ssim = [], []
    for pair in pairs_of(made, real):
        one, true = (torch.from_numpy(some)[:, None] for some in pair)
        if not torch.equal(one, true):  # of the same image it is infinite
            psnr.append(float(torch.as_tensor(peak_signal_noise_ratio(one, true, data_range=2.0, dim=(1, 2, 3)))))
        ssim.append(float(torch.as_tensor(structural_similarity_index_measure(one, true, data_range=2.0))))
    return mean_of(psnr), mean_of(ssim)


def pairs_of(made: Stacks, real: Stacks) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Images (n, s, s) of the slices with labels of each made stack, and of the real one of the same name and labels, if any."""
    rows = {name: number for number, name in enumerate(real.patients)}
    for patient, views, used in zip(made.patients, made.views, made.used, strict=True):
        if patient not in rows:
            continue
        other = real.views[rows[patient]]
        if views.labels.shape == other.labels.shape and _agree(views.labels, other.labels) >= SAME:
            yield images_of(views)[used], images_of(other)[used]


def _agree(one: np.ndarray, other: np.ndarray) -> float:
    heart = (one > 0) | (other > 0)
    return float((one == other)[heart].mean()) if heart.any() else 0.0
