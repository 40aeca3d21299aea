"""Surfaces that are almost closed."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import a_block, the_skin_of

from CardioScarLib.geometry.closing import closed_triangles
from CardioScarLib.geometry.quadrature import points_within


@pytest.fixture
def a_box():
    """The skin of a cube of 40 mm, its triangles outward or inward as they come."""
    return the_skin_of(a_block([0, 0, 0], [40, 40, 40], [16, 16, 16]))


def volume(nodes, triangles) -> float:
    return len(points_within(nodes, triangles, 1.0)) * 1.0


def torn(box, apart: float):
    """The box with every triangle on nodes of its own, moved at random by up to `apart` mm."""
    moved = box.nodes[box.triangles].reshape(-1, 3)
    moved = moved + np.random.default_rng(0).uniform(-apart, apart, moved.shape) / 2
    return moved, np.arange(len(moved)).reshape(-1, 3)


def test_a_closed_surface_stays_as_it_is(a_box):
    triangles, closed, notes = closed_triangles(a_box.nodes, a_box.triangles)
    assert closed and notes == () and np.array_equal(triangles, a_box.triangles)


@pytest.mark.parametrize("missing", [[7], [7, 8], [7, 300, 900]])
def test_missing_triangles_are_put_back_and_said(a_box, missing):
    triangles, closed, notes = closed_triangles(a_box.nodes, np.delete(a_box.triangles, missing, axis=0))
    assert closed and len(triangles) == len(a_box.triangles)
    assert "was mended: " in notes[0] and "small hole" in notes[0]
    assert volume(a_box.nodes, triangles) == pytest.approx(40.0**3, rel=0.06)


@pytest.mark.parametrize("apart", [1e-4, 5e-3])
def test_seams_a_hair_apart_are_closed_and_said(a_box, apart):
    nodes, triangles = torn(a_box, apart)
    mended, closed, notes = closed_triangles(nodes, triangles)
    assert closed and "seams up to" in notes[0] and "micrometers" in notes[0]
    assert volume(nodes, mended) == pytest.approx(40.0**3, rel=0.06)


def test_faces_given_twice_count_once(a_box):
    triangles, closed, notes = closed_triangles(a_box.nodes, np.vstack([a_box.triangles, a_box.triangles[:5, [1, 2, 0]]]))
    assert closed and len(triangles) == len(a_box.triangles) and notes[0].startswith("5 cells")


def test_a_base_is_not_a_small_hole(a_box):
    low = a_box.nodes[a_box.triangles][:, :, 2].max(axis=1) > 0
    triangles, closed, notes = closed_triangles(a_box.nodes, a_box.triangles[low])
    assert not closed and len(triangles) == np.count_nonzero(low)
    assert "is open: 64 of its edges" in notes[-1]
    apart, corners = torn(a_box, 1.0)
    assert not closed_triangles(apart, corners)[1]


def test_many_small_holes_are_not_mended(a_box):
    random = np.random.default_rng(1).permutation(len(a_box.triangles))[: len(a_box.triangles) // 10]
    assert not closed_triangles(a_box.nodes, np.delete(a_box.triangles, random, axis=0))[1]


def test_one_node_far_away_does_not_make_a_seam_of_all_the_rest(a_box):
    """Half of the edges are as long as the node is far: all other nodes would be one place, and no triangle would be left."""
    nodes = a_box.nodes.copy()
    nodes[5] = 1e16
    touched = a_box.triangles[(a_box.triangles == 5).any(axis=1)]
    triangles, closed, notes = closed_triangles(nodes, touched)
    assert not closed and np.array_equal(triangles, touched) and "is open: " in notes[-1]
