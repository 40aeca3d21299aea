"""By how much a slice appears displaced against the prediction from the other slices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import RegularGridInterpolator

from CardioScarLib.reconstruction.field.objective import slice_plane
from CardioScarLib.reconstruction.field.posterior import FieldPosterior
from CardioScarLib.self_audit.left_out import LeftOutSlice

FARTHEST = 8.0
"""mm: about the thickness of a wall; of larger shifts too little of the wall is left to compare."""
COARSE, FINE = 2.0, 1.0
"""mm between the shifts that are tried, everywhere and then around the best."""
OVERLAP = 0.3
"""Share of a slice's wall that must still be wall after a shift."""
LATTICE = np.array([2.0, 2.0, 3.0])
"""mm between the places, in the plane and across it, where a process is evaluated for a search; it is smooth over several."""


@dataclass(frozen=True)
class Displacement:
    """shift: (2,) mm along rows and columns by which the origin of a slice must move to fit the others best.
    before, after: RMS of the predicted pixels without and with it."""

    shift: tuple[float, float]
    before: float
    after: float

    @property
    def distance(self) -> float:
        return float(np.hypot(*self.shift))


def find_displacement(one: LeftOutSlice) -> Displacement:
    """The in-plane shift of the prediction that fits the slice best, over the part of the wall that both share."""
    error = _Error(one)
    best = _best(error, _disc(COARSE, FARTHEST))
    near = best + _disc(FINE, 1.5 * FINE)
    best = _best(error, near[np.hypot(*near.T) <= FARTHEST])
    return Displacement(tuple((best + 0.0).tolist()), error(np.zeros(2)), error(best))


def error_at(one: LeftOutSlice, field, offset: np.ndarray) -> float:
    """RMS of the slice's pixels against what `field` (points in the canonical frame -> (n,)) predicts `offset` (3,) mm away, LPS."""
    moved = one.operator.points + one.operator.frame.axes @ offset
    return one.error_of(one.operator.matrix @ field(moved))


class _Error:
    """RMS of the predicted pixels after an in-plane shift (2,) of the points where it is evaluated, mm."""

    def __init__(self, one: LeftOutSlice):
        self.one = one
        self.directions = slice_plane(one.operator, one.number)[1]
        plane = one.operator.stack.slices[one.number]
        self.spacing = np.array(plane.spacing)
        self.wall: np.ndarray = np.zeros(plane.pixels.shape, dtype=bool)
        self.wall[one.operator.pixels.rows, one.operator.pixels.columns] = one.weights > 0
        # A place of a process costs much more than one of the members, and a search asks for the same ones over and over.
        self.field = one.field if isinstance(one.posterior, FieldPosterior) else _on_lattice(one, self.directions)

    def __call__(self, shift: np.ndarray) -> float:
        weights = self.one.weights * self._shared(shift)
        if weights.sum() < OVERLAP * self.one.weights.sum():
            return np.inf
        average = self.one.operator.matrix @ self.field(self.one.operator.points + self.directions @ shift)
        return float(np.sqrt(np.average((average - self.one.values) ** 2, weights=weights)))

    def _shared(self, shift: np.ndarray) -> np.ndarray:
        pixels = self.one.operator.pixels
        rows, columns = (
            np.rint(place + length).astype(int) for place, length in zip((pixels.rows, pixels.columns), shift / self.spacing, strict=True)
        )
        inside = (rows >= 0) & (columns >= 0) & (rows < self.wall.shape[0]) & (columns < self.wall.shape[1])
        inside[inside] = self.wall[rows[inside], columns[inside]]
        return inside


def _on_lattice(one: LeftOutSlice, directions: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The prediction at points of the slice, moved by up to `FARTHEST`, between those of a lattice along its plane."""
    axes = np.column_stack([directions, np.cross(*directions.T)])
    along = one.operator.points @ axes
    low, high = along.min(axis=0), along.max(axis=0)
    low[:2], high[:2] = low[:2] - FARTHEST - FINE, high[:2] + FARTHEST + FINE
    counts = np.ceil((high - low) / LATTICE).astype(int) + 2
    places = [np.linspace(first, last, count) for first, last, count in zip(low, high, counts, strict=True)]
    lattice = np.stack(np.meshgrid(*places, indexing="ij"), axis=-1)
    values = one.field(lattice.reshape(-1, 3) @ np.linalg.inv(axes)).reshape(lattice.shape[:3])
    known = RegularGridInterpolator(places, values, bounds_error=False, fill_value=None)
    return lambda points: known(points @ axes)


def _best(error: _Error, shifts: np.ndarray) -> np.ndarray:
    return shifts[np.argmin([error(one) for one in shifts])]


def _disc(step: float, radius: float) -> np.ndarray:
    """(n, 2) grid of shifts, the smallest first, so that it wins where shifts make no difference."""
    reach = np.arange(-np.floor(radius / step), np.floor(radius / step) + 1) * step
    grid = np.stack(np.meshgrid(reach, reach, indexing="ij"), -1).reshape(-1, 2)
    length = np.hypot(*grid.T)
    return grid[np.argsort(length, kind="stable")][: np.count_nonzero(length <= radius)]
