"""A mixture of remote myocardium and scar in which neighbors tend to agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.special import expit, ndtr

from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall_pixels import WallPixels
from CardioScarLib.evidence.borders import Borders
from CardioScarLib.evidence.constants import EVIDENCE
from CardioScarLib.evidence.regions import CLIP, CLIP_SHRINKS, INTERIOR_COVER, LEAST_SD, remote_statistics

STEPS, STEPS_FROM_START, SETTLED = 40, 8, 1e-3
FEWEST_INNER = 20
SHADING = 50.0
"""mm over which shading counts as one."""


@dataclass(frozen=True)
class Disturbance:
    """What an estimate may be wrong by, as far as the image leaves it open; the default is none.

    remote: of the remote mean, in standard deviations of a remote pixel. spread: factor of that standard deviation. contrast: factor
    of the contrast between scar and remote myocardium. prior: log odds added. rim: pixels added.
    """

    remote: float = 0.0
    spread: float = 1.0
    contrast: float = 1.0
    prior: float = 0.0
    rim: float = 0.0


@dataclass(frozen=True, eq=False)
class Mixture:
    """scar: (p,) probability of scar, 0 outside of inner. inner: (p,) bool, pixels that were asked: in the wall, beyond its rims.
    level: (p,) remote intensity expected there. remote_mean, remote_sd, contrast: in the unit of the image; contrast is scar's.
    """

    scar: np.ndarray
    inner: np.ndarray
    level: np.ndarray
    remote_mean: float
    remote_sd: float
    contrast: float

    def share(self, intensity: np.ndarray) -> np.ndarray:
        """(p,) how far an intensity is from remote (0) to scar (1); not limited to that range."""
        return (intensity - self.level) / self.contrast

    def excess(self, intensity: np.ndarray) -> np.ndarray:
        """(p,) standard deviations above remote myocardium."""
        return (intensity - self.level) / self.remote_sd


def neighbors(stack: SliceStack, pixels: WallPixels) -> sparse.csr_array:
    """(p, p) 1 where two pixels of the wall touch in their slice, over edges or corners."""
    rows, columns = [], []
    for number in np.unique(pixels.slices):
        here = np.flatnonzero(pixels.slices == number)
        shape = stack.slices[number].pixels.shape
        index = np.full((shape[0] + 2, shape[1] + 2), -1)
        index[pixels.rows[here] + 1, pixels.columns[here] + 1] = here
        for down, right in ((0, 1), (1, -1), (1, 0), (1, 1)):
            other = index[pixels.rows[here] + 1 + down, pixels.columns[here] + 1 + right]
            rows.append(here[other >= 0])
            columns.append(other[other >= 0])
    first, second = np.concatenate(rows), np.concatenate(columns)
    half = sparse.csr_array((np.ones(len(first)), (first, second)), shape=(len(pixels), len(pixels)))
    return half + half.T


def inner_pixels(pixels: WallPixels, borders: Borders, wider: float = 0.0) -> np.ndarray:
    """(p,) bool: filled by the wall and beyond its rims, which are narrower in a wall so thin that hardly a pixel were left."""
    interior = pixels.cover >= INTERIOR_COVER
    inner = interior & borders.inside(EVIDENCE.rim + wider)
    if np.count_nonzero(inner) < EVIDENCE.thin * np.count_nonzero(interior):
        inner = interior & borders.inside(EVIDENCE.least_rim + wider)
    return inner if np.count_nonzero(inner) >= FEWEST_INNER else interior


def spatial_mixture(
    pixels: WallPixels,
    intensity: np.ndarray,
    borders: Borders,
    touching: sparse.csr_array,
    bright: float | None,
    remote: tuple[float, float] | None = None,
    disturbance: Disturbance | None = None,
    start: np.ndarray | None = None,
) -> Mixture:
    """Fit the mixture by expectation maximization with a mean-field Potts prior (Zhang, Brady & Smith 2001, IEEE TMI 20:45).

    Remote myocardium is normal around a level of its own in each slice plus linear shading. Scar enhances by anything between
    `faintest` and `brightest` times its contrast, alike likely, blurred by the noise; the contrast is the expected one as long
    as pixels of scar do not tell better. Brighter pixels are scar, too; darker than remote is no scar here (see `no_reflow`).
    Only inner pixels are asked: at the rims blood, fat and scar look the same.

    intensity: (p,) freed of neighbors outside the wall. bright: intensity that scar is expected to have; None where unknown.
    remote: mean and standard deviation of remote myocardium where a user has marked it. disturbance: see `Disturbance`.
    start: (p,) probabilities of scar of the fit that is disturbed.
    """
    wrong = disturbance or Disturbance()
    inner = inner_pixels(pixels, borders, wrong.rim)
    values, slices = intensity[inner], pixels.slices[inner]
    mean, sd = remote_statistics(values) if remote is None else remote
    low, high = np.percentile(values, [0.5, 99.5])
    span = max(high - low, 1e-9 * abs(high), 1e-300)
    least = LEAST_SD * max(span, 0.0 if bright is None else bright - mean)
    sd = max(sd, least)
    contrast = _contrast(bright, mean, sd)
    beside = touching[inner][:, inner]
    count = np.maximum(np.asarray(beside.sum(axis=1)).ravel(), 1)
    origin = pixels.centers[inner].mean(axis=0)
    place = (pixels.centers[inner] - origin) / SHADING
    offsets, slope = np.zeros(int(pixels.slices.max()) + 1), np.zeros(3)
    prior = np.log(EVIDENCE.prior / (1 - EVIDENCE.prior)) + wrong.prior
    scar, level = np.zeros(len(values)) if start is None else start[inner], np.full(len(values), mean)
    for step in range(STEPS if start is None else STEPS_FROM_START):
        above = values - level - wrong.remote * sd
        odds = prior + _likelihood_ratio(above, sd * wrong.spread, contrast * wrong.contrast, span)
        if step or start is not None:
            odds += EVIDENCE.agreement * (beside @ (2 * scar - 1)) / count
        new = expit(odds)
        change = np.abs(new - scar).max()
        scar = 0.5 * (scar + new) if step or start is not None else new
        if remote is None:
            weight = (1 - scar) * (np.abs(values - level) < CLIP * sd)
            mean, offsets, slope = _remote_level(values, slices, place, weight, offsets, slope)
            level = mean + offsets[slices] + place @ slope
            sd = max(_remote_sd(values - level, weight), least)
        contrast = _scar_contrast(values - mean, scar, _contrast(bright, mean, sd), sd)
        if step > 5 and change < SETTLED:
            break
    everywhere = mean + offsets[pixels.slices] + (pixels.centers - origin) / SHADING @ slope + wrong.remote * sd
    probability = np.zeros(len(pixels))
    probability[inner] = scar
    return Mixture(probability, inner, everywhere, mean, sd * wrong.spread, contrast * wrong.contrast)


def _contrast(bright: float | None, mean: float, sd: float) -> float:
    """Scar stands out by a little at least."""
    return max(3 * sd if bright is None else bright - mean, 1.5 * sd)


def _likelihood_ratio(above: np.ndarray, sd: float, contrast: float, span: float) -> np.ndarray:
    """(p,) log likelihood of scar less that of remote myocardium, limited. above: intensity minus the remote level."""
    width = (EVIDENCE.brightest - EVIDENCE.faintest) * contrast
    scar = (ndtr((above - EVIDENCE.faintest * contrast) / sd) - ndtr((above - EVIDENCE.brightest * contrast) / sd)) / width
    scar = np.where(above > contrast, np.maximum(scar, 1 / width), scar)
    z = np.maximum(above, 0) / sd
    remote = (1 - EVIDENCE.outliers) * np.exp(-0.5 * z**2) / (sd * np.sqrt(2 * np.pi)) + EVIDENCE.outliers / span
    return np.clip(np.log(scar + 1e-12 / width) - np.log(remote), -EVIDENCE.most_odds + 1, EVIDENCE.most_odds)


def _remote_level(
    intensity: np.ndarray, slices: np.ndarray, place: np.ndarray, weight: np.ndarray, offsets: np.ndarray, slope: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Mean, offsets of the slices and linear shading of remote myocardium; the latter two shrunk toward zero."""
    mean = float(weight @ (intensity - offsets[slices] - place @ slope) / max(weight.sum(), 1e-9))
    residual = intensity - mean - place @ slope
    amount, total = np.bincount(slices, weight, len(offsets)), np.bincount(slices, weight * residual, len(offsets))
    independent = amount / EVIDENCE.alike * EVIDENCE.slice_offset**2
    offsets = total / np.maximum(amount, 1e-9) * independent / (independent + 1)
    residual = intensity - mean - offsets[slices]
    normal = place.T @ (place * weight[:, None]) / EVIDENCE.alike + np.eye(3)
    return mean, offsets, np.linalg.solve(normal, place.T @ (weight * residual) / EVIDENCE.alike)


def _remote_sd(residual: np.ndarray, weight: np.ndarray) -> float:
    """That of remote pixels, and at least that of the darker side, which no scar widens or narrows."""
    sd = float(np.sqrt(weight @ residual**2 / max(weight.sum(), 1e-9))) / CLIP_SHRINKS
    darker = residual[(residual < 0) & (residual > -4 * sd)]
    return max(sd, float(np.sqrt(np.mean(darker**2)))) if len(darker) else sd


def _scar_contrast(above: np.ndarray, weight: np.ndarray, expected: float, sd: float) -> float:
    seen = weight @ np.clip(above, 0.5 * expected, 1.5 * expected)
    return max((EVIDENCE.experience * expected + seen) / (EVIDENCE.experience + weight.sum()), 2 * sd)
