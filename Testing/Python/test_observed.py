"""Where the wall was seen, lies between slices, or beyond them."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import a_stack, applied, rigid, transposed, with_rows_flipped

from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.geometry.observed import BETWEEN, BEYOND, INSIDE, observed


def along_z(stack, *heights, x=12.0, y=12.0):
    return observed(np.array([[x, y, height] for height in heights]), stack).tolist()


@pytest.fixture
def a_gapped_stack():
    """Slabs of 4 mm at 0, 10 and 20."""
    return a_stack([0.0, 10.0, 20.0], 4.0)


def test_slabs_gaps_and_what_is_beyond(a_gapped_stack):
    heights = (-9, -2.1, -1.9, 0, 1.9, 2.1, 5, 7.9, 8.1, 15, 21.9, 22.1, 40)
    assert along_z(a_gapped_stack, *heights) == [0, 0, 2, 2, 2, 1, 1, 1, 2, 1, 2, 0, 0]
    assert observed(np.zeros((1, 3)), a_gapped_stack).dtype == np.uint8


def test_slices_that_touch_leave_no_gap():
    assert along_z(a_stack([0.0, 8.0, 16.0], 8.0), *np.arange(-3.5, 19.5)) == 23 * [INSIDE]


def test_outside_the_image_nothing_was_seen(a_gapped_stack):
    # 12 pixels of 2 mm from 0 to 24.
    assert along_z(a_gapped_stack, 0, 5, x=23.9) == [INSIDE, BETWEEN]
    assert along_z(a_gapped_stack, 0, 5, x=24.1) == [BEYOND, BEYOND]
    assert along_z(a_gapped_stack, 0, 5, y=-0.1) == [BEYOND, BEYOND]


def test_between_needs_a_slice_on_either_side_with_the_point_in_its_view(a_gapped_stack):
    small = Slice(np.zeros((2, 2)), [1.0, 1.0, 30.0], [0, 2.0, 0], [2.0, 0, 0], 4.0)
    stack = SliceStack((*a_gapped_stack, small))
    assert along_z(stack, 25) == [BEYOND]
    assert along_z(stack, 25, x=2.0, y=2.0) == [BETWEEN]


def test_slices_across_each_other_do_not_bracket_anything():
    one = a_stack([0.0], 4.0)
    across = Slice(np.zeros((20, 12)), [1.0, 20.0, -10.0], [0, 0, 2.0], [2.0, 0, 0], 4.0)
    assert along_z(SliceStack((*one, across)), 9, y=12) == [BEYOND]
    assert along_z(SliceStack((*one, across)), 9, y=21) == [INSIDE]


def test_the_frame_and_the_way_slices_are_stored_do_not_matter(a_gapped_stack):
    points = np.random.default_rng(0).uniform([-5, -5, -10], [30, 30, 30], (500, 3))
    expected = observed(points, a_gapped_stack)
    assert set(expected) == {0, 1, 2}
    # One slice with its normal the other way, as scanners and readers leave them.
    mixed = SliceStack((with_rows_flipped(a_gapped_stack).slices[0], *transposed(a_gapped_stack).slices[:0:-1]))
    assert np.array_equal(observed(points, mixed), expected)
    assert np.array_equal(observed(applied(rigid(2), points), mixed.transformed(rigid(2))), expected)
