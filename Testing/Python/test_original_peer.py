"""The peer of the benchmark does what the original cardioscar does, but for its half-voxel shift."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from CardioScarLib.benchmark import original_network as original
from CardioScarLib.core.errors import StackMissesWall
from CardioScarLib.core.slices import Slice, SliceStack
from CardioScarLib.core.wall import Wall

ITS_RUN = Path(__file__).parents[1] / "Data" / "cardioscar_training" / "training.npz"


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="the original's network needs torch, which comes with the benchmark extra")


def a_stack(spacing=8.0, thickness=8.0, count=3):
    """Slices of 4 rows x 5 columns of 2 mm with the first pixel centered at the origin; each pixel's value is its number / 100."""
    numbers = np.arange(count * 20).reshape(count, 4, 5) / 100
    return SliceStack(
        tuple(
            Slice(pixels, np.array([0, 0, level * spacing]), np.array([0, 2.0, 0]), np.array([2.0, 0, 0]), thickness)
            for level, pixels in enumerate(numbers)
        )
    )


def points(*nodes):
    return Wall(np.array(nodes, dtype=float), np.empty((0, 4)), np.empty((0, 3)), "points")


def value_of_nodes(groups, count):
    """(count,) value each node is compared with; NaN where it is left out."""
    values = np.full(count, np.nan)
    values[groups.nodes] = groups.values[groups.group]
    return values


def test_value_and_group_come_from_the_pixel_whose_center_is_nearest():
    # x: 0.9 is nearer to column 0 (center 0), 1.1 to column 1 (center 2). z: 3.9 nearer to slice 0, 4.1 to slice 1 (center 8).
    groups = original.pixel_groups(points([0.9, 0, 0], [1.1, 0, 0], [0, 0, 3.9], [0, 0, 4.1], [-0.9, 0, -3.9]), a_stack())
    assert value_of_nodes(groups, 5) == pytest.approx([0.00, 0.01, 0.00, 0.20, 0.00])
    assert groups.nodes.tolist() == [0, 2, 4, 1, 3]
    assert groups.group.tolist() == [0, 0, 0, 1, 2]


def test_nodes_in_gaps_and_outside_the_image_are_left_out():
    groups = original.pixel_groups(points([0, 0, 2.9], [0, 0, 3.1], [0, 0, 5.1], [-1.1, 0, 0], [0, 7.1, 0]), a_stack(thickness=6.0))
    assert np.isfinite(value_of_nodes(groups, 5)).tolist() == [True, False, True, False, False]


def test_where_slabs_overlap_a_node_belongs_to_the_nearer_slice_only():
    groups = original.pixel_groups(points([0, 0, 3.0], [0, 0, 5.0]), a_stack(thickness=14.0))
    assert value_of_nodes(groups, 2) == pytest.approx([0.00, 0.20])


def test_a_wall_that_no_slice_meets_is_an_error():
    with pytest.raises(StackMissesWall):
        original.pixel_groups(points([0, 0, 100.0]), a_stack())


def test_batches_are_runs_of_whole_groups():
    groups = original.PixelGroups(np.arange(12), np.repeat([0, 1, 2, 3, 4], [2, 2, 5, 1, 2]), np.zeros(5))
    assert [(run.start, run.stop) for run in groups.batches(4)] == [(0, 4), (4, 9), (9, 12)]  # the group of 5 stands alone
    assert [(run.start, run.stop) for run in groups.batches(100)] == [(0, 12)]


def test_the_learning_rate_goes_up_and_down_in_2000_batches_each():
    rates = [original.learning_rate(number) for number in (0, 1, 1001, 2001, 3001, 4001, 6001)]
    assert rates == pytest.approx([1e-3, 1e-3, 5.5e-3, 1e-2, 5.5e-3, 1e-3, 1e-2])
    # One batch per epoch; the rate was noted after the batch, so it is that of the next one.
    assert [original.learning_rate(number) for number in range(1, 61)] == pytest.approx(np.load(ITS_RUN)["lrs"], rel=1e-12)


def test_its_layers_have_the_names_and_shapes_of_the_original_checkpoint(torch):
    hidden = [(name, shape) for layer in (2, 4, 7) for name, shape in ((f"{layer}.weight", (128, 128)), (f"{layer}.bias", (128,)))]
    expected = [("0.weight", (128, 3)), ("0.bias", (128,)), *hidden, ("9.weight", (1, 128)), ("9.bias", (1,))]
    assert [(name, tuple(values.shape)) for name, values in original.network().state_dict().items()] == expected


@pytest.mark.slow
def test_it_repeats_a_training_run_of_the_original(torch):
    run = np.load(ITS_RUN)
    groups = original.PixelGroups(np.arange(len(run["group"])), run["group"].astype(np.int64), run["values"])
    history = original.fit(groups, run["coordinates"], run["coordinates"], 42, 15, np.inf, lambda probability: 0.0, every=1)
    losses = np.array([record["loss"] for record in history])
    # Digit for digit on the machine it was tried on; sums in another order elsewhere grow with the epochs.
    assert losses[:10] == pytest.approx(run["losses"][:10], rel=1e-4)
    assert losses == pytest.approx(run["losses"][:15], rel=0.05)
    another = original.fit(groups, run["coordinates"], run["coordinates"], 1, 1, np.inf, lambda probability: 0.0, every=1)
    assert another[0]["loss"] != pytest.approx(run["losses"][0], rel=0.05), "the seed has to matter for the above to mean anything"


def test_looking_at_the_error_does_not_change_the_training(torch):
    nodes = np.random.default_rng(0).uniform([0, 0, 0], [8, 6, 16], (200, 3))
    seen = []

    def error(probability):
        seen.append(probability)
        return float(probability.mean())

    often = original.train_original(points(*nodes), a_stack(), max_epochs=10, evaluate=error, every=1)
    seldom = original.train_original(points(*nodes), a_stack(), max_epochs=10, evaluate=error, every=10)
    assert [record["epoch"] for record in often] == list(range(1, 11)) and [record["epoch"] for record in seldom] == [10]
    assert often[-1]["loss"] == seldom[-1]["loss"]
    assert all(probability.shape == (200,) and 0 < probability.min() and probability.max() < 1 for probability in seen)
    times = [record["cpu_seconds"] for record in often]
    assert times[0] > 0 and np.all(np.diff(times) > 0)


def test_it_stops_at_the_limit_of_time_or_when_no_better_epoch_comes(torch):
    nodes = points([0, 0, 0], [2, 2, 8], [4, 4, 16])
    assert len(original.train_original(nodes, a_stack(), time_limit_cpu_seconds=0.0)) == 1
    errors = iter([5.0, 3.0, 4.0, 4.0, 4.0, 1.0])
    history = original.train_original(nodes, a_stack(), evaluate=lambda probability: next(errors), every=10, patience=20)
    assert [record["epoch"] for record in history] == [10, 20, 30, 40]
    assert original.best(history)["epoch"] == 20


@pytest.mark.slow
def test_its_best_epoch_on_a_phantom_is_found_with_the_truth(torch):
    result = original.best_on_phantom("W", 0, nodes=2000, max_epochs=30)
    best = min(result["history"], key=lambda record: record["rmse"])
    assert (result["best_rmse"], result["best_epoch"], result["cpu_seconds_to_best"]) == (best["rmse"], best["epoch"], best["cpu_seconds"])
    assert result["stopped"] == "epochs" and result["total_epochs"] == 30
    assert result["best_rmse"] < result["history"][0]["rmse"]
    assert json.loads(json.dumps(result)) == result
