"""The same heart and slices, told in another frame or order, are the same case."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import (
    RAS_TO_LPS,
    a_block,
    a_stack,
    applied,
    in_another_order,
    reconstructed,
    renumbered,
    rigid,
    rms,
    the_map,
    the_phantom,
    transposed,
    with_columns_flipped,
    with_rows_flipped,
)
from scipy.spatial import cKDTree

from CardioScarLib.core.slices import SliceStack
from CardioScarLib.evidence.derive import derive_evidence
from CardioScarLib.geometry.frame import canonical_frame
from CardioScarLib.geometry.operator import slice_operator
from CardioScarLib.geometry.quadrature import sub_points

STAY = np.eye(4)
COARSE = 2.6
"""mm: pixels where nothing depends on their size, for speed."""
MIDDLING = 2.0


def moved(matrix):
    return lambda stack, wall: (stack.transformed(matrix), wall.transformed(matrix), matrix, np.arange(len(wall.nodes)))


def stored(change):
    return lambda stack, wall: (change(stack), wall, STAY, np.arange(len(wall.nodes)))


def numbered(stack, wall):
    other, order = renumbered(wall)
    return stack, other, STAY, order


def everything(stack, wall):
    matrix = rigid(11)
    other, order = renumbered(wall, seed=4)
    return in_another_order(transposed(with_rows_flipped(stack))).transformed(matrix), other.transformed(matrix), matrix, order


# Each gives the changed stack and wall, the motion in them, and which old node each new node is.
CHANGES = {
    "turned and shifted": moved(rigid(3)),
    "turned another way": moved(rigid(8)),
    "RAS for LPS": moved(RAS_TO_LPS),
    "rows flipped": stored(with_rows_flipped),
    "columns flipped": stored(with_columns_flipped),
    "transposed": stored(transposed),
    "slices backwards": stored(lambda stack: SliceStack(stack.slices[::-1])),
    "slices in another order": stored(in_another_order),
    "nodes and cells in another order": numbered,
    "everything at once": everything,
}


def smooth(points):
    return 0.5 + 0.25 * np.sin(points @ [0.11, 0.05, -0.07]) + 0.25 * np.cos(points @ [-0.04, 0.12, 0.06])


def seen(stack, wall, matrix, settings):
    """Pixel centers, averages of a smooth field and evidence; places are taken back to the unmoved frame."""
    operator = slice_operator(wall, stack, settings.operator)
    evidence = derive_evidence(stack, operator.pixels, settings.evidence, settings.operator.pixel_support)
    back = np.linalg.inv(matrix)
    field = smooth(applied(back, operator.frame.from_frame(operator.points)))
    return applied(back, operator.pixels.centers), operator.matrix @ field, np.column_stack([evidence.values, evidence.weights])


def assert_same_evidence(settings, stack, wall, change, first):
    other_stack, other_wall, matrix, _ = change(stack, wall)
    centers, averages, evidence = first
    other_centers, other_averages, other_evidence = seen(other_stack, other_wall, matrix, settings)
    distance, match = cKDTree(other_centers).query(centers)
    assert len(other_centers) == len(centers)
    assert distance.max() < 1e-6
    assert np.abs(other_averages[match] - averages).max() < 1e-6
    assert np.abs(other_evidence[match] - evidence).max() < 1e-6


@pytest.fixture(scope="module", params=["I3", "E"])
def a_case_and_what_it_shows(request):
    case = the_phantom(request.param, pixel=COARSE)
    return case, seen(case.stack, case.wall, STAY, case.settings)


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_operator_and_evidence_do_not_depend_on_frame_or_order(a_case_and_what_it_shows, change):
    case, first = a_case_and_what_it_shows
    assert_same_evidence(case.settings, case.stack, case.wall, change, first)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_nor_where_the_mesh_lies_exactly_along_the_pixels(change):
    # Cells of 1 mm on pixels of 2 mm: many sub-points lie on a face between prisms, and rounding must not choose the side.
    wall = a_block([4, 4, -12], [20, 20, 10], [16, 16, 22])
    values = np.random.default_rng(0).random((3, 12, 12))
    stack, settings = a_stack([-8.0, 0.0, 8.0], 4.0, pixels=values), the_phantom("W", pixel=COARSE).settings
    assert_same_evidence(settings, stack, wall, change, seen(stack, wall, STAY, settings))


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_canonical_frame_goes_with_the_heart(change):
    case = the_phantom("X", pixel=COARSE)
    other_stack, other_wall, matrix, _ = change(case.stack, case.wall)
    frame = canonical_frame(case.stack, *sub_points(case.wall, case.stack))
    other = canonical_frame(other_stack, *sub_points(other_wall, other_stack))
    assert other.to_frame(applied(matrix, case.wall.nodes)) == pytest.approx(frame.to_frame(case.wall.nodes), abs=1e-8)


def test_the_canonical_frame_stands_on_the_slices_and_points_to_the_apex():
    case = the_phantom("W", pixel=COARSE)
    frame = canonical_frame(case.stack, *sub_points(case.wall, case.stack))
    assert frame.axes @ frame.axes.T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(frame.axes) == pytest.approx(1)
    assert abs(frame.axes[2] @ case.stack.slices[0].normal) == pytest.approx(1)
    apex, base = applied(case.pose, np.array([[0, 0, -case.heart.epi[1]], [0, 0, case.heart.cut]]))
    assert (apex - base) @ frame.axes[2] > 0
    assert frame.from_frame(frame.to_frame(case.wall.nodes)) == pytest.approx(case.wall.nodes)


@pytest.mark.slow
@pytest.mark.parametrize("change", [CHANGES[name] for name in ("turned and shifted", "columns flipped", "everything at once")])
def test_a_preview_does_not_depend_on_frame_or_order(change):
    case = the_phantom("X", pixel=COARSE)
    stack, wall, _, order = change(case.stack, case.wall)
    first, other = the_map("X", "preview", COARSE), reconstructed(case, "preview", stack, wall)
    for name in ("scar_probability", "scar_uncertainty"):
        # Convex steps from the same start: only the rounding of single precision is left.
        assert rms(other.arrays[name] - first.arrays[name][order]) < 1e-4
    assert np.array_equal(other.arrays["scar_observed"], first.arrays["scar_observed"][order])


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_wall_without_an_apex_is_told_up_from_down_by_its_images(change):
    tube = a_block([4, 4, -11], [20, 20, 11], [6, 6, 8])
    image = np.zeros((12, 12))
    image[5:, 7:] = 1.0
    stack = a_stack([-8.0, 0.0, 8.0], 6.0, pixels=[image, 0.5 * image, 0 * image])
    other_stack, other_tube, matrix, _ = change(stack, tube)
    frame = canonical_frame(stack, *sub_points(tube, stack))
    other = canonical_frame(other_stack, *sub_points(other_tube, other_stack))
    assert other.to_frame(applied(matrix, tube.nodes)) == pytest.approx(frame.to_frame(tube.nodes), abs=1e-8)
    assert frame.axes[2] == pytest.approx([0, 0, -1])


def test_pixels_without_a_number_do_not_upset_the_frame():
    case = the_phantom("W", pixel=COARSE)
    holes = [one.pixels.copy() for one in case.stack]
    holes[4][:2, :3], holes[5][0, 0] = np.nan, np.inf  # a corner, dark before
    frames = [canonical_frame(stack, *sub_points(case.wall, stack)) for stack in (case.stack, case.stack.with_pixels(holes))]
    assert frames[1].axes == pytest.approx(frames[0].axes, abs=1e-9)


@pytest.mark.slow
def test_a_standard_map_does_not_depend_on_frame_or_order():
    # Some 120 nonlinear steps in single precision let the last bit of the input grow to 0.01, so it must be the same bit.
    case = the_phantom("I3", pixel=MIDDLING)
    stack, wall, _, order = everything(case.stack, case.wall)
    first, other = the_map("I3", pixel=MIDDLING), reconstructed(case, "standard", stack, wall)
    for array in ("scar_probability", "scar_uncertainty"):
        assert rms(other.arrays[array] - first.arrays[array][order]) < 1e-3
