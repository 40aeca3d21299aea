"""What has to hold for any case, on cases that nobody chose."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import (
    a_block,
    a_stack,
    applied,
    in_another_order,
    reconstructed,
    renumbered,
    rigid,
    rms,
    the_phantom,
    transposed,
    with_columns_flipped,
    with_rows_flipped,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from scipy.spatial import cKDTree

from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.settings import ModelSettings
from CardioScarLib.geometry.operator import slice_operator
from CardioScarLib.phantom import phantom_case
from CardioScarLib.reconstruction.door import fit

PREVIEW = ModelSettings(preset="preview")
CALM = {"deadline": None, "derandomize": True, "database": None, "suppress_health_check": list(HealthCheck)}
SEEDS = some.integers(0, 10_000)
WAYS = some.lists(some.sampled_from([with_rows_flipped, with_columns_flipped, transposed, in_another_order]), max_size=4)


def retold(stack, ways, matrix):
    for way in ways:
        stack = way(stack)
    return stack.transformed(matrix)


@pytest.mark.slow
@settings(max_examples=8, **CALM)
@given(seed=SEEDS, ways=WAYS, kind=some.sampled_from(["S", "M", "E"]))
def test_operator_and_evidence_do_not_depend_on_how_a_case_is_told(seed, ways, kind):
    case, matrix = the_phantom(kind, pixel=4.0, nodes=1500), rigid(seed)
    stack, (wall, _) = retold(case.stack, ways, matrix), renumbered(case.wall, seed)
    one, two = slice_operator(case.wall, case.stack), slice_operator(wall.transformed(matrix), stack)
    distance, match = cKDTree(two.pixels.centers).query(applied(matrix, one.pixels.centers))
    assert len(one.pixels) == len(two.pixels)
    assert distance.max() < 1e-6
    wave = np.random.default_rng(seed).normal(scale=0.07, size=3)
    first = one.matrix @ np.sin(one.frame.from_frame(one.points) @ wave)
    second = two.matrix @ np.sin(applied(np.linalg.inv(matrix), two.frame.from_frame(two.points)) @ wave)
    assert np.abs(second[match] - first).max() < 1e-6
    assert np.abs(two.pixels.cover[match] - one.pixels.cover).max() < 1e-6
    assert np.array_equal(two.pixels.values(stack)[match], one.pixels.values(case.stack))


@pytest.mark.slow
@settings(max_examples=5, **CALM)
@given(seed=SEEDS, ways=WAYS)
def test_nor_does_the_map(seed, ways):
    case, matrix = the_phantom("S", pixel=4.0, nodes=1500), rigid(seed)
    wall, order = renumbered(case.wall, seed)
    one = reconstructed(case)
    two = reconstructed(case, "preview", retold(case.stack, ways, matrix), wall.transformed(matrix))
    assert rms(two.arrays["scar_probability"] - one.arrays["scar_probability"][order]) < 0.01


@settings(max_examples=10, **CALM)
@given(
    value=some.floats(0, 1),
    seed=some.integers(0, 100),
    low=some.tuples(*3 * [some.floats(0, 6)]),
    size=some.tuples(some.floats(4, 16), some.floats(4, 16), some.floats(8, 30)),
    spacing=some.floats(4, 12),
    thickness=some.floats(2, 10),
)
def test_constant_evidence_gives_a_constant_map(value, seed, low, size, spacing, thickness):
    low, size = np.array(low), np.array(size)
    wall = a_block(low, low + size, [3, 3, 4])
    heights = np.arange(low[2] + 1, low[2] + size[2], spacing)
    operator = slice_operator(wall, a_stack(heights, thickness))
    count = len(operator.pixels)
    posterior = fit(operator, Evidence(np.full(count, value), np.ones(count)), wall, ModelSettings(preset="preview", seed=seed))
    assert np.abs(posterior.mean(wall.nodes) - value).max() < 0.02


@pytest.mark.slow
@settings(max_examples=5, **CALM)
@given(kind=some.sampled_from(["W", "B", "M", "I3"]), seed=SEEDS, noise=some.floats(0.0, 0.08))
def test_averages_of_the_map_match_the_pixels_to_the_noise(kind, seed, noise):
    case = phantom_case(kind, seed, nodes=1500, pixel=2.6, noise=noise)
    operator = slice_operator(case.wall, case.stack)
    values = operator.pixels.values(case.stack)
    posterior = fit(operator, Evidence(values, np.ones(len(values))), case.wall, PREVIEW)
    misfit = rms(operator.matrix @ posterior.mean(operator.frame.from_frame(operator.points)) - values)
    # A preview has features of 7 mm: borders of scar sharper than that leave it the rest.
    assert misfit < noise + 0.04


@settings(max_examples=25, **CALM)
@given(seed=SEEDS, cells=some.integers(1, 5), thickness=some.floats(2, 12), turn=some.booleans())
def test_rows_of_the_operator_are_means_inside_the_wall(seed, cells, thickness, turn):
    random = np.random.default_rng(seed)
    low = random.uniform(0, 8, 3)
    wall = a_block(low, low + random.uniform(3, 14, 3), [cells, cells, cells])
    stack = a_stack([low[2] + 2, low[2] + 9], thickness, pixel=random.uniform(0.8, 3))
    if turn:
        stack, wall = stack.transformed(rigid(seed)), wall.transformed(rigid(seed))
    operator = slice_operator(wall, stack)
    if len(operator.pixels):
        assert operator.matrix.data.min() > 0
        assert np.abs(operator.matrix.sum(axis=1) - 1).max() < 1e-9
        points = operator.frame.from_frame(operator.points)
        assert np.all(points > wall.bounds[0] - 1e-3) and np.all(points < wall.bounds[1] + 1e-3)
        assert operator.pixels.cover.min() > 0 and operator.pixels.cover.max() <= 1
