"""Depth, apex to base and around, against walls where they are known."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from bodies import a_block, a_cloud, a_sheet, a_tube, applied, renumbered, rigid, the_skin_of
from counted import counted

from CardioScarLib.core.errors import BadWall
from CardioScarLib.core.wall import Wall
from CardioScarLib.phantom.ellipsoid import Ellipsoids
from CardioScarLib.wall import laplace
from CardioScarLib.wall.coordinates import WallCoordinates, wall_coordinates
from CardioScarLib.wall.surfaces import BASE, ENDO, EPI, WallSurfaces, wall_surfaces

BOWL = Ellipsoids(endo=(20.0, 20.0), epi=(30.0, 30.0), cut=0.0)
"""Half of a hollow ball: depth, latitude and angle are exact, and each is a straight line in mm."""
LV = Ellipsoids()


@cache
def the_wall(body: Ellipsoids, nodes: int = 6000) -> Wall:
    return Wall.from_tetrahedra(*body.mesh(nodes, seed=1))


@cache
def coordinates_of(body: Ellipsoids, nodes: int = 6000) -> WallCoordinates:
    return wall_coordinates(the_wall(body, nodes))


def apart(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Angles between directions, degrees."""
    return np.degrees(np.abs(np.angle(np.exp(1j * (first - second)))))


def off_axis(points: np.ndarray) -> np.ndarray:
    return np.hypot(points[:, 0], points[:, 1]) > 8


# Walls as they come


def a_swept_wall(around: int = 40, through: int = 5, along: int = 14) -> Wall:
    """Half of a hollow ellipsoid whose cells are swept around the long axis, and begin at some distance from it; apex below."""
    angle = np.arange(around) / around * 2 * np.pi
    depth, polar = np.linspace(0, 1, through), np.linspace(np.radians(22), np.radians(85), along)
    layer, height, turn = np.meshgrid(depth, polar, angle, indexing="ij")
    radius, length = 22 + 10 * layer, 42 + 8 * layer
    ring = radius * np.sin(height)
    nodes = np.stack([ring * np.cos(turn), ring * np.sin(turn), -length * np.cos(height)], axis=-1).reshape(-1, 3)
    number = np.arange(through * along * around).reshape(through, along, around)
    turned = np.roll(number, -1, axis=2)
    corners = [one[i : through - 1 + i, j : along - 1 + j].ravel() for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)) for one in (number, turned)]
    a, b, c, d, e, f, g, h = corners
    cells = np.vstack(
        [np.column_stack(four) for four in ((a, b, d, h), (a, d, c, h), (a, c, g, h), (a, g, e, h), (a, e, f, h), (a, f, b, h))]
    )
    flat = np.einsum(
        "ij,ij->i",
        np.cross(nodes[cells[:, 1]] - nodes[cells[:, 0]], nodes[cells[:, 2]] - nodes[cells[:, 0]]),
        nodes[cells[:, 3]] - nodes[cells[:, 0]],
    )
    cells[flat < 0] = cells[flat < 0][:, [0, 2, 1, 3]]
    return Wall.from_tetrahedra(nodes, cells)


def test_a_wall_with_a_hole_at_the_apex_keeps_the_place_of_the_apex_that_is_missing():
    wall = a_swept_wall()
    found, height = wall_coordinates(wall), wall.nodes[:, 2]
    assert np.corrcoef(found.apicobasal, height)[0, 1] > 0.97
    assert found.apicobasal[height > np.quantile(height, 0.97)].min() > 0.9
    lowest = found.apicobasal[height < np.quantile(height, 0.03)]
    assert 0.15 < lowest.min() and lowest.max() < 0.3  # the rim is 8 to 12 mm away from the missing apex, of some 45 mm


# Depth


def test_depth_in_a_hollow_ball_is_the_share_of_the_radius():
    wall, found = the_wall(BOWL), coordinates_of(BOWL)
    radius = np.linalg.norm(wall.nodes, axis=1)
    assert np.abs(found.transmural - (radius - 20) / 10).max() < 0.015  # the harmonic function itself is off by up to 0.1
    assert np.abs(found.thickness - 10).max() < 0.3


def test_depth_is_that_of_the_ellipsoids():
    depth = LV.coordinates(the_wall(LV).nodes)[0]
    error = np.abs(coordinates_of(LV).transmural - depth)
    assert error.mean() < 0.003 and error.max() < 0.02


