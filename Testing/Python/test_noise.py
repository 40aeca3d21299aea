"""Noise of the pixels, and what cutting it off at 0 and 1 means for residuals."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import rms, the_map, the_phantom
from scipy import ndimage
from scipy.stats import norm

from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.wall_pixels import WallPixels
from CardioScarLib.geometry.operator import slice_operator
from CardioScarLib.reconstruction.field.noise import FLOOR, CutOffResidual, noise_repeats, pixel_noise, quieted, without_lift

COARSE = 2.6


def evidence_of(kind):
    case = the_phantom(kind, pixel=COARSE)
    operator = slice_operator(case.wall, case.stack)
    return case, operator, Evidence(operator.pixels.values(case.stack), np.ones(len(operator.pixels)))


# How large it is


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["I2", "B", "X"])
def test_the_noise_is_found_within_a_tenth(kind):
    case, operator, evidence = evidence_of(kind)
    assert pixel_noise(operator.pixels, evidence) == pytest.approx(case.acquisition.noise, rel=0.1)


@pytest.mark.slow
def test_where_there_is_no_noise_none_is_found():
    _, operator, evidence = evidence_of("M")
    assert pixel_noise(operator.pixels, evidence) == FLOOR


def test_more_noise_is_found_as_more():
    _, operator, clean = evidence_of("W")
    random = np.random.default_rng(0)
    for noise in (0.01, 0.03, 0.08):
        values = np.clip(clean.values + random.normal(scale=noise, size=len(clean.values)), 0, 1)
        assert pixel_noise(operator.pixels, Evidence(values, clean.weights)) == pytest.approx(noise, rel=0.1)


def test_it_is_the_noise_of_a_pixel_of_weight_1():
    _, operator, clean = evidence_of("W")
    weights = np.random.default_rng(1).uniform(0.3, 1, len(clean.values))
    noise = np.random.default_rng(0).normal(scale=0.03, size=len(weights)) / np.sqrt(weights)
    noisy = Evidence(np.clip(clean.values + noise, 0, 1), weights)
    assert pixel_noise(operator.pixels, noisy) == pytest.approx(0.03, rel=0.1)


SIDE = 80


def a_square(values) -> tuple[WallPixels, Evidence]:
    """One slice that the wall fills."""
    rows, columns = np.indices((SIDE, SIDE)).reshape(2, -1)
    pixels = WallPixels(np.zeros(SIDE**2, dtype=int), rows, columns, np.column_stack([rows, columns, 0 * rows]), np.ones(SIDE**2))
    return pixels, Evidence(np.clip(values, 0, 1).ravel(), np.ones(SIDE**2))


@pytest.mark.parametrize(("smoothed", "expected"), [(0.0, 1.0), (0.6, 3.3), (0.9, 6.3)])
def test_noise_that_neighbors_repeat_is_told_from_noise_of_their_own(smoothed, expected):
    """Expected: the sum of the correlations of all pairs in a neighborhood over its pixels, for noise that is not cut off."""
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(SIDE, SIDE)), smoothed)
    assert noise_repeats(*a_square(0.05 * noise / noise.std())) == pytest.approx(expected, rel=0.3)


def test_scar_and_shading_are_no_noise_that_repeats():
    noise = 0.05 * np.random.default_rng(0).normal(size=(SIDE, SIDE))
    scar = np.zeros((SIDE, SIDE))
    scar[20:40, 20:40] = 1.0
    assert noise_repeats(*a_square(noise + scar)) == pytest.approx(1.0, abs=0.3)
    assert noise_repeats(*a_square(scar)) == 1.0


def test_a_segmentation_has_no_noise():
    _, operator, values = evidence_of("W")
    assert pixel_noise(operator.pixels, Evidence(np.round(values.values), values.weights)) == FLOOR


# What a magnitude makes of it


def test_the_lift_of_a_magnitude_is_taken_away_and_scar_stays():
    _, operator, clean = evidence_of("W")
    real, imaginary = np.random.default_rng(0).normal(scale=0.06, size=(2, len(clean.values)))
    folded = Evidence(np.minimum(np.hypot(clean.values + real, imaginary), 1), clean.weights)
    mended, noise = without_lift(operator.pixels, folded)
    assert noise == pytest.approx(0.06, rel=0.1)
    remote, scar = clean.values < 0.001, clean.values > 0.9
    assert folded.values[remote].mean() == pytest.approx(0.06 * np.sqrt(np.pi / 2), rel=0.05)
    assert np.median(mended.values[remote]) == 0 and mended.values[remote].mean() < 0.035  # the rest is cut off, not a lift
    assert mended.values[scar].mean() == pytest.approx(folded.values[scar].mean(), abs=0.005)


def test_noise_that_was_cut_off_and_lifts_without_noise_stay():
    _, operator, clean = evidence_of("W")
    noise = np.random.default_rng(0).normal(scale=0.03, size=len(clean.values))
    for values in (np.clip(clean.values + noise, 0, 1), clean.values, 0.12 + 0.8 * clean.values + noise):
        evidence = Evidence(values, clean.weights)
        assert without_lift(operator.pixels, evidence) == (evidence, pixel_noise(operator.pixels, evidence))


def test_quieted_noise_has_half_its_lift_and_scar_stays():
    noise = 0.1
    random = np.random.default_rng(0)
    weights = np.full(20_000, 0.5)  # their noise is larger
    lifted = np.clip(noise / np.sqrt(0.5) * random.normal(size=20_000), 0, 1)
    assert lifted.mean() == pytest.approx(0.0564, abs=0.002)
    assert quieted(Evidence(lifted, weights), noise).values.mean() < 0.5 * lifted.mean()
    mirrored = quieted(Evidence(1 - lifted, weights), noise).values
    assert (1 - mirrored).mean() < 0.5 * lifted.mean()
    sure = np.array([0.0, 1.0, 0.5, 0.45, 0.55])
    assert quieted(Evidence(sure, np.ones(5)), noise).values == pytest.approx(sure, abs=2e-3)
    values = np.linspace(0, 1, 50)
    assert np.all(np.diff(quieted(Evidence(values, np.ones(50)), noise).values) > 0)


def test_noise_that_neighbors_repeat_is_found_whole_and_quieted():
    """Neighborhoods without blobs of noise are not all of the remote tissue: by them noise is half of what it is."""
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(SIDE, SIDE)), 1.2)
    scar = np.zeros((SIDE, SIDE))
    scar[30:50, 30:50] = 0.7
    pixels, evidence = a_square(scar + 0.07 * noise / noise.std())
    assert pixel_noise(pixels, evidence) == pytest.approx(0.07, rel=0.1)
    mended, level = without_lift(pixels, evidence)
    assert level == pixel_noise(pixels, evidence)
    remote, inside = scar.ravel() == 0, scar.ravel() > 0
    assert evidence.values[remote].mean() == pytest.approx(0.028, rel=0.1) and mended.values[remote].mean() < 0.014
    assert mended.values[inside].mean() == pytest.approx(evidence.values[inside].mean(), abs=0.005)
    assert np.array_equal(a_square(scar)[1].values, without_lift(*a_square(scar))[0].values)


# Residuals


@pytest.fixture(scope="module")
def three_pixels():
    return CutOffResidual(Evidence(np.array([0.0, 0.4, 1.0]), np.ones(3)), noise=0.05)


def test_a_residual_costs_what_the_likelihood_of_a_value_beyond_the_end_costs(three_pixels):
    for average in (0.0, 0.02, 0.1, 0.2):
        residual, _ = three_pixels(np.array([average, average, 1 - average], dtype=np.float32))
        assert residual[0] ** 2 == pytest.approx(-2 * 0.05**2 * norm.logcdf(-average / 0.05), rel=1e-4)
        assert residual[1] == pytest.approx(average - 0.4, abs=1e-6)
        assert residual[2] == pytest.approx(-residual[0], abs=1e-4)


def test_far_from_the_end_it_is_the_plain_residual(three_pixels):
    residual, slope = three_pixels(np.array([0.9, 0.9, 0.1], dtype=np.float32))
    assert residual == pytest.approx([0.9, 0.5, -0.9], rel=0.02)
    assert slope == pytest.approx([1, 1, 1], abs=0.02)


def test_its_derivative_matches_finite_differences(three_pixels):
    for average in (0.01, 0.05, 0.3):
        at = np.full(3, average, dtype=np.float32)
        ahead, behind = three_pixels(at + np.float32(1e-3))[0], three_pixels(at - np.float32(1e-3))[0]
        assert three_pixels(at)[1] == pytest.approx((ahead - behind) / 2e-3, rel=5e-3)


def test_noise_that_is_cut_off_pulls_remote_tissue_neither_up_nor_down():
    values = np.clip(np.random.default_rng(0).normal(scale=0.04, size=100_000), 0, 1)
    noise = CutOffResidual(Evidence(values, np.ones(len(values))), noise=0.04)

    def pull(average):
        residual, slope = noise(np.full(len(values), average, dtype=np.float32))
        return float(np.mean(residual * slope))

    # Half of the noise is left, with a mean of 0.4 sigma = 0.016, to which plain residuals would pull.
    assert pull(0.0) == pytest.approx(0, abs=2e-4)
    assert pull(0.016) > 0.005
    assert np.mean(values) == pytest.approx(0.016, abs=5e-4)


@pytest.mark.parametrize("preset", ["preview", "standard"])
def test_a_noisy_stack_does_not_lift_remote_tissue(preset):
    case = the_phantom("I2", pixel=COARSE)
    remote = case.truth < 1e-4
    lift = the_map("I2", preset, COARSE).arrays["scar_probability"][remote].mean()
    assert lift < 0.1 * case.acquisition.noise  # as plain residuals: 0.4
    assert rms(the_map("I2", preset, COARSE).arrays["scar_probability"][remote]) < 0.5 * case.acquisition.noise
