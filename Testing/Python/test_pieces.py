"""Pieces of core and the length of their border, on a flat layer where both are known."""

from __future__ import annotations

import numpy as np
import pytest

from CardioScarLib.quantification.pieces import border_length, count_pieces
from CardioScarLib.quantification.shells import Shell

SIDE = 81


@pytest.fixture(scope="module")
def a_plane() -> Shell:
    """80 mm x 80 mm with points 1 mm apart."""
    x, y = (one.ravel() for one in np.meshgrid(np.arange(SIDE, dtype=float), np.arange(SIDE, dtype=float)))
    first = (np.arange(SIDE - 1)[:, None] * SIDE + np.arange(SIDE - 1)).ravel()
    triangles = np.vstack([np.column_stack([first, first + 1, first + SIDE]), np.column_stack([first + 1, first + SIDE + 1, first + SIDE])])
    return Shell(0.5, np.column_stack([x, y, np.zeros_like(x)]), triangles, {})


def disc(shell: Shell, center: tuple[float, float], radius: float) -> np.ndarray:
    """0.6 on its border, 2 mm soft."""
    away = np.linalg.norm(shell.points[:, :2] - center, axis=1)
    return np.clip(0.6 + 0.2 * (radius - away), 0, 1)


def pieces(shell: Shell, field: np.ndarray) -> int:
    return count_pieces(shell.graph(), shell.area, field, 0.6)


def test_the_border_of_a_disc_is_as_long_as_its_circumference(a_plane):
    assert border_length(a_plane, disc(a_plane, (40, 40), 15), 0.6) == pytest.approx(2 * np.pi * 15, rel=0.01)
    half = border_length(a_plane, disc(a_plane, (40, 0), 15), 0.6)
    assert half == pytest.approx(np.pi * 15, rel=0.02), "the edge of the LV is no border of core"


def test_pieces_are_counted_apart_and_specks_are_not(a_plane):
    two = np.maximum(disc(a_plane, (20, 20), 8), disc(a_plane, (60, 60), 8))
    assert pieces(a_plane, two) == 2
    assert pieces(a_plane, np.maximum(two, disc(a_plane, (60, 20), 2))) == 2
    assert pieces(a_plane, np.maximum(two, disc(a_plane, (40, 40), 22))) == 1
    assert border_length(a_plane, two, 0.6) == pytest.approx(2 * 2 * np.pi * 8, rel=0.02)


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_a_layer_without_core_or_full_of_it_has_no_border(a_plane, level):
    field = np.full(len(a_plane.points), level)
    assert border_length(a_plane, field, 0.6) == 0 and pieces(a_plane, field) == int(level)
