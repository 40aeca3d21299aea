"""Which one further slice would lower the uncertainty of a map most.

The errors that a further slice can remove are modeled as a Gaussian field on the wall, correlated over a few millimeters.
Between slices they are as large as the posterior states, or somewhat larger; in the middle of a slice they are almost zero.
A new slice measures averages of this field over the prisms of its pixels, and the error that it removes has a closed form
(Gaussian process regression, Rasmussen & Williams 2006, eq. 2.26). No slice is simulated and no field is fitted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial.distance import cdist

from CardioScarLib.advice.candidate_planes import LONG, SHORT, Candidate, candidate_planes, long_axis, middle_of_largest_gap, repeats
from CardioScarLib.advice.constants import ADVICE
from CardioScarLib.advice.plane_words import PlaneWords
from CardioScarLib.core.errors import BadSettings, NoSpread
from CardioScarLib.core.posterior import Posterior
from CardioScarLib.core.provenance import Provenance
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.geometry.frame import CanonicalFrame, canonical_frame
from CardioScarLib.geometry.quadrature import in_cubes, sub_points

THREADS = 2
"""That compute candidates; most of it is done in libraries that let other threads run."""
CELL = 3.0
"""mm: size of the cubes that the wall, and of the squares that a slice is divided into."""
REACH = 2.5
"""Correlation lengths beyond which errors are taken as independent."""
OTHER_ANGLE = 30.0
"""Smallest angle between long-axis proposals, degrees; short-axis proposals keep a thickness apart."""
THICKEST = 20.0
"""mm."""


class WallErrors:
    """Errors on a wall that a slice can remove, as a Gaussian field.

    points: (n, 3) LPS mm, centers of cubes of wall. measure: (n,) of each. sd: (n,) standard deviation there.
    """

    def __init__(self, points: np.ndarray, measure: np.ndarray, sd: np.ndarray):
        self.points, self.measure, self.sd = points, measure, sd
        self.total = float(measure @ (sd**2 + ADVICE.staying**2))

    def drop(self, plane: Slice) -> float:
        """Share of the squared error over the wall that this slice is expected to remove."""
        row, column, height = plane.to_index(self.points).T
        depth = np.clip(0.5 * (plane.thickness + CELL) - np.abs(height), 0, min(CELL, plane.thickness)) / CELL
        seen = np.flatnonzero(depth > 0)
        if not len(seen):
            return 0.0
        near = np.flatnonzero(np.abs(height) < 0.5 * plane.thickness + REACH * ADVICE.length)
        rows, columns = (np.floor(index[seen] * step / CELL) for index, step in zip((row, column), plane.spacing, strict=True))
        _, square = np.unique(np.column_stack([rows, columns]), axis=0, return_inverse=True)
        weight = self.measure[seen] * depth[seen]
        average = sparse.csr_array((weight / np.bincount(square.ravel(), weight)[square.ravel()], (square.ravel(), np.arange(len(seen)))))
        squared = cdist(self.points[seen], self.points[near], "sqeuclidean")
        seeing = average @ (self.sd[seen, None] * self.sd[near] * np.exp(squared * (-0.5 / ADVICE.length**2)))
        between = (average @ seeing[:, np.searchsorted(near, seen)].T).T
        between[np.diag_indices_from(between)] += ADVICE.pixel_error**2
        factor = cho_factor(between, check_finite=False)
        taken = np.einsum("sn,sn->n", seeing, cho_solve(factor, seeing, check_finite=False))
        return float(self.measure[near] @ taken / self.total)


@dataclass(frozen=True, eq=False)
class Proposal:
    """A proposed slice.

    plane: where; its pixels are zeros. kind: "short axis" or "long axis". label: where, in words. drop: expected share of the
    squared error over the wall that it removes; on phantoms the RMS error fell by about that share, as a slice helps beyond
    what it sees.
    """

    plane: Slice
    kind: str
    label: str
    drop: float

    def as_dict(self) -> dict:
        """JSON values; lengths in mm, LPS.

        origin: center of the first pixel, and row_cosines, column_cosines: directions in which the column and the row index grow,
        as in DICOM (ImagePositionPatient and ImageOrientationPatient). spacing: between rows, and between columns.
        corners: of the image, at pixel edges: first row and column, then along the first row, and around.
        """
        one, (rows, columns) = self.plane, self.plane.pixels.shape
        corners = one.to_points(np.array([-0.5, -0.5, rows - 0.5, rows - 0.5]), np.array([-0.5, columns - 0.5, columns - 0.5, -0.5]))
        return {
            "kind": self.kind,
            "label": self.label,
            "expected_drop": self.drop,
            "center": one.center.tolist(),
            "normal": one.normal.tolist(),
            "origin": one.origin.tolist(),
            "row_cosines": (one.column_step / one.spacing[1]).tolist(),
            "column_cosines": (one.row_step / one.spacing[0]).tolist(),
            "spacing": list(one.spacing),
            "rows": rows,
            "columns": columns,
            "thickness": one.thickness,
            "corners": corners.tolist(),
        }


@dataclass(frozen=True)
class Advice:
    """proposals: the best first, each the best of its surroundings; none where a slice exists already. notes: what to consider
    before following them, the largest gap included. largest_gap: what a slice midway between the two short-axis slices that lie
    farthest apart would do, to compare; None where no slices leave a gap. provenance: of the advice."""

    proposals: tuple[Proposal, ...]
    notes: tuple[str, ...] = ()
    largest_gap: Proposal | None = None
    provenance: Provenance | None = None

    def as_dict(self) -> dict:
        """Plain JSON values; lengths in mm, LPS."""
        provenance = self.provenance.as_dict() if self.provenance else None
        return {
            "proposals": [one.as_dict() for one in self.proposals],
            "largest_gap": self.largest_gap.as_dict() if self.largest_gap else None,
            "notes": list(self.notes),
            "provenance": provenance,
        }


def advise(
    stack: SliceStack,
    posterior: Posterior,
    wall: Wall,
    thickness: float | None = None,
    kinds: tuple[str, ...] = (SHORT, LONG),
    count: int = 5,
    step: Callable[[int, int], None] = lambda done, steps: None,
) -> Advice:
    """Rank the planes in which one further slice could be taken.

    stack, wall: LPS mm. posterior: of a fit to them. thickness: of the further slice, mm; None takes the stack's.
    kinds: "short axis", "long axis", or both. count: of proposals at most. step: called with (done, all); may raise to end it.
    Raises NoSpread for a posterior without uncertainty, BadSettings for a thickness out of range.
    """
    if not posterior.has_spread:
        raise NoSpread("The adviser needs an uncertainty, but this model gives none; use the model 'field'.")
    thickness = float(np.median([one.thickness for one in stack])) if thickness is None else thickness
    if not 0 < thickness <= THICKEST:
        raise BadSettings(f"The thickness of the further slice is {thickness:g} mm; it must be between 0 and {THICKEST:g}.")
    points, measure = sub_points(wall, stack, CELL**3)
    frame = canonical_frame(stack, points, measure)
    errors = _wall_errors(stack, posterior, frame, points, measure)
    axis = long_axis(wall, points, measure)
    planes = candidate_planes(stack, axis, frame, points, thickness, kinds)
    candidates = [one for one in planes if not repeats(one.plane, stack, points)]
    drops = _drops(errors, candidates, step)
    words = PlaneWords(stack, axis)
    best = _best_of_their_surroundings(candidates, np.array(drops))[:count]
    proposals = tuple(Proposal(candidates[i].plane, candidates[i].kind, words.of(candidates[i]), drops[i]) for i in best)
    gap = middle_of_largest_gap(stack, axis, points, thickness)
    largest_gap = None if gap is None else Proposal(gap.plane, gap.kind, words.of(gap), errors.drop(gap.plane))
    notes = words.notes(stack, wall)
    if not proposals or proposals[0].drop < ADVICE.little:
        notes += (f"No further slice of {thickness:g} mm is expected to lower the error by {ADVICE.little:.0%} or more.",)
    elif largest_gap is not None:
        notes += (_against_the_gap(proposals[0], largest_gap),)
    return Advice(proposals, notes, largest_gap)


def _against_the_gap(best: Proposal, gap: Proposal) -> str:
    """Whether the best proposal is worth more than what one would do without an adviser."""
    where = f"a slice in the middle of the largest gap ({gap.label})"
    if best.drop - gap.drop < ADVICE.little:
        return f"No proposal is clearly better than {where}, which is expected to lower the error by {gap.drop:.0%}."
    return f"The first proposal is expected to lower the error by {best.drop:.0%}, {where} by {gap.drop:.0%}."


def _drops(errors: WallErrors, candidates: Sequence[Candidate], step: Callable[[int, int], None]) -> list[float]:
    """What each candidate is expected to remove; on two threads, which changes no bit: each candidate is computed on its own."""
    drops: list[float] = []
    step(0, len(candidates))
    with ThreadPoolExecutor(THREADS) as threads:
        try:
            for drop in threads.map(errors.drop, [one.plane for one in candidates]):
                drops.append(drop)
                step(len(drops), len(candidates))
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise
    return drops


def _best_of_their_surroundings(candidates: Sequence[Candidate], drops: np.ndarray) -> list[int]:
    """Numbers of candidates, the best first, without those close to a better one."""
    kept: list[int] = []
    for number in np.argsort(-drops, kind="stable"):
        one = candidates[number]
        alike = [candidates[other].place for other in kept if candidates[other].kind == one.kind]
        apart = np.abs(np.array(alike) - one.place)
        if one.kind == LONG:
            near = np.minimum(apart, 180 - apart) < OTHER_ANGLE
        else:
            near = apart < one.plane.thickness
        if not near.any():
            kept.append(int(number))
    return kept


def _wall_errors(stack: SliceStack, posterior: Posterior, frame: CanonicalFrame, points: np.ndarray, measure: np.ndarray) -> WallErrors:
    """The errors of a posterior in cubes of wall."""
    local, measures = in_cubes(frame.to_frame(points), measure, CELL)
    centers = frame.from_frame(local)
    unseen = 1 - np.exp(-0.5 * (_distance(centers, stack) / ADVICE.seen_length) ** 2)
    return WallErrors(centers, measures, np.sqrt((posterior.sd(centers) ** 2 + ADVICE.unknown**2) * unseen))


def _distance(points: np.ndarray, stack: SliceStack) -> np.ndarray:
    """(n,) mm from (n, 3) points to the middle of the nearest slice whose image reaches there."""
    distance = np.full(len(points), np.inf)
    for one in stack:
        row, column, height = one.to_index(points).T
        rows, columns = one.pixels.shape
        over = (row >= -0.5) & (row <= rows - 0.5) & (column >= -0.5) & (column <= columns - 0.5)
        distance[over] = np.minimum(distance[over], np.abs(height[over]))
    return distance
