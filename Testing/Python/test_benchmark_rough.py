"""Rough scars, healthy hearts, contouring noise and k-space: what fits of constants without one hand stand on."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from bodies import a_block

from CardioScarLib.benchmark import FAMILIES, make_case
from CardioScarLib.benchmark.families import FORMULA, HANDS, HEALTHY, PATCHY, RANDOM_FIELD, WAVEFRONT
from CardioScarLib.benchmark.hearts import BLOOD, WALL, Papillaries, places_of, to_lps
from CardioScarLib.benchmark.problem import Answer
from CardioScarLib.benchmark.runs import scored
from CardioScarLib.benchmark.scanner import Scan, pictured, with_noise
from CardioScarLib.benchmark.scores import map_scores, spread_scores
from CardioScarLib.benchmark.suite import chosen_families
from CardioScarLib.benchmark.summary import GROUPS, group_of
from CardioScarLib.cli.main import main
from CardioScarLib.core.errors import BadSettings
from CardioScarLib.phantom.rough_field import RADIUS, THICKNESS, WallField
from CardioScarLib.phantom.rough_scars import Patches
from CardioScarLib.phantom.scars import Place

SHARES = {RANDOM_FIELD: (0.02, 0.35), WAVEFRONT: (0.03, 0.32), PATCHY: (0.02, 0.15)}
"""Of the wall, as the documentation states them."""
ROUGH = [name for name, family in FAMILIES.items() if family.hand in SHARES]
SMALL = {"nodes": 1500, "pixel": 4.0}


def a_heart(family, seed=100, nodes=600):
    return FAMILIES[family].make(np.random.default_rng(seed), seed, nodes)[0]


def a_ring(angles, depth=0.5, along=0.0):
    """Places around the mid-wall."""
    full = np.ones_like(angles)
    return Place(depth * full, RADIUS * angles, along * full, THICKNESS, angles)


def semivariance(fields, one, other):
    """Of pairs of places, over fields."""
    return 0.5 * np.mean([(field(one) - field(other)) ** 2 for field in fields])


# Fields


def fields_of(rough, around=20.0, through=6.0, along=40.0, count=24):
    random = np.random.default_rng(5)
    return [WallField.drawn(random, around, through, along, rough) for _ in range(count)]


def test_a_field_has_mean_0_variance_1_and_closes_around_the_heart():
    angles = np.linspace(-np.pi, np.pi, 400)
    values = np.array([field(a_ring(angles)) for field in fields_of(0.5, count=60)])
    assert abs(values.mean()) < 0.15 and values.var() == pytest.approx(1, abs=0.12)
    assert values[:, 0] == pytest.approx(values[:, -1], abs=1e-3)


def test_the_rough_part_varies_over_a_third_of_the_length_and_is_rough_at_every_scale():
    angles = np.linspace(-np.pi, np.pi, 300)
    near, nearer = (a_ring(angles + lag / RADIUS) for lag in (4.0, 1.0))
    here, smooth, rough = a_ring(angles), fields_of(0.0), fields_of(1.0)
    # By the kernels: 1 - exp(-lag / (20 / 3)), and 5/6 (lag / 20)^2 to first order.
    assert semivariance(rough, here, near) == pytest.approx(1 - np.exp(-0.6), abs=0.08)
    assert semivariance(rough, here, nearer) == pytest.approx(1 - np.exp(-0.15), abs=0.04)
    assert semivariance(smooth, here, near) == pytest.approx(5 / 6 * 0.04, abs=0.012)
    mixed = semivariance(fields_of(0.5), here, near)
    assert semivariance(smooth, here, near) < mixed < semivariance(rough, here, near)


def test_lengths_around_through_and_along_keep_their_order():
    angles, fields = np.linspace(-np.pi, np.pi, 200), fields_of(0.0)
    here = a_ring(angles)
    through, around, along = (
        semivariance(fields, here, other)
        for other in (a_ring(angles, depth=0.5 + 4 / THICKNESS), a_ring(angles + 4 / RADIUS), a_ring(angles, along=4.0))
    )
    assert through > 3 * around > 6 * along


# Scars


@pytest.mark.parametrize("name", [name for name in ROUGH if not name.startswith("real-")])
def test_the_share_of_scar_is_in_the_stated_range(name):
    low, high = SHARES[FAMILIES[name].hand]
    shares = []
    for seed in range(100, 105):
        heart = a_heart(name, seed)
        shares.append(heart.scar(places_of(heart)).mean())
    assert low <= min(shares) and max(shares) <= high
    assert np.ptp(shares) > 0.02


@pytest.mark.parametrize("name", ["field-labels", "wavefront-kspace", "patchy"])
def test_the_same_seed_gives_the_same_rough_case_to_the_last_bit(name):
    one, same = make_case(name, 100, **SMALL), make_case(name, 100, **SMALL)
    assert np.array_equal(one.truth, same.truth) and np.array_equal(one.wall.nodes, same.wall.nodes)
    assert all(np.array_equal(a.pixels, b.pixels, equal_nan=True) for a, b in zip(one.stack, same.stack, strict=True))
    other = make_case(name, 101, **SMALL)
    assert not np.array_equal(one.truth, other.truth)


@pytest.mark.parametrize("name", ["field", "field-kspace", "wavefront-kspace", "patchy-stripes"])
def test_truth_is_a_function_of_place_that_knows_nothing_of_the_mesh(name):
    coarse, fine = make_case(name, 100, nodes=800, pixel=20.0), make_case(name, 100, nodes=3000, pixel=20.0)
    assert len(fine.wall.nodes) > 2 * len(coarse.wall.nodes)
    assert coarse.truth_at(coarse.wall.nodes) == pytest.approx(coarse.truth, abs=1e-12)
    # The lattice that shares are measured on lies where the mesh does, so one of ellipsoids is the same for both.
    assert np.mean(np.abs(coarse.truth_at(fine.wall.nodes) - fine.truth)) < 1e-3


def test_a_wavefront_starts_at_the_endocardium_and_patches_do_not():
    for name, inner_first in (("wavefront", True), ("patchy", False), ("patchy-stripes", False)):
        inner, outer = 0.0, 0.0
        for seed in range(100, 106):
            heart = a_heart(name, seed)
            place = places_of(heart)
            scar = heart.scar(place)
            inner, outer = inner + scar[place.depth < 0.2].mean(), outer + scar[np.abs(place.depth - 0.7) < 0.1].mean()
        assert (inner > 1.3 * outer) if inner_first else (outer > 5 * inner)


def test_patches_have_the_size_of_their_blobs():
    still = WallField(np.zeros((4, 1)), np.array([np.pi / 2]), np.zeros(1))
    blob = Patches(np.array([[0.5, 0.5, 3.0, 6.0, 2.0, 4.0, 0.0]]), still)
    angles = np.linspace(-1.0, 2.0, 3001)
    around = blob(a_ring(angles, along=3.0)) > 0
    assert np.ptp(RADIUS * angles[around]) == pytest.approx(12, abs=0.1) and angles[around].mean() == pytest.approx(0.5, abs=1e-2)
    depths = np.linspace(0, 1, 1001)
    through = blob(Place(depths, 14 + 0 * depths, 3 + 0 * depths, 12.0, 0.5 + 0 * depths)) > 0
    assert 12.0 * np.ptp(depths[through]) == pytest.approx(4, abs=0.1)


def test_ridges_on_the_endocardium_are_wall():
    heart = a_heart("wavefront-kspace")
    assert isinstance(heart.bump, Papillaries)
    for middle, along, _, _, height in heart.bump.ridges:
        phi = np.interp(along + heart.center[1], heart.shape.arc_length(np.linspace(0, np.pi, 2001)), np.linspace(0, np.pi, 2001))
        theta = heart.center[0] + middle / heart.shape.mid_wall_radius(phi)
        depths = np.array([-0.9, -1.1]) * height / heart.usual_thickness
        points = heart.shape.points(depths, np.full(2, phi), np.full(2, theta))
        assert list(heart.tissue(to_lps(heart.pose, points))) == [WALL, BLOOD]


# Scans


def test_noise_through_k_space_is_alike_in_neighbors_and_has_the_stated_spread():
    scan = Scan(noise_kind="kspace", noise=0.06, pixel=1.3, acquired=1.9)
    image = with_noise(np.full((220, 220), 0.5), scan, np.random.default_rng(1))
    assert image.std() == pytest.approx(0.06, rel=0.05) and image.mean() == pytest.approx(0.5, abs=0.01)
    noise = image - image.mean()
    for one, other in ((noise[1:], noise[:-1]), (noise[:, 1:], noise[:, :-1])):
        assert 0.3 < np.corrcoef(one.ravel(), other.ravel())[0, 1] < 0.7


def test_what_is_finer_than_the_acquired_pixels_is_not_in_the_image():
    scan = Scan(noise_kind="kspace", pixel=1.2, acquired=2.0)
    stripes = np.tile([0.0, 1.0], (60, 30))  # 2.4 mm long; pixels of 2 mm hold nothing shorter than 4 mm
    image = with_noise(stripes, scan, np.random.default_rng(0))[:, 15:-15]  # the image ends, and is mirrored there
    assert image == pytest.approx(np.full_like(image, 0.5), abs=0.01)
    wide = with_noise(np.tile(np.repeat([0.0, 1.0], 15), (60, 2)), scan, np.random.default_rng(0))
    assert wide[:, 22].min() > 0.9 and wide[:, 7].max() < 0.1


def test_an_acquired_pixel_has_a_size():
    with pytest.raises(BadSettings, match="acquired of the slices is 0"):
        Scan(acquired=0)


def test_contours_wander_by_the_stated_distance_and_leave_every_cell_a_volume():
    moves = {True: [], False: []}
    for seed in range(100, 112):
        true = make_case("field", seed, nodes=1500, pixel=20.0)
        drawn = make_case("field", seed, nodes=1500, pixel=20.0, contour=0.8)
        assert np.array_equal(true.truth_at(drawn.wall.nodes), drawn.truth)
        place = true.heart.place(true.wall.nodes)
        away = np.linalg.norm(drawn.wall.nodes - true.wall.nodes, axis=1)
        for endo in moves:
            surface = (place.depth < 0.01) if endo else (place.depth > 0.99)
            moves[endo].append(away[surface & (place.along > -20)])
        assert len(drawn.wall.tetrahedra) == len(true.wall.tetrahedra)
        assert np.min(drawn.wall.volumes / true.wall.volumes) > 0.4  # none is turned inside out
    for some in moves.values():
        assert np.sqrt(np.mean(np.concatenate(some) ** 2)) == pytest.approx(0.8, abs=0.12)


def test_labels_are_0_or_1_on_the_wall_and_say_nothing_elsewhere():
    case = make_case("field-labels", 100, **SMALL)
    for one, tissue in zip(case.stack, case.myocardium, strict=True):
        assert np.array_equal(np.isnan(one.pixels), tissue.pixels != WALL)
        assert set(np.unique(one.pixels[tissue.pixels == WALL])) <= {0.0, 1.0}
    assert np.nansum([np.nansum(one.pixels) for one in case.stack]) > 10
    further = case.acquire([case.stack.slices[4]], seed=1)[0]
    assert np.isnan(further.pixels).any() and np.nanmax(further.pixels) == 1


def test_a_label_is_what_most_of_a_pixel_is_and_specks_are_not_drawn():
    mean, tissue = np.zeros((40, 40)), np.full((40, 40), WALL)
    mean[:, :20], mean[:, 20] = 1.0, 0.6  # a straight border within the pixels of column 20
    mean[10, 30] = 1.0
    tissue[:, 35:] = BLOOD
    drawn = pictured(mean, tissue, Scan(labels=True), np.random.default_rng(0))
    assert np.all(drawn[:, :21] == 1) and np.all(drawn[:, 21:35] == 0) and np.all(np.isnan(drawn[:, 35:]))


@pytest.mark.slow
def test_labels_are_as_rough_as_those_of_experts():
    """At 2 mm around, experts' labels of infarcts have semivariances of .05 to .13 of p (1 - p)."""
    found = []
    for name, seed in (("field-labels", 107), ("wavefront-labels", 107)):
        case, differ, pairs, every = make_case(name, seed, 800), 0, 0, []
        for one in case.stack:
            row = one.pixels
            for first, second in ((row[1:], row[:-1]), (row[:, 1:], row[:, :-1])):
                both = np.isfinite(first) & np.isfinite(second)
                differ, pairs = differ + np.sum(first[both] != second[both]), pairs + both.sum()
            every.append(row[np.isfinite(row)])
        share = np.concatenate(every).mean()
        found.append(0.5 * differ / pairs / (share * (1 - share)))
    assert 0.03 < min(found) and max(found) < 0.2


