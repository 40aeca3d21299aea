"""Do these slices and this model meet, and what would make them meet?"""

from __future__ import annotations

import numpy as np
import pytest

from CardioScarLib.core.errors import StackMissesWall
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.geometry.overlap import judged, overlap

NOT_TURNED = np.eye(3)


def a_stack(spacing=10.0, thickness=6.0, count=10, turned=NOT_TURNED):
    """Slices of 100 x 100 mm with their first pixel at (40, 60, 0), turned about the origin."""
    return SliceStack(
        tuple(
            Slice(np.zeros((50, 50)), turned @ [40.0, 60.0, number * spacing], turned @ [0, 2.0, 0], turned @ [2.0, 0, 0], thickness)
            for number in range(count)
        )
    )


@pytest.fixture
def a_wall():
    """Points in a block of 40 x 40 x 60 mm in the middle of the stack."""
    points = np.random.default_rng(1).uniform([70, 90, 10], [110, 130, 70], (4000, 3))
    return Wall(points, np.empty((0, 4)), np.empty((0, 3)), "points")


def moved(wall, matrix=NOT_TURNED, by=(0, 0, 0)):
    transform = np.eye(4)
    transform[:3, :3], transform[:3, 3] = matrix, by
    return wall.transformed(transform)


def test_a_gapped_stack_covers_what_lies_between_its_slices(a_wall):
    found = overlap(a_stack(spacing=10, thickness=6), a_wall)
    # Slabs of 6 mm every 10 mm.
    assert found["inside"] == pytest.approx(0.6, abs=0.03)
    assert found["covered"] == 1.0
    assert found["gap"] == 0
    assert found["remedies"] == {}
    assert judged(overlap(a_stack(), a_wall)) == ()


def test_what_sticks_out_of_the_stack_is_not_covered(a_wall):
    # Slices at 0 to 40 mm: half the block, and the half thickness of the last slab.
    assert overlap(a_stack(count=5), a_wall)["covered"] == pytest.approx(33 / 60, abs=0.03)


def test_the_gap_is_the_distance_from_the_closest_point_to_the_closest_slab(a_wall):
    lowest = a_wall.nodes[:, 2].min()
    beyond = moved(a_wall, by=(0, 0, 93 - lowest + 25))
    assert overlap(a_stack(), beyond)["gap"] == pytest.approx(25)
    beside = moved(a_wall, by=(139 + 12 - a_wall.nodes[:, 0].min(), 0, 0))
    # The last column is centered at 138 mm and 2 mm wide.
    assert overlap(a_stack(), beside)["gap"] == pytest.approx(12)


def test_an_oblique_stack_measures_the_same(a_wall):
    angle = 0.7
    turned = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    straight, oblique = overlap(a_stack(), a_wall), overlap(a_stack(turned=turned), moved(a_wall, turned))
    assert oblique["inside"] == pytest.approx(straight["inside"], abs=1e-3)
    assert oblique["covered"] == 1.0


@pytest.mark.parametrize(
    ("matrix", "remedy", "words"),
    [
        (np.diag([-1, -1, 1]), "flip", "flipped .RAS instead of LPS"),
        (np.diag([1e3, 1e3, 1e3]), "um", "micrometers"),
        (np.diag([1e-3, 1e-3, 1e-3]), "m", "meters"),
        (np.diag([-1e3, -1e3, 1e3]), "flip and um", "micrometers and its x and y were flipped"),
    ],
)
def test_what_would_bring_them_together_is_found_and_said(a_wall, matrix, remedy, words):
    lost = moved(a_wall, matrix)
    found = overlap(a_stack(), lost)
    assert next(iter(found["remedies"])) == remedy
    # Nothing else helps: not even shrinking the model to a dot.
    assert found["remedies"] == {remedy: 1.0}
    with pytest.raises(StackMissesWall, match=f"do not meet: the closest slice is .* mm away. They would overlap by 100% if .*{words}"):
        judged(overlap(a_stack(), lost))


def test_no_remedy_is_invented(a_wall):
    with pytest.raises(StackMissesWall) as problem:
        judged(overlap(a_stack(), moved(a_wall, by=(0, 400, 0))))
    assert "would overlap" not in str(problem.value)
    assert "same patient" in str(problem.value)


def test_a_model_is_not_shrunk_to_a_dot_to_make_it_fit(a_wall):
    around_the_origin = a_stack().transformed(np.array([[1, 0, 0, -90], [0, 1, 0, -110], [0, 0, 1, -45], [0, 0, 0, 1.0]]))
    far = moved(a_wall, by=(0, 0, 300))
    assert overlap(around_the_origin, far)["remedies"] == {}


def test_a_poor_overlap_that_a_flip_would_mend_is_noted():
    near_the_axis = np.random.default_rng(2).uniform([-1, -1, 10], [41, 41, 70], (4000, 3))
    stack = SliceStack(
        tuple(Slice(np.zeros((30, 30)), [-50.0, -50.0, 10.0 * number], [0, 1.8, 0], [1.8, 0, 0], 6.0) for number in range(8))
    )
    wall = Wall(near_the_axis, np.empty((0, 4)), np.empty((0, 3)), "points")
    (note,) = judged(overlap(stack, wall))
    assert note.startswith("Only") and "flipped" in note


def test_a_wall_between_two_thin_slices_is_told_apart_from_a_miss():
    thin = Wall(np.array([[80.0, 100.0, 14.0], [85.0, 100.0, 16.0]]), np.empty((0, 4)), np.empty((0, 3)), "points")
    with pytest.raises(StackMissesWall, match="between two slices; the closest one is 3 mm away"):
        judged(overlap(a_stack(thickness=2.0), thin))


def test_a_large_mesh_is_sampled_quickly():
    many = Wall(np.random.default_rng(0).uniform([70, 90, 10], [110, 130, 70], (500_000, 3)), np.empty((0, 4)), np.empty((0, 3)), "points")
    assert overlap(a_stack(), many)["inside"] == pytest.approx(0.6, abs=0.02)
