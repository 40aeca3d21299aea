"""Views of slices: the same for every way in which one image can be stored."""

from dataclasses import replace

import numpy as np
import pytest
from segmented_hearts import ring_heart, rotation

from CardioScarLib.core.slices import SliceStack
from CardioScarLib.segmentation.views import back_on, directions, neighbors, view


def stored_otherwise(one, transposed, rows_back, columns_back):
    """The same pixels in the same places, in another order."""
    pixels, origin, row, column = one.pixels, one.origin, one.row_step, one.column_step
    if rows_back:
        pixels, origin, row = pixels[::-1], origin + (pixels.shape[0] - 1) * row, -row
    if columns_back:
        pixels, origin, column = pixels[:, ::-1], origin + (pixels.shape[1] - 1) * column, -column
    if transposed:
        pixels, row, column = pixels.T, column, row
    return replace(one, pixels=pixels, origin=origin, row_step=row, column_step=column)


WAYS = [(transposed, rows, columns) for transposed in (False, True) for rows in (False, True) for columns in (False, True)]


@pytest.mark.parametrize("way", WAYS[1:])
def test_a_view_does_not_depend_on_the_order_in_which_pixels_are_stored(way):
    one = ring_heart(frame=rotation())[0].slices[2]
    expected = view(one, one.center, 1.5, 64).pixels
    assert np.array_equal(view(stored_otherwise(one, *way), one.center, 1.5, 64).pixels, expected, equal_nan=True)
    assert np.nanstd(expected) > 100  # it shows something


def test_a_view_has_its_rows_toward_posterior_in_an_axial_plane_and_its_columns_to_the_left():
    row, column, normal = directions(np.array([0.0, 0.0, -1.0]))
    assert np.allclose(column, [1, 0, 0]) and np.allclose(row, [0, 1, 0]) and np.allclose(normal, [0, 0, 1])


@pytest.mark.parametrize("normal", [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0.6, -0.6, -0.53)])
def test_the_directions_of_a_view_are_right_handed_and_lie_in_the_plane(normal):
    normal = np.array(normal, dtype=float) / np.linalg.norm(normal)
    row, column, along = directions(normal)
    assert np.isclose(abs(along @ normal), 1)
    assert np.allclose(np.cross(column, row), along)


def test_pixels_outside_the_image_are_unknown_and_inside_they_are_its_own():
    one = ring_heart(spacing=1.5)[0].slices[0]
    wide = view(one, one.center, 1.5, 128)
    known = np.isfinite(wide.pixels)
    assert known.sum() == pytest.approx(one.pixels.size, rel=0.03)
    assert wide.pixels[known].mean() == pytest.approx(one.pixels.mean(), rel=0.02)


def test_rows_and_columns_of_one_value_at_the_edge_are_padding_and_not_image():
    one = ring_heart(spacing=1.5)[0].slices[0]
    padded = one.pixels.copy()
    padded[:, :20] = padded[70:] = 0.0
    known = np.isfinite(view(replace(one, pixels=padded), one.center, 1.5, 128).pixels)
    assert known.sum() == pytest.approx(70 * 80, rel=0.04)


def test_what_is_drawn_on_a_view_comes_back_to_where_it_lies():
    labels = ring_heart(frame=rotation(), spacing=1.1)[1].slices[3]
    square = view(labels, labels.center, 1.0, 160, order=0)
    channels = np.stack([square.pixels == value for value in range(4)]).astype(float)
    found = back_on(labels, square, np.nan_to_num(channels), np.array([1.0, 0, 0, 0])).argmax(axis=0)
    assert np.mean(found == labels.pixels) > 0.985  # all but some of the pixels at borders


def test_neighbors_lie_toward_apex_and_base_of_the_patient_whatever_the_order_of_the_file():
    stack = ring_heart(slices=4, gap=9.0)[0]
    assert neighbors(stack, [0, 1, 2, 3]) == [(None, 1), (0, 2), (1, 3), (2, None)]
    turned = SliceStack(stack.slices[::-1])
    assert neighbors(turned, [0, 1, 2, 3]) == [(1, None), (2, 0), (3, 1), (None, 2)]


def test_neighbors_are_about_ten_millimeters_away():
    thin = ring_heart(slices=12, gap=2.0)[0]
    assert neighbors(thin, list(range(12)))[6] == (1, 11)
    far = ring_heart(slices=3, gap=20.0)[0]
    assert neighbors(far, [0, 1, 2])[1] == (None, None)
