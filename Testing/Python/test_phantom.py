"""Phantoms are what they say they are: everything else is measured against them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bodies import rms, the_phantom

from CardioScarLib.core.errors import BadSettings
from CardioScarLib.phantom import CONTROLS, KINDS, phantom_case
from CardioScarLib.phantom.ellipsoid import Ellipsoids
from CardioScarLib.phantom.scars import Band, Islands, Place, Transmural, Wedge, step

SMALL = {"nodes": 1500, "pixel": 4.0}


def cap_volume(radius, length, cut):
    """Volume of an ellipsoid of revolution below a height: pi a^2 (z - z^3 / 3 c^2) from -c to the cut."""
    return np.pi * radius**2 * ((cut - cut**3 / (3 * length**2)) + 2 * length / 3)


def test_the_mesh_has_the_volume_of_the_formula():
    case = the_phantom("W", nodes=20_000, pixel=4.0)
    heart = case.heart
    expected = cap_volume(*heart.epi, heart.cut) - cap_volume(*heart.endo, heart.cut)
    assert case.wall.volumes.sum() == pytest.approx(expected, rel=0.015)
    assert 95e3 < expected < 140e3  # mm^3: a human left ventricle


def test_the_mesh_has_about_the_nodes_asked_for_and_sound_cells():
    for nodes in (1500, 4000, 20_000):
        points, cells = Ellipsoids().mesh(nodes, seed=1)
        assert len(points) == pytest.approx(nodes, rel=0.15)
        assert set(np.unique(cells)) == set(range(len(points)))
        edges = points[cells[:, 1:]] - points[cells[:, :1]]
        assert np.abs(np.linalg.det(edges)).min() > 0
    # Every inner face belongs to two cells: no holes, no overlaps.
    faces = np.sort(np.vstack([np.delete(cells, corner, axis=1) for corner in range(4)]), axis=1)
    assert set(np.unique(faces, axis=0, return_counts=True)[1]) == {1, 2}


def test_wall_coordinates_lead_back_to_the_point():
    heart = Ellipsoids()
    random = np.random.default_rng(0)
    depth, phi, theta = random.uniform(0, 1, 300), random.uniform(0.05, 1.7, 300), random.uniform(-3.1, 3.1, 300)
    points = heart.points(depth, phi, theta)
    for found, given in zip(heart.coordinates(points), (depth, phi, theta), strict=True):
        assert found == pytest.approx(given, abs=1e-8)
    assert heart.contains(points[points[:, 2] < heart.cut]).all()
    assert not heart.contains(heart.points(depth + 1, phi, theta)).any()
    assert not heart.contains(heart.points(depth - 1, phi, theta)).any()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS + CONTROLS)
def test_every_kind_builds_with_a_scar_in_sight(kind):
    case = phantom_case(kind, 0, **SMALL)
    assert case.truth.min() >= 0 and case.truth.max() <= 1
    assert 0.01 < np.average(case.truth, weights=case.wall.node_measure) < 0.5
    assert case.truth_at(case.wall.nodes) == pytest.approx(case.truth, abs=1e-9)
    pixels = np.concatenate([one.pixels.ravel() for one in case.stack])
    assert np.all(np.isfinite(pixels)) and pixels.min() >= 0 and pixels.max() > 0.5
    assert case.settings.operator.pixel_support == ("prism" if kind == "E" else "wall")


def test_an_unknown_kind_is_refused_with_the_known_ones():
    with pytest.raises(BadSettings, match="no phantom kind 'Q'; the kinds are W, I3"):
        phantom_case("Q")


@pytest.mark.slow
def test_the_same_seed_gives_the_same_case_and_another_one_another():
    one, two, other = (phantom_case("X", seed, **SMALL) for seed in (3, 3, 4))
    assert np.array_equal(one.wall.nodes, two.wall.nodes)
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(one.stack, two.stack, strict=True))
    assert one.heart != other.heart
    assert np.abs(one.pose - other.pose).max() > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["I3", "I2"])
def test_a_control_differs_from_its_kind_near_the_bridge_only(kind):
    case, control = phantom_case(kind, 2, **SMALL), phantom_case(f"{kind}C", 2, **SMALL)
    assert np.array_equal(case.wall.nodes, control.wall.nodes)
    across, along = case.scar.line(case.place(case.wall.nodes))
    changed = np.abs(control.truth - case.truth) > 0.01
    assert changed.any()
    # The bridge is 12 mm long, its ends are soft over about 2 mm, and the channel is at most 3.5 mm wide.
    assert np.abs(along[changed]).max() < 6 + 3
    assert np.abs(across[changed]).max() < 2 + 3
    assert np.all(control.truth >= case.truth - 1e-12)
    in_pixels = [np.abs(a.pixels - b.pixels).max() for a, b in zip(case.stack, control.stack, strict=True)]
    assert max(in_pixels) > 0.2 and min(in_pixels) < 1e-9
    assert all(np.array_equal(a.origin, b.origin) for a, b in zip(case.stack, control.stack, strict=True))


def fine_mean(case, one, row, column, whole_prism=False):
    """Mean over 21 x 21 x 33 points of a pixel's prism, without anything random."""
    fine = [(np.arange(count) + 0.5) / count - 0.5 for count in (21, 21, 33)]
    offsets = np.stack(np.meshgrid(*fine, indexing="ij"), -1).reshape(-1, 3)
    points = one.to_points(row + offsets[:, 0], column + offsets[:, 1]) + np.outer(offsets[:, 2] * one.thickness, one.normal)
    inside = case.heart.contains((points - case.pose[:3, 3]) @ case.pose[:3, :3])
    values = np.where(inside, case.truth_at(points), 0)
    return values.sum() / (len(points) if whole_prism else max(1, inside.sum())), inside.mean()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["W", "M", "E"])