def test_depth_is_exactly_zero_and_one_on_the_surfaces():
    surfaces, found = wall_surfaces(the_wall(LV)), coordinates_of(LV)
    assert np.all(found.transmural[surfaces.part_nodes(ENDO)] == 0)
    assert np.all(found.transmural[surfaces.part_nodes(EPI)] == 1)
    inner = np.setdiff1d(np.arange(len(found.transmural)), np.unique(surfaces.triangles))
    assert 0 < found.transmural[inner].min() and found.transmural[inner].max() < 1


def test_a_wall_of_one_layer_of_cells_has_a_thickness():
    found = coordinates_of(LV, 300)
    assert 7 < found.thickness.min() and found.thickness.max() < 13
    assert set(found.transmural) == {0.0, 1.0}


def test_a_ragged_base_does_not_spoil_the_paths():
    wall = the_wall(LV, 3000)
    x, y, z = wall.nodes[wall.tetrahedra].mean(axis=1).T
    kept = z < 14 + 3 * np.sin(5 * np.arctan2(y, x)) + np.random.default_rng(0).normal(size=len(z))
    found = wall_coordinates(Wall.from_tetrahedra(wall.nodes, wall.tetrahedra[kept]))
    below = wall.nodes[:, 2] < 0
    assert np.all(np.isfinite(found.apicobasal)) and found.apicobasal.max() <= 1 and found.apicobasal.min() >= 0
    assert np.quantile(found.thickness, 0.98) < 15 and found.thickness[below].max() < 15
    assert np.abs(found.transmural - LV.coordinates(wall.nodes)[0])[below].mean() < 0.01


def test_a_usual_mesh_is_solved_in_a_few_hundred_steps(monkeypatch):
    monkeypatch.setattr(laplace, "MOST_STEPS", 230)  # 187 are just enough
    found = wall_coordinates(the_wall(LV))
    assert np.array_equal(found.apicobasal, coordinates_of(LV).apicobasal)
    monkeypatch.setattr(laplace, "MOST_STEPS", 100)
    with pytest.raises(BadWall, match="too distorted"):
        wall_coordinates(the_wall(LV))


def test_each_equation_is_solved_once_and_no_loop_goes_over_the_nodes():
    lines = []
    for nodes in (2000, 20_000):
        wall = the_wall(LV, nodes)
        with counted() as work:
            wall_coordinates(wall)
        lines.append(work.lines)
        assert (work.calls["cg"], work.calls["path_lengths"], work.calls["wall_surfaces"]) == (4, 4, 1)
    assert lines[1] < 1.5 * lines[0]  # steps of the solver; ten times as many nodes need more of them


# Apex to base


def test_apex_to_base_in_a_hollow_ball_is_the_share_of_the_quarter_circle():
    wall, found = the_wall(BOWL), coordinates_of(BOWL)
    x, y, z = wall.nodes.T
    error = np.abs(found.apicobasal - np.arctan2(np.hypot(x, y), -z) / (np.pi / 2))
    assert error.mean() < 0.005 and error.max() < 0.02
    assert np.linalg.norm(found.axis[0] - (0, 0, -25)) < 1 and np.linalg.norm(found.axis[1]) < 0.5


def test_apex_to_base_is_the_arc_length_on_the_ellipsoids():
    phi = LV.coordinates(the_wall(LV).nodes)[1]
    share = LV.arc_length(phi) / LV.arc_length(np.arccos(-LV.cut / LV.semi_axes(0.5)[1]))
    error = np.abs(coordinates_of(LV).apicobasal - share)
    assert error.mean() < 0.012 and error.max() < 0.03  # the arc in the middle of the wall is not that of its surfaces
    base = wall_surfaces(the_wall(LV)).part_nodes(BASE)
    assert np.all(coordinates_of(LV).apicobasal[base] == 1)


def test_a_wall_that_is_open_below_has_its_apex_at_the_lower_rim():
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    ring = np.column_stack([np.cos(angle), np.sin(angle), np.zeros(60)])
    heights, scale = np.arange(6) * 8.0, np.linspace(0.7, 1.0, 6)
    circles = [[radius * share * ring + (0, 0, z) for z, share in zip(heights, scale, strict=True)] for radius in (20.0, 30.0)]
    wall = a_tube(*circles)
    found = wall_coordinates(wall)
    assert np.abs(found.apicobasal - wall.nodes[:, 2] / 40).max() < 0.06
    assert any("open at the apex" in note for note in found.notes)
    assert not any("open at the apex" in note for note in coordinates_of(LV).notes)


