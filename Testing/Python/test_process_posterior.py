"""What the process says of scar, and which model the field chooses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import qmc
from tubes import HEIGHTS, MIDDLE, SPACING, a_smooth_fraction, a_stripe, a_tube_stack, a_wedge, at, healthy, patches, seen, the_tube

from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.packing import pack, unpack
from CardioScarLib.core.posterior import Posterior
from CardioScarLib.core.settings import ModelSettings
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.geometry.operator import slice_operator
from CardioScarLib.reconstruction.door import fit
from CardioScarLib.reconstruction.field.posterior import FieldPosterior
from CardioScarLib.reconstruction.interpolation.slices import fit_baseline
from CardioScarLib.reconstruction.posteriors import POSTERIORS
from CardioScarLib.reconstruction.process.beside import Beside, share_beside
from CardioScarLib.reconstruction.process.blocks import joined
from CardioScarLib.reconstruction.process.chart import wall_chart
from CardioScarLib.reconstruction.process.choose import TYPICAL, Choice
from CardioScarLib.reconstruction.process.even import even_points
from CardioScarLib.reconstruction.process.fit import fit_process
from CardioScarLib.reconstruction.process.posterior import LEAST, ProcessPosterior

SHIFTS = np.random.default_rng(0).normal(scale=1.5, size=(len(HEIGHTS), 2))
TURN = np.array([[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, -1.0, 28.0], [0.0, 1.0, 0.0, 28.0], [0.0, 0.0, 0.0, 1.0]])
"""Of a slice across z into one along it."""
POINTS = at(np.linspace(0, 6.2, 45)[:, None], np.linspace(5, 51, 9)[None], MIDDLE)
"""On slices and between them, in scar and beside it."""


def fitted(scar, **model) -> Posterior:
    noise = model.pop("noise", 0.0)
    operator, evidence = seen(a_tube_stack(scar, noise=noise, shifts=SHIFTS if noise else None))
    return fit(operator, evidence, the_tube(), ModelSettings(**model))


@pytest.fixture(scope="module")
def a_posterior():
    """Of a usual roughness: choosing one takes seconds."""
    operator, evidence = seen(a_tube_stack(patches))
    chart = wall_chart(the_tube(), operator.frame)
    return fit_process(
        joined(operator, evidence), operator, evidence, chart, Choice(TYPICAL, 1.3, 0.6), ModelSettings(), centers=120, noise=0.002
    )


# Which model


@pytest.mark.slow
def test_labels_go_to_the_process():
    rough = fitted(patches)
    assert isinstance(rough, ProcessPosterior)
    assert rough.summary["prior"] == "wall"
    assert rough.summary["scatter"] > 0.4


@pytest.mark.slow
def test_a_smooth_fraction_goes_to_smooth_members():
    smooth = fitted(a_smooth_fraction)
    assert isinstance(smooth, FieldPosterior)
    assert smooth.summary["scatter"] < 0.01


@pytest.mark.slow
@pytest.mark.parametrize(("preset", "most"), [("preview", 0.02), ("standard", 0.01)])  # what noise lifts pixels by is 0.02
def test_a_healthy_heart_has_no_scar(preset, most):
    found = fitted(healthy, preset=preset, noise=0.05)
    assert found.mean(the_tube().nodes).mean() < most
    assert found.samples(40, POINTS).mean() < 0.02


def test_a_healthy_label_map_has_no_scar():
    """No noise, no scar: nothing but the prior could make some."""
    found = fitted(healthy, preset="preview")
    assert found.mean(the_tube().nodes).mean() < 0.01


@pytest.mark.slow
@pytest.mark.parametrize("scar", [a_stripe, a_wedge, patches])
@pytest.mark.parametrize("preset", ["preview", "standard"])
def test_left_out_slices_are_predicted_better_than_by_linear_interpolation(scar, preset):
    """With noise and shifts; without them, linear interpolation of what is the same in all slices has no error."""
    errors = np.zeros(2)
    whole = a_tube_stack(scar, noise=0.05, shifts=SHIFTS)
    for number in (2, 4):
        operator, evidence = seen(whole.select([one for one in range(len(HEIGHTS)) if one != number]))
        missing, truth = seen(whole.select([number]))
        points = missing.frame.from_frame(missing.points)
        models = fit(operator, evidence, the_tube(), ModelSettings(preset=preset)), fit_baseline(operator, evidence, "linear")
        errors += [np.sum((missing.matrix @ one.mean(points) - truth.values) ** 2) for one in models]
    assert errors[0] < 0.92 * errors[1]


# A preview, and the interpolation beside it


@pytest.fixture(scope="module")
def a_preview():
    operator, evidence = seen(a_tube_stack(patches))
    return fit(operator, evidence, the_tube(), ModelSettings(preset="preview"))


def test_a_preview_is_half_an_interpolation_between_the_slices(a_preview):
    linear = fit_baseline(*seen(a_tube_stack(patches)), "linear")
    alone = replace(a_preview, beside=None)
    assert a_preview.mean(POINTS) == pytest.approx(0.5 * (alone.mean(POINTS) + linear.mean(POINTS)), abs=0.02)
    assert np.abs(a_preview.mean(POINTS) - alone.mean(POINTS)).max() > 0.05
    draws = a_preview.samples(1000, POINTS)
    assert draws.mean(axis=0) == pytest.approx(a_preview.mean(POINTS), abs=0.08)


def test_a_preview_keeps_its_interpolation_without_the_names_of_slices(a_preview):
    assert {one.label for one in a_preview.beside.interpolation.slices} == {""}
    values, arrays = pack(a_preview, POSTERIORS)
    again = unpack(Posterior, values, arrays, POSTERIORS)
    assert np.array_equal(again.mean(POINTS), a_preview.mean(POINTS))


def threads(angle, height, radius):
    """A label that runs straight up: six thin pillars."""
    return (np.abs(np.sin(3 * angle)) > 0.9) & (np.abs(radius - MIDDLE) < 2)


@pytest.mark.parametrize(("scar", "low", "high"), [(threads, 0.2, 1.0), (patches, 0.0, 0.15)])
def test_an_interpolation_takes_part_where_left_out_slices_are_predicted_better_by_it(scar, low, high):
    operator, evidence = seen(a_tube_stack(scar))
    chart = wall_chart(the_tube(), operator.frame)
    share = share_beside(operator, evidence, joined(operator, evidence), chart, Choice(TYPICAL, 1.3, 0.6))
    assert low <= share <= high


def test_slices_that_are_not_parallel_or_alone_are_not_interpolated():
    operator, evidence = seen(a_tube_stack(patches))
    assert Beside.of(operator, evidence, 0.5) is not None and Beside.of(operator, evidence, 0.0) is None
    one = Evidence(evidence.values, (operator.pixels.slices == 2).astype(float))
    assert Beside.of(operator, one, 0.5) is None
    turned = operator.stack.select([2]).transformed(TURN)
    crossing = slice_operator(the_tube(), SliceStack((*operator.stack.slices, *turned.slices)))
    assert len(np.unique(crossing.pixels.slices)) == len(HEIGHTS) + 1
    assert Beside.of(crossing, Evidence(np.zeros(len(crossing.pixels)), np.ones(len(crossing.pixels))), 0.5) is None


# Draws


def test_the_mean_of_many_draws_is_the_mean(a_posterior):
    mean, draws = a_posterior.mean(POINTS), a_posterior.samples(2000, POINTS)
    error = np.abs(draws.mean(axis=0) - mean)
    chance = draws.std(axis=0) / np.sqrt(2000)
    assert np.all(error < 4 * chance + 0.03)
    assert mean.min() >= LEAST and mean.max() <= 1 - LEAST


def test_the_standard_deviation_is_that_of_many_draws(a_posterior):
    sd, draws = a_posterior.sd(POINTS), a_posterior.samples(2000, POINTS)
    assert sd == pytest.approx(draws.std(axis=0), abs=0.1)  # scar in one draw of 100 is a standard deviation of 0.1
    assert sd.mean() == pytest.approx(draws.std(axis=0).mean(), rel=0.05)


def test_a_draw_is_the_same_function_whatever_points_are_asked(a_posterior):
    whole = a_posterior.samples(5, POINTS)
    backwards = a_posterior.samples(5, POINTS[::-1])[:, ::-1]
    pieces = np.hstack([a_posterior.samples(5, piece) for piece in np.array_split(POINTS, 7)])
    alone = a_posterior.samples(5, POINTS[10:11])[:, 0]
    assert backwards == pytest.approx(whole, abs=2e-4)
    assert pieces == pytest.approx(whole, abs=2e-4)
    assert alone == pytest.approx(whole[:, 10], abs=2e-4)


def test_draw_i_is_the_same_however_many_are_asked(a_posterior):
    few, many = a_posterior.samples(3, POINTS), a_posterior.samples(40, POINTS)
    assert few == pytest.approx(many[:3], abs=2e-4)
    assert np.abs(many[0] - many[1]).max() > 0.5


def test_another_seed_has_other_draws_and_the_same_mean(a_posterior):
    other = replace(a_posterior, seed=7)
    assert np.array_equal(other.mean(POINTS), a_posterior.mean(POINTS))
    assert np.abs(other.samples(1, POINTS) - a_posterior.samples(1, POINTS)).max() > 0.5


def test_draws_are_scar_or_not_but_for_the_borders(a_posterior):
    draws = a_posterior.samples(50, POINTS)
    assert draws.min() == 0 and draws.max() == 1
    assert np.mean((draws > 0.1) & (draws < 0.9)) < 0.25


def test_what_is_described_at_once_is_what_is_told_one_by_one(a_posterior):
    mean, sd, samples = a_posterior.described(6)(POINTS)
    assert np.array_equal(mean, a_posterior.mean(POINTS)) and np.array_equal(sd, a_posterior.sd(POINTS))
    assert np.array_equal(samples, a_posterior.samples(6, POINTS))


def test_the_spread_with_larger_jumps_of_slices_is_that_of_larger_functions(a_posterior):
    known, jump = a_posterior._known(a_posterior.frame.to_frame(POINTS)), 1.7
    functions = known.functions.copy()
    functions[:, -len(a_posterior.features.heights) :] *= jump
    assert known.variance(jump) == pytest.approx(a_posterior.fit.variance(functions), rel=1e-10)
    assert np.ptp(known.variance(jump) / known.variance(0.0)) > 0.01


def test_points_that_fill_a_cube_are_those_of_sobol():
    assert np.array_equal(even_points(8), qmc.Sobol(3, scramble=False).random_base2(8) + 0.5 / 2**8)


def test_no_points_have_no_values(a_posterior):
    nowhere = np.empty((0, 3))
    assert a_posterior.mean(nowhere).shape == a_posterior.sd(nowhere).shape == (0,)
    assert a_posterior.samples(4, nowhere).shape == (4, 0)


def test_points_beyond_one_chunk_are_answered_too(a_posterior):
    many = np.tile(POINTS, (25, 1))
    assert len(many) > 8192
    assert a_posterior.mean(many) == pytest.approx(np.tile(a_posterior.mean(POINTS), 25), abs=1e-9)


def test_what_is_unknown_can_be_widened(a_posterior):
    """Draws that are 0 or 1 keep their spread at a point; what they have in common over centimeters grows."""
    wider = a_posterior.rescaled(2.0)
    assert wider.widening == pytest.approx(2 * a_posterior.widening)
    assert np.array_equal(wider.mean(POINTS), a_posterior.mean(POINTS))
    between = at(np.linspace(0, 6.2, 60)[:, None], (HEIGHTS[:-1] + 0.5 * SPACING)[None], MIDDLE)
    narrow, wide = (one.samples(400, between).mean(axis=1).std() for one in (a_posterior, wider))
    assert wide > 1.15 * narrow


def test_between_slices_less_is_known_than_on_them(a_posterior):
    angle = np.linspace(0, 6.2, 60)
    on, between = (a_posterior.sd(at(angle, height)).mean() for height in (HEIGHTS[3], 0.5 * (HEIGHTS[3] + HEIGHTS[4])))
    assert between > 1.1 * on


def test_it_comes_back_from_a_file_with_the_same_arrays(a_posterior):
    values, arrays = pack(a_posterior, POSTERIORS)
    again = unpack(Posterior, values, arrays, POSTERIORS)
    assert isinstance(again, ProcessPosterior)
    assert np.array_equal(again.mean(POINTS), a_posterior.mean(POINTS))
    assert np.array_equal(again.sd(POINTS), a_posterior.sd(POINTS))
    assert np.array_equal(again.samples(3, POINTS), a_posterior.samples(3, POINTS))
    _, once_more = pack(again, POSTERIORS)
    assert once_more.keys() == arrays.keys() and all(np.array_equal(once_more[name], one) for name, one in arrays.items())
    assert again.summary == a_posterior.summary


def test_a_posterior_of_other_constants_is_refused_instead_of_drawing_other_samples(a_posterior):
    with pytest.raises(UnreadableFile, match="constants of version 99.*make the map again"):
        replace(a_posterior, constants=99)
