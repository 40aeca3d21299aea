"""A wall from contours that somebody drew on a few slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.interpolate import CubicSpline

from CardioScarLib.geometry.ruled_wall import RuledWall, ruled_wall
from CardioScarLib.geometry.slices import SliceStack

CURVE_POINTS = 96


def drawn_wall(stack: SliceStack, contours: Sequence[Mapping], layers: int = 4, sectors: int = 60, between: int = 4) -> RuledWall:
    """The wall between endocardial and epicardial contours, LPS mm; it fills the slabs of the first and the last slice.

    contours: one per slice, each with "slice" (number in the stack), "endo" and "epi" (points as column and row,
        which a periodic cubic spline joins). layers, sectors, between: see `ruled_wall`.
    Raises BadWall where contours cross or are too few.
    """
    endo, epi = ([_curve(stack, one["slice"], one[kind]) for one in contours] for kind in ("endo", "epi"))
    beyond = 0.5 * stack.slices[contours[0]["slice"]].thickness
    return ruled_wall(endo, epi, layers, sectors, between, beyond)


def _curve(stack: SliceStack, number: int, points: Sequence[Sequence[float]]) -> np.ndarray:
    """(CURVE_POINTS, 3) LPS mm, a closed curve through points given as column and row."""
    closed = np.array([*points, points[0]], dtype=float)
    places = np.linspace(0, len(points), CURVE_POINTS + 1)[:-1]
    column, row = CubicSpline(np.arange(len(closed)), closed, bc_type="periodic")(places).T
    return stack.slices[number].to_points(row, column)
