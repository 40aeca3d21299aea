"""The noise of the pixels: its size, and its effect where evidence ends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage
from scipy.special import log_ndtr

from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.wall_pixels import WallPixels
from CardioScarLib.reconstruction.field.fourier import SINGLE
from CardioScarLib.reconstruction.process.constants import PROCESS

NEIGHBORHOOD = 5
"""Pixels across: a pixel is remote when the wall around it is."""
WIDE = 11
"""Pixels across: about whose mean the noise of neighborhoods is told, so that shading does not count."""
FULL = 0.8
"""Share of a neighborhood that the wall fills, at least."""
START, FLOOR = 0.1, 0.002
FAR = 4.0
"""Times the noise: brighter pixels are not remote, whatever their neighbors are."""
REPEATED = 3.0
"""Pixels that repeat the same noise, from which on noise is blobs as wide as a neighborhood; through k-space there are 2.4 to 2.6."""
ROUNDS = 20
FEWEST = 30
"""Remote pixels above 0 that show noise; a segmentation has none."""
NEAR_ZERO, FEW_AT_ZERO, RAYLEIGH_SPREAD = 0.2, 0.25, 0.35
"""Share of the noise below which a remote pixel counts as 0: .57 of them where noise is cut off, .04 where it is folded over;
and the least standard deviation over mean: .52 where it is folded over."""


def pixel_noise(pixels: WallPixels, evidence: Evidence) -> float:
    """Standard deviation of the noise of a pixel of weight 1, in evidence units; FLOOR where there is none.

    Remote myocardium has no scar and evidence is not negative, so half of its noise is cut off at 0 and the other half
    has the mean square sigma^2. Which pixels are remote depends on sigma: found by iteration, from above. Where neighbors repeat
    the same noise, quiet neighborhoods are those between its blobs, and only wide ones hold as much of it as there is.
    """
    return _remote_noise(pixels, evidence)[0]


def noise_repeats(pixels: WallPixels, evidence: Evidence) -> float:
    """How many neighboring pixels repeat the same noise, about: 1 where noise is independent.

    Images are interpolated, and noise is filtered with them. The mean of n independent pixels has 1 / n of their variance; what
    remote neighborhoods show instead says how many independent ones they hold. 1 where too few pixels show noise.
    """
    return _remote_noise(pixels, evidence)[2]


def noise_of_blobs(noise: float, repeats: float) -> float:
    """Standard deviation that amounts feel: where n neighbors repeat the same noise, n times fewer pixels average it out."""
    return noise * float(np.sqrt(repeats)) if repeats > REPEATED else noise


def without_lift(pixels: WallPixels, evidence: Evidence) -> tuple[Evidence, float]:
    """The evidence without what noise adds to it where evidence ends, and the noise of a pixel as `pixel_noise` estimates it.

    Taking a magnitude folds negative noise over instead of cutting it off, so that E[m^2] = a^2 + 2 sigma^2 (Gudbjartsson &
    Patz 1995): remote tissue then has next to no pixels at 0, and a standard deviation of half its mean, as a Rayleigh
    distribution has. Evidence of which this is not true stays as it is; so does a constant lift, which may be diffuse fibrosis.

    Blobs of noise that is cut off at 0 are wide enough for a smooth field to follow, so that residuals which know of the cut
    (`CutOffResidual`) do not undo them: where neighbors repeat the same noise, it is quieted.
    """
    level, remote, repeats = _remote_noise(pixels, evidence)
    if level > FLOOR and np.mean(remote < NEAR_ZERO * level) <= FEW_AT_ZERO and remote.std() >= RAYLEIGH_SPREAD * remote.mean():
        lift = level**2 / np.where(evidence.weights > 0, evidence.weights, 1.0)
        return replace(evidence, values=np.sqrt(np.maximum(evidence.values**2 - lift, 0.0))), level / np.sqrt(2)
    if repeats > REPEATED:
        return quieted(evidence, level), level
    return evidence, level


def quieted(evidence: Evidence, noise: float) -> Evidence:
    """The evidence without the lift that remains of noise where it is cut off at 0, and its mirror image at 1.

    A pixel without scar shows max(0, noise), which is .4 of the noise in the mean; values well above it are left alone.
    noise: standard deviation of a pixel of weight 1.
    """
    level = PROCESS.quiet * noise / np.sqrt(np.where(evidence.weights > 0, evidence.weights, 1.0))
    low, high = evidence.values, 1 - evidence.values
    values = np.where(low < 0.5, low * (1 - np.exp(-((low / level) ** 2))), 1 - high * (1 - np.exp(-((high / level) ** 2))))
    return replace(evidence, values=values)


def _remote_noise(pixels: WallPixels, evidence: Evidence) -> tuple[float, np.ndarray, float]:
    """As `_remote_noise_of`, in neighborhoods that are wide enough for this noise; and how many neighbors repeat it."""
    level, remote = _remote_noise_of(pixels, evidence, NEIGHBORHOOD)
    repeats = _repeats(pixels, evidence, level)
    return (*(_remote_noise_of(pixels, evidence, WIDE) if repeats > REPEATED else (level, remote)), repeats)


def _repeats(pixels: WallPixels, evidence: Evidence, level: float) -> float:
    """See `noise_repeats`. level: of the noise in small neighborhoods."""
    values = evidence.values * np.sqrt(evidence.weights)
    counted = evidence.weights > 0
    around, count = _neighborhood(pixels, values, counted)
    widely, _ = _neighborhood(pixels, values, counted, WIDE)
    bright, _ = _neighborhood(pixels, (values > FAR * level).astype(np.float64), counted, WIDE)
    quiet = counted & (around < level) & (bright < 1e-9) & (count >= FULL * NEIGHBORHOOD**2)
    if level == FLOOR or np.count_nonzero(quiet) < FEWEST * NEIGHBORHOOD:
        return 1.0
    single = float(np.mean((values[quiet] - widely[quiet]) ** 2))
    together = float(np.mean(count[quiet] * (around[quiet] - widely[quiet]) ** 2))
    left = 1 - NEIGHBORHOOD**2 / WIDE**2  # of a neighborhood's variance, about the mean of a wider one that holds it
    return float(np.clip(together / (left * max(single, 1e-12)), 1.0, NEIGHBORHOOD**2))


def _remote_noise_of(pixels: WallPixels, evidence: Evidence, size: int) -> tuple[float, np.ndarray]:
    """The RMS of positive remote pixels, FLOOR without noise; and the remote pixels, all scaled to weight 1. size: pixels across
    of the neighborhoods."""
    values = evidence.values * np.sqrt(evidence.weights)
    around, _ = _neighborhood(pixels, values, evidence.weights > 0, size)
    noise = START
    for _ in range(ROUNDS):
        remote = values[(evidence.weights > 0) & (values < FAR * noise) & (around < noise)]
        positive = remote[remote > 0]
        if len(positive) < FEWEST:
            return FLOOR, remote
        found = max(float(np.sqrt(np.mean(positive**2))), FLOOR)
        if abs(found - noise) < 1e-5:
            break
        noise = found
    return noise, remote


def _neighborhood(pixels: WallPixels, values: np.ndarray, counted: np.ndarray, size: int = NEIGHBORHOOD) -> tuple[np.ndarray, np.ndarray]:
    """(p,) mean over the counted pixels around each, and their number. size: pixels across."""
    mean, counts = np.zeros((2, len(values)))
    for number in np.unique(pixels.slices):
        here = np.flatnonzero(pixels.slices == number)
        place = pixels.rows[here] - pixels.rows[here].min(), pixels.columns[here] - pixels.columns[here].min()
        total, count = np.zeros((2, place[0].max() + 1, place[1].max() + 1))
        total[place], count[place] = np.where(counted[here], values[here], 0.0), counted[here]
        total, count = (ndimage.uniform_filter(one, size, mode="constant")[place] for one in (total, count))
        mean[here], counts[here] = total / np.maximum(count, 1e-9), size**2 * count
    return mean, counts


class CutOffResidual:
    """Residuals of pixels whose noise was cut off at 0 and 1, as evidence is (a Tobit model).

    A pixel that shows 0 was 0 or less: it must not pull the field of remote tissue up to the mean of what is left of the
    noise, which is 0.4 sigma. Its residual r is the one whose square costs as much as the likelihood of a value beyond
    the end, r^2 = -2 sigma^2 log Phi(-average / sigma); it grows like the average itself where that is far from 0.
    """

    def __init__(self, evidence: Evidence, noise: float):
        """noise: standard deviation of a pixel of weight 1; that of others grows as one over the root of their weight."""
        seen = evidence.weights > 0
        self.target = evidence.values.astype(SINGLE)
        self._noise = (noise / np.sqrt(np.where(seen, evidence.weights, 1.0))).astype(SINGLE)
        self._ends = [(np.flatnonzero(seen & (evidence.values <= 0)), 1), (np.flatnonzero(seen & (evidence.values >= 1)), -1)]

    def __call__(self, average: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(p,) residuals of averages of the field, and their derivatives."""
        residual, slope = average - self.target, np.ones_like(average)
        for where, side in self._ends:
            noise = self._noise[where]
            distance = (side * residual[where] / noise).astype(np.float64)  # its squares are subtracted
            log_beyond = log_ndtr(-distance)
            length = np.sqrt(-2 * log_beyond)
            residual[where] = side * noise * length
            slope[where] = np.exp(-0.5 * distance**2 - log_beyond) / (np.sqrt(2 * np.pi) * length)
        return residual, slope
