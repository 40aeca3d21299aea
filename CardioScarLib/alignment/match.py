"""The shift that brings borders of a slice onto the outline of the wall: iterated closest points in the plane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from CardioScarLib.alignment.outline import BorderPoints, Outline

SEARCH_STEP = 2.0
SEARCH_POINTS = 120
"""mm between the shifts that are tried first, and the border points looked at for them."""
FAR = 6.0
"""mm: points further off do not pull, at first and in the search."""
FACING = 0.5
"""Cosine between the normals of a border and of its outline: an endocardium does not match the epicardium of a thin wall, nor
the end of an open ring the ring."""
REJECT = 4.685
"""Tukey's biweight: residuals beyond this many robust SD do not pull; 95 % efficient on normal errors."""
LEAST_SCALE = 0.25
"""mm: robust SD of residuals at least."""
PIECE = 10.0
"""mm of border over which errors of a drawing or segmentation are correlated; it counts as one measurement."""
PEN = 0.15
"""Slice thicknesses: uncertainty of the level at which a border was drawn where the wall crosses the slice at a slope."""
SIZE_SD = 2.0
"""mm by which endocardium and epicardium as a whole may be drawn further in or out than in the wall, or be in another phase."""
ROUNDS = 30


@dataclass(frozen=True, eq=False)
class Match:
    """shift: (2,) mm along rows and columns to move the slice by. covariance: (2, 2) mm^2.

    seen: mm of border that found its outline. agreeing: share of the border that did, 0 to 1. residual: mm, robust SD.
    """

    shift: np.ndarray
    covariance: np.ndarray
    seen: float
    agreeing: float
    residual: float


def match(outline: Outline, border: BorderPoints, thickness: float, largest: float, start: np.ndarray | None = None) -> Match | None:
    """Find the shift of `border` onto `outline`, robustly; None if they do not meet.

    largest: mm around no shift that are searched. start: a shift close to the sought one; the search is left out.
    Point-to-line iterated closest points (Chen & Medioni 1992) with Tukey's weights; the size of either border against the
    outline is fitted along, so that a wall of another phase does not look like a shift where a border is open.
    """
    if len(outline) < 3 or len(border) < 3:
        return None
    tree = cKDTree(outline.places)
    shift = _searched(tree, border, largest) if start is None else np.array(start, dtype=np.float64)
    regions, region = np.unique(outline.region, return_inverse=True)
    count = 2 + len(regions)
    prior = np.diag([0.0, 0.0, *np.full(len(regions), SIZE_SD**-2.0)])
    size = np.zeros(len(regions))
    scale = FAR / REJECT
    for step in range(ROUNDS):
        nearest = tree.query(border.places + shift)[1]
        apart = border.places + shift - outline.places[nearest]
        normal = outline.normals[nearest]
        facing = np.einsum("ij,ij->i", normal, border.normals) > FACING
        across = np.einsum("ij,ij->i", apart, normal)
        residual = across - size[region[nearest]]
        spread = np.hypot(1.0, PEN * thickness * outline.slope[nearest] / scale)
        weight = np.where(facing, np.clip(1 - (residual / (REJECT * scale * spread)) ** 2, 0, None) ** 2, 0.0)
        if not weight.any():
            return None
        pieces = weight * border.lengths / PIECE / (scale * spread) ** 2
        design = np.zeros((len(border), count))
        design[:, :2] = normal
        design[np.arange(len(border)), 2 + region[nearest]] = -1.0
        information = design.T @ (pieces[:, None] * design) + prior
        # A direction that no border is across stays where it is.
        change = np.linalg.lstsq(information, -(design.T @ (pieces * residual)) - prior @ [0.0, 0.0, *size], rcond=1e-9)[0]
        shift, size = shift + change[:2], size + change[2:]
        near = facing & (np.abs(residual) < FAR)
        scale = max(LEAST_SCALE, _robust_sd(residual[near] / spread[near], border.lengths[near]) if near.any() else scale)
        if step > 3 and np.abs(change).max() < 1e-4:
            break
    covariance = np.linalg.pinv(information, hermitian=True)[:2, :2]
    if np.linalg.matrix_rank(information, hermitian=True, tol=1e-9) < count:
        covariance = covariance + np.eye(2) * largest**2
    seen = float(weight @ border.lengths)
    return Match(shift, covariance, seen, seen / float(border.lengths.sum()), float(scale))


def _searched(tree: cKDTree, border: BorderPoints, largest: float) -> np.ndarray:
    """The best of the shifts on a grid."""
    every = -(-len(border) // SEARCH_POINTS)
    places, lengths = border.places[::every], border.lengths[::every]
    along = np.arange(-np.ceil(largest / SEARCH_STEP), np.ceil(largest / SEARCH_STEP) + 1) * SEARCH_STEP
    tried = np.array([(row, column) for row in along for column in along if np.hypot(row, column) <= largest + SEARCH_STEP])
    cost = [lengths @ np.minimum(tree.query(places + shift)[0], FAR) ** 2 for shift in tried]
    return tried[int(np.argmin(cost))]


def _robust_sd(values: np.ndarray, weights: np.ndarray) -> float:
    """1.4826 times the weighted median of absolute values."""
    order = np.argsort(np.abs(values))
    total = np.cumsum(weights[order])
    return 1.4826 * float(np.abs(values)[order][np.searchsorted(total, 0.5 * total[-1])])
