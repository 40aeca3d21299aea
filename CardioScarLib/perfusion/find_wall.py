"""The wall of the left ventricle on SPECT, by a network, on the grid of the image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from CardioScarLib.core.errors import BadStack
from CardioScarLib.core.perfusion_settings import SpectSettings
from CardioScarLib.perfusion.canonical import SPACING, back, canonical_grid, covering_grid, onto
from CardioScarLib.perfusion.forward import shares, view_shares
from CardioScarLib.perfusion.tidy import tidied_shares
from CardioScarLib.perfusion.weights import SpectNetwork
from CardioScarLib.reconstruction.dropout.device import choose_device

LEAST_ML, MOST_ML = 20.0, 500.0
"""Volume of a wall that can be one."""


@dataclass(frozen=True, eq=False)
class SpectWall:
    """image: the scan. share: (k, j, i) float32 on its grid, of each voxel that is wall. labels: share from the threshold on, uint8.

    grid: canonical, around the heart. views: (v, k, j, i) share on it for each mirror image, whose spread tells the network's doubt.
    """

    image: sitk.Image = field(repr=False)
    share: np.ndarray = field(repr=False)
    labels: np.ndarray = field(repr=False)
    grid: sitk.Image = field(repr=False)
    views: np.ndarray = field(repr=False)

    @property
    def volume_ml(self) -> float:
        return float(self.share.sum(dtype=np.float64) * np.prod(self.image.GetSpacing()) * 1e-3)

    @property
    def counts(self) -> np.ndarray:
        """(k, j, i) of the scan."""
        return sitk.GetArrayViewFromImage(self.image)

    def view_shares(self) -> list[np.ndarray]:
        """For each view, (k, j, i) share on the grid of the scan; none for a wall that was not found by a network."""
        return [back(one, self.grid, self.image) for one in self.views]


def find_wall(
    image: sitk.Image, trained: SpectNetwork, settings: SpectSettings | None = None, progress: Callable[..., None] | None = None
) -> SpectWall:
    """Find the heart in the whole volume, then its wall on the network's grid around it. Raises BadStack where there is none."""
    settings = settings or SpectSettings()
    progress = progress or (lambda stage, step, steps: None)
    device = choose_device(settings.device)[0]
    progress("wall", 0, 2)
    whole = covering_grid(image)
    center = _heart(shares(trained, onto(image, whole), 1, device), whole, settings)
    progress("wall", 1, 2)
    grid = canonical_grid(center)
    views = view_shares(trained, onto(image, grid), settings.views, device)
    mean = tidied_shares(views.mean(axis=0), settings.threshold, settings.tidy)
    if trained.refiner is not None and mean.any():
        mean, views = trained.refiner(mean), np.stack([trained.refiner(one * (mean > 0)) for one in views])
    _check(mean, settings.threshold)
    share = back(mean, grid, image)
    progress("wall", 2, 2)
    return SpectWall(image, share, (share >= settings.threshold).astype(np.uint8), grid, np.where(mean > 0, views, 0))


def labels_image(found: SpectWall) -> sitk.Image:
    """The labels with the geometry of the scan."""
    return on_image(found.labels, found.image)


def on_image(values: np.ndarray, image: sitk.Image) -> sitk.Image:
    """(k, j, i) values with the geometry of an image."""
    made = sitk.GetImageFromArray(values)
    made.CopyInformation(image)
    return made


def _heart(share: np.ndarray, grid: sitk.Image, settings: SpectSettings) -> np.ndarray:
    """(3,) LPS mm, middle of the largest piece."""
    pieces, count = ndimage.label(share >= settings.threshold)
    if not count:
        raise BadStack("No left ventricle was found on the scan; give reconstructed slices of the heart, with its myocardium visible.")
    largest = pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    low, high = (np.array([getattr(one, side)() for one in np.nonzero(largest)]) for side in ("min", "max"))
    return np.array(grid.TransformContinuousIndexToPhysicalPoint([float(one) for one in 0.5 * (low + high)[::-1]]))


def _check(share: np.ndarray, threshold: float) -> None:
    volume = float(np.count_nonzero(share >= threshold)) * SPACING**3 * 1e-3
    if not LEAST_ML <= volume <= MOST_ML:
        raise BadStack(
            f"What looks like a left ventricle has a wall of {volume:.0f} mL, so none was found; give reconstructed slices of the heart."
        )
