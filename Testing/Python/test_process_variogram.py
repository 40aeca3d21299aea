"""How much scar differs over a distance, of slices that the process itself has drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from tubes import a_tube_stack, a_wedge, seen, the_tube

from CardioScarLib.reconstruction.process.blocks import joined
from CardioScarLib.reconstruction.process.chart import plain_chart, wall_chart
from CardioScarLib.reconstruction.process.choose import TYPICAL
from CardioScarLib.reconstruction.process.features import Features
from CardioScarLib.reconstruction.process.variogram import variogram_of
from CardioScarLib.report.variograms import variogram_figure, write_variogram


@pytest.fixture(scope="module")
def a_tube_of_blocks():
    operator, evidence = seen(a_tube_stack(a_wedge))
    return operator, joined(operator, evidence), wall_chart(the_tube(), operator.frame)


def test_slices_that_the_process_drew_have_its_variogram(a_tube_of_blocks):
    operator, blocks, chart = a_tube_of_blocks
    roughness = replace(TYPICAL, around=14.0, along=20.0, through=6.0, amplitude=6.0, offset=0.5)
    features = Features.made(chart.at(operator.anchors), roughness, 300)
    functions, random = features.of(chart.at(blocks.centers)), np.random.default_rng(0)
    sums: dict = {}
    for _ in range(10):
        logit = functions[:, :300] @ random.normal(size=300)
        offsets = functions[:, 301:] @ random.normal(size=functions.shape[1] - 301)
        drawn = replace(blocks, values=expit(logit + offsets))
        for direction, one in variogram_of(drawn, chart, roughness, 0.0).items():
            sums.setdefault(direction, []).append((one["seen"], one["model"]))
    assert set(sums) == {"around", "along", "through"}
    for direction, several in sums.items():
        seen_ones, model = np.mean(several, axis=0)
        assert seen_ones[1:4] == pytest.approx(model[1:4], rel=0.3), direction
        assert model[0] < model[-1]


def test_labels_without_any_order_differ_as_much_at_any_distance(a_tube_of_blocks):
    _, blocks, chart = a_tube_of_blocks
    values = (np.random.default_rng(0).random(len(blocks.values)) < 0.3).astype(float)
    found = variogram_of(replace(blocks, values=values), chart, replace(TYPICAL, amplitude=1e-6, offset=0.0), 1.0)
    for one in found.values():
        assert one["seen"] == pytest.approx(np.full(len(one["mm"]), 0.21), abs=0.05)
        assert one["model"] == pytest.approx(np.full(len(one["mm"]), 0.21), abs=0.02), "all of it is scatter"


def test_without_wall_coordinates_there_is_no_way_through_the_wall(a_tube_of_blocks, tmp_path):
    _, blocks, _ = a_tube_of_blocks
    found = variogram_of(blocks, plain_chart(), TYPICAL, 0.5)
    assert set(found) == {"around", "along"}
    assert found["along"]["mm"][0] == pytest.approx(8.0, abs=0.1), "the distance between slices"
    fit = {"prior": "space", "around": 14.0, "along": 24.0, "variogram": found}
    titles = [axes.get_title() for axes in variogram_figure(fit).axes]
    assert titles == ["in the planes of the slices", "across the slices"]
    assert write_variogram(fit, tmp_path / "variogram.png").stat().st_size > 5000


def test_a_wall_without_scar_has_no_differences(a_tube_of_blocks):
    _, blocks, chart = a_tube_of_blocks
    for one in variogram_of(replace(blocks, values=np.zeros(len(blocks.values))), chart, TYPICAL, 0.0).values():
        assert max(one["seen"]) == 0 and max(one["model"]) < 1e-6
