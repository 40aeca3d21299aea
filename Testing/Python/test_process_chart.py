"""The unrolled wall, against a tube where distances along the wall are known."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import a_cloud, applied, renumbered, rigid, rms, the_skin_of
from scipy.spatial.distance import pdist
from tubes import HEIGHT, INNER, MIDDLE, OUTER, a_tube_stack, a_wedge, at, the_tube

from CardioScarLib.core.slices import SliceStack
from CardioScarLib.core.wall import Wall
from CardioScarLib.geometry.operator import slice_operator
from CardioScarLib.reconstruction.process.chart import WallChart, plain_chart, wall_chart
from CardioScarLib.wall.coarser import coarser


@pytest.fixture(scope="module")
def a_frame():
    return slice_operator(the_tube(), a_tube_stack(a_wedge)).frame


@pytest.fixture(scope="module")
def a_chart(a_frame):
    return wall_chart(the_tube(), a_frame)


def places(chart, frame, points):
    return chart.at(frame.to_frame(points))


def test_distances_around_are_those_along_the_middle_of_the_wall(a_chart, a_frame):
    angle = np.linspace(0, 2 * np.pi, 91)
    for radius in (INNER + 1, MIDDLE, OUTER - 1):  # a scar through the wall is one scar
        around = places(a_chart, a_frame, at(angle, 28.0, radius))[:, :2]
        length = np.linalg.norm(np.diff(around, axis=0), axis=1).sum()
        assert length == pytest.approx(2 * np.pi * MIDDLE, rel=0.04)


def test_opposite_walls_are_as_far_apart_as_the_ring_is_wide(a_chart, a_frame):
    first, second = (places(a_chart, a_frame, at(angle, 28.0)) for angle in (0.3, 0.3 + np.pi))
    assert np.linalg.norm(first - second) == pytest.approx(2 * MIDDLE, rel=0.04)


def test_endocardium_and_epicardium_are_apart_by_the_thickness(a_chart, a_frame):
    angle = np.linspace(0, 6, 20)
    inner, outer = (places(a_chart, a_frame, at(angle, 30.0, radius)) for radius in (INNER, OUTER))
    assert np.linalg.norm(outer - inner, axis=1) == pytest.approx(OUTER - INNER, rel=0.05)
    assert np.all(outer[:, 3] > inner[:, 3])


def test_heights_are_mm_along_the_normal_of_the_slices(a_chart, a_frame):
    heights = np.linspace(4, HEIGHT - 4, 9)
    found = places(a_chart, a_frame, at(0.4, heights))[:, 2]
    assert np.abs(np.diff(found)) == pytest.approx(np.diff(heights), abs=2e-3)


def test_a_fine_wall_is_charted_on_a_coarser_mesh_with_the_same_distances(a_chart, a_frame, monkeypatch):
    """Where the middle of the wall lies is known to a layer of cells in the one and to half an edge in the other: 3 % of the radius."""
    monkeypatch.setattr("CardioScarLib.reconstruction.process.chart.MOST_CELLS", 1000)
    coarse = wall_chart(the_tube(), a_frame)
    assert coarse.follows_wall and not np.array_equal(coarse.nodes, a_chart.nodes)
    random = np.random.default_rng(3)
    points = at(random.uniform(0, 2 * np.pi, 80), random.uniform(5, HEIGHT - 5, 80), random.uniform(INNER + 0.5, OUTER - 0.5, 80))
    apart, known = (pdist(places(chart, a_frame, points)) for chart in (coarse, a_chart))
    assert np.all(np.abs(apart - known) < 0.5 + 0.03 * known)


def test_a_coarser_mesh_holds_the_same_body():
    """A tube of known volume; sharp edges are rounded off, which takes less than 2 % of it."""
    wall = coarser(the_tube(), 2.0)
    volume = np.pi * (OUTER**2 - INNER**2) * HEIGHT
    assert wall.kind == "volume" and wall.volumes.sum() == pytest.approx(volume, rel=0.02)
    assert np.abs(wall.bounds - the_tube().bounds).max() < 0.5
    edges = wall.nodes[wall.tetrahedra[:, 1]] - wall.nodes[wall.tetrahedra[:, 0]]
    assert np.linalg.norm(edges, axis=1).mean() == pytest.approx(2.0, rel=0.2)


def test_values_at_nodes_are_reproduced(a_chart):
    assert np.abs(a_chart.at(a_chart.nodes) - a_chart.embedded).max() < 0.3


def moved(stack: SliceStack, matrix: np.ndarray) -> SliceStack:
    turn = matrix[:3, :3]
    return SliceStack(
        tuple(
            type(one)(
                one.pixels, applied(matrix, one.origin[None])[0], turn @ one.row_step, turn @ one.column_step, one.thickness, one.label
            )
            for one in stack
        )
    )


def test_a_heart_that_is_moved_has_the_same_chart(a_chart, a_frame):
    matrix, tube = rigid(4), the_tube()
    wall = Wall.from_tetrahedra(applied(matrix, tube.nodes), tube.tetrahedra)
    frame = slice_operator(wall, moved(a_tube_stack(a_wedge), matrix)).frame
    points = at(np.linspace(0, 6, 50), np.linspace(3, 50, 50))
    found = places(wall_chart(wall, frame), frame, applied(matrix, points))
    assert found == pytest.approx(places(a_chart, a_frame, points), abs=0.02)


def test_nodes_in_another_order_make_the_same_chart(a_chart, a_frame):
    wall, order = renumbered(the_tube(), seed=2)
    chart = wall_chart(wall, a_frame)
    assert chart.embedded == pytest.approx(a_chart.embedded[order], abs=0.02)
    points = at(np.linspace(0, 6, 50), np.linspace(3, 50, 50))
    assert places(chart, a_frame, points) == pytest.approx(places(a_chart, a_frame, points), abs=0.02)


def test_angles_on_the_chart_are_those_of_the_frame(a_chart, a_frame):
    """The angle of the wall coordinates starts elsewhere, and may run the other way."""
    angle = np.linspace(0, 6, 30)
    plain = a_frame.to_frame(at(angle, 28.0))[:, :2]
    found = places(a_chart, a_frame, at(angle, 28.0))[:, :2]
    assert rms(np.arctan2(*found.T) - np.arctan2(*plain.T)) < 0.05


@pytest.mark.parametrize("kind", ["closed surface", "points"])
def test_walls_without_cells_have_plain_space_and_say_why(kind, a_frame):
    wall = the_skin_of(the_tube()) if kind == "closed surface" else a_cloud(the_tube().nodes)
    chart = wall_chart(wall, a_frame)
    assert not chart.follows_wall
    assert "no volume cells" in chart.note and chart.note.endswith(".")
    points = at(np.arange(5), 20.0)
    assert np.array_equal(chart.at(points), np.column_stack([points, np.zeros(5)]))


def test_a_wall_without_coordinates_has_plain_space_and_says_why(a_frame):
    lump = Wall.from_tetrahedra(the_tube().nodes[:4] + np.eye(4, 3), np.array([[0, 1, 2, 3]]))
    chart = wall_chart(lump, a_frame)
    assert not chart.follows_wall and "not along the wall: " in chart.note


def test_no_points_have_no_places(a_chart):
    for chart in (a_chart, plain_chart(), WallChart(a_chart.nodes[:3], a_chart.embedded[:3])):
        assert chart.at(np.empty((0, 3))).shape == (0, 4)
