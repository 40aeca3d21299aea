"""Scores of an uncertainty, on numbers whose scores are known, and what they say about ours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bodies import the_map, the_phantom
from scipy.stats import norm

from CardioScarLib.benchmark.scores import TOLERANCE, band_nodes, crps, sparsification, spread_scores

COARSE = 2.6


@pytest.fixture(scope="module")
def a_case():
    return the_phantom("I2", pixel=COARSE)


def draws_around(case, sd, bias=0.0, count=400):
    """Draws whose truth is one of them: right by construction, where bias is 0."""
    random = np.random.default_rng(0)
    mean = case.truth + random.normal(scale=sd, size=len(case.truth)) + bias
    return mean, mean + random.normal(scale=sd, size=(count, len(mean)))


def test_draws_that_are_right_cover_as_often_as_they_say(a_case):
    # A truth far from 0 and 1, so that nothing leaves their range, and crosses 0.5 everywhere.
    case = replace(a_case, truth=np.random.default_rng(1).uniform(0.3, 0.7, len(a_case.truth)))
    mean, draws = draws_around(case, 0.08)
    scores = spread_scores(case, mean, draws.std(axis=0), draws)
    for level in (50, 80, 95):
        with_tolerance = 2 * norm.cdf(norm.ppf(0.5 + level / 200) + TOLERANCE / 0.08) - 1
        assert scores[f"coverage_{level}"] == pytest.approx(with_tolerance, abs=0.02)
    assert scores["exact_95"] == pytest.approx(0.95, abs=0.01)


def test_draws_that_are_too_sure_of_themselves_are_found_out(a_case):
    mean, draws = draws_around(a_case, 0.5)
    narrow = mean + 0.3 * (draws - mean)
    wide, sure = (spread_scores(a_case, mean, each.std(axis=0), each) for each in (draws, narrow))
    assert sure["coverage_95"] < 0.6
    assert sure["interval_score"] > 1.5 * wide["interval_score"]


def test_the_band_lies_around_the_border_of_the_scar(a_case):
    band = band_nodes(a_case)
    assert 0.02 < band.mean() < 0.6
    assert band[(a_case.truth > 0.4) & (a_case.truth < 0.6)].all()
    assert not band[a_case.truth < 1e-12].any()


def test_knowing_every_error_leaves_no_area_and_knowing_none_leaves_much():
    random = np.random.default_rng(0)
    error = np.abs(random.normal(size=20_000))
    volume = np.ones(len(error))
    assert sparsification(error, error, volume) == 0
    blind, backwards = sparsification(random.random(len(error)), error, volume), sparsification(-error, error, volume)
    # A blind order keeps the RMSE at 1; of a normal error the best half has an RMSE of about 0.38.
    assert 0.5 < blind < 0.7
    assert backwards > blind


def test_the_crps_of_a_normal_distribution():
    draws = norm.ppf((np.arange(2000) + 0.5) / 2000)
    for truth in (0.0, 1.3):  # Gneiting & Raftery 2007, eq. 21
        exact = truth * (2 * norm.cdf(truth) - 1) + 2 * norm.pdf(truth) - 1 / np.sqrt(np.pi)
        assert crps(draws, truth) == pytest.approx(exact, abs=0.002)


def test_a_biased_volume_has_a_large_z(a_case):
    right, wrong = (spread_scores(a_case, *_with_sd(draws_around(a_case, 0.2, bias))) for bias in (0.0, 0.1))
    assert abs(right["volume_z"]) < 4
    assert wrong["volume_z"] < -10
    assert wrong["volume_95"] == 0
    assert wrong["volume_crps"] > 3 * right["volume_crps"]


def _with_sd(mean_and_draws):
    mean, draws = mean_and_draws
    return mean, draws.std(axis=0), draws


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "least"), [("I2", 0.85), ("X", 0.75)])
def test_our_intervals_hold_the_truth_near_borders(kind, least):
    """Coarse pixels on small meshes; the levels on the real thing are in docs/measurements/uncertainty.md."""
    case, posterior = the_phantom(kind, pixel=COARSE), the_map(kind, pixel=COARSE).posterior
    nodes = case.wall.nodes
    scores = spread_scores(case, posterior.mean(nodes), posterior.sd(nodes), posterior.samples(100, nodes))
    assert least < scores["coverage_95"] < 0.995
    assert scores["coverage_50"] < scores["coverage_80"] < scores["coverage_95"]
    assert scores["interval_score"] < 1.1 * scores["interval_score_p"]
    assert scores["ause_band"] < scores["ause_band_p"] + 0.01
