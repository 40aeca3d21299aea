"""Patches of bright tissue, and whether there is scar at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from scipy.special import expit

from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall_pixels import WallPixels
from CardioScarLib.evidence.constants import EVIDENCE

LIKELY = 0.5
"""From this probability on a patch is scar."""


@dataclass(frozen=True, eq=False)
class Patches:
    """Connected pixels that are more likely scar than not.

    number: (p,) of the patch a pixel belongs to, -1 for none. excess: (k,) mean standard deviations above remote myocardium times the
    root of the pixel count. volume: (k,) mL of the wall. brightness: (k,) mean share of scar, not limited to 1.
    probability: (k,) that the patch is scar, as if it were the only one.
    """

    number: np.ndarray
    excess: np.ndarray
    volume: np.ndarray
    brightness: np.ndarray
    probability: np.ndarray

    @property
    def presence(self) -> float:
        """Probability that there is scar at all: that of the most likely patch, because patches share what makes them wrong."""
        return float(self.probability.max(initial=0.0))

    def kept(self, demanded: float = LIKELY) -> np.ndarray:
        """(k,) bool: which are taken as scar. Where one of them is likely scar, smaller ones beside it are believed more easily."""
        if self.presence < demanded:
            return np.zeros(len(self.volume), dtype=bool)
        small = (self.excess >= EVIDENCE.small_excess) & (self.volume >= EVIDENCE.small_volume) & ~self.too_bright
        return (self.probability >= demanded) | small

    @property
    def too_bright(self) -> np.ndarray:
        """(k,) bool: brighter than scar can be."""
        return self.brightness > EVIDENCE.too_bright

    def pixels_of(self, kept: np.ndarray) -> np.ndarray:
        """(p,) bool: pixels of the patches kept."""
        return np.append(kept, False)[self.number]


def find_patches(
    stack: SliceStack,
    pixels: WallPixels,
    touching: sparse.csr_array,
    bright: np.ndarray,
    excess: np.ndarray,
    share: np.ndarray,
    volumes: np.ndarray,
) -> Patches:
    """Join bright pixels that touch in their slice, or overlap in neighboring slices, and judge each patch.

    The log odds of scar rise with excess and volume: noise makes small faint patches, shading wide faint ones; a contour that is
    off leaves bright but small remains beyond the rims. Coefficients: logistic regression on simulated hearts with and
    without scar (`EvidenceConstants`). What is much brighter than scar is fat or an artifact; it is parted from what it overlaps
    in other slices.

    bright: (p,) bool. excess: (p,) standard deviations above remote. share: (p,) from remote (0) to scar (1).
    volumes: (p,) mL of wall in each pixel's prism.
    """
    chosen = np.flatnonzero(bright)
    if not len(chosen):
        return Patches(np.full(len(pixels), -1), *np.zeros((4, 0)))
    links = touching[chosen][:, chosen]
    pairs = cKDTree(pixels.centers[chosen]).query_pairs(np.hypot(1.1 * gap_of(stack), EVIDENCE.across), output_type="ndarray")
    pairs = pairs[pixels.slices[chosen[pairs[:, 0]]] != pixels.slices[chosen[pairs[:, 1]]]]
    count, label = connected_components(_joined(links, pairs), directed=False)
    hot = _brightness(label, share[chosen])[label] > EVIDENCE.too_bright
    if hot.any():  # fat or an artifact in one slice must not take the scar of its neighbors with it
        within = connected_components(links, directed=False)[1]
        hot &= _brightness(within, share[chosen])[within] > EVIDENCE.too_bright
        count, label = connected_components(_joined(links, pairs[~hot[pairs].any(axis=1)]), directed=False)
    number = np.full(len(pixels), -1)
    number[chosen] = label
    size = np.bincount(label, minlength=count)
    total = np.bincount(label, np.maximum(excess[chosen], 0), count) / np.sqrt(size)
    volume = np.bincount(label, volumes[chosen], count)
    brightness = _brightness(label, share[chosen])
    return Patches(number, total, volume, brightness, np.where(brightness > EVIDENCE.too_bright, 0.0, probability(total, volume)))


def _joined(links: sparse.csr_array, pairs: np.ndarray) -> sparse.csr_array:
    return links + sparse.csr_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=links.shape)


def _brightness(label: np.ndarray, share: np.ndarray) -> np.ndarray:
    """(k,) mean share of the pixels with each label."""
    return np.bincount(label, share) / np.bincount(label)


def probability(excess: np.ndarray, volume: np.ndarray) -> np.ndarray:
    """(k,) probability of scar of patches with this excess and volume (mL)."""
    odds = EVIDENCE.odds_excess * np.log(np.maximum(excess, 1e-3)) + EVIDENCE.odds_volume * np.log(np.maximum(volume, 1e-3))
    return expit(EVIDENCE.odds_base + odds)


def gap_of(stack: SliceStack) -> float:
    """mm from one slice to the next of the largest group of parallel slices; the thickness where there is only one slice."""
    group = stack.parallel_groups()[0]
    normal = stack.slices[group[0]].normal
    heights = np.unique(np.round([stack.slices[number].center @ normal for number in group], 2))
    return float(np.median(np.diff(heights))) if len(heights) > 1 else float(stack.slices[group[0]].thickness)


def pixel_volumes(stack: SliceStack, pixels: WallPixels) -> np.ndarray:
    """(p,) mL of wall in each pixel's prism."""
    prisms = np.array([np.prod(one.spacing) * one.thickness / 1000 for one in stack])
    return prisms[pixels.slices] * pixels.cover
