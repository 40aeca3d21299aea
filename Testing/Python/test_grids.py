"""A mask is the same mask however its rows, columns and slices are stored."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import a_block, a_stack, in_another_order, rigid, transposed, with_columns_flipped, with_rows_flipped

from CardioScarLib.core.case import Case, LabelMap
from CardioScarLib.core.errors import BadStack
from CardioScarLib.core.grids import on_grid

HEIGHTS = (0, 8, 16, 24)
WALL = a_block([4, 4, 0], [20, 20, 24], [2, 2, 2])


def stacks(matrix):
    """An image, and a mask on its grid in which every pixel has its own value."""
    values = np.arange(4 * 10 * 12, dtype=float).reshape(4, 10, 12)
    return a_stack(HEIGHTS, 6, shape=(10, 12)).transformed(matrix), a_stack(HEIGHTS, 6, shape=(10, 12), pixels=values).transformed(matrix)


WAYS = {
    "the same": lambda stack: stack,
    "rows": with_rows_flipped,
    "columns": with_columns_flipped,
    "both": lambda stack: with_rows_flipped(with_columns_flipped(stack)),
    "transposed": transposed,
    "turned": lambda stack: with_rows_flipped(transposed(stack)),
    "slices": in_another_order,
    "all": lambda stack: with_columns_flipped(transposed(in_another_order(stack))),
    "another thickness": lambda stack: with_rows_flipped(stack).with_thickness(8),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seed", [None, 3])
def test_the_way_of_storing_does_not_matter(way, seed):
    image, mask = stacks(np.eye(4) if seed is None else rigid(seed))
    found = on_grid(image, WAYS[way](mask))
    for one, expected, plane in zip(found, mask, image, strict=True):
        assert np.array_equal(one.pixels, expected.pixels)
        assert np.array_equal(one.origin, plane.origin) and one.thickness == plane.thickness
    if seed is None:
        case = Case(image, WALL, LabelMap(WAYS[way](mask)), LabelMap(WAYS[way](mask)))
        assert np.array_equal(case.observed_stack.slices[2].pixels, mask.slices[2].pixels)
        assert np.array_equal(case.myocardium.stack.slices[1].pixels, mask.slices[1].pixels)


@pytest.mark.parametrize(
    ("shift", "words"), [((1, 0, 0), "up to 1 mm"), ((0, 0, 8), "up to 8 mm"), ((0, 0, -8), "mm from"), ((24, 0, 0), "up to 24 mm")]
)
def test_other_places_are_told(shift, words):
    image, mask = stacks(np.eye(4))
    moved = np.eye(4)
    moved[:3, 3] = shift
    with pytest.raises(BadStack, match=words):
        on_grid(image, mask.transformed(moved))


def test_other_sizes_are_told():
    image, mask = stacks(np.eye(4))
    with pytest.raises(BadStack, match="The mask has 3 slices and the image 4"):
        on_grid(image, mask.select([0, 1, 2]))
    with pytest.raises(BadStack, match="slices of 12 x 9 pixels and the image of 12 x 10"):
        on_grid(image, mask.with_pixels([one.pixels[1:] for one in mask]))
