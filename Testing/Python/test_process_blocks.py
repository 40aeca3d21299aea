"""Blocks of pixels, the detail that is kept of them, and how rough they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bodies import with_columns_flipped, with_rows_flipped
from scipy.special import expit
from tubes import HEIGHTS, a_smooth_fraction, a_tube_stack, a_wedge, healthy, seen, the_tube

from CardioScarLib.core.evidence import Evidence
from CardioScarLib.reconstruction.process.blocks import SIZE, joined
from CardioScarLib.reconstruction.process.chart import wall_chart
from CardioScarLib.reconstruction.process.choose import (
    CENTERS,
    COARSEST,
    FINEST,
    TYPICAL,
    LeftOut,
    choose_roughness,
    grain_of,
    left_out,
    scatter_of,
    trial_of,
)
from CardioScarLib.reconstruction.process.constants import PROCESS
from CardioScarLib.reconstruction.process.detail import REACH, Detail
from CardioScarLib.reconstruction.process.features import Features
from CardioScarLib.reconstruction.process.laplace import Observed, fit_laplace

FINE = 1.4
"""mm: two pixels to a block."""


def weighted(operator, evidence, seed=1):
    random = np.random.default_rng(seed)
    weights = random.uniform(0.2, 1, len(evidence.values)) * (random.uniform(size=len(evidence.values)) > 0.2)
    return Evidence(evidence.values, weights)


@pytest.fixture(scope="module")
def fine():
    operator, evidence = seen(a_tube_stack(a_smooth_fraction, HEIGHTS[:3], pixel=FINE))
    return operator, weighted(operator, evidence)


@pytest.fixture(scope="module")
def coarse():
    """Operator, blocks and chart of a stack with one block to a pixel."""
    operator, evidence = seen(a_tube_stack(a_wedge))
    return operator, joined(operator, evidence), wall_chart(the_tube(), operator.frame)


# Blocks


def test_blocks_have_the_area_and_the_scar_of_their_pixels(fine):
    operator, evidence = fine
    blocks = joined(operator, evidence)
    assert 2.5 < np.count_nonzero(evidence.weights) / len(blocks.values) < 4  # borders have less than four
    assert blocks.areas.sum() == pytest.approx(FINE**2 * evidence.weights.sum())
    assert blocks.areas @ blocks.values == pytest.approx(FINE**2 * evidence.weights @ evidence.values)
    assert blocks.areas.max() <= SIZE**2
    assert np.bincount(blocks.slices, blocks.areas) == pytest.approx(np.bincount(operator.pixels.slices, FINE**2 * evidence.weights))


def test_averages_over_a_block_are_those_of_its_pixels(fine):
    operator, evidence = fine
    blocks = joined(operator, evidence)
    assert blocks.matrix.sum(axis=1) == pytest.approx(1)
    # A field that is linear within blocks, and the same for the mean place of each.
    field = operator.points @ (0.3, -0.2, 0.5) + 2
    by_block = blocks.matrix @ (blocks.points @ (0.3, -0.2, 0.5) + 2)
    by_pixel = operator.matrix @ field
    assert blocks.areas @ by_block == pytest.approx(FINE**2 * evidence.weights @ by_pixel)
    assert by_block == pytest.approx(blocks.centers @ (0.3, -0.2, 0.5) + 2)
    # Every block lies among pixels of its own slice whose averages surround its own.
    for number in range(3):
        inside = by_pixel[(operator.pixels.slices == number) & (evidence.weights > 0)]
        mine = by_block[blocks.slices == number]
        assert inside.min() - 1e-9 <= mine.min() and mine.max() <= inside.max() + 1e-9


def test_a_block_of_one_pixel_is_that_pixel(coarse):
    operator, blocks, _ = coarse
    assert len(blocks.values) == len(operator.pixels)
    order = np.lexsort(np.round(blocks.centers, 3).T)
    pixels = operator.matrix @ operator.points
    assert blocks.centers[order] == pytest.approx(pixels[np.lexsort(np.round(pixels, 3).T)], abs=2e-3)
    assert np.diff(blocks.matrix.indptr).max() == 2  # points through 6 mm of thickness


@pytest.mark.parametrize("flipped", [with_rows_flipped, with_columns_flipped])
def test_a_file_that_is_flipped_has_the_same_blocks(flipped):
    stack = a_tube_stack(a_wedge, HEIGHTS[:3], pixel=FINE)
    first, second = (joined(*seen(one)) for one in (stack, flipped(stack)))
    assert len(first.values) == len(second.values)

    def rows(blocks):
        table = np.column_stack([blocks.slices, np.round(blocks.centers, 3) + 0.0, blocks.values, blocks.areas])
        return table[np.lexsort(np.round(table[:, :4], 2).T)]

    assert rows(first) == pytest.approx(rows(second), abs=2e-3)


def test_part_of_the_blocks_have_their_own_averages(coarse):
    _, blocks, _ = coarse
    chosen = blocks.slices == 2
    part = blocks.part(chosen)
    assert part.centers == pytest.approx(blocks.centers[chosen])
    assert np.array_equal(part.values, blocks.values[chosen]) and len(part.points) < len(blocks.points)


# Detail


def test_a_lone_pixel_is_reproduced_up_to_its_own_error():
    for others in (np.empty((0, 4)), np.full((1, 4), 1000.0)):
        detail = Detail(
            np.vstack([others, np.zeros((1, 4))]), np.append(np.ones(len(others)), 0.6), np.full(len(others) + 1, PROCESS.unsure)
        )
        value, known = detail.at(
            np.array(
                [[0, 0, 0, 0], [PROCESS.detail_around, 0, 0, 0], [0, 0, PROCESS.detail_along, 0], [0, 0, 0, PROCESS.detail_through]],
                dtype=float,
            )
        )
        assert value == pytest.approx(0.6 / (1 + PROCESS.unsure) * np.exp([0, -1, -1, -1]))
        assert known == pytest.approx(1 / (1 + PROCESS.unsure) * np.exp([0, -2, -2, -2]))


def test_two_pixels_are_weighted_as_simple_kriging_does():
    places = np.array([[0, 0, 0, 0], [3.0, 0, 0, 0], [500, 0, 0, 0]])
    left = np.array([0.5, -0.3, 0.2])
    where = np.array([[1.0, 0, 0, 0]])
    towards = np.exp(-np.array([1, 2]) / PROCESS.detail_around)
    alike = np.array([[1 + PROCESS.unsure, np.exp(-3 / PROCESS.detail_around)], [np.exp(-3 / PROCESS.detail_around), 1 + PROCESS.unsure]])
    value, known = Detail(places, left, np.full(3, PROCESS.unsure)).at(where)
    assert value == pytest.approx(towards @ np.linalg.solve(alike, left[:2]))
    assert known == pytest.approx(towards @ np.linalg.solve(alike, towards))
    in_another_order, _ = Detail(places[::-1], left[::-1], np.full(3, PROCESS.unsure)).at(where)
    assert in_another_order == pytest.approx(value)


def test_pixels_side_by_side_are_reproduced_at_their_own_places():
    x, y = np.meshgrid(np.arange(12.0), np.arange(12.0))
    places = np.column_stack([x.ravel(), y.ravel(), np.zeros((144, 2))])
    left = 0.3 * np.sin(places[:, 0] / 2)
    value, known = Detail(places, left, np.full(144, PROCESS.unsure)).at(places)
    assert np.abs(value - left).max() < 0.3 * PROCESS.unsure / (1 + PROCESS.unsure) + 0.02
    assert np.all(known > 1 / (1 + PROCESS.unsure))


def test_beyond_the_reach_no_detail_is_known():
    detail = Detail(np.zeros((1, 4)), np.ones(1), np.full(1, PROCESS.unsure))
    far = 1.01 * REACH * np.diag([PROCESS.detail_around, PROCESS.detail_around, PROCESS.detail_along, PROCESS.detail_through])
    assert [np.array_equal(one, np.zeros(4)) for one in detail.at(far)] == [True, True]
    assert np.all(detail.at(0.98 * far)[0] > 0.05)


# Roughness


def labels_of(blocks, chart, operator, random):
    """Blocks whose values are coin flips with a probability that the process can follow."""
    probability = 0.5 + 0.3 * np.cos(chart.at(blocks.centers)[:, 0] / 20)
    return replace(blocks, values=(random.uniform(size=len(probability)) < probability).astype(float)), probability


def test_coin_flips_scatter_as_labels_do(coarse):
    operator, blocks, chart = coarse
    flips, probability = labels_of(blocks, chart, operator, np.random.default_rng(0))
    assert scatter_of(probability, flips) == pytest.approx(1, abs=0.05)
    grain, scatter = grain_of(flips, chart, operator.anchors, TYPICAL)
    assert scatter == pytest.approx(1, abs=0.08)
    assert grain * np.median(blocks.areas) == pytest.approx(1, abs=0.1)


def test_mean_fractions_of_several_flips_scatter_by_their_number(coarse):
    operator, blocks, chart = coarse
    random = np.random.default_rng(0)
    several = np.mean([labels_of(blocks, chart, operator, random)[0].values for _ in range(5)], axis=0)
    grain, scatter = grain_of(replace(blocks, values=several), chart, operator.anchors, TYPICAL)
    assert scatter == pytest.approx(0.2, abs=0.03)
    assert grain * np.median(blocks.areas) == pytest.approx(5, rel=0.15)


def test_a_smooth_fraction_does_not_scatter():
    operator, evidence = seen(a_tube_stack(a_smooth_fraction))
    chart = wall_chart(the_tube(), operator.frame)
    grain, scatter = grain_of(joined(operator, evidence), chart, operator.anchors, TYPICAL)
    assert scatter < 0.001 and grain == FINEST


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_constant_evidence_does_not_scatter(value, coarse):
    operator, blocks, chart = coarse
    choice = choose_roughness(replace(blocks, values=np.full(len(blocks.values), value)), chart, operator.anchors, 0.1)
    assert COARSEST <= choice.roughness.grain <= FINEST and choice.widening > 0
    assert choice.scatter < 0.1


# Leaving out


def test_leaving_out_is_as_good_as_fitting_again(coarse):
    operator, blocks, chart = coarse
    trial = trial_of(blocks, chart, operator.anchors)
    grain = TYPICAL.grain
    features = Features.made(trial.wall, TYPICAL, 120)
    observed = Observed(features.of(trial.places), trial.values, grain * trial.areas)
    whole = fit_laplace(observed)
    folds = (trial.folds[0], trial.folds[3], trial.folds[-1])
    for fold, found in zip(folds, left_out(observed, whole, folds), strict=True):
        counts = observed.counts.copy()
        counts[fold] = 0
        again = fit_laplace(replace(observed, counts=counts), whole.weights)
        taken = observed.features[fold]
        logits, with_it = taken @ again.weights, taken @ whole.weights
        moved = np.abs(logits - with_it).mean()
        assert np.abs(taken @ found.weights - logits).mean() < 0.15 * moved + 0.02
        assert np.sqrt(found.variance(taken)) == pytest.approx(np.sqrt(again.variance(taken)), rel=0.3)


def test_every_block_is_left_out_once_with_its_slice_and_once_with_its_sector(coarse):
    operator, blocks, chart = coarse
    trial = trial_of(blocks, chart, operator.anchors)
    slices, sectors = trial.folds[: trial.slices], trial.folds[trial.slices :]
    for part in (slices, sectors):
        assert np.array_equal(np.sort(np.concatenate(part)), np.arange(len(trial.values)))
    assert len(slices) == len(HEIGHTS) and len(trial.inner) == len(HEIGHTS) - 2
    assert 4 <= len(sectors) <= 12
    assert trial.areas.sum() == pytest.approx(blocks.areas.sum())


def test_the_choice_predicts_left_out_blocks_no_worse_than_the_usual_one(coarse):
    operator, blocks, chart = coarse
    calls = []
    choice = choose_roughness(blocks, chart, operator.anchors, 0.1, lambda: calls.append(1))
    trial = trial_of(blocks, chart, operator.anchors)
    finest, _ = grain_of(blocks, chart, operator.anchors, TYPICAL)
    usual = LeftOut(trial, replace(TYPICAL, grain=TYPICAL.grain * finest))
    chosen = LeftOut(trial, replace(choice.roughness, offset=TYPICAL.offset))
    assert chosen.entropy <= usual.entropy and calls
    assert 0.5 < choice.widening < 4


def test_the_spread_of_a_left_out_share_is_that_of_draws(coarse):
    """Of slices that have much of their own, of which a slope that forgets how little is known makes twice as much."""
    operator, blocks, chart = coarse
    trial, roughness = trial_of(blocks, chart, operator.anchors), replace(TYPICAL, offset=6.0, grain=0.05)
    features = Features.made(trial.wall, roughness, CENTERS)
    functions, rest = features.with_rest(trial.places)
    observed = Observed(functions, trial.values, roughness.grain * trial.areas)
    whole, random = fit_laplace(observed), np.random.default_rng(0)
    told = dict(zip(sorted(trial.inner), LeftOut(trial, roughness).sds, strict=True))
    for number in trial.inner:
        fold = trial.folds[number]
        weights = next(left_out(observed, whole, [fold])).drawn(random.normal(size=(len(whole.weights), 1000)))
        logits = functions[fold] @ weights + np.sqrt(rest[fold])[:, None] * random.normal(size=(len(fold), 1000))
        shares = trial.areas[fold] @ expit(logits) / trial.areas[fold].sum()
        assert told[number] == pytest.approx(shares.std(), rel=0.25)


def test_healthy_blocks_need_no_choice():
    operator, evidence = seen(a_tube_stack(healthy))
    calls = []
    choice = choose_roughness(
        joined(operator, evidence), wall_chart(the_tube(), operator.frame), operator.anchors, 0.1, lambda: calls.append(1)
    )
    assert not calls and choice.widening == 1.0
