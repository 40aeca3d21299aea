"""Walls from contours."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from CardioScarLib.errors import BadWall
from CardioScarLib.geometry.ruled_wall import ruled_wall
from CardioScarLib.geometry.wall import tetrahedron_volumes

INNER, OUTER, SPACING = 20.0, 30.0, 8.0
TILT = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]


def circles(radius: float, count: int = 5, points: int = 200, drift: float = 0.0, start: float = 0.0) -> list[np.ndarray]:
    angle = start + 2 * np.pi * np.arange(points) / points
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    return [np.column_stack([x + drift * k, y, np.full(points, SPACING * k)]) @ TILT.T + (3.0, -40.0, 7.0) for k in range(count)]


def test_a_tube_has_the_volume_of_the_formula():
    built = ruled_wall(circles(INNER), circles(OUTER), sectors=120)
    # a 120-gon has 1 - (2 pi / 120)^2 / 6 of the area of its circle
    expected = np.pi * (OUTER**2 - INNER**2) * 4 * SPACING * (1 - (2 * np.pi / 120) ** 2 / 6)
    assert built.wall.volumes.sum() == pytest.approx(expected, rel=1e-3)
    assert len(built.wall.nodes) == 5 * 120 * 17


def test_cells_fill_the_wall_without_gaps_or_overlaps():
    wall = ruled_wall(circles(INNER, drift=1.5), circles(OUTER, drift=1.5), layers=3, sectors=24, between=2).wall
    faces = np.sort(np.concatenate([wall.tetrahedra[:, list(three)] for three in combinations(range(4), 3)]), axis=1)
    shared, counts = np.unique(faces, axis=0, return_counts=True)
    assert counts.max() == 2
    # two triangles per quadrilateral on endocardium and epicardium (8 x 24 each) and on the two rims (3 x 24 each)
    assert np.count_nonzero(counts == 1) == 2 * (2 * 8 * 24 + 2 * 3 * 24)
    assert np.all(np.abs(tetrahedron_volumes(wall.nodes, wall.tetrahedra)) > 0)


def test_depth_angle_and_height_are_those_of_the_nodes():
    built = ruled_wall(circles(INNER), circles(OUTER), layers=4, sectors=32, between=2)
    local = (built.wall.nodes - (3.0, -40.0, 7.0)) @ TILT
    assert np.allclose(np.hypot(local[:, 0], local[:, 1]), INNER + built.depth * (OUTER - INNER), atol=0.01)
    assert np.allclose(local[:, 2], SPACING * built.height, atol=1e-9)
    turned = np.unwrap(np.arctan2(local[:32, 1], local[:32, 0]))
    assert np.allclose(np.abs(np.diff(turned)), 2 * np.pi / 32, atol=1e-9)


def test_a_wall_can_go_on_beyond_its_contours():
    plain, longer = (ruled_wall(circles(INNER), circles(OUTER), beyond=beyond) for beyond in (0.0, 4.0))
    assert longer.wall.volumes.sum() == pytest.approx(plain.wall.volumes.sum() * (4 * SPACING + 8) / (4 * SPACING))
    local = (longer.wall.nodes - (3.0, -40.0, 7.0)) @ TILT
    assert np.allclose(local[:, 2], SPACING * longer.height, atol=1e-9)
    assert local[:, 2].min() == pytest.approx(-4) and local[:, 2].max() == pytest.approx(4 * SPACING + 4)


def test_where_a_contour_starts_and_which_way_it_runs_does_not_matter():
    plain = ruled_wall(circles(INNER), circles(OUTER)).wall
    other = ruled_wall([line[::-1] for line in circles(INNER, start=1.0)], circles(OUTER, points=311, start=-2.0)).wall
    assert np.allclose(plain.nodes, other.nodes, atol=0.02)


def test_crossing_missing_and_broken_contours_are_errors():
    with pytest.raises(BadWall, match=r"contour \d reaches 10.0 mm outside"):
        ruled_wall(circles(OUTER), circles(INNER))
    with pytest.raises(BadWall, match="5 endocardial and 4 epicardial"):
        ruled_wall(circles(INNER), circles(OUTER, count=4))
    with pytest.raises(BadWall, match="Contour 2 is not"):
        broken = circles(INNER)
        broken[2] = broken[2][:2]
        ruled_wall(broken, circles(OUTER))
