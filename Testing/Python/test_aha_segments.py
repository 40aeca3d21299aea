"""The 17 segments of the AHA: their volumes, their numbers, and how they turn with the right ventricle."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree

from CardioScarLib.core.errors import BadSettings, BadWall, OtherCase
from CardioScarLib.core.settings import WallSettings
from CardioScarLib.core.wall import Wall
from CardioScarLib.io.images import read_stack
from CardioScarLib.phantom.ellipsoid import Ellipsoids
from CardioScarLib.quantification.places import Septum, septum_at, septum_touching, stored_coordinates
from CardioScarLib.quantification.segments import TIP, aha_segments
from CardioScarLib.wall import build_wall, shape_from_labels
from CardioScarLib.wall.coordinates import WallCoordinates, wall_coordinates
from CardioScarLib.wall.finished import label_points

HEART = Ellipsoids()
DATA = os.environ.get("CARDIOSCAR_AHA_DATA")
"""A folder with aha17.nii.gz, a label map of the 17 segments (1 to 17, cavity 21, right ventricle 24), whose license is not known."""
ANTERIOR, INFERIOR = 0.3, 0.3 + 2 * np.pi / 3
"""Radians of the insertions, in the heart's own frame turned as the AHA counts."""


@pytest.fixture(scope="module")
def a_wall() -> Wall:
    return Wall.from_tetrahedra(*HEART.mesh(20_000, 0))


@pytest.fixture(scope="module")
def its_coordinates(a_wall) -> WallCoordinates:
    return wall_coordinates(a_wall)


def on_the_wall(angle: float, height: float = 0.0) -> np.ndarray:
    """A point on the epicardium; counterclockwise seen from the apex, which looks up, is clockwise seen from above."""
    return np.array([HEART.epi[0] * np.cos(-angle), HEART.epi[0] * np.sin(-angle), height])


def wall_volume(low: float, high: float) -> float:
    """mm^3 of the wall between two heights, exact."""

    def inside(semi_axes: tuple[float, float]) -> float:
        radius, length = semi_axes
        ends = [np.clip(one, -length, length) for one in (low, high)]
        return np.pi * radius**2 * np.diff([one - one**3 / (3 * length**2) for one in ends])[0]

    return inside(HEART.epi) - inside(HEART.endo)


def test_every_segment_has_its_analytic_volume_within_two_and_a_half_percent(a_wall, its_coordinates):
    septum = septum_at(a_wall, its_coordinates.circumferential, np.array([on_the_wall(ANTERIOR), on_the_wall(INFERIOR)]))
    found = aha_segments(a_wall, its_coordinates, septum)
    tip = TIP - HEART.endo[1]
    third = (HEART.cut - tip) / 3
    levels = [-HEART.epi[1], tip, tip + third, tip + 2 * third, HEART.cut]
    apex, apical, mid, basal = (wall_volume(low, high) for low, high in zip(levels, levels[1:], strict=False))
    exact = [basal / 6] * 6 + [mid / 6] * 6 + [apical / 4] * 4 + [apex]
    assert found.label_volumes.sum(axis=0) == pytest.approx(exact, rel=0.025), "within 2 % at 100 000 nodes"
    assert found.label_volumes.sum() == pytest.approx(a_wall.volumes.sum()) == pytest.approx(found.ring_volumes.sum())


@pytest.mark.parametrize(
    "segment, angle, height",
    [(1, -0.5, 12), (2, 0.5, 12), (3, 1.5, 12), (4, 2.5, 12), (5, 3.6, 12), (6, 4.7, 12), (8, 0.5, -18), (10, 2.5, -18), (12, 4.7, -18)]
    + [(13, -0.5, -42), (14, 1.05, -42), (15, 2.6, -42), (16, 4.2, -42)],
)  # fmt: skip
def test_a_place_has_the_number_that_the_aha_gives_it(segment, angle, height, a_wall, its_coordinates):
    septum = septum_at(a_wall, its_coordinates.circumferential, on_the_wall(ANTERIOR)[None])
    labels = aha_segments(a_wall, its_coordinates, septum).labels
    ring = on_the_wall(ANTERIOR + angle) * np.sqrt(1 - (height / HEART.epi[1]) ** 2)
    assert labels[np.argmin(np.linalg.norm(a_wall.nodes - [*ring[:2], height], axis=1))] == segment


def test_the_lowest_node_is_the_apex_whatever_the_rotation(a_wall, its_coordinates):
    lowest = np.argmin(a_wall.nodes[:, 2])
    assert {int(aha_segments(a_wall, its_coordinates, Septum(angle)).labels[lowest]) for angle in (0, 70, 200)} == {17}
    assert aha_segments(a_wall, its_coordinates, None).labels is None


def test_a_heart_that_is_moved_with_its_insertion_keeps_its_segments(a_wall, its_coordinates):
    quarter = np.array([[0, 0, 1, 10], [1, 0, 0, -20], [0, 1, 0, 5], [0, 0, 0, 1]], dtype=float)
    moved = a_wall.transformed(quarter)
    points = np.array([on_the_wall(ANTERIOR), on_the_wall(INFERIOR)])
    first = aha_segments(a_wall, its_coordinates, septum_at(a_wall, its_coordinates.circumferential, points))
    coordinates = wall_coordinates(moved)
    second = aha_segments(moved, coordinates, septum_at(moved, coordinates.circumferential, points @ quarter[:3, :3].T + quarter[:3, 3]))
    assert np.mean(first.labels == second.labels) > 0.99


