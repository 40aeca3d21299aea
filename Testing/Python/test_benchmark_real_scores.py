"""Scores on real stacks against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import a_block, a_stack

from CardioScarLib.benchmark.real.scores import (
    border_distance,
    calibration_error,
    interval_score,
    pixel_scores,
    reliability,
    share_scores,
    wilson,
)  # fmt: skip
from CardioScarLib.geometry.operator import slice_operator

MEAN = np.array([0.9, 0.2, 0.6, 0.0])
LABELS = np.array([True, False, False, True])


def test_brier_and_dice_count_every_pixel_alike():
    scores = pixel_scores(MEAN, LABELS)
    assert scores["brier"] == pytest.approx((0.01 + 0.04 + 0.36 + 1.0) / 4)
    assert scores["dice"] == pytest.approx(2 * 1 / (2 + 2))


def test_dice_of_nothing_is_no_number_and_of_what_is_missed_zero():
    assert pixel_scores(np.zeros(3), np.zeros(3, bool))["dice"] is None
    assert pixel_scores(np.zeros(3), np.array([True, False, False]))["dice"] == 0


def test_a_reliability_curve_sums_pixels_by_their_tenth():
    curve = reliability(np.array([0.0, 0.05, 0.95, 1.0, 0.45]), np.array([False, True, True, True, False]))
    assert curve["pixels"] == [2, 0, 0, 0, 1, 0, 0, 0, 0, 2]
    assert curve["predicted"] == pytest.approx([0.05, 0, 0, 0, 0.45, 0, 0, 0, 0, 1.95])
    assert curve["scar"] == [1, 0, 0, 0, 0, 0, 0, 0, 0, 2]


def test_the_calibration_error_weighs_bins_by_their_pixels():
    curve = reliability(np.array([0.05, 0.05, 0.95, 0.95]), np.array([False, False, True, False]))
    assert calibration_error(curve) == pytest.approx((abs(0.1 - 0) + abs(1.9 - 1)) / 4)
    assert pixel_scores(np.array([0.05, 0.05, 0.95, 0.95]), np.array([False, False, True, False]))["ece"] == pytest.approx(0.25)


def test_a_share_lies_in_the_intervals_that_reach_it():
    draws = np.linspace(0, 1, 201)
    scores = share_scores(draws, 0.8)
    assert [scores[f"inside_{level}"] for level in (50, 80, 95)] == [False, True, True]
    assert scores["interval_score"] == pytest.approx(0.95)
    assert share_scores(draws, 0.0)["interval_score"] == pytest.approx(0.95 + 40 * 0.025)


def test_intervals_end_where_shares_end():
    """Draws of a process that knows no limits."""
    scores = share_scores(np.linspace(-1.0, 0.2, 201), 0.0)
    assert scores["inside_50"] and scores["inside_95"]  # both hold 0, at their lower end
    assert scores["interval_score"] == pytest.approx(0.17)  # from 0 to the 97.5th percentile


@pytest.mark.parametrize(("low", "high", "true", "level", "score"), [
    (0.2, 0.6, 0.4, 0.95, 0.4), (0.2, 0.6, 0.7, 0.95, 0.4 + 40 * 0.1), (0.2, 0.6, 0.1, 0.8, 0.4 + 10 * 0.1),
])  # fmt: skip
def test_an_interval_pays_for_its_width_and_for_what_it_misses(low, high, true, level, score):
    assert interval_score(low, high, true, level) == pytest.approx(score)


@pytest.mark.parametrize(("draws", "true", "crps"), [([0.0, 1.0], 0.5, 0.5 - 0.25), ([0.0, 1.0], 0.0, 0.25), ([0.3, 0.3], 0.5, 0.2)])
def test_crps_is_the_distance_to_the_truth_less_half_of_that_between_draws(draws, true, crps):
    assert share_scores(np.array(draws), true)["crps"] == pytest.approx(crps)


@pytest.mark.parametrize(("hits", "count", "low", "high"), [(9, 10, 0.5958, 0.9821), (0, 5, 0.0, 0.4345), (5, 5, 0.5655, 1.0)])
def test_wilsons_interval(hits, count, low, high):
    assert wilson(hits, count) == pytest.approx((low, high), abs=1e-4)


@pytest.fixture(scope="module")
def a_slice():
    """Operator of a slice of 10 x 10 pixels of 2 mm that all lie in the wall."""
    return slice_operator(a_block([0, 0, -4], [20, 20, 4], [5, 5, 2]), a_stack([0.0], 8.0, shape=(10, 10)))


def at(operator, *places) -> np.ndarray:
    """(p,) bool of the pixels at these rows and columns."""
    return np.array([place in places for place in zip(operator.pixels.rows, operator.pixels.columns, strict=True)])


def test_outlines_are_apart_by_the_millimeters_between_them(a_slice):
    found, true = at(a_slice, (2, 2)), at(a_slice, (2, 5))
    assert border_distance(a_slice, found.astype(float), true) == pytest.approx(6.0)
    assert border_distance(a_slice, found.astype(float), at(a_slice, (2, 2), (2, 4))) == pytest.approx((0 + 0 + 4) / 3)


def test_only_the_edge_of_a_region_is_its_outline(a_slice):
    square = [(row, column) for row in range(2, 7) for column in range(2, 7)]
    middle = at(a_slice, (4, 4))
    edge = [place for place in square if not (2 < place[0] < 6 and 2 < place[1] < 6)]
    away = [2 * np.hypot(row - 4, column - 4) for row, column in edge]
    assert border_distance(a_slice, middle.astype(float), at(a_slice, *square)) == pytest.approx((sum(away) + 4) / (len(edge) + 1))


def test_without_scar_on_both_sides_there_is_no_distance(a_slice):
    assert border_distance(a_slice, np.zeros(100), at(a_slice, (2, 2))) is None
    assert border_distance(a_slice, np.ones(100), np.zeros(100, bool)) is None
