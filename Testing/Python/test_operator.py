"""What the slice operator makes of fields whose averages are known."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import a_block, a_cloud, a_stack, shift, the_phantom

from CardioScarLib.core.settings import OperatorSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.geometry.operator import slice_operator

ROUNDING = 1e-4
"""mm: quadrature points are rounded to it, so that a fit starts from the same bits in every frame."""


def averages(operator, field):
    """(p,) of a function of LPS points."""
    return operator.matrix @ field(operator.frame.from_frame(operator.points))


def linear(points):
    return 0.2 + points @ [0.03, -0.02, 0.05]


@pytest.fixture(scope="module")
def a_wall():
    return a_block([0.37, 0.29, -15.1], [23.81, 23.67, 15.3], [15, 15, 21])  # no face of a cell on a pixel's edge


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["box", "gaussian"])
def test_every_row_is_a_mean(profile):
    case = the_phantom("E", pixel=2.6)
    matrix = slice_operator(case.wall, case.stack, OperatorSettings(slice_profile=profile)).matrix
    assert matrix.data.min() > 0
    assert matrix.sum(axis=1) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("profile", ["box", "gaussian"])
def test_the_mean_of_a_linear_field_over_a_full_prism_is_its_value_in_the_middle(a_wall, profile):
    operator = slice_operator(a_wall, a_stack([-5.0, 3.0], 6.0), OperatorSettings(slice_profile=profile))
    table = operator.pixels
    full = (np.abs(table.rows - 5.5) < 5) & (np.abs(table.columns - 5.5) < 5)
    assert np.count_nonzero(full) == 2 * 100
    # Sub-points stand 0.46 mm apart: each face of a prism is placed to half of that, its middle to a quarter along each axis.
    slack = 0.25 * 0.46 * (0.03 + 0.02 + 0.05)
    assert averages(operator, linear)[full] == pytest.approx(linear(table.centers[full]), abs=slack)


def test_a_prism_at_the_walls_edge_averages_only_its_part_of_the_wall():
    wall = a_block([5, 0.3, -15], [23.7, 23.7, 15], [12, 15, 21])
    operator = slice_operator(wall, a_stack([0.0], 6.0))
    (edge,) = np.flatnonzero((operator.pixels.rows == 5) & (operator.pixels.columns == 2))
    # Column 2 reaches from 4 to 6 mm, the wall begins at 5.
    assert averages(operator, lambda points: points[:, 0])[edge] == pytest.approx(5.5, abs=0.12)


def test_a_pixel_of_bare_points_is_the_mean_over_the_nodes_in_its_prism():
    nodes = np.random.default_rng(0).uniform([0, 0, -6], [24, 24, 6], (3000, 3))
    stack = a_stack([0.0], 4.0)
    operator = slice_operator(a_cloud(nodes), stack)
    index = np.rint(stack.slices[0].to_index(nodes)[:, :2]).astype(int)
    within = np.abs(nodes[:, 2]) <= 2
    assert len(operator.pixels) == 144
    found = averages(operator, linear)
    for row, column, mean in zip(operator.pixels.rows, operator.pixels.columns, found, strict=True):
        here = within & (index[:, 0] == row) & (index[:, 1] == column)
        assert mean == pytest.approx(linear(nodes[here]).mean(), abs=ROUNDING)


def test_a_group_of_one_node_takes_the_value_of_that_node():
    operator = slice_operator(a_cloud([[3.4, 5.2, 0.7], [11.0, 9.0, -0.4]]), a_stack([0.0], 4.0))
    assert operator.matrix.shape == (2, 2)
    assert sorted(averages(operator, lambda points: points[:, 0])) == pytest.approx([3.4, 11.0], abs=ROUNDING)


def test_averages_of_a_heart_match_fine_averages_of_its_truth():
    case = the_phantom("W", pixel=2.6)
    operator = slice_operator(case.wall, case.stack)
    whole = operator.pixels.cover > 0.5
    difference = averages(operator, case.truth_at)[whole] - operator.pixels.values(case.stack)[whole]
    # The pixels come from the formula, at 441 points each; the coarse mesh cuts corners of a curved wall at its edges.
    assert np.sqrt(np.mean(difference**2)) < 0.03
    assert abs(difference.mean()) < 0.005


def test_a_thicker_slice_blurs_more(a_wall):
    step = [
        averages(slice_operator(a_wall, a_stack([-2.0], thickness)), lambda points: (points[:, 2] > 0).astype(float))
        for thickness in (3, 8)
    ]
    assert step[0].max() == 0
    assert step[1] == pytest.approx(2 / 8, abs=0.06)


def test_pixels_without_a_value_have_no_row(a_wall):
    holes = np.zeros((12, 12))
    holes[4:6, 7] = np.nan
    with_holes = slice_operator(a_wall, a_stack([0.0], 6.0, pixels=[holes]))
    without = slice_operator(a_wall, a_stack([0.0], 6.0))
    assert len(without.pixels) - len(with_holes.pixels) == 2
    assert not np.any(np.isin(with_holes.pixels.rows, [4, 5]) & (with_holes.pixels.columns == 7))
    assert with_holes.matrix.sum(axis=1) == pytest.approx(1)


def test_some_of_the_rows_are_the_same_averages(a_wall):
    operator = slice_operator(a_wall, a_stack([-5.0, 5.0], 6.0))
    chosen = np.random.default_rng(0).random(len(operator.pixels)) < 0.3
    part = operator.rows(chosen)
    assert part.matrix.shape[1] < operator.matrix.shape[1]
    assert averages(part, linear) == pytest.approx(averages(operator, linear)[chosen], abs=1e-12)
    assert np.array_equal(part.pixels.centers, operator.pixels.centers[chosen])
    assert part.transpose.shape == part.matrix.shape[::-1]


def test_a_stack_elsewhere_has_no_rows(a_wall):
    operator = slice_operator(a_wall.transformed(shift(1000, 0, 0)), a_stack([0.0, 8.0], 6.0))
    assert operator.matrix.shape[0] == 0
    assert operator.unseen == (0, 1)


def test_the_middle_of_a_wall_is_seen_by_both_of_two_slices_that_overlap(a_wall):
    both = slice_operator(a_wall, a_stack([-2.0, 2.0], 8.0))
    for number, one in enumerate(both.stack):
        alone = slice_operator(a_wall, SliceStack((one,)))
        together = both.pixels.image(both.stack, number, averages(both, linear))
        assert together == pytest.approx(alone.pixels.image(alone.stack, 0, averages(alone, linear)), abs=ROUNDING)
