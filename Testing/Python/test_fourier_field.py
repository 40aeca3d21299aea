"""The function's hand-written gradients against finite differences."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import the_phantom

from CardioScarLib.core.evidence import Evidence
from CardioScarLib.geometry.operator import slice_operator
from CardioScarLib.reconstruction.arrays import sigmoid
from CardioScarLib.reconstruction.field.fourier import FourierField
from CardioScarLib.reconstruction.field.objective import ShiftTolerance, SliceObjective

STEP = 2e-3
"""Of a weight. Losses are sums in single precision: a smaller step drowns in rounding, a larger one sees curvature."""


@pytest.fixture(scope="module")
def an_operator():
    case = the_phantom("W", pixel=2.6)
    operator = slice_operator(case.wall, case.stack)
    return operator.rows(np.arange(len(operator.pixels)) % 3 == 0)


@pytest.fixture(scope="module")
def some_evidence(an_operator):
    random = np.random.default_rng(5)
    case = the_phantom("W", pixel=2.6)
    return Evidence(an_operator.pixels.values(case.stack), random.uniform(0, 1, len(an_operator.pixels)))


@pytest.fixture(scope="module")
def a_network():
    return FourierField.drawn(12, 13.0, (10, 8), seed=3)


@pytest.fixture(scope="module")
def some_weights(a_network):
    """Away from the start, where the last layer is small and little moves."""
    weights = a_network.initial(3, -0.5)
    return weights + np.random.default_rng(7).normal(scale=0.3, size=len(weights))


def losses(function, operator, evidence, weights):
    plain = SliceObjective(function, operator, evidence, evidence.weights, decay=1e-3, noise=0.03)
    tolerant = SliceObjective(function, operator, evidence, evidence.weights, decay=1e-3, noise=0.03)
    tolerant.tolerate(weights, ShiftTolerance())
    return {"cross-entropy": plain.cross_entropy, "squared error": plain.squared_error, "tolerant squared error": tolerant.squared_error}


@pytest.mark.parametrize("name", ["cross-entropy", "squared error", "tolerant squared error"])
def test_the_gradient_of_a_loss_matches_finite_differences(name, a_network, an_operator, some_evidence, some_weights):
    loss = losses(a_network, an_operator, some_evidence, some_weights)[name]
    gradient = loss(some_weights)[1]
    # Layer by layer, along the layer's own gradient: any wrong entry makes the slope differ from its length.
    start = 0
    for shape in a_network.shapes:
        direction = np.zeros_like(gradient)
        layer = slice(start, start + int(np.prod(shape)))
        direction[layer] = gradient[layer] / np.linalg.norm(gradient[layer])
        slope = (loss(some_weights + STEP * direction)[0] - loss(some_weights - STEP * direction)[0]) / (2 * STEP)
        assert slope == pytest.approx(np.linalg.norm(gradient[layer]), rel=0.02), shape
        start = layer.stop
    assert start == len(gradient)


@pytest.mark.parametrize("name", ["cross-entropy", "squared error", "tolerant squared error"])
def test_and_in_directions_that_nobody_chose(name, a_network, an_operator, some_evidence, some_weights):
    loss = losses(a_network, an_operator, some_evidence, some_weights)[name]
    gradient = loss(some_weights)[1]
    for seed in range(5):
        direction = np.random.default_rng(seed).normal(size=len(gradient))
        direction /= np.linalg.norm(direction)
        slope = (loss(some_weights + STEP * direction)[0] - loss(some_weights - STEP * direction)[0]) / (2 * STEP)
        assert slope == pytest.approx(gradient @ direction, abs=0.01 * np.linalg.norm(gradient))


def test_the_gradient_in_space_matches_finite_differences(a_network, some_weights):
    points = np.random.default_rng(0).uniform(-40, 40, (200, 3))
    logit, gradient = a_network.spatial_gradient(some_weights, a_network.features(points))
    assert logit == pytest.approx(a_network.logit(some_weights, a_network.features(points)))
    step = 0.05  # mm, against a length scale of 13
    for axis in range(3):
        ahead, behind = (a_network.logit(some_weights, a_network.features(points + sign * step * np.eye(3)[axis])) for sign in (1, -1))
        # Logits of about 1 in single precision, 1e-7, over 0.1 mm; curvature of second order.
        assert gradient[:, axis] == pytest.approx((ahead - behind) / (2 * step), abs=2e-4)
    assert np.abs(gradient).max() > 0.1


def test_the_gradient_in_space_of_a_network_without_hidden_layers(a_network):
    function = FourierField.drawn(20, 10.0, (), seed=1)
    weights = np.random.default_rng(1).normal(size=41)
    points = np.random.default_rng(0).uniform(-40, 40, (50, 3))
    gradient = function.spatial_gradient(weights, function.features(points))[1]
    ahead, behind = (function.logit(weights, function.features(points + [0, sign * 0.05, 0])) for sign in (1, -1))
    assert gradient[:, 1] == pytest.approx((ahead - behind) / 0.1, abs=5e-4)


def test_features_are_a_gaussian_kernel_of_the_given_length():
    function = FourierField.drawn(20_000, 13.0, (), seed=0)
    points = np.array([[0, 0, 0], [5, 0, 0], [0, 13, 0], [0, 0, 26]], dtype=float)
    kernel = function.features(points) @ function.features(points)[0] / 40_000
    # Rahimi & Recht 2007; the mean of 20 000 cosines has an error of about 0.005.
    assert kernel == pytest.approx(np.exp(-0.5 * (np.linalg.norm(points, axis=1) / 13) ** 2), abs=0.02)


def test_a_network_starts_at_the_mean_of_its_data(a_network):
    points = np.random.default_rng(0).uniform(-40, 40, (2000, 3))
    start = a_network.logit(a_network.initial(3, -1.5), a_network.features(points))
    assert start.mean() == pytest.approx(-1.5, abs=0.1)
    assert start.std() < 0.3


def test_the_sigmoid_does_not_overflow():
    values = np.array([-1e4, -60, -1, 0, 1, 60, 1e4], dtype=np.float32)
    with np.errstate(over="raise", invalid="raise"):
        result = sigmoid(values)
    assert result.dtype == np.float32
    assert result == pytest.approx([0, 0, 1 / (1 + np.e), 0.5, np.e / (1 + np.e), 1, 1], abs=1e-6)


def test_pixels_without_weight_pull_at_nothing(a_network, an_operator, some_evidence, some_weights):
    weights = np.where(np.arange(len(some_evidence.values)) % 4 == 0, 0.0, some_evidence.weights)
    other = Evidence(np.where(weights == 0, 1 - some_evidence.values, some_evidence.values), weights)
    for name in ("cross_entropy", "squared_error"):
        objectives = (SliceObjective(a_network, an_operator, each, weights, 1e-6, 0.03) for each in (some_evidence, other))
        one, two = (getattr(each, name)(some_weights) for each in objectives)
        assert one[0] == two[0]
        assert np.array_equal(one[1], two[1])


# Tolerance of slice shifts


def test_what_a_shift_of_the_slice_explains_costs_little_and_the_rest_its_full_price(a_network, an_operator, some_weights):
    field = a_network.field(some_weights, an_operator.points)
    average = (an_operator.matrix @ field).astype(float)
    logit, slope = a_network.spatial_gradient(some_weights, a_network.features(an_operator.points))
    slopes = an_operator.matrix @ (slope * (field * (1 - field))[:, None])
    direction = an_operator.frame.axes @ an_operator.stack.slices[0].row_step
    shifted = average + 1.0 * slopes @ (direction / np.linalg.norm(direction))  # by 1 mm
    rough = average + 0.05 * np.random.default_rng(0).choice([-1, 1], len(average))
    weights = np.ones(len(average))

    def cost(values, tolerate):
        objective = SliceObjective(a_network, an_operator, Evidence(values, weights), weights, decay=0.0, noise=0.03)
        if tolerate:
            objective.tolerate(some_weights, ShiftTolerance(spread=1.0, noise=0.04))
        return objective.squared_error(some_weights)[0]

    assert cost(shifted, tolerate=True) < 0.2 * cost(shifted, tolerate=False)
    assert cost(rough, tolerate=True) == pytest.approx(cost(rough, tolerate=False), rel=0.1)
    assert cost(rough, tolerate=True) < cost(rough, tolerate=False)
