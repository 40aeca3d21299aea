"""From maximal counts to relative perfusion on the wall: recovery, smoothing, reference."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import SimpleITK as sitk
from scipy.sparse import coo_matrix, csr_matrix
from scipy.spatial import cKDTree

from CardioScarLib.core.errors import BadStack
from CardioScarLib.perfusion.phantom_scan import FWHM
from CardioScarLib.perfusion.polar import PolarSamples
from CardioScarLib.perfusion.wall_holes import filled

SMOOTHING = 3.0
"""mm, standard deviation along the wall: profiles of single rays follow the noise."""
REFERENCE = 90.0
"""Percentile of the profiles that is 100 %: the highest one alone follows the noise, too."""
BESIDE_GAP = 10.0
"""mm from a gap in the found wall, within which the share of wall does not tell how much of the activity is seen."""
LEAST_RECOVERY = 0.25
"""Of the highest recovery: where less of the activity is seen, as at the rim, correction would blow up the noise."""


@dataclass(frozen=True, eq=False)
class Profiles:
    """samples: where. counts: (n,) highest through the wall, after recovery, not smoothed."""

    samples: PolarSamples
    counts: np.ndarray

    def relative(self, counts: np.ndarray | None = None, reference: float = REFERENCE, along: csr_matrix | None = None) -> np.ndarray:
        """(n,) smooth perfusion, of the reference. counts, along: others than its own, and other weights along the wall."""
        smooth = (self.along if along is None else along) @ (self.counts if counts is None else counts)
        return smooth / np.percentile(smooth, reference)

    @cached_property
    def along(self) -> csr_matrix:
        """(n, n) weights that smooth along the wall."""
        return smoothing(self.samples.points, self.samples.area, SMOOTHING)

    @property
    def noise(self) -> float:
        """Standard deviation of the counts about the smooth ones, of their median."""
        rest = self.counts - self.along @ self.counts
        return float(1.4826 * np.median(np.abs(rest - np.median(rest))) / max(float(np.median(self.counts)), 1e-12))


def profiles(image: sitk.Image, share: sitk.Image, samples: PolarSamples, blur: float) -> Profiles:
    """share: of each voxel that is wall. blur: mm, full width at half maximum; 0 leaves out the recovery.

    Recovery: the same maxima of the blurred share tell how much of even perfusion would be seen (Hutton and Osiecki 1998); only its
    differences along the wall matter. Raises BadStack for a wall without counts.
    """
    counts = np.maximum(samples.counts(image), 0)
    if not np.percentile(counts, REFERENCE) > 0:
        raise BadStack("There are no counts in the wall.")
    if blur > 0:
        seen = samples.counts(blurred(share, blur))
        seen = _without_gaps(seen, samples)
        counts = counts / np.maximum(seen, LEAST_RECOVERY * seen.max()) * float(np.median(seen))
    return Profiles(samples, counts)


def _without_gaps(seen: np.ndarray, samples: PolarSamples) -> np.ndarray:
    """(n,) what would be seen of a wall without gaps: in one and beside it as in the wall around."""
    if not samples.gaps.any():
        return seen
    away = cKDTree(samples.points[samples.gaps]).query(samples.points)[0]
    return filled(seen, away > BESIDE_GAP, samples.row, samples.column)


def blurred(share: sitk.Image, fwhm: float) -> sitk.Image:
    """An image after a Gaussian of this width, mm."""
    return sitk.SmoothingRecursiveGaussian(sitk.Cast(share, sitk.sitkFloat32), [fwhm / FWHM] * 3)


def smoothing(points: np.ndarray, area: np.ndarray, sigma: float) -> csr_matrix:
    """(n, n) weights of a Gaussian mean along the wall, by the straight distance between places."""
    tree = cKDTree(points)
    near = tree.sparse_distance_matrix(tree, 3 * sigma, output_type="coo_matrix")
    weight = np.exp(-0.5 * (near.data / sigma) ** 2) * area[near.col]
    total = np.bincount(near.row, weight, len(points))
    return coo_matrix((weight / total[near.row], (near.row, near.col)), shape=(len(points),) * 2).tocsr()