# Healthy hearts


@pytest.mark.parametrize("name", ["healthy", "healthy-kspace"])
def test_a_healthy_heart_has_no_scar_and_is_scored_by_what_is_found_in_it(name):
    case = make_case(name, 100, **SMALL)
    assert not case.truth.any() and case.about["scar_share"] == 0
    assert 0 < np.mean([np.nanmean(one.pixels) for one in case.stack]) < 0.1  # noise
    random = np.random.default_rng(0)
    draws = np.clip(random.normal(0.05, 0.02, (40, 1)) + np.zeros_like(case.truth), 0, 1)
    values, curves = scored(case, Answer(draws.mean(axis=0), draws.std(axis=0), draws))
    assert values["expected_share"] == pytest.approx(draws.mean()) == values["ece"] and values["true_share"] == 0
    assert values["share_high_95"] == pytest.approx(np.quantile(draws[:, 0], 0.975))
    assert not {"volume_error", "volume_95", "volume_z", "coverage_95", "dice_nodes", "component_error"} & set(values)
    assert all(np.isfinite(value) for value in values.values()) and curves == {}


def test_scar_found_in_a_healthy_heart_overlaps_with_nothing():
    wall = a_block([0, 0, 0], [20] * 3, [5] * 3)
    case = SimpleNamespace(wall=wall, truth=np.zeros(len(wall.nodes)))
    assert map_scores(case, np.ones(len(wall.nodes)))["dice_nodes"] == 0


