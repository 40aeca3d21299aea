"""How far a field may be off, and where."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import the_map, the_phantom

from CardioScarLib.core.evidence import Evidence
from CardioScarLib.geometry.operator import slice_operator
from CardioScarLib.reconstruction.field.preview import PreviewPlan, fit_preview
from CardioScarLib.reconstruction.field.slice_shifts import SlicePlanes
from CardioScarLib.reconstruction.field.spread import Spread, find_spread

COARSE = 2.6
NO_PLANES = SlicePlanes(np.empty((0, 3)), np.empty(0), np.empty((0, 3, 2)), np.empty(0))


def a_spread(anchors, disagreement, sharpness=1.0, planes=NO_PLANES, noise=0.0, factor=1.0) -> Spread:
    return Spread(anchors, disagreement, sharpness, 0.0, planes, noise, factor)


@pytest.fixture(scope="module")
def an_operator():
    case = the_phantom("W", pixel=COARSE)
    return slice_operator(case.wall, case.stack)


@pytest.fixture(scope="module")
def a_network(an_operator):
    values = an_operator.pixels.values(the_phantom("W", pixel=COARSE).stack)
    return fit_preview(an_operator, Evidence(values, np.ones(len(values))), PreviewPlan(frequencies=60, steps=5), 0, 0.01)


def spread_of(networks, operator, values):
    return find_spread(networks, np.full(len(networks), 1 / len(networks)), operator, Evidence(values, np.ones(len(values))), 0.01)


def averages(network, operator, moved=(0.0, 0.0, 0.0)):
    return (operator.matrix @ network.function.field(network.weights, operator.points + moved)).astype(float)


def test_anchors_are_spread_over_the_whole_wall_seen_or_not(an_operator):
    case = the_phantom("W", pixel=COARSE)
    few = slice_operator(case.wall, case.stack.select([4]), frame=an_operator.frame)
    assert few.anchors == pytest.approx(an_operator.anchors, abs=1e-6)
    nodes = an_operator.frame.to_frame(case.wall.nodes)
    distance = np.linalg.norm(nodes[::20, None] - an_operator.anchors[None], axis=2).min(axis=1)
    assert distance.max() < 6


def test_networks_that_agree_disagree_nowhere(a_network, an_operator):
    spread = spread_of([a_network, a_network], an_operator, averages(a_network, an_operator))
    assert spread.disagreement == pytest.approx(0, abs=1e-6)
    assert spread.shift == pytest.approx(0, abs=1e-4)


def test_a_shift_of_the_slices_is_seen(a_network, an_operator):
    moved = averages(a_network, an_operator, (1.0, 0.0, 0.0))
    # 1 mm in one of two directions is 0.71 mm per direction; slices with little border give less than they have.
    assert 0.4 < spread_of([a_network], an_operator, moved).shift < 0.8


def test_noise_is_not_taken_for_a_shift(a_network, an_operator):
    still = averages(a_network, an_operator)
    noisy = still + np.random.default_rng(0).normal(scale=0.04, size=len(still))
    assert spread_of([a_network], an_operator, noisy).shift < 0.15


def test_the_scale_is_larger_where_networks_disagree_and_where_borders_are_sharp():
    anchors = np.array([[0.0, 0, 0], [5.0, 0, 0], [60.0, 0, 0], [65.0, 0, 0]])
    spread = a_spread(anchors, np.array([0.01, 0.01, 0.1, 0.1]))
    near, far, beyond = spread.logit_scale(np.array([[2.5, 0, 0], [62.5, 0, 0], [500.0, 0, 0]]))
    assert far > 4 * near
    assert beyond == pytest.approx(far, rel=0.01)  # the nearest that is known
    sharper = a_spread(anchors, spread.disagreement, sharpness=4.0)
    assert sharper.logit_scale(np.array([[2.5, 0, 0]]))[0] == pytest.approx(4 * near)  # the same millimeters are more of a logit


def test_the_scale_changes_smoothly():
    anchors = np.array([[x, y, 0.0] for x in range(0, 60, 5) for y in range(0, 15, 5)])
    spread = a_spread(anchors, np.where(anchors[:, 0] < 30, 0.01, 0.1))
    line = spread.logit_scale(np.column_stack([np.arange(0, 55, 0.25), np.full(220, 7.0), np.zeros(220)]))
    # A step from one anchor to the next, which the smoothing of disagreement does not leave as steep as this.
    assert np.abs(np.diff(line)).max() < 0.1 * np.ptp(line)


def test_a_single_network_has_a_spread_too(a_network, an_operator):
    spread = spread_of([a_network], an_operator, averages(a_network, an_operator))
    scale = spread.logit_scale(an_operator.points[:10])
    assert np.all(scale == scale[0]) and scale[0] > 0.1


def test_a_factor_is_on_all_of_it():
    planes = SlicePlanes(np.array([[0.0, 0, 1]]), np.zeros(1), np.eye(3)[None, :, :2], np.ones(1))
    once, twice = (a_spread(np.zeros((1, 3)), np.full(1, 0.05), 1.0, planes, 0.04, factor) for factor in (1.0, 2.0))
    here, slope = np.array([[1.0, 2, 3]]), np.array([[0.5, 0.2, 0.1]])
    assert twice.logit_scale(here) == pytest.approx(2 * once.logit_scale(here))
    assert twice.moves(here, slope) == pytest.approx(2 * once.moves(here, slope))
    assert twice.displacement == pytest.approx(2 * once.displacement)
    assert twice.offset == pytest.approx(2 * once.offset) and once.offset > 0


def test_places_near_a_displaced_slice_are_less_certain_than_others():
    planes = SlicePlanes(np.tile([0.0, 0, 1], (2, 1)), np.array([0.0, 40.0]), np.tile(np.eye(3)[:, :2], (2, 1, 1)), np.array([0.0, 3.0]))
    spread = a_spread(np.zeros((1, 3)), np.full(1, 0.02), planes=planes)
    straight, displaced = spread.logit_scale(np.array([[0.0, 0, 1], [0.0, 0, 39]]))
    assert displaced > 3 * straight
    assert straight == pytest.approx(a_spread(np.zeros((1, 3)), np.full(1, 0.02)).logit_scale(np.zeros((1, 3)))[0], rel=1e-3)


def test_shifted_slices_make_borders_move_and_straight_ones_do_not():
    shifted, straight = (the_map(kind, pixel=COARSE).posterior.spread.displacement for kind in ("X", "I2"))
    assert shifted > 1.0
    assert straight < 0.5