# Around


def test_the_angle_is_that_of_the_ellipsoids_and_runs_counterclockwise_seen_from_the_apex():
    wall, found = the_wall(LV), coordinates_of(LV)
    # Seen from below, towards +z, x to the right has y down: counterclockwise is clockwise in the plane of x and y.
    exact = np.pi - np.arctan2(wall.nodes[:, 1], wall.nodes[:, 0])  # zero at -x, the patient's right
    error = apart(found.circumferential, exact)[off_axis(wall.nodes)]
    assert error.mean() < 1.2 and error.max() < 10  # less than 1 mm
    assert 0 <= found.circumferential.min() and found.circumferential.max() < 2 * np.pi
    assert np.allclose(found.circle[:, 0] ** 2 + found.circle[:, 1] ** 2, 1)
    assert any("patient's right" in note for note in found.notes)


def test_the_angle_starts_at_a_point_of_the_user():
    place = np.array([25.0, 25.0, -5.0])
    found = wall_coordinates(the_wall(LV), zero_at=place)
    nearest = np.argmin(np.linalg.norm(the_wall(LV).nodes - place, axis=1))
    assert apart(found.circumferential[nearest], 0) < 3
    assert apart(found.circumferential, coordinates_of(LV).circumferential).mean() > 30
    assert not any("patient's right" in note for note in found.notes)


def test_the_angle_starts_where_the_contact_with_the_right_ventricle_begins():
    theta, height = np.meshgrid(np.radians(np.arange(140, 261, 2)), np.arange(-45, 15, 2.0))
    ring = 34.5 * np.sqrt(1 - (height / 69) ** 2)
    right = np.column_stack([(ring * np.cos(theta)).ravel(), (ring * np.sin(theta)).ravel(), height.ravel()])
    found = wall_coordinates(the_wall(LV), right_ventricle=right)
    plain = np.degrees(np.arctan2(the_wall(LV).nodes[:, 1], the_wall(LV).nodes[:, 0])) % 360
    # Counterclockwise from the apex is against the plane's angle: the contact runs from 260 down to 140.
    at = lambda degrees: off_axis(the_wall(LV).nodes) & (np.abs(plain - degrees) < 2)  # noqa: E731
    assert apart(found.circumferential[at(258)], 0).max() < 12
    assert np.abs(np.degrees(found.circumferential[at(142)]) - 118).max() < 12


def test_a_right_ventricle_that_does_not_touch_the_wall_is_said_and_not_used():
    plain = coordinates_of(LV, 2000)
    for points, reason in (
        (np.array([[600.0, 0, 0], [601.0, 0, 0]]), "no closer to the wall than 5"),
        (the_wall(LV, 2000).nodes, "surrounds the wall"),
    ):
        found = wall_coordinates(the_wall(LV, 2000), right_ventricle=points)
        assert any(reason in note and "patient's right" in note for note in found.notes)
        assert np.array_equal(found.circumferential, plain.circumferential)


def test_the_angle_grows_evenly_along_a_wall_that_is_thin_on_one_side():
    angle = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    ring = np.column_stack([np.cos(angle), np.sin(angle), np.zeros(72)])
    inner, outer = [[radius * ring + (shift, 0, z) for z in (0.0, 8.0, 16.0)] for radius, shift in ((20.0, 4.0), (27.0, 0.0))]
    wall = a_tube(inner, outer)  # 3 mm thick on one side, 11 mm on the other
    found = wall_coordinates(wall, zero_at=np.array([27.0, 0.0, 8.0]))
    epi = found.transmural == 1
    plain = np.arctan2(wall.nodes[:, 1], wall.nodes[:, 0])
    either = [apart(found.circumferential[epi], sign * plain[epi]).max() for sign in (1, -1)]
    assert min(either) < 10  # without the weight, the thin side would take up 40 degrees more


# Any frame, any order


def test_coordinates_move_with_the_wall():
    matrix = rigid(4)
    place = np.array([25.0, 25.0, -5.0])
    still = wall_coordinates(the_wall(LV), zero_at=place)
    moved = wall_coordinates(the_wall(LV).transformed(matrix), zero_at=applied(matrix, place[None])[0])
    assert np.abs(moved.transmural - still.transmural).max() < 1e-3
    change = np.abs(moved.apicobasal - still.apicobasal)
    assert np.mean(change) < 1e-4 and change.max() < 0.03  # single paths on the skin may choose another way
    assert apart(moved.circumferential, still.circumferential)[off_axis(the_wall(LV).nodes)].max() < 1