# Scores


def test_the_calibration_error_of_a_map_is_how_far_its_probabilities_are_off():
    wall = a_block([0, 0, 0], [20] * 3, [10] * 3)
    truth = (wall.nodes[:, 0] > 10).astype(float)
    share = np.average(truth, weights=wall.node_measure)
    case = SimpleNamespace(wall=wall, truth=truth)
    assert map_scores(case, np.full(len(truth), 0.3))["ece"] == pytest.approx(share - 0.3)
    assert map_scores(case, truth)["ece"] == 0
    # Errors of opposite sign in two bins do not cancel.
    assert map_scores(case, 0.15 + 0.7 * truth)["ece"] == pytest.approx(0.15)


def test_a_spread_that_knows_where_the_errors_are_beats_p_1_minus_p():
    wall = a_block([0, 0, 0], [20] * 3, [10] * 3)
    truth, random = (wall.nodes[:, 0] > 10).astype(float), np.random.default_rng(3)
    mean = np.clip(truth + np.where(truth > 0, -1, 1) * random.uniform(0, 0.9, len(truth)), 0, 1)
    draws = np.clip(mean + np.abs(mean - truth) * random.normal(size=(60, 1)), 0, 1)
    values = spread_scores(SimpleNamespace(wall=wall, truth=truth), mean, np.abs(mean - truth), draws)
    assert values["ause"] == pytest.approx(0, abs=1e-9) and values["ause_minus_p"] == pytest.approx(-values["ause_p"])
    assert values["ause_minus_p"] < -0.05


