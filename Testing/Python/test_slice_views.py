"""What a list of slices says about each of them."""

import bodies
import numpy as np
import pytest
from bodies import a_block, rigid, the_phantom, the_skin_of
from counted import counted

from CardioScarLib.core.slices import Slice
from CardioScarLib.geometry.quadrature import pixel_quadrature
from CardioScarLib.geometry.slice_views import MOST_POINTS, slice_views
from CardioScarLib.phantom import phantom_case


@pytest.fixture
def a_wall():
    return a_block([70, 90, 10], [110, 130, 70], [8, 8, 12])


def a_stack(heights, thickness=6.0, first=(40.0, 60.0)):
    return bodies.a_stack(heights, thickness, pixel=2.0, shape=(50, 50), first=first)


def test_a_slice_sees_the_share_of_the_wall_in_its_slab(a_wall):
    views = slice_views(a_stack([40, 60]), a_wall)
    assert [view.share for view in views] == pytest.approx([0.1, 0.1], abs=0.01)  # 6 mm of 60 mm
    assert [view.position for view in views] == pytest.approx([0, 20])
    assert [view.thickness for view in views] == [6.0, 6.0]
    assert views[0].center == pytest.approx([90, 110, 40], abs=0.5)
    assert views[0].center[2] == pytest.approx(40)


def test_a_slice_that_sees_the_end_of_the_wall_is_shown_in_its_own_plane(a_wall):
    (view,) = slice_views(a_stack([9]), a_wall)  # from 6 to 12 mm, while the wall begins at 10 mm
    assert view.reason is None and view.center[2] == pytest.approx(9)


def test_a_slice_that_misses_the_wall_says_by_how_much(a_wall):
    before, seen, after = slice_views(a_stack([2, 40, 90]), a_wall)
    assert before.share == 0 and float(before.reason.split(" mm")[0].split()[-1]) == pytest.approx(5, abs=0.6)
    assert seen.reason is None
    assert after.share == 0 and "before this slice" in after.reason
    assert float(after.reason.split(" mm")[0].split()[-1]) == pytest.approx(17, abs=0.6)


def test_a_slice_whose_image_ends_before_the_wall_says_so(a_wall):
    (view,) = slice_views(a_stack([40], first=(300.0, 60.0)), a_wall)
    assert view.share == 0 and view.reason == "The LV model lies outside this image."


def test_it_does_not_matter_where_the_patient_lies(a_wall):
    matrix = rigid(3)
    stack = a_stack([2, 20, 40])
    here, there = slice_views(stack, a_wall), slice_views(stack.transformed(matrix), a_wall.transformed(matrix))
    assert [view.share for view in there] == pytest.approx([view.share for view in here], abs=0.01)
    assert [view.position for view in there] == pytest.approx([view.position for view in here])
    assert [view.reason is None for view in there] == [False, True, True]


def test_slices_of_two_directions_keep_their_numbers(a_wall):
    short, long = a_stack([30, 50]), a_stack([0.0]).transformed(np.array([[0, 0, 1, 90], [0, 1, 0, 0], [-1, 0, 0, 130], [0, 0, 0, 1.0]]))
    views = slice_views(type(short)((short.slices[0], long.slices[0], short.slices[1])), a_wall)
    assert [view.number for view in views] == [0, 1, 2]
    assert [view.position for view in views] == pytest.approx([0, 0, 20])
    assert views[1].share == pytest.approx(6 / 40, abs=0.03)  # across the whole width


def test_a_closed_surface_is_measured_by_its_area(a_wall):
    views = slice_views(a_stack([40, 5]), the_skin_of(a_wall))
    sides, lids = 4 * 40 * 60, 2 * 40 * 40
    assert views[0].share == pytest.approx(4 * 40 * 6 / (sides + lids), abs=0.01)
    assert views[1].reason is not None


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["W", "M"])
def test_the_list_grays_the_slices_that_a_run_finds_empty(kind):
    phantom = the_phantom(kind)
    beyond = np.eye(4)
    beyond[:3, 3] = 20 * phantom.stack.slices[0].normal  # pushes slices off either end
    stack = phantom.stack.transformed(beyond)
    missing = tuple(view.number for view in slice_views(stack, phantom.wall) if view.reason)
    assert missing and missing == pixel_quadrature(phantom.wall, stack).unseen


@pytest.fixture
def points_looked_at(monkeypatch):
    """How many points were put into each slice, in the order of the slices."""
    counts, put = [], Slice.to_index

    def to_index(one, points):
        counts.append(len(points))
        return put(one, points)

    monkeypatch.setattr(Slice, "to_index", to_index)
    return counts


def test_a_glance_takes_a_few_points_per_cubic_millimeter_and_each_slice_once(points_looked_at):
    phantom = phantom_case("W", nodes=8_000, spacing=3.5, thickness=3.5, pixel=3.0)
    views = slice_views(phantom.stack, phantom.wall)
    assert len(points_looked_at) == len(views) >= 20
    assert max(points_looked_at) < 2.2 * phantom.wall.node_measure.sum()  # 1.8; a fit takes ten times as many


def test_a_glance_has_no_loop_over_nodes():
    lines = []
    for nodes in (1_000, 8_000):
        phantom = phantom_case("W", nodes=nodes, spacing=3.5, thickness=3.5, pixel=3.0)
        with counted() as work:
            slice_views(phantom.stack, phantom.wall)
        lines.append(work.lines)
    assert lines[1] < 1.1 * lines[0]


def test_a_wall_in_micrometers_is_looked_at_with_no_more_points(a_wall, points_looked_at):
    huge = a_wall.transformed(np.diag([1e3, 1e3, 1e3, 1.0]))
    views = slice_views(a_stack([40e3], thickness=6e3, first=(40e3, 60e3)), huge)
    assert max(points_looked_at) < 1.5 * MOST_POINTS
    assert views[0].reason == "The LV model lies outside this image."
