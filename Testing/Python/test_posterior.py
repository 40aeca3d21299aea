"""Spread and joint samples."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import a_block, a_stack, reconstructed, rms, the_map, the_phantom

from CardioScarLib.core.errors import NoSpread
from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.settings import ModelSettings
from CardioScarLib.geometry.operator import slice_operator
from CardioScarLib.reconstruction.door import fit

COARSE = 2.6


@pytest.fixture(scope="module", params=["preview", "standard"])
def a_result(request):
    return the_map("X", request.param, COARSE)


@pytest.fixture(scope="module")
def nodes():
    return the_phantom("X", pixel=COARSE).wall.nodes


def test_samples_are_distinct_fields_between_0_and_1(a_result, nodes):
    samples = a_result.posterior.samples(20, nodes)
    assert samples.shape == (20, len(nodes))
    assert samples.min() >= 0 and samples.max() <= 1
    differences = [np.abs(one - two).max() for number, one in enumerate(samples) for two in samples[:number]]
    assert min(differences) > 0.05


def test_a_draw_is_the_same_field_whatever_points_are_asked(a_result, nodes):
    posterior = a_result.posterior
    whole = posterior.samples(5, nodes)
    backwards = posterior.samples(5, nodes[::-1])[:, ::-1]
    pieces = np.hstack([posterior.samples(5, piece) for piece in np.array_split(nodes, 7)])
    # A matrix product of another shape rounds in another order.
    assert pieces == pytest.approx(whole, abs=2e-4)
    assert backwards == pytest.approx(whole, abs=2e-4)
    assert posterior.samples(5, nodes[10:11])[:, 0] == pytest.approx(whole[:, 10], abs=2e-4)


def test_draw_i_is_the_same_however_many_are_asked(a_result, nodes):
    few, many = a_result.posterior.samples(3, nodes[:500]), a_result.posterior.samples(30, nodes[:500])
    assert np.array_equal(few, many[:3])


def test_points_beyond_one_chunk_are_answered_too(nodes):
    posterior = the_map("X", "preview", COARSE).posterior
    many = np.tile(nodes, (5, 1))
    assert len(many) > 16_384
    assert posterior.mean(many) == pytest.approx(np.tile(posterior.mean(nodes), 5), abs=1e-5)
    assert posterior.sd(many[-50:]) == pytest.approx(posterior.sd(many)[-50:], abs=1e-4)
    assert posterior.samples(2, many)[:, -50:] == pytest.approx(posterior.samples(2, nodes)[:, -50:], abs=2e-4)


def test_what_is_described_at_once_is_what_is_told_one_by_one(a_result, nodes):
    posterior, few = a_result.posterior, nodes[:: max(1, len(nodes) // 700)]
    mean, sd, samples = posterior.described(6)(few)
    assert np.array_equal(mean, posterior.mean(few)) and np.array_equal(sd, posterior.sd(few))
    assert np.array_equal(samples, posterior.samples(6, few))


def test_no_points_give_no_values(a_result):
    nowhere = np.empty((0, 3))
    assert a_result.posterior.mean(nowhere).shape == (0,)
    assert a_result.posterior.sd(nowhere).shape == (0,)
    assert a_result.posterior.samples(4, nowhere).shape == (4, 0)


def test_the_standard_deviation_is_that_of_many_samples(a_result, nodes):
    some = nodes[::8]
    sd, of_samples = a_result.posterior.sd(some), a_result.posterior.samples(600, some).std(axis=0)
    assert np.corrcoef(sd, of_samples)[0, 1] > 0.97
    # 64 draws with heavy tails know a standard deviation to about 15 %.
    assert sd.mean() == pytest.approx(of_samples.mean(), rel=0.25)


def test_the_mean_of_the_samples_stays_near_the_mean(a_result, nodes):
    some = nodes[::8]
    bias = a_result.posterior.samples(300, some).mean(axis=0) - a_result.posterior.mean(some)
    # Draws displace borders to both sides: they blur the mean, but do not move it as a whole.
    assert abs(bias.mean()) < 0.02
    assert np.abs(bias).max() < 0.25


def test_a_draw_deviates_in_neighboring_places_alike(a_result, nodes):
    posterior = a_result.posterior
    uncertain = nodes[np.argsort(a_result.arrays["scar_uncertainty"])[-600:]]
    near, far = uncertain + [0.0, 0.0, 1.0], np.random.default_rng(0).permutation(uncertain)

    def deviation(points):
        return (posterior.samples(40, points) - posterior.mean(points)).ravel()

    # The noise of a draw is 2.5 mm long: exp(-1 / (2 * 2.5^2)) = 0.92 at 1 mm.
    assert np.corrcoef(deviation(uncertain), deviation(near))[0, 1] > 0.8
    assert abs(np.corrcoef(deviation(uncertain), deviation(far))[0, 1]) < 0.3


def test_borders_are_less_certain_than_remote_tissue(a_result, nodes):
    case = the_phantom("X", pixel=COARSE)
    sd = a_result.arrays["scar_uncertainty"]
    border, remote = (case.truth > 0.2) & (case.truth < 0.8), case.truth < 1e-4
    assert sd[border].mean() > 3 * sd[remote].mean()
    assert np.all(sd >= 0) and sd.max() <= 0.5 + 1e-6  # no variable between 0 and 1 has more


@pytest.mark.slow
def test_a_stack_with_large_gaps_knows_less_between_its_slices():
    case = the_phantom("I2", pixel=COARSE)
    every_other = case.stack.select(range(0, len(case.stack), 2))
    dense, gapped = (
        each.arrays["scar_uncertainty"] for each in (the_map("I2", pixel=COARSE), reconstructed(case, "standard", every_other))
    )
    border = (case.truth > 0.05) & (case.truth < 0.95)
    assert gapped[border].mean() > 1.2 * dense[border].mean()


@pytest.mark.slow
def test_another_seed_draws_other_samples_around_nearly_the_same_mean(nodes):
    """A preview has one network, whose seed moves the mean as far as its draws reach; the members of a standard fit agree."""
    some = nodes[:800]
    one = the_map("X", "standard", COARSE).posterior
    two = reconstructed(the_phantom("X", pixel=COARSE), "standard", seed=1).posterior
    spread = rms(one.sd(some))
    assert rms(one.samples(4, some) - two.samples(4, some)) > spread
    assert 0 < rms(one.mean(some) - two.mean(some)) < 0.5 * spread
    assert abs((one.mean(some) - two.mean(some)).mean()) < 0.005


def test_a_rescaled_posterior_has_the_same_mean_and_wider_draws_of_the_same_shapes(a_result, nodes):
    some = nodes[::8]
    posterior = a_result.posterior
    wider = posterior.rescaled(1.5)
    assert np.array_equal(wider.mean(some), posterior.mean(some))
    # 1.5 in logits: more of a probability near 0, less where 0 and 1 end the deviations.
    assert 1.2 < wider.sd(some).mean() / posterior.sd(some).mean() < 1.9
    one, two = posterior.samples(5, some), wider.samples(5, some)
    assert np.corrcoef((two - wider.mean(some)).ravel(), (one - posterior.mean(some)).ravel())[0, 1] > 0.95
    assert wider.rescaled(1 / 1.5).sd(some) == pytest.approx(posterior.sd(some), abs=1e-6)
    assert np.allclose(posterior.rescaled(1e-6).samples(2, some), posterior.mean(some), atol=1e-3)


@pytest.mark.parametrize("model", ["nearest", "linear", "logodds"])
def test_a_baseline_says_that_it_has_no_spread(model):
    wall = a_block([0, 0, -6], [12, 12, 6], [4, 4, 4])
    stack = a_stack([-4.0, 0.0, 4.0], 4.0, shape=(6, 6))
    operator = slice_operator(wall, stack)
    posterior = fit(operator, Evidence(np.zeros(len(operator.pixels)), np.ones(len(operator.pixels))), wall, ModelSettings(model=model))
    assert not posterior.has_spread
    with pytest.raises(NoSpread, match=f"'{model}' gives no uncertainty; use the model 'field'"):
        posterior.sd(wall.nodes)
    with pytest.raises(NoSpread, match="no samples"):
        posterior.samples(3, wall.nodes)