def test_a_wide_septum_keeps_two_segments_and_the_free_wall_four():
    septum = Septum(350.0, 130.0)
    assert septum.turned(np.radians([350.0, 60.0, 130.0, 240.0])) == pytest.approx([0, 60, 120, 240])


def test_the_septum_is_where_the_label_of_the_right_ventricle_touches_the_wall(a_wall, its_coordinates):
    angles = np.radians(np.arange(40, 170, 3))
    crescent = np.array([on_the_wall(angle, height) * [1.03, 1.03, 1] for angle in angles for height in range(-40, 20, 3)])
    found = septum_touching(a_wall, its_coordinates, crescent)
    anterior, inferior = (septum_at(a_wall, its_coordinates.circumferential, on_the_wall(angles[end])[None]).anterior for end in (0, -1))
    assert np.angle(np.exp(1j * np.radians(found.anterior - anterior))) == pytest.approx(0, abs=np.radians(8))
    assert np.angle(np.exp(1j * np.radians(found.inferior - inferior))) == pytest.approx(0, abs=np.radians(8))
    with pytest.raises(BadSettings, match="no closer to the wall than 82 mm"):
        septum_touching(a_wall, its_coordinates, crescent + [0, 150, 0])
    with pytest.raises(BadSettings, match="surrounds the wall"):
        septum_touching(a_wall, its_coordinates, a_wall.nodes[::3])


def test_insertions_in_the_wrong_order_or_far_away_are_refused(a_wall, its_coordinates):
    points = np.array([on_the_wall(INFERIOR), on_the_wall(ANTERIOR)])
    with pytest.raises(BadSettings, match="240 degrees; give the anterior one first"):
        septum_at(a_wall, its_coordinates.circumferential, points)
    with pytest.raises(BadSettings, match="inferior insertion .* mm away"):
        septum_at(a_wall, its_coordinates.circumferential, np.array([on_the_wall(ANTERIOR), (200.0, 0, 0)]))


def test_coordinates_that_were_stored_give_the_same_segments(a_wall, its_coordinates):
    found = stored_coordinates(a_wall, its_coordinates.arrays, a_wall.nodes)
    septum = Septum(17.0)
    same = aha_segments(a_wall, found, septum).labels == aha_segments(a_wall, its_coordinates, septum).labels
    assert np.mean(same) > 0.999, "single precision"


def test_stored_coordinates_of_another_mesh_or_of_another_meaning_are_refused(a_wall, its_coordinates):
    arrays = its_coordinates.arrays
    with pytest.raises(OtherCase, match="other points"):
        stored_coordinates(a_wall, arrays, a_wall.nodes + [0.1, 0, 0])
    with pytest.raises(BadWall, match="no point array wall_thickness"):
        stored_coordinates(a_wall, {name: one for name, one in arrays.items() if name != "wall_thickness"})
    with pytest.raises(BadWall, match="outside 0 to 1"):
        stored_coordinates(a_wall, arrays | {"wall_transmural": arrays["wall_transmural"] * 100})
    with pytest.raises(BadWall, match="finite"):
        stored_coordinates(a_wall, arrays | {"wall_apicobasal": arrays["wall_apicobasal"] * np.nan})


@pytest.mark.slow
@pytest.mark.skipif(not DATA, reason="CARDIOSCAR_AHA_DATA does not name a folder with a label map of the segments")
def test_segments_agree_with_those_that_others_drew():
    stack = read_stack([Path(str(DATA)) / "aha17.nii.gz"])
    names = {"cavity": (21,), "myocardium": tuple(range(1, 18)), "right ventricle": (24,)}
    wall = build_wall(shape_from_labels(stack, names), WallSettings(edge_length=3.0)).wall
    drawn = [label_points(stack, (number,)) for number in range(1, 18)]
    voxels, numbers = np.vstack(drawn), np.repeat(np.arange(1, 18), [len(one) for one in drawn])
    theirs = numbers[cKDTree(voxels).query(wall.nodes)[1]]
    insertions = []
    for first, second in ((7, 8), (9, 10)):  # of the reference, in the middle of the septum's ends
        distance, nearest = cKDTree(drawn[first - 1]).query(drawn[second - 1])
        near = distance < 2
        insertions.append(0.5 * (drawn[second - 1][near] + drawn[first - 1][nearest[near]]).mean(axis=0))
    coordinates = wall_coordinates(wall)
    ours = aha_segments(wall, coordinates, septum_at(wall, coordinates.circumferential, np.array(insertions))).labels
    assert np.average(ours == theirs, weights=wall.node_measure) > 0.78
    rings = [np.digitize(one, [7, 13, 17]) for one in (ours, theirs)]
    assert np.average(rings[0] == rings[1], weights=wall.node_measure) > 0.9
