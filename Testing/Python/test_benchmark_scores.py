"""The benchmark's scores on maps whose scores are known; those of draws are in test_calibration.py."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from bodies import a_block, a_stack
from scipy.stats import norm

from CardioScarLib.benchmark.scores import (
    COMPONENT_DRAWS,
    calibration_curve,
    component_scores,
    largest_component,
    map_scores,
    sd_scores,
    slice_scores,
    spread_scores,
)
from CardioScarLib.quantification.overlap import overlap_scores

SIDE = 40.0


@pytest.fixture(scope="module")
def a_cube():
    return a_block([0, 0, 0], [SIDE] * 3, [20] * 3)


def a_ball(wall, radius, center=(20.0, 20.0, 20.0)):
    """A map that crosses 0.5 on a sphere."""
    return np.clip(0.5 + 0.25 * (radius - np.linalg.norm(wall.nodes - center, axis=1)), 0, 1)


def a_case(wall, truth):
    return SimpleNamespace(wall=wall, truth=truth)


# Regions


def test_two_spheres_in_each_other_are_as_far_apart_as_their_radii_differ(a_cube):
    scores = overlap_scores(a_cube, a_ball(a_cube, 14), a_ball(a_cube, 10))
    # Voxels of 1 mm, and the library's borders are a voxel thick: half a millimeter is lost.
    assert 3.4 < scores["assd"] < 4
    assert 3.4 < scores["hd95"] < 4.3
    assert scores["dice"] == pytest.approx(2 * 10**3 / (14**3 + 10**3), abs=0.02)


def test_a_sphere_moved_by_6_mm_is_at_its_poles_6_mm_away(a_cube):
    scores = overlap_scores(a_cube, a_ball(a_cube, 11, (17, 20, 20)), a_ball(a_cube, 11, (23, 20, 20)))
    # From a pole 6 mm, from the equator 0.8 mm; 5 % of a sphere's area lie within the caps above 0.95 of its radius.
    assert 5.0 < scores["hd95"] <= 6.2
    assert 2.0 < scores["assd"] < 3.5


def test_the_same_region_is_no_distance_away_and_overlaps_wholly(a_cube):
    assert overlap_scores(a_cube, a_ball(a_cube, 10), a_ball(a_cube, 10)) == {"dice": 1.0, "assd": 0.0, "hd95": 0.0}


def test_where_no_scar_is_found_there_is_no_distance(a_cube):
    nothing = np.zeros(len(a_cube.nodes))
    assert overlap_scores(a_cube, a_ball(a_cube, 10), nothing) == {"dice": 0.0}
    assert overlap_scores(a_cube, nothing, nothing) == {}


# Maps


def test_scores_of_a_constant_map_are_those_on_paper(a_cube):
    truth = (a_cube.nodes[:, 0] < 0.25 * SIDE).astype(float)
    scores = map_scores(a_case(a_cube, truth), np.full(len(truth), 0.25))
    share = a_cube.node_measure @ truth / a_cube.node_measure.sum()
    assert scores["rmse"] == pytest.approx(np.sqrt(truth.mean() * 0.75**2 + (1 - truth.mean()) * 0.25**2))
    assert scores["mae"] == pytest.approx(truth.mean() * 0.75 + (1 - truth.mean()) * 0.25)
    assert scores["brier"] == pytest.approx(share * 0.75**2 + (1 - share) * 0.25**2)
    assert scores["nll"] == pytest.approx(-share * np.log(0.25) - (1 - share) * np.log(0.75))
    assert scores["volume_bias"] == pytest.approx(0.25 / share - 1)
    assert scores["component_error"] == 1  # none is found


def test_certainty_that_is_wrong_costs_much_but_not_everything(a_cube):
    truth = (a_cube.nodes[:, 0] < 0.5 * SIDE).astype(float)
    assert map_scores(a_case(a_cube, truth), 1 - truth)["nll"] == pytest.approx(-np.log(1e-3))


def test_the_largest_of_two_pieces_counts(a_cube):
    pieces = np.maximum(a_ball(a_cube, 6, (9, 9, 9)), a_ball(a_cube, 10, (27, 27, 27)))
    larger = largest_component(a_cube, a_ball(a_cube, 10, (27, 27, 27)))
    assert largest_component(a_cube, pieces) == larger
    assert larger == pytest.approx(4 / 3 * np.pi * 10**3, rel=0.15)
    bridged = np.maximum(pieces, (np.ptp(a_cube.nodes, axis=1) < 1).astype(float))  # along the diagonal
    assert largest_component(a_cube, bridged) > 1.1 * larger
    assert largest_component(a_cube, 0 * pieces) == 0


# Spread


@pytest.fixture(scope="module")
def a_fair_forecast(a_cube):
    """Truth and draws come from the same distribution around the mean, far from 0 and 1, and wide beside the tolerance."""
    random = np.random.default_rng(0)
    truth = 0.5 + 0.1 * (a_ball(a_cube, 12) - 0.5)
    sd = np.full(len(truth), 0.15)
    mean = truth + random.normal(scale=sd)
    return a_case(a_cube, truth), mean, sd, mean + random.normal(scale=0.15, size=(300, len(truth)))


def test_a_standard_deviation_alone_covers_as_a_normal_distribution_does(a_fair_forecast):
    case, mean, sd, draws = a_fair_forecast
    scores = sd_scores(case, mean, sd)
    assert scores["all_nodes_80"] == pytest.approx(0.82, abs=0.02)  # the tolerance adds 0.02
    assert scores["coverage_95"] == pytest.approx(spread_scores(case, mean, sd, draws)["coverage_95"], abs=0.03)
    assert sd_scores(case, mean, 0.25 * sd)["all_nodes_80"] < 0.4
    assert not any(name.startswith("volume") for name in scores)


def test_the_calibration_curve_of_a_fair_forecast_is_the_diagonal(a_fair_forecast):
    case, _, _, draws = a_fair_forecast
    assert calibration_curve(case, draws) == pytest.approx(np.arange(0.1, 1.0, 0.1), abs=0.08)


def test_slice_averages_are_held_when_draws_err_together_and_missed_when_they_do_not():
    wall = a_block([0, 0, 0], [12, 12, 60], [4, 4, 40])
    stack = a_stack(np.arange(4.0, 60.0, 8.0), 4.0, shape=(8, 8))
    random = np.random.default_rng(1)
    truth = np.full(len(wall.nodes), 0.5)
    height = wall.nodes[:, 2]

    def waves(count):  # errors that whole slices share, with a standard deviation of 0.1
        frequency, phase = 2 * np.pi / 9, random.uniform(0, 2 * np.pi, (count, 1))
        return 0.1 * np.sqrt(2) * np.cos(frequency * height + phase)

    held, missed = [], []
    for _ in range(40):
        mean = truth + waves(1)[0]
        case = a_case(wall, truth)
        held.append(slice_scores(case, stack, mean + waves(100))["slices_80"])
        alone = mean + random.normal(scale=0.1, size=(100, len(truth)))  # as large at each node, but averaging away
        missed.append(slice_scores(case, stack, alone)["slices_80"])
    assert np.mean(held) > 0.7
    assert np.mean(missed) < 0.4


def test_slices_without_scar_are_not_asked():
    wall = a_block([0, 0, 0], [12, 12, 24], [4, 4, 8])
    nothing = a_case(wall, np.zeros(len(wall.nodes)))
    assert slice_scores(nothing, a_stack([4.0, 12.0, 20.0], 4.0, shape=(8, 8)), np.zeros((10, len(wall.nodes)))) == {}


def test_the_crps_of_the_largest_component_is_its_error_where_draws_agree(a_cube):
    case = a_case(a_cube, a_ball(a_cube, 12))
    same = np.tile(a_ball(a_cube, 10), (COMPONENT_DRAWS, 1))
    true, found = largest_component(a_cube, case.truth), largest_component(a_cube, same[0])
    scores = component_scores(case, same)
    assert scores == {"component_95": 0.0, "component_crps": pytest.approx((true - found) / true)}
    spread = np.array([a_ball(a_cube, 12 + 2 * quantile) for quantile in norm.ppf((np.arange(20) + 0.5) / 20)])
    assert component_scores(case, spread)["component_95"] == 1
    assert component_scores(case, spread)["component_crps"] < scores["component_crps"]