# Hands


def test_every_family_has_a_hand_and_a_hand_stands_for_its_families(capsys):
    assert {family.hand for family in FAMILIES.values()} == set(HANDS)
    assert not {*HANDS, *GROUPS} & set(FAMILIES)  # each can be asked for by its name
    assert all(len([name for name in ROUGH if FAMILIES[name].hand == hand]) >= 3 for hand in SHARES)
    for hand in HANDS:
        chosen = chosen_families("frozen", (hand,))
        assert set(chosen) == {name for name, family in FAMILIES.items() if family.hand == hand}
    assert {group_of(name) for name in chosen_families("development", (RANDOM_FIELD, HEALTHY))} == {RANDOM_FIELD, HEALTHY} <= set(GROUPS)
    assert {group_of(name) for name in chosen_families("frozen", (FORMULA,))} == {"kinds", "scans", "walls", "channels"}
    assert main(["benchmark", "--list"]) == 0
    text = capsys.readouterr().out
    assert all(f"{hand}: {GROUPS[hand]}" in text for hand in HANDS if hand != FORMULA)
    assert f"hands: {', '.join(HANDS)}" in text


def test_a_scan_without_what_is_new_is_as_it_was():
    plain = Scan(noise=0.05)
    assert (plain.contour, plain.labels, plain.noise_kind) == (0.0, False, "gaussian")
    mean, tissue = np.full((4, 4), 0.5), np.full((4, 4), WALL)
    same = [draw(np.random.default_rng(0)) for draw in (lambda r: pictured(mean, tissue, plain, r), lambda r: with_noise(mean, plain, r))]
    assert np.array_equal(*same) and not np.array_equal(same[0], with_noise(mean, replace(plain, noise=0.1), np.random.default_rng(0)))