def test_a_pixel_is_the_mean_of_the_truth_over_its_prism(kind):
    case = phantom_case(kind, 1, noise=0.0, **SMALL)
    one = case.stack.slices[len(case.stack) // 2]
    compared = []
    for row in range(one.pixels.shape[0]):
        for column in range(one.pixels.shape[1]):
            if one.pixels[row, column] > 0.05:
                mean, cover = fine_mean(case, one, row, column, whole_prism=kind == "E")
                if cover > 0.2:
                    compared.append((one.pixels[row, column], mean))
    given, fine = np.array(compared).T
    assert len(given) > 15
    # 441 jittered points against 14 553: a border through a prism is placed to about 2 %.
    assert rms(given - fine) < 0.02
    assert np.abs(given - fine).max() < 0.08


def test_noise_has_the_size_it_says():
    cases = (phantom_case("B", 1, noise=noise, **SMALL) for noise in (0.0, 1e-9, 0.04))
    clean, jittered, noisy = (np.concatenate([one.pixels.ravel() for one in case.stack]) for case in cases)
    inner = (clean > 0.2) & (clean < 0.8)  # not clipped
    # Any noise also moves the points that a prism is averaged over.
    variance = (noisy - clean)[inner].var() - (jittered - clean)[inner].var()
    assert np.sqrt(variance) == pytest.approx(0.04, rel=0.25)


@pytest.mark.slow
def test_shifts_move_slices_and_tilt_turns_them():
    straight, shifted = (phantom_case("X", 1, shift=shift, noise=0.0, **SMALL) for shift in (0.0, 4.0))
    assert all(np.array_equal(a.origin, b.origin) for a, b in zip(straight.stack, shifted.stack, strict=True))
    assert rms(np.concatenate([(a.pixels - b.pixels).ravel() for a, b in zip(straight.stack, shifted.stack, strict=True)])) > 0.05
    tilted = phantom_case("W", 1, tilt=9.0, **SMALL)
    cosine = abs(tilted.stack.slices[0].normal @ tilted.pose[:3, 2])
    assert np.degrees(np.arccos(cosine)) == pytest.approx(9.0, abs=1e-6)


def test_the_stack_covers_the_heart_with_the_spacing_and_thickness_it_says():
    case = phantom_case("B", 1, **SMALL)
    normal = case.stack.slices[0].normal
    heights = np.array([one.origin @ normal for one in case.stack])
    assert np.abs(np.diff(heights)) == pytest.approx(10.0)
    assert {one.thickness for one in case.stack} == {8.0}
    along = case.wall.nodes @ normal
    assert heights.min() - 5 < along.min() + 5 and heights.max() + 5 > along.max() - 5


# Scars


def at(depth=0.5, around=0.0, along=0.0):
    return Place(*(np.atleast_1d(np.asarray(value, dtype=float)) for value in (depth, around, along)), thickness=9.5)


def test_a_soft_step_is_half_at_its_place():
    assert step(np.array([-50.0, 0, 50.0]), 1.0) == pytest.approx([0, 0.5, 1])
    assert step(np.array([1.0]), 0.5) == pytest.approx(1 / (1 + np.exp(-2)))


def test_a_channel_is_alive_and_its_bridge_is_not():
    scar = Transmural(channel=3.5, tilt=0.0)
    assert scar(at())[0] < 0.05
    assert scar(at(around=5.0))[0] > 0.95
    assert scar(at(around=40.0))[0] < 0.01
    blocked = replace(scar, blocked=12.0)
    assert blocked(at())[0] > 0.95
    assert blocked(at(along=12.0))[0] < 0.05


def test_a_wedge_starts_at_the_endocardium_and_thins_towards_its_edge():
    wedge = Wedge()
    assert wedge(at(depth=0.1))[0] > 0.95 > 0.05 > wedge(at(depth=0.9))[0]
    depth = np.linspace(0, 1, 200)
    middle, edge = (wedge(at(depth, np.full(200, around), np.zeros(200))).mean() for around in (0.0, 18.0))
    assert middle == pytest.approx(0.6, abs=0.03)
    assert edge < 0.75 * middle


def test_a_band_lies_in_the_middle_of_the_wall():
    band = Band(tilt=0.0)
    assert band(at(depth=0.5))[0] > 0.9
    assert band(at(depth=[0.05, 0.95], around=[0, 0], along=[0, 0])).max() < 0.1


def test_islands_are_four_to_eight_discs_joined_where_they_touch():
    counts = {len(Islands.drawn(np.random.default_rng(seed)).discs) for seed in range(60)}
    assert counts == {4, 5, 6, 7, 8}
    two = Islands(np.array([[0.0, 0.0, 5.0], [6.0, 0.0, 5.0]]))
    assert two(at(around=3.0))[0] > 0.95
    assert two(at(around=-8.0))[0] < 0.05
