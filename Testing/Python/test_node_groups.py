"""Mesh nodes find the pixels they lie in, each slice for itself."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import a_stack, applied, rigid

from CardioScarLib.core.errors import StackMissesWall
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.geometry.node_groups import node_groups

NUMBERS = np.arange(144.0).reshape(12, 12)


def values_of(groups, count: int) -> list[list[float]]:
    """For each node, the values of the groups it is in."""
    return [sorted(groups.values[groups.group[groups.nodes == node]].tolist()) for node in range(count)]


def test_the_nearest_pixel_gives_group_and_value():
    # Pixels of 2 mm, the first centered at (1, 1): 2.1 along x is nearer to column 1 than to column 0; rounding down would say 0.
    nodes = [[1.0, 1.0, 0.0], [1.9, 1.0, 3.9], [2.1, 1.0, 0.0], [1.0, 2.1, 0.0], [1.0, 1.0, 4.1]]
    groups = node_groups(nodes, a_stack([0.0, 8.0], 8.0, pixels=[NUMBERS, NUMBERS + 1000]))
    assert values_of(groups, 5) == [[0], [0], [1], [12], [1000]]
    assert groups.group.tolist() == [0, 0, 1, 2, 3] and groups.nodes.tolist() == [0, 1, 2, 3, 4]


def test_nodes_on_the_border_of_prisms_belong_to_one_of_them_and_are_not_lost():
    # Rounding moves them to this side and that side; all of them are at the middle between slices and between pixels.
    heights = 0.1 + 0.7 * np.arange(40)
    stack = a_stack(heights, 0.7, pixels=list(np.arange(40.0)), first=(0.3, 0.1), pixel=0.7)
    nodes = np.column_stack([np.full(39, 0.3 + 0.35), np.full(39, 0.1 + 0.35), 0.5 * (heights[1:] + heights[:-1])])
    groups = node_groups(nodes, stack)
    assert sorted(groups.nodes.tolist()) == list(range(39)) and groups.values.tolist() == list(range(1, 40))


def test_nodes_in_gaps_and_beside_the_images_have_no_group_and_those_in_two_slabs_have_two():
    nodes = [[1.0, 1.0, 2.9], [1.0, 1.0, 4.0], [-0.1, 1.0, 0.0], [1.0, 24.1, 0.0]]
    pixels = [NUMBERS + 1, NUMBERS + 1000]
    assert values_of(node_groups(nodes, a_stack([0.0, 8.0], 6.0, pixels=pixels)), 4) == [[1], [], [], []]
    assert values_of(node_groups(nodes, a_stack([0.0, 8.0], 10.0, pixels=pixels)), 4) == [[1], [1, 1000], [], []]


def test_pixels_that_were_not_measured_have_no_group():
    holes = NUMBERS.copy()
    holes[0, 0] = np.nan
    nodes = [[1.0, 1.0, 0.0], [3.0, 1.0, 0.0]]
    groups = node_groups(nodes, a_stack([0.0], 8.0, pixels=[holes]))
    assert groups.nodes.tolist() == [1] and groups.values.tolist() == [1.0]


def test_groups_do_not_depend_on_where_the_patient_lay():
    nodes = np.random.default_rng(0).uniform([0, 0, -4], [24, 24, 12], (300, 3))
    stack = a_stack([0.0, 8.0], 8.0, pixels=[NUMBERS, NUMBERS + 1000])
    straight, oblique = node_groups(nodes, stack), node_groups(applied(rigid(3), nodes), stack.transformed(rigid(3)))
    for name in ("nodes", "group", "values"):
        assert np.array_equal(getattr(straight, name), getattr(oblique, name))
    assert len(straight.nodes) == 300


def test_some_groups_are_numbered_anew():
    groups = node_groups([[1.0, 1, 0], [3.0, 1, 0], [5.0, 1, 0], [5.1, 1, 0]], a_stack([0.0], 8.0, pixels=[NUMBERS]))
    part = groups.where(np.array([True, False, True]))
    assert (part.nodes.tolist(), part.group.tolist(), part.values.tolist()) == ([0, 2, 3], [0, 1, 1], [0.0, 2.0])


def test_a_mesh_without_a_node_in_a_slice_is_an_error():
    with pytest.raises(StackMissesWall, match="None of the LV model's points"):
        node_groups([[1.0, 1.0, 100.0]], SliceStack(a_stack([0.0], 8.0).slices))
