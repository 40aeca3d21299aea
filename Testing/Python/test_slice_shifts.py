"""Breath-hold shifts as a source of uncertainty."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from bodies import a_stack

from CardioScarLib.reconstruction.field.slice_shifts import SeemingShifts, SlicePlanes, alternation

HEIGHTS = [10.0 * number for number in range(12)]
FLAT = np.eye(3)[:, :2]


def left_out(shifts) -> SeemingShifts:
    """What shifts of slices, one next to the other, look like when each slice is predicted from its neighbors."""
    shifts = np.column_stack([shifts, np.zeros(len(shifts))])
    around = [
        np.mean([shifts[near] for near in (number - 1, number + 1) if 0 <= near < len(shifts)], axis=0) for number in range(len(shifts))
    ]
    return SeemingShifts(dict(enumerate(shifts - around)), dict.fromkeys(range(len(shifts)), 1.0))


@pytest.fixture
def stack():
    return SimpleNamespace(stack=a_stack(HEIGHTS, 8.0))


def found(shifts, stack) -> np.ndarray:
    return np.sqrt(list(alternation(left_out(shifts), stack).values()))


def test_independent_shifts_of_slices_are_found_at_their_size(stack):
    sizes = [np.sqrt(np.mean(found(np.random.default_rng(seed).normal(scale=1.5, size=(12, 2)), stack) ** 2)) for seed in range(20)]
    # Less than there is: a share is left to chance.
    assert 0.8 < np.mean(sizes) < 1.5
    assert min(sizes) > 0.3


def test_what_changes_steadily_from_slice_to_slice_is_no_shift(stack):
    steady = np.column_stack([0.1 * np.arange(12) ** 2, np.zeros(12)])  # a border that bends: every left-out slice misses it alike
    assert np.all(found(steady, stack) == 0)


def test_errors_of_predictions_that_know_nothing_of_each_other_are_mostly_no_shift(stack):
    sizes = []
    for seed in range(20):
        vectors = np.column_stack([np.random.default_rng(seed).normal(scale=1.5, size=(12, 2)), np.zeros(12)])
        by_chance = SeemingShifts(dict(enumerate(vectors)), dict.fromkeys(range(12), 1.0))
        sizes.append(np.sqrt(np.mean(list(alternation(by_chance, stack).values()))))
    assert np.median(sizes) == 0


def test_one_bad_slice_is_less_certain_than_those_far_from_it(stack):
    bad = np.zeros((12, 2))
    bad[5] = 4.0, 3.0
    sizes = found(bad, stack)
    assert np.argmax(sizes) == 5
    assert sizes[5] > 1.5 * sizes[[0, 1, 2, 8, 9, 10, 11]].max()


def test_slices_without_a_neighbor_say_nothing(stack):
    assert alternation(SeemingShifts({}, {}), stack) == {}
    alone = SeemingShifts({3: np.array([2.0, 0, 0])}, {3: 1.0})
    assert alternation(alone, stack) == {3: 0}


def test_a_displaced_plane_moves_what_is_near_it_along_itself():
    planes = SlicePlanes(np.tile([0.0, 0, 1], (2, 1)), np.array([0.0, 30.0]), np.array([FLAT, FLAT]), np.array([2.0, 0.5]))
    points = np.array([[3.0, 4, 0], [3.0, 4, 30], [3.0, 4, 15], [0.0, 0, -50]])
    moves = planes.moves(points, np.tile([1.0, 0, 0], (4, 1))).reshape(4, 2, 2)
    assert np.sum(moves**2, axis=(1, 2)) == pytest.approx([4, 0.25, (4 + 0.25) / 2, 4], rel=1e-6)
    assert moves[0, 0] == pytest.approx([2, 0])  # along the border's slope only
    assert planes.displacement_at(points) == pytest.approx([2, 0.5, np.sqrt((4 + 0.25) / 2), 2], rel=1e-6)
    assert planes.moves(points, np.tile([0.0, 0, 1], (4, 1))) == pytest.approx(0)  # a plane slides in itself


def test_a_wall_without_slices_is_not_displaced():
    nothing = SlicePlanes(np.empty((0, 3)), np.empty(0), np.empty((0, 3, 2)), np.empty(0))
    points = np.zeros((5, 3))
    assert nothing.moves(points, points).shape == (5, 0)
    assert np.all(nothing.displacement_at(points) == 0)
