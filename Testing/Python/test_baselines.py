"""Interpolation between slices against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import a_block, a_stack
from scipy.special import expit, logit

from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.settings import ModelSettings
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.geometry.operator import slice_operator
from CardioScarLib.reconstruction.door import fit

MIDDLE = 12.0


@pytest.fixture(scope="module")
def a_wall():
    return a_block([0, 0, -20], [24, 24, 60], [8, 8, 27])


def interpolated(wall, stack, method, weights=None):
    operator = slice_operator(wall, stack)
    values = operator.pixels.values(stack)
    evidence = Evidence(values, np.ones(len(values)) if weights is None else weights(operator))
    return fit(operator, evidence, wall, ModelSettings(model=method))


def along_z(posterior, *heights):
    return posterior.mean(np.array([[MIDDLE, MIDDLE, height] for height in heights]))


# Slices at 0, 8 and 20 mm (an uneven step) showing 0.1, 0.7 and 0.3.


@pytest.fixture(scope="module")
def uneven():
    return a_stack([0.0, 8.0, 20.0], 4.0, pixels=[0.1, 0.7, 0.3])


def test_linear_goes_straight_from_slice_to_slice(a_wall, uneven):
    linear = interpolated(a_wall, uneven, "linear")
    assert along_z(linear, 0, 2, 8, 11, 20) == pytest.approx([0.1, 0.1 + 0.6 * 2 / 8, 0.7, 0.7 - 0.4 * 3 / 12, 0.3])


def test_nearest_takes_the_nearest_slice(a_wall, uneven):
    nearest = interpolated(a_wall, uneven, "nearest")
    assert along_z(nearest, 0, 3.9, 4.1, 13.9, 14.1, 20) == pytest.approx([0.1, 0.1, 0.7, 0.7, 0.3, 0.3])


def test_logodds_goes_straight_in_the_logit(a_wall, uneven):
    between = interpolated(a_wall, uneven, "logodds")
    assert along_z(between, 0, 2) == pytest.approx([0.1, expit(0.75 * logit(0.1) + 0.25 * logit(0.7))])


def test_logodds_clips_what_is_certain(a_wall):
    between = interpolated(a_wall, a_stack([0.0, 8.0], 4.0, pixels=[0.0, 1.0]), "logodds")
    assert along_z(between, 0, 2, 4, 8) == pytest.approx([0.02, expit(0.5 * logit(0.02)), 0.5, 0.98])


@pytest.mark.parametrize("method", ["nearest", "linear", "logodds"])
def test_beyond_the_ends_the_last_slice_holds(method, a_wall, uneven):
    assert along_z(interpolated(a_wall, uneven, method), -15, -1, 21, 55) == pytest.approx([0.1, 0.1, 0.3, 0.3])


@pytest.mark.parametrize("method", ["nearest", "linear", "logodds"])
def test_one_slice_holds_everywhere(method, a_wall):
    assert along_z(interpolated(a_wall, a_stack([8.0], 4.0, pixels=[0.4]), method), -10, 8, 30) == pytest.approx([0.4, 0.4, 0.4])


@pytest.mark.parametrize("method", ["nearest", "linear", "logodds"])
def test_the_order_of_slices_in_the_file_does_not_matter(method, a_wall, uneven):
    turned = SliceStack(tuple(uneven.slices[number] for number in (2, 0, 1)))
    heights = (-3, 1, 5, 9, 13, 18, 25)
    assert along_z(interpolated(a_wall, turned, method), *heights) == pytest.approx(along_z(interpolated(a_wall, uneven, method), *heights))


# In the plane


def test_linear_is_bilinear_in_the_plane_and_nearest_takes_the_pixel(a_wall):
    image = np.zeros((12, 12))
    image[4:6, 7:9] = [[0.2, 0.4], [0.6, 1.0]]
    stack = a_stack([0.0], 4.0, pixels=[image])
    # Row r is at y = 1 + 2 r, column c at x = 1 + 2 c; the point lies a quarter on in y and half on in x.
    point = np.array([[1 + 2 * 7.5, 1 + 2 * 4.25, 0.0]])
    assert interpolated(a_wall, stack, "linear").mean(point) == pytest.approx([0.75 * 0.3 + 0.25 * 0.8])
    assert interpolated(a_wall, stack, "nearest").mean(point - [0.2, 0, 0]) == pytest.approx([0.2])
    assert interpolated(a_wall, stack, "nearest").mean(point + [0.2, 1.0, 0]) == pytest.approx([1.0])


@pytest.mark.parametrize("method", ["nearest", "linear", "logodds"])
def test_off_the_wall_the_nearest_pixel_on_it_counts_not_the_blood_beside_it(method):
    wall = a_block([10, 0, -4], [14, 24, 4], [4, 12, 4])
    image = np.full((12, 12), 0.9)
    image[:, 5:7] = 0.2  # the two columns that see the wall
    posterior = interpolated(wall, a_stack([0.0], 4.0, pixels=[image]), method)
    assert posterior.mean(np.array([[10.1, MIDDLE, 0], [12.0, MIDDLE, 0], [13.9, MIDDLE, 0], [2.0, MIDDLE, 0]])) == pytest.approx(4 * [0.2])


@pytest.mark.parametrize("method", ["nearest", "linear", "logodds"])
def test_pixels_without_weight_are_not_used(method, a_wall):
    image = np.full((12, 12), 0.3)
    image[5:7, 5:7] = 0.9
    stack = a_stack([0.0], 4.0, pixels=[image])

    def without_the_bright(operator):
        return (operator.pixels.values(stack) < 0.5).astype(float)

    assert along_z(interpolated(a_wall, stack, method, without_the_bright), 0) == pytest.approx([0.3])
    assert along_z(interpolated(a_wall, stack, method), 0) == pytest.approx([0.9])


def test_a_slice_whose_pixels_all_have_no_weight_is_left_out(a_wall, uneven):
    posterior = interpolated(a_wall, uneven, "linear", lambda operator: (operator.pixels.slices != 1).astype(float))
    assert along_z(posterior, 8) == pytest.approx([0.1 + 0.2 * 8 / 20])
    assert posterior.summary == {"slices_used": 2, "slices_left_out": 1}


def test_only_the_largest_set_of_parallel_slices_is_used(a_wall, uneven):
    long_axis = Slice(np.full((20, 12), 1.0), [1.0, MIDDLE, -10.0], [0, 0, 2.0], [2.0, 0, 0], 4.0)
    mixed = SliceStack((long_axis, *uneven))
    posterior = interpolated(a_wall, mixed, "linear")
    assert along_z(posterior, 0, 8) == pytest.approx([0.1, 0.7])
    assert posterior.summary["slices_left_out"] == 1
