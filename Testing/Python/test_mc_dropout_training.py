"""Training the network: on a toy whose answer is known, and through the door of all models."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bodies import applied, reconstructed, rigid, rms, the_phantom

from CardioScarLib.cli.main import main
from CardioScarLib.cli.phantom_files import write_phantom
from CardioScarLib.core.case import Case
from CardioScarLib.core.errors import BadSettings, Cancelled, OutOfMemory
from CardioScarLib.core.settings import ModelSettings, NetworkSettings
from CardioScarLib.core.wall import Wall
from CardioScarLib.pipeline import reconstruct
from CardioScarLib.reconstruction.dropout import train as train_module
from CardioScarLib.reconstruction.dropout.architecture import FREQUENCIES, Architecture
from CardioScarLib.reconstruction.dropout.groups import GroupedPoints
from CardioScarLib.reconstruction.dropout.predict import predict_without_dropout
from CardioScarLib.reconstruction.dropout.train import train

torch = pytest.importorskip("torch", reason="the network needs torch, which comes with the network extra")
ITS_RUN = Path(__file__).parents[1] / "Data" / "cardioscar_training" / "training.npz"
COARSE = 2.6
SMALL = Architecture(width=16)


def toy(groups: int = 200, seed: int = 0) -> GroupedPoints:
    """Pairs of points in a unit cube; scar where x is above 0.5."""
    random = np.random.default_rng(seed)
    centers = random.uniform(0, 1, (groups, 3))
    points = np.repeat(centers, 2, axis=0) + random.normal(scale=0.01, size=(2 * groups, 3))
    target = (centers[:, 0] > 0.5).astype(float)
    return GroupedPoints(points, np.repeat(np.arange(groups), 2), np.full(2 * groups, 0.5), target, np.ones(groups))


def quick(**changes) -> NetworkSettings:
    return NetworkSettings(**{"recipe": "original", "width": 16, "epochs": 12, "batch_size": 100, **changes})


def same(one: dict, other: dict) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[key], other[key]) for key in one)


# On a toy


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["modern", "original"])
def test_it_learns_what_the_groups_show(recipe):
    groups = toy()
    architecture = replace(SMALL, frequencies=8 if recipe == "modern" else 0)
    start = architecture.initial(0, length=0.5)
    trained = train(groups, architecture, quick(recipe=recipe, epochs=60, highest_rate=0.02, half_cycle=100), start=start)
    x = np.linspace(0.05, 0.95, 19)
    field = predict_without_dropout(trained.state, architecture, np.column_stack([x, 0.5 + 0 * x, 0.5 + 0 * x]))
    assert field[x < 0.4].max() < 0.2 and field[x > 0.6].min() > 0.8
    assert trained.history["losses"][-1] < 0.3 * trained.history["losses"][0]


def test_a_group_is_held_to_its_mean_not_to_its_points():
    # Each group's points lie at both ends and its target is 0.5; that the ends differ, single groups at either end say.
    random = np.random.default_rng(0)
    points = np.vstack([np.tile([[0.0, 0, 0], [1.0, 0, 0]], (60, 1)), np.tile([[0.0, 0, 0]], (40, 1))]) + random.normal(
        scale=0.01, size=(160, 3)
    )
    group = np.concatenate([np.repeat(np.arange(60), 2), np.arange(60, 100)])
    target = np.concatenate([np.full(60, 0.5), np.zeros(40)])
    weight = np.concatenate([np.full(120, 0.5), np.ones(40)])
    trained = train(GroupedPoints(points, group, weight, target, np.ones(100)), SMALL, quick(epochs=150, highest_rate=0.02, half_cycle=100))
    ends = predict_without_dropout(trained.state, SMALL, np.array([[0.0, 0, 0], [1.0, 0, 0]]))
    assert ends == pytest.approx([0.0, 1.0], abs=0.15)


def test_groups_that_do_not_count_are_not_learned():
    honest = toy()
    lies = np.arange(200) % 4 == 0
    target = np.where(lies, 1 - honest.target, honest.target)
    settings = quick(epochs=40, highest_rate=0.02, half_cycle=100)
    errors = []
    for confidence in (np.where(lies, 0.0, 1.0), np.ones(200)):
        groups = GroupedPoints(honest.points, honest.group, honest.weight, target, confidence)
        field = predict_without_dropout(train(groups, SMALL, settings).state, SMALL, honest.points)
        errors.append(rms(field - honest.target[honest.group]))
    assert errors[0] < 0.8 * errors[1]


def test_the_best_epoch_on_held_out_groups_is_kept():
    seen = []
    settings = quick(epochs=40, lowest_rate=0.02, highest_rate=0.05)
    trained = train(toy(), SMALL, settings, on_checkpoint=seen.append, every_epochs=1)
    errors = trained.history["held_out_errors"]
    best = int(np.argmin(errors)) + 1
    assert trained.history["held_out_groups"] == 8 and trained.history["best_epoch"] == best
    assert same(trained.state, seen[best - 1].state)
    assert best < 40, "the last epoch was the best: nothing is shown by that"
    assert not same(trained.state, seen[-1].state)
    assert trained.history["best_loss"] == trained.history["losses"][best - 1]


def test_few_groups_are_all_trained_on():
    assert train(toy(20), SMALL, quick(epochs=2)).history["held_out_groups"] == 0


def test_it_ends_when_no_better_epoch_comes():
    trained = train(toy(), SMALL, quick(epochs=500, patience=5, lowest_rate=0.03, highest_rate=0.05))
    assert trained.history["converged_epoch"] == trained.history["best_epoch"] + 5 < 500


@pytest.mark.parametrize("recipe", ["modern", "original"])
def test_the_seed_decides(recipe):
    runs = [train(toy(), SMALL, quick(recipe=recipe, epochs=3), seed=seed).state for seed in (4, 4, 5)]
    assert same(runs[0], runs[1])
    assert not same(runs[0], runs[2])


@pytest.mark.parametrize("recipe", ["modern", "original"])
def test_a_run_that_was_broken_off_goes_on_to_the_same_end(recipe):
    settings, seen = quick(recipe=recipe), []
    whole = train(toy(), SMALL, settings, seed=3, on_checkpoint=seen.append, every_epochs=5)
    assert [one.epoch for one in seen] == [5, 10]
    resumed = train(toy(), SMALL, settings, seed=3, resume=seen[0])
    assert same(resumed.state, whole.state)
    for name in ("losses", "rates", "held_out_errors", "best_epoch"):
        assert resumed.history[name] == whole.history[name]
    json.dumps(seen[0].history)


@pytest.mark.parametrize("stages", [0, 1, 2, 3, 4])
def test_exactly_the_frozen_layers_stay(stages):
    start = Architecture(16, layout=2).initial(1)
    trained = train(toy(), Architecture(16, layout=2), quick(epochs=3), start=start, freeze_stages=stages)
    stayed = [np.array_equal(trained.state[f"{name}.{kind}"], start[f"{name}.{kind}"]) for name in (
        "network.0", "network.2", "network.4", "network.7", "network.9") for kind in ("weight", "bias")]  # fmt: skip
    assert stayed == [True] * (2 * stages) + [False] * (10 - 2 * stages)


def test_more_layers_than_there_are_cannot_be_frozen():
    with pytest.raises(BadSettings, match="has 4"):
        train(toy(), SMALL, quick(), freeze_stages=5)


def test_the_frequencies_stay_as_they_were_drawn():
    architecture = Architecture(16, frequencies=4)
    start = architecture.initial(0)
    trained = train(toy(), architecture, quick(recipe="modern", epochs=2), start=start)
    assert np.array_equal(trained.state[FREQUENCIES], start[FREQUENCIES])


# Stopping


def test_ctrl_c_keeps_the_best_so_far():
    def interrupt(epoch, epochs, loss, rate):
        if epoch == 4:
            raise KeyboardInterrupt

    seen = []
    trained = train(toy(), SMALL, quick(), progress=interrupt, on_checkpoint=seen.append, every_epochs=1)
    assert trained.interrupted and trained.history["converged_epoch"] == 4
    assert same(trained.state, seen[trained.history["best_epoch"] - 1].state)
    assert not train(toy(), SMALL, quick(epochs=1)).interrupted


def test_who_cancels_ends_it_after_that_epoch():
    told = []

    def cancel(epoch, epochs, loss, rate):
        told.append((epoch, epochs, rate))
        if epoch == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        train(toy(), SMALL, quick(), progress=cancel)
    assert [epoch for epoch, _, _ in told] == [1, 2, 3]
    assert {epochs for _, epochs, _ in told} == {12}


def test_a_run_that_diverges_says_so():
    with pytest.raises(BadSettings, match="learning rate"):
        groups = toy()
        wild = {key: values * 1e30 for key, values in SMALL.initial(0).items()}
        train(groups, SMALL, quick(), start=wild)


# Memory


def memory_for(points: int, monkeypatch):
    there = train_module._Run._loss

    def loss(run, batch, masks):
        if len(batch.points) > points:
            raise torch.OutOfMemoryError
        return there(run, batch, masks)

    monkeypatch.setattr(train_module._Run, "_loss", loss)


def test_batches_shrink_when_memory_is_short(monkeypatch):
    memory_for(30, monkeypatch)
    trained = train(toy(), SMALL, quick(epochs=40, highest_rate=0.02, half_cycle=200))
    assert trained.history["converged_epoch"] == 40
    assert trained.history["losses"][-1] < 0.5 * trained.history["losses"][0]


def test_memory_for_less_than_a_group_is_said_in_one_sentence(monkeypatch):
    memory_for(1, monkeypatch)
    with pytest.raises(OutOfMemory, match="'cpu'"):
        train(toy(), SMALL, quick())


# The original's recipe


def test_the_original_recipe_has_the_originals_learning_rates():
    run = np.load(ITS_RUN)
    groups = GroupedPoints(*_its_groups(run))
    rates = train(groups, SMALL, NetworkSettings("original", width=16, epochs=3)).history["rates"]
    # Its rate was noted after the batch, one batch late: see the peer in the benchmark.
    per_epoch = len(train_module.make_batches(groups, np.arange(len(groups.target)), 10_000, torch.device("cpu")))
    expected = [1e-3 + 9e-3 * epoch * per_epoch / 2000 for epoch in (1, 2, 3)]
    assert rates == pytest.approx(expected)
    assert rates[0] == pytest.approx(run["lrs"][1], rel=1e-6) and per_epoch == 1


def test_the_modern_recipe_has_one_cycle_over_the_whole_run():
    rates = train(toy(), SMALL, quick(recipe="modern", epochs=10)).history["rates"]
    assert np.argmax(rates) == 2 and max(rates) == pytest.approx(8e-3)
    assert np.all(np.diff(rates[:3]) > 0) and np.all(np.diff(rates[2:]) < 0)
    assert rates[-1] == pytest.approx(1e-4)


def test_the_original_recipe_loses_as_the_original_did():
    run = np.load(ITS_RUN)
    architecture = Architecture(layout=2)
    trained = train(GroupedPoints(*_its_groups(run)), architecture, NetworkSettings("original", epochs=15), seed=42)
    losses = np.array(trained.history["losses"])
    # Other dropout masks, and 4 % of the groups held out: close, not equal.
    assert losses == pytest.approx(run["losses"][:15], rel=0.15)
    assert abs(losses[-1] - losses[0]) > 0.2 * losses[0]


def _its_groups(run):
    group = run["group"].astype(np.int64)
    return run["coordinates"], group, 1 / np.bincount(group)[group], run["values"].astype(float), np.ones(len(run["values"]))


# Through the door of all models


@pytest.fixture(scope="module")
def a_result():
    return reconstructed(the_phantom("I3", pixel=2.0), model="network", samples=16)


@pytest.mark.slow
def test_it_beats_interpolation_where_there_is_a_channel(a_result):
    case = the_phantom("I3", pixel=2.0)
    ours, theirs = (rms(one.arrays["scar_probability"] - case.truth) for one in (a_result, reconstructed(case, model="logodds")))
    assert ours < 0.6 * theirs
    spread = a_result.arrays["scar_uncertainty"]
    border = np.abs(a_result.arrays["scar_probability"] - 0.5) < 0.3
    assert spread[border].mean() > 3 * spread[~border].mean() > 0


@pytest.mark.slow
def test_its_summary_says_how_it_was_trained(a_result):
    fit = a_result.summary["fit"]
    assert (fit["model"], fit["recipe"]) == ("network", "modern")
    assert 1 <= fit["best_epoch"] <= fit["epochs"]
    assert fit["device"].startswith(("CPU", "GPU")) and fit["pytorch"] == torch.__version__
    assert 0 < fit["held_out_rms"] < 0.1


def test_a_draw_is_the_same_field_whatever_points_are_asked(a_result):
    nodes = the_phantom("I3", pixel=2.0).wall.nodes[:500]
    whole = a_result.posterior.samples(4, nodes)
    assert a_result.posterior.samples(2, nodes[::-1])[:, ::-1] == pytest.approx(whole[:2], abs=2e-4)
    assert a_result.posterior.samples(4, nodes[10:11])[:, 0] == pytest.approx(whole[:, 10], abs=2e-4)
    assert a_result.posterior.samples(16, nodes).mean(axis=0) == pytest.approx(a_result.posterior.mean(nodes), abs=1e-5)
    assert a_result.posterior.samples(16, nodes).std(axis=0) == pytest.approx(a_result.posterior.sd(nodes), abs=1e-5)


@pytest.mark.slow
def test_a_turned_patient_has_the_same_map():
    case, pose = the_phantom("I3", pixel=COARSE), rigid(5)
    wall = Wall(applied(pose, case.wall.nodes), case.wall.tetrahedra, case.wall.triangles, case.wall.kind)
    network = NetworkSettings(epochs=5)
    here, there = (
        reconstructed(case, model="network", samples=4, network=network, stack=stack, wall=one).arrays["scar_probability"]
        for stack, one in ((case.stack, case.wall), (case.stack.transformed(pose), wall))
    )
    assert rms(here - there) < 1e-4
    assert np.ptp(here) > 0.3


@pytest.mark.slow
def test_progress_counts_the_epochs_and_can_cancel():
    case, told = the_phantom("W", pixel=COARSE), []
    settings = replace(case.settings, model=ModelSettings("network", samples=2, network=NetworkSettings(epochs=6)))

    def tell(stage, step, steps, loss=None):
        told.append((stage, step, steps, loss))
        if loss is not None and step == 4:
            raise Cancelled

    with pytest.raises(Cancelled):
        reconstruct(Case(case.stack, case.wall), settings, tell)
    epochs = [(step, steps) for stage, step, steps, loss in told if loss is not None]
    assert epochs == [(1, 6), (2, 6), (3, 6), (4, 6)]


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["modern", "original"])
def test_the_command_line_trains_it_and_says_how(recipe, tmp_path, capsys):
    files = write_phantom(the_phantom("W", nodes=1500, pixel=4.0), tmp_path)
    words = ["reconstruct", "--mesh-vtk", files.mesh, "--image", files.image, "--evidence", "values", "--slice-thickness", 8]
    words += ["--model", "network", "--recipe", recipe, "--max-epochs", 2, "--hidden-size", 24, "--hidden-layers", 3, "--dropout", 0.2]
    words += ["--device", "cpu", "--samples", 3, "--output", tmp_path / "map.vtu", "--json"]
    assert main([str(word) for word in words]) == 0
    record = json.loads(capsys.readouterr().out)
    network = record["provenance"]["settings"]["model"]["network"]
    assert [network[name] for name in ("recipe", "width", "depth", "dropout", "epochs")] == [recipe, 24, 3, 0.2, 2]
    assert record["summary"]["fit"]["epochs"] == 2 and record["summary"]["fit"]["device"] == "CPU"


def test_the_command_line_refuses_impossible_networks(tmp_path, capsys):
    words = ["reconstruct", "--mesh-vtk", "a.vtu", "--image", "b.nrrd", "--output", "c.vtu", "--model", "network", "--dropout", "1"]
    assert main(words) == 2
    assert "Dropout rate: 1 is out of range" in capsys.readouterr().err