def test_the_order_of_nodes_and_cells_does_not_matter():
    other, order = renumbered(the_wall(LV, 2000))
    found, plain = wall_coordinates(other), coordinates_of(LV, 2000)
    assert np.abs(found.transmural - plain.transmural[order]).max() < 1e-3
    assert np.abs(found.apicobasal - plain.apicobasal[order]).max() < 0.02  # ties between tetrahedra are broken by their order


def test_regions_that_are_told_are_believed():
    surfaces = wall_surfaces(the_wall(LV))
    swapped = np.array([0, EPI, ENDO, BASE])[surfaces.region]
    found = wall_coordinates(the_wall(LV), WallSurfaces(surfaces.nodes, surfaces.triangles, swapped))
    assert np.abs(found.transmural - (1 - coordinates_of(LV).transmural)).max() < 0.05
    none = np.where(surfaces.region == EPI, BASE, surfaces.region)
    with pytest.raises(BadWall, match="labeled epicardium"):
        wall_coordinates(the_wall(LV), WallSurfaces(surfaces.nodes, surfaces.triangles, none))


def test_points_without_cells_and_loose_pieces_take_what_is_closest():
    wall = the_wall(LV, 2000)
    crumb = wall.nodes[7] + 0.05 + 0.3 * np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]])
    count = len(wall.nodes)
    nodes = np.vstack([wall.nodes[:1] + 0.01, wall.nodes, crumb])
    cells = np.vstack([wall.tetrahedra + 1, [count + 1 + np.arange(4)]])
    found = wall_coordinates(Wall.from_tetrahedra(nodes, cells))
    assert len(found.transmural) == len(nodes) and np.all(np.isfinite(found.apicobasal))
    assert found.apicobasal[0] == found.apicobasal[1]
    assert found.apicobasal[count + 1] == found.apicobasal[8]
    assert any("1 cells of the LV model are not connected to the main piece" in note for note in found.notes)


def test_parts_that_touch_without_sharing_nodes_are_one_wall():
    wall, plain = the_wall(LV, 2000), coordinates_of(LV, 2000)
    left = wall.nodes[wall.tetrahedra].mean(axis=1)[:, 0] < 0
    halves = [np.unique(wall.tetrahedra[side], return_inverse=True) for side in (left, ~left)]
    cells = np.vstack([halves[0][1].reshape(-1, 4), halves[1][1].reshape(-1, 4) + len(halves[0][0])])
    old = np.concatenate([halves[0][0], halves[1][0]])
    assert len(old) > len(wall.nodes)
    found = wall_coordinates(Wall.from_tetrahedra(wall.nodes[old], cells))
    assert np.abs(found.transmural - plain.transmural[old]).max() < 1e-3
    assert not any("not connected" in note for note in found.notes)


def test_arrays_have_their_names_and_types():
    arrays = coordinates_of(LV).arrays
    assert sorted(arrays) == ["wall_apicobasal", "wall_circumferential", "wall_thickness", "wall_transmural"]
    assert all(values.dtype == np.float32 and len(values) == len(the_wall(LV).nodes) for values in arrays.values())


# What cannot be done


def test_walls_without_volume_cells_are_refused():
    for wall in (the_skin_of(the_wall(LV, 2000)), a_sheet(10, 10, 3), a_cloud([[0, 0, 0], [1, 0, 0]])):
        with pytest.raises(BadWall, match="make a tetrahedral wall"):
            wall_coordinates(wall)


@pytest.mark.parametrize("wall", [a_block((0, 0, 0), (40, 40, 60), (8, 8, 12)), a_block((0, 0, 0), (60, 60, 4), (12, 12, 2))])
def test_a_block_has_no_endocardium(wall):
    with pytest.raises(BadWall, match="cannot be distinguished"):
        wall_coordinates(wall)


def test_a_zero_that_is_far_away_or_not_a_point_is_refused():
    with pytest.raises(BadWall, match=r"lies 5\d\d mm away"):
        wall_coordinates(the_wall(LV, 2000), zero_at=np.array([600.0, 0, 0]))
    with pytest.raises(BadWall, match="three finite numbers"):
        wall_coordinates(the_wall(LV, 2000), zero_at=np.array([np.nan, 0, 0]))
