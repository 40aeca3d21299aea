"""Whether made images are copies of images that were learned from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial.distance import cdist
from scipy.stats import binomtest

from CardioScarLib.segmentation.scores import DRAWS, LEVEL, Mean

COARSE = 3.0
"""mm over which pixels are smoothed before they are compared, so that neither grain nor a pixel's shift hides a copy."""


@dataclass(frozen=True)
class Nearest:
    """Distances to the nearest image learned from, in one space.

    made, held_out: median over made images, and over real ones that were not learned from. between: the smallest distance between images
    learned from of different patients; median: of the distances to the nearest image of another patient. copies, held_out_copies: how many
    made, and held-out, images are nearer to one learned from than `between`, and the exact binomial intervals of their shares, as if slices
    were independent. nearer: see `chance_nearer`.
    """

    made: float
    held_out: float
    between: float
    median: float
    copies: int
    held_out_copies: int
    copies_interval: tuple[float, float]
    held_out_copies_interval: tuple[float, float]
    nearer: Mean


@dataclass(frozen=True, eq=False)
class Points:
    """Images in one space. places: (n, c). patients: (n,)."""

    places: np.ndarray
    patients: np.ndarray


def nearest(made: Points, held_out: Points, learned: Points) -> tuple[Nearest, np.ndarray]:
    """learned: of two patients at least. Also returns (made,) whether each is a copy."""
    apart = cdist(learned.places, learned.places)
    apart[learned.patients[:, None] == learned.patients[None, :]] = np.inf
    others = apart.min(axis=1)
    between = float(others.min())
    from_made, from_real = (cdist(some.places, learned.places).min(axis=1) for some in (made, held_out))
    copies, held_out_copies = from_made < between, from_real < between
    found = Nearest(
        float(np.median(from_made)), float(np.median(from_real)), between, float(np.median(others[np.isfinite(others)])),
        int(copies.sum()), int(held_out_copies.sum()), _exact(copies), _exact(held_out_copies),
        chance_nearer(from_made, from_real, made.patients, held_out.patients),
    )  # fmt: skip
    return found, copies


def chance_nearer(made: np.ndarray, held_out: np.ndarray, of_made: np.ndarray, of_held_out: np.ndarray, seed: int = 0) -> Mean:
    """The chance that a made image lies nearer to those learned from than a held-out real one does; ties are halves.

    Copies make it rise above 1/2: the three-sample test of Meehan et al. 2020, whose U statistic this is, divided by the number of pairs.
    made, held_out: (n,) distances to the nearest image learned from. of_made, of_held_out: (n,) patients. The interval is by bootstrap over
    patients, since slices of one patient are alike; one who is on both sides is drawn for both.
    """
    everybody = np.unique(np.concatenate([of_made, of_held_out]))
    ours, theirs = ((everybody[:, None] == some[None, :]).astype(float) for some in (of_made, of_held_out))
    wins = ours @ ((made[:, None] < held_out[None, :]) + 0.5 * (made[:, None] == held_out[None, :])) @ theirs.T
    pairs = np.outer(ours.sum(axis=1), theirs.sum(axis=1))
    times = np.random.default_rng(seed).multinomial(len(everybody), np.full(len(everybody), 1 / len(everybody)), DRAWS)
    drawn, of = (np.einsum("dp,pq,dq->d", times, some, times) for some in (wins, pairs))
    low, high = np.percentile(drawn[of > 0] / of[of > 0], [(100 - LEVEL) / 2, (100 + LEVEL) / 2])
    return Mean(float(wins.sum() / pairs.sum()), float(low), float(high), len(np.unique(of_made)))


def _exact(which: np.ndarray) -> tuple[float, float]:
    """Of a share, by Clopper and Pearson 1934. which: (n,) bool."""
    found = binomtest(int(which.sum()), len(which)).proportion_ci(LEVEL / 100, method="exact")
    return float(found.low), float(found.high)


def coarse_pixels(images: np.ndarray, spacing: float) -> np.ndarray:
    """(n, c) of (n, s, s) images: smoothed, thinned out, and each with mean 0 and standard deviation 1; distances are per pixel."""
    width = COARSE / spacing
    step = max(1, round(width))
    thin = ndimage.gaussian_filter(images.astype(np.float32), (0, width, width))[:, step // 2 :: step, step // 2 :: step]
    flat = thin.reshape(len(thin), -1)
    flat = (flat - flat.mean(axis=1, keepdims=True)) / np.maximum(flat.std(axis=1, keepdims=True), 1e-6)
    return flat / np.sqrt(flat.shape[1])
