"""The functions of the process, and its fit to slice averages, against formulas and finite differences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist
from scipy.special import expit

from CardioScarLib.reconstruction.interpolation.kriging import matern
from CardioScarLib.reconstruction.process.choose import TYPICAL
from CardioScarLib.reconstruction.process.features import LEVEL_SD, Features, spread_out
from CardioScarLib.reconstruction.process.laplace import Laplace, Observed, curvature, expected, expected_slope, fit_laplace

RANDOM = np.random.default_rng(2)
PLACES = RANDOM.uniform(-25, 25, (90, 4)) * [1, 1, 1, 0.2]


# Features


def test_the_correlation_is_a_matern_of_order_three_halves():
    # Rasmussen & Williams 2006, eq. 4.17: (1 + sqrt(3) r) exp(-sqrt(3) r).
    assert matern(np.array([0.0, 0.5, 1.0, 3.0]), 1.0) == pytest.approx([1.0, 0.784888, 0.483358, 0.034315], abs=1e-5)


@pytest.mark.parametrize("count", [15, 60])
def test_functions_and_rest_have_the_variance_of_the_process(count):
    features = Features.made(PLACES, TYPICAL, count)
    functions, rest = features.with_rest(RANDOM.uniform(-20, 20, (40, 4)) * [1, 1, 1, 0.2])
    offsets = functions[:, -len(features.heights) :]
    variance = np.sum(functions**2, axis=1) - np.sum(offsets**2, axis=1) + rest
    assert variance == pytest.approx(TYPICAL.amplitude + LEVEL_SD**2, rel=1e-5)
    assert np.all(rest >= 0) and rest.mean() > 0.1
    # The offset lives on knots 4 mm apart; between them a little of it is missed.
    assert np.all(np.sum(offsets**2, axis=1) <= TYPICAL.offset + 1e-9)
    assert np.sum(offsets**2, axis=1).min() > 0.75 * TYPICAL.offset


def test_more_centers_miss_less():
    few, many = (Features.made(PLACES, TYPICAL, count).with_rest(PLACES)[1].mean() for count in (10, 50))
    assert many < 0.5 * few


def test_with_all_places_as_centers_the_covariance_is_that_of_the_process():
    rough = replace(TYPICAL, offset=0.0)
    functions = Features.made(PLACES, rough, len(PLACES)).of(PLACES)
    wanted = rough.amplitude * matern(cdist(PLACES * rough.scale, PLACES * rough.scale), 1.0) + LEVEL_SD**2
    assert functions @ functions.T == pytest.approx(wanted, abs=1e-3)


def test_centers_are_spread_out():
    points = np.vstack([RANDOM.normal(scale=0.1, size=(200, 3)), 10 * np.eye(3), -10 * np.eye(3)])
    chosen = spread_out(points, 6)
    assert {tuple(one) for one in chosen} == {tuple(one) for one in points[200:]}
    assert np.array_equal(spread_out(points[:4], 6), points[:4])


# Fit


def a_problem(averaged: bool) -> Observed:
    features = RANDOM.normal(size=(60, 7))
    if not averaged:
        return Observed(features, RANDOM.uniform(size=60), RANDOM.uniform(0.2, 3, 60))
    shares = RANDOM.uniform(size=60)
    rows = np.repeat(np.arange(20), 3)
    matrix = sparse.csr_array((shares / np.bincount(rows, shares)[rows], (rows, np.arange(60))), shape=(20, 60))
    return Observed(features, RANDOM.uniform(size=20), RANDOM.uniform(0.2, 3, 20), matrix)


BOTH = pytest.mark.parametrize("observed", [a_problem(False), a_problem(True)], ids=["points", "averages"])


def gradient(observed, weights):
    slopes, _, residual = observed.slopes(weights)
    return weights - slopes.T @ (observed.counts * residual)


def differences(function, weights, step=1e-5):
    return np.array([(function(weights + step * one) - function(weights - step * one)) / (2 * step) for one in np.eye(len(weights))])


@BOTH
def test_the_gradient_matches_finite_differences(observed):
    weights = RANDOM.normal(scale=0.4, size=7)
    assert gradient(observed, weights) == pytest.approx(differences(observed.loss, weights), abs=1e-6)


@BOTH
def test_the_curvature_is_fishers(observed):
    """That of the loss where the values are what the weights expect; elsewhere it is its mean over possible values."""
    weights = RANDOM.normal(scale=0.4, size=7)
    fitting = replace(observed, values=observed.look(weights)[0])
    slopes, variance, _ = fitting.slopes(weights)
    factor = curvature(slopes, fitting.counts * variance)
    assert factor @ factor.T == pytest.approx(differences(lambda one: gradient(fitting, one), weights), abs=1e-5)
    assert np.array_equal(factor, np.tril(factor))


@BOTH
def test_the_fit_ends_at_the_bottom(observed):
    fitted = fit_laplace(observed)
    assert np.abs(gradient(observed, fitted.weights)).max() < 0.02
    lowest = observed.loss(fitted.weights)
    around = [observed.loss(fitted.weights + RANDOM.normal(scale=0.3, size=7)) for _ in range(30)]
    assert min(around) > lowest
    again = fit_laplace(observed, np.full(7, 1.5))
    assert again.weights == pytest.approx(fitted.weights, abs=0.01)


def test_without_data_the_prior_is_left():
    nothing = fit_laplace(Observed(np.ones((3, 2)), np.array([0.0, 1.0, 0.5]), np.zeros(3)))
    assert nothing.weights == pytest.approx(0, abs=1e-12)
    assert nothing.variance(np.eye(2)) == pytest.approx(1)


def test_values_at_the_ends_give_finite_weights():
    fitted = fit_laplace(Observed(5 * np.ones((4, 2)), np.ones(4), np.full(4, 1e4), sparse.csr_array(np.eye(4))))
    assert np.all(np.isfinite(fitted.weights)) and expit(5 * fitted.weights.sum()) > 0.999


def test_drawn_weights_have_the_stated_covariance():
    root = RANDOM.normal(size=(4, 4))
    inverse = root @ root.T + np.eye(4)
    fitted = Laplace(np.array([1.0, -2.0, 0.0, 3.0]), np.linalg.cholesky(inverse))
    drawn = fitted.drawn(np.random.default_rng(0).normal(size=(4, 40_000)))
    covariance = np.linalg.inv(inverse)
    assert drawn.mean(axis=1) == pytest.approx(fitted.weights, abs=0.02)
    assert np.cov(drawn) == pytest.approx(covariance, abs=0.02)
    features = RANDOM.normal(size=(5, 4))
    assert fitted.variance(features) == pytest.approx(np.einsum("ni,ij,nj->n", features, covariance, features))


@pytest.mark.parametrize(("logit", "variance"), [(0.0, 4.0), (1.0, 0.0), (-2.0, 1.0), (3.0, 9.0)])
def test_the_expected_probability_is_the_mean_over_the_logit(logit, variance):
    values = expit(logit + np.sqrt(variance) * np.random.default_rng(0).normal(size=200_000))
    assert expected(np.array([logit]), np.array([variance]))[0] == pytest.approx(values.mean(), abs=0.02)


@pytest.mark.parametrize("variance", [0.0, 1.0, 15.0])
def test_the_slope_of_the_expected_probability_matches_finite_differences(variance):
    logit, step = np.linspace(-6, 6, 13), 1e-4
    found = expected_slope(expected(logit, variance), variance)
    assert found == pytest.approx((expected(logit + step, variance) - expected(logit - step, variance)) / (2 * step), abs=1e-7)
