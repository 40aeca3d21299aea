"""The original cardioscar's commands and functions, as a person who comes from it uses them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from bodies import heed_ctrl_c
from original_commands import maps, refused, shifted
from original_files import FILES, LAYERS, LAYOUT_1, LAYOUT_2, results, write_points
from scipy.spatial import cKDTree
from waiting import wait_until

import CardioScarLib.original as original
from CardioScarLib.cli import training as training_words
from CardioScarLib.cli.main import cardioscar, main
from CardioScarLib.core.errors import BadSettings, OutsideTrainingBox, UnwritableOutput
from CardioScarLib.core.settings import NetworkSettings
from CardioScarLib.io.checkpoints import read_checkpoint
from CardioScarLib.io.tensor_files import read_tensors
from CardioScarLib.io.training_data import TrainingData, read_training_data
from CardioScarLib.original.box import frame_of
from CardioScarLib.original.training import fine_tune, fine_tuning_settings, grouped, train
from CardioScarLib.original.unfinished import Unfinished
from CardioScarLib.reconstruction.dropout.architecture import Architecture

pytest.importorskip("torch", reason="the network needs torch")
pytest.importorskip("safetensors", reason="our checkpoints are safetensors files")
pytest_plugins = ["original_commands"]

ROOT = Path(__file__).parents[2]
SMALL = NetworkSettings("original", "cpu", width=16, epochs=9, patience=500)


def node_of(points) -> np.ndarray:
    """Node number of each of these points of the mesh, which training files keep in float32."""
    distance, number = cKDTree(results()["nodes"]).query(points)
    assert distance.max() < 1e-3 and len(np.unique(number)) == len(number)
    return number


# --- prepare


def test_prepare_groups_an_image_as_the_original_and_takes_values_from_the_same_voxel(run, mesh, tmp_path):
    code, out, err = run("prepare", mesh_vtk=mesh, image=FILES / "slices.nii.gz", output=tmp_path / "data.npz")
    assert code == 0 and "Nodes  5440 of 5440, in 4421 pixels" in out and "--slice-thickness" in err
    ours, theirs = read_training_data(tmp_path / "data.npz"), read_training_data(FILES / "prepare_image.npz")
    of_node = np.argsort(node_of(ours.points))
    nodes = node_of(theirs.points)
    # One group there is one group here, and the other way round.
    pairs = np.unique(np.column_stack([ours.group[of_node][nodes], theirs.group]), axis=0)
    assert len(pairs) == len(np.unique(pairs[:, 0])) == len(np.unique(pairs[:, 1])) == 3113
    # Values: where rounding and flooring find the same voxel they agree, elsewhere they mostly do not.
    image = sitk.ReadImage(str(FILES / "slices.nii.gz"))
    index = np.array([image.TransformPhysicalPointToContinuousIndex(place) for place in results()["nodes"][nodes].tolist()])
    same = np.all(np.floor(index) == np.floor(index + 0.5), axis=1)
    scale = sitk.GetArrayViewFromImage(image).max()
    difference = np.abs(ours.values[of_node][nodes] / scale - theirs.values)
    assert 0.05 < same.mean() < 0.5 and difference[same].max() < 1e-4
    assert difference[~same].max() > 0.5
    array = sitk.GetArrayFromImage(image)
    i, j, k = np.floor(index + 0.5).astype(int).T
    assert np.array_equal(ours.values[of_node][nodes].astype(np.float32), array[k, j, i].astype(np.float32))


def test_prepare_makes_of_grid_layers_what_the_original_makes(run, mesh, tmp_path):
    assert run("prepare", mesh_vtk=mesh, grid_layers=LAYERS, output=tmp_path / "data.npz")[0] == 0
    ours, theirs = read_training_data(tmp_path / "data.npz"), read_training_data(FILES / "prepare_gridlayers.npz")
    here, there = np.argsort(node_of(ours.points)), np.argsort(node_of(theirs.points))
    assert np.array_equal(node_of(ours.points)[here], node_of(theirs.points)[there])
    assert np.array_equal(ours.values[here], theirs.values[there])
    pairs = np.unique(np.column_stack([ours.group[here], theirs.group[there]]), axis=0)
    assert len(pairs) == len(np.unique(pairs[:, 0])) == len(np.unique(pairs[:, 1])) == 1514
    assert np.allclose(ours.minimum, theirs.minimum) and np.allclose(ours.maximum, theirs.maximum)


def test_both_forms_of_grid_layers_are_one(run, mesh, tmp_path, capsys):
    assert run("prepare", mesh_vtk=mesh, grid_layers=LAYERS[:2], output=tmp_path / "list.npz")[0] == 0
    words = ["prepare", "--mesh-vtk", str(mesh), "--output", str(tmp_path / "repeated.npz")]
    assert main([*words, "--grid-layers", str(LAYERS[1]), "--grid-layers", str(LAYERS[0])]) == 0
    first, second = (read_training_data(tmp_path / f"{name}.npz") for name in ("list", "repeated"))
    assert np.array_equal(first.points, second.points) and np.array_equal(first.values, second.values)
    assert len(first.group) < 2073


def test_the_flags_that_the_original_ignores_work(run, mesh, tmp_path):
    def nodes(name, **flags):
        code, _, err = run("prepare", mesh_vtk=mesh, output=tmp_path / f"{name}.npz", **flags)
        assert code == 0, err
        return read_training_data(tmp_path / f"{name}.npz").points

    image = FILES / "slices.nii.gz"
    heights = nodes("two", image=image, slice_indices="4,7")[:, 2]
    centers = [sitk.ReadImage(str(image)).TransformIndexToPhysicalPoint((0, 0, k))[2] for k in (4, 7)]
    away = np.abs(heights[:, None] - centers)
    assert np.all(away.min(axis=1) <= 4.0 + 1e-5) and set(away.argmin(axis=1)) == {0, 1}  # half of 8 mm around each
    across = nodes("axis", image=image, slice_axis="x", slice_indices="20")
    assert np.ptp(across[:, 0]) <= 2.0 and np.ptp(across[:, 2]) > 50
    thin, thick = (nodes(f"padding {mm}", grid_layers=LAYERS[0], slice_thickness_padding=mm) for mm in (1, 5))
    assert np.ptp(thin[:, 2]) <= 2.0 < 8.0 < np.ptp(thick[:, 2]) <= 10.0
    code, _, err = run("prepare", mesh_vtk=mesh, image=image, slice_thickness_padding=5, output=tmp_path / "note.npz")
    assert code == 0 and "--slice-thickness-padding was not used" in err


def test_min_max_only_when_asked_for_and_zeros_left_out_only_when_asked_for(run, mesh, tmp_path):
    image = sitk.ReadImage(str(FILES / "slices.nii.gz"))
    sitk.WriteImage(image * 1000, str(tmp_path / "lge.nrrd"))
    answer = run("prepare", mesh_vtk=mesh, image=tmp_path / "lge.nrrd", output=tmp_path / "lge.npz")
    assert refused(answer, "from 0 to 10", "--normalize minmax", "cardioscar reconstruct") and not (tmp_path / "lge.npz").exists()
    flags = {"mesh_vtk": mesh, "image": tmp_path / "lge.nrrd", "normalize": "minmax"}
    code, _, err = run("prepare", output=tmp_path / "lge.npz", **flags)
    assert code == 0 and "were stretched" in err
    everything = read_training_data(tmp_path / "lge.npz").values
    assert everything.min() == 0 and everything.max() == 1
    code, _, err = run("prepare", output=tmp_path / "some.npz", exclude_zero_intensity=True, **flags)
    some = read_training_data(tmp_path / "some.npz").values
    assert code == 0 and some.min() > 0 and len(some) == np.count_nonzero(everything)
    assert f"{len(everything) - len(some)} nodes" in err and "value 0 were left out" in err


def test_prepare_refuses_what_cannot_be_meant(run, mesh, tmp_path):
    image, out = FILES / "slices.nii.gz", tmp_path / "data.npz"
    assert refused(run("prepare", mesh_vtk=mesh, output=out), "--image or as --grid-layers")
    assert refused(run("prepare", mesh_vtk=mesh, output=out, image=image, grid_layers=LAYERS), "--image or as --grid-layers")
    assert refused(run("prepare", mesh_vtk=mesh, output=out, grid_layers=LAYERS, slice_thickness=8), "padding")
    assert refused(run("prepare", mesh_vtk=mesh, output=out, grid_layers=LAYERS, slice_thickness_padding=0), "greater than zero")
    assert refused(run("prepare", mesh_vtk=mesh, output=tmp_path / "data.pth", image=image), "use .npz")
    far = write_points(results()["nodes"] + 500, tmp_path / "far.vtu")
    assert refused(run("prepare", mesh_vtk=far, output=out, image=image), "do not meet", "mm away")
    one = write_points(results()["nodes"][:1], tmp_path / "one.vtu")
    assert refused(run("prepare", mesh_vtk=one, output=out, image=image), "one node")
    assert not out.exists()


# --- train, apply


@pytest.mark.slow
def test_slices_become_a_map_in_three_commands(run, mesh, tmp_path):
    net, image = tmp_path / "net.safetensors", FILES / "slices.nii.gz"
    code, _, err = run("prepare", mesh_vtk=mesh, image=image, output=tmp_path / "data.npz", exclude_zero_intensity=True)
    assert code == 0, err
    code, out, err = run("train", training_data=tmp_path / "data.npz", output=net, cpu=True)
    assert code == 0 and "recipe modern" in out and "Device  CPU" in out and err.count("\n") == 0
    code, out, err = run("apply", model=net, mesh=mesh, output=tmp_path / "map.vtk", threshold=0.5, cpu=True, keep_names=True)
    assert code == 0 and "lie outside the box" in err
    found = maps(tmp_path / "map.vtk")
    assert sorted(found) == ["scar_binary", "scar_probability", "scar_uncertainty"]
    assert all(values.dtype == np.float32 for values in found.values())
    assert np.array_equal(found["scar_binary"] == 1, found["scar_probability"] >= 0.5)
    # The heart's made-up scar is a ball on a background of 0.1; where its center is, the pixels show it too.
    inside = read_training_data(tmp_path / "data.npz")
    predicted = found["scar_probability"][node_of(inside.points)]
    assert np.sqrt(np.mean((predicted - inside.values) ** 2)) < 0.06 < 0.5 * np.std(inside.values)
    made = json.loads((tmp_path / "map.vtk.json").read_text())["provenance"]
    assert made["settings"]["model"]["seed"] == 42 and [one["name"] for one in made["inputs"]] == ["net.safetensors", "wall.vtu"]
    assert made["settings"]["training"]["recipe"] == "modern"
    # Draws are seeded, in whatever batches; the last of these has one node, which the original does not survive.
    again = {"seed": 42, "batch_size": 777, "mc_samples": 10}
    assert run("apply", model=net, mesh=mesh, output=tmp_path / "again.vtu", cpu=True, **again)[0] == 0
    assert np.allclose(maps(tmp_path / "again.vtu")["scar_probability"], found["scar_probability"], atol=1e-6)
    assert run("apply", model=net, mesh=mesh, output=tmp_path / "other.vtu", cpu=True, seed=1)[0] == 0
    assert np.abs(maps(tmp_path / "other.vtu")["scar_probability"] - found["scar_probability"]).max() > 1e-3


def test_a_pth_is_trained_as_the_original_does_and_loads_there(run, data_file, tmp_path):
    code, out, _ = run("train", training_data=data_file, output=tmp_path / "net.pth", max_epochs=3, hidden_size=8, cpu=True)
    assert code == 0 and "recipe original" in out
    found = read_checkpoint(tmp_path / "net.pth")
    assert Architecture.from_state(found.state, found.dropout) == Architecture(8, 4, 0.1, layout=2)
    hyper = {"mc_samples": 3, "batch_size": 10_000, "base_lr": 1e-3, "max_lr": 1e-2, "hidden_size": 8, "n_hidden_layers": 4}
    assert hyper.items() <= found.settings.items()
    answer = run("train", training_data=data_file, output=tmp_path / "modern.pth", recipe="modern", cpu=True)
    assert refused(answer, "no place for the recipe modern", "safetensors")
    assert refused(run("train", training_data=data_file, output=tmp_path / "net.pth", cpu=True), "already exists")
    assert refused(run("train", training_data=data_file, output=tmp_path / "net.txt", cpu=True), ".safetensors")


def test_the_new_default_has_two_dropout_layers_and_the_same_seed_the_same_weights(run, data_file, tmp_path):
    flags = {"training_data": data_file, "max_epochs": 2, "hidden_size": 8, "cpu": True}
    for name, seed in (("one", 42), ("same", 42), ("other", 43)):
        assert run("train", output=tmp_path / f"{name}.safetensors", seed=seed, **flags)[0] == 0
    one, same, other = (read_checkpoint(tmp_path / f"{name}.safetensors").state for name in ("one", "same", "other"))
    assert Architecture.from_state(one).dropout_layers == (2, 4)
    assert all(np.array_equal(one[key], same[key]) for key in one)
    assert not np.array_equal(one["network.2.weight"], other["network.2.weight"])


def test_the_commands_have_the_originals_flags_and_defaults():
    not_said = None  # left to the recipe, or to the file
    theirs = {
        "prepare": {
            "mesh": not_said, "output": not_said, "images": (), "layers": (), "vtk_scalar_field": "ScalarValue", "slice_axis": not_said,
            "slice_indices": not_said, "padding": not_said, "exclude_zero": False,
        },
        "train": {
            "training_data": not_said, "output": not_said, "batch_size": not_said, "max_epochs": not_said, "patience": not_said,
            "mc_samples": not_said, "hidden_size": 128, "hidden_layers": 4, "cpu": False,
        },
        "fine-tune": {
            "checkpoint": not_said, "training_data": not_said, "output": not_said, "freeze_stages": 0, "batch_size": not_said,
            "max_epochs": not_said, "patience": not_said, "mc_samples": not_said, "base_lr": 1e-4, "max_lr": 1e-3, "cpu": False,
        },
        "apply": {
            "model": not_said, "mesh": not_said, "output": not_said, "mc_samples": 10, "batch_size": not_said, "threshold": not_said,
            "cpu": False,
        },
    }  # fmt: skip
    flags = {"mesh": "--mesh-vtk", "images": "--image", "layers": "--grid-layers", "patience": "--early-stopping-patience"}
    flags |= {"padding": "--slice-thickness-padding", "exclude_zero": "--exclude-zero-intensity"}
    for name, defaults in theirs.items():
        command = cardioscar.commands[name]
        params = command.make_context(name, [], resilient_parsing=True).params
        # Flags of settings are kept by the path of the field; here by their own name.
        found = params | {one.opts[0][2:].replace("-", "_"): params[one.name] for one in command.params if one.opts[0].startswith("--")}
        assert {one: found[one] for one in defaults} == defaults
        options = {option for one in command.params for option in one.opts}
        for one in defaults:
            dashed = "--" + one.replace("_", "-")
            flag = dashed if name == "apply" else flags.get(one, dashed)
            assert flag in options
    # Where a flag says nothing, the recipe and the config speak; these are the original's.
    of_recipe, of_config = NetworkSettings("original"), original.TrainingConfig().settings("auto")
    from CardioScarLib.reconstruction.dropout.recipes import recipe_of

    assert recipe_of(of_recipe) == recipe_of(of_config)
    assert (recipe_of(of_recipe).epochs, recipe_of(of_recipe).patience, recipe_of(of_recipe).batch_size) == (10_000, 500, 10_000)
    fine = recipe_of(fine_tuning_settings(read_checkpoint(LAYOUT_2), lowest_rate=1e-4, highest_rate=1e-3, device=None))
    assert fine == recipe_of(original.FineTuneConfig().training.settings("auto"))
    assert (fine.epochs, fine.patience, fine.training_samples) == (1000, 200, 3)


class Killed(Exception):
    """Stands in for the end of the process."""


def killed_after(epochs: int):
    def progress(done, most, loss, rate):
        if done == epochs:
            raise Killed

    return progress


def test_batches_of_one_node_are_trained_on():
    data = TrainingData.from_points(np.eye(3), [0.0, 0.0, 1.0], [0, 0, 1])
    losses = train(data, replace(SMALL, batch_size=1)).checkpoint.history["losses"]
    assert len(losses) == 9 and losses[-1] < losses[0]


def test_a_killed_training_goes_on_and_ends_as_if_nothing_had_happened(tmp_path):
    data = read_training_data(FILES / "prepare_image.npz")
    unfinished = Unfinished(tmp_path / "net.safetensors", every_epochs=3)
    with pytest.raises(Killed):
        train(data, SMALL, progress=killed_after(7), unfinished=unfinished)
    assert [path.name for path in tmp_path.iterdir()] == ["net.safetensors.unfinished"]
    with pytest.raises(UnwritableOutput, match="--resume"):
        Unfinished(tmp_path / "net.safetensors").check()
    seen = []
    resumed = train(
        data, SMALL, progress=lambda done, *_: seen.append(done), unfinished=Unfinished(tmp_path / "net.safetensors", resume=True)
    )
    assert seen == [7, 8, 9] and any("after epoch 6" in note for note in resumed.notes)
    whole = train(data, SMALL).checkpoint
    assert all(np.array_equal(resumed.checkpoint.state[name], whole.state[name]) for name in whole.state)
    assert resumed.checkpoint.history["losses"] == whole.history["losses"]
    for other in (replace(SMALL, epochs=10), replace(SMALL, width=8)):
        with pytest.raises(ValueError, match="other data, settings, seed or start"):
            train(data, other, unfinished=Unfinished(tmp_path / "net.safetensors", resume=True))


def test_ctrl_c_keeps_the_best_network_so_far(run, data_file, tmp_path, monkeypatch):
    flags = {"training_data": data_file, "output": tmp_path / "net.safetensors", "recipe": "original", "hidden_size": 8, "cpu": True}
    bar = training_words.training_bar

    class Interrupting:
        def __enter__(self):
            self.bar = bar()
            advance = self.bar.__enter__()

            def interrupt(done, epochs, loss, rate):
                advance(done, epochs, loss, rate)
                if done == 5:
                    raise KeyboardInterrupt

            return interrupt

        def __exit__(self, *problem):
            return self.bar.__exit__(*problem)

    monkeypatch.setattr("CardioScarLib.cli.train.training_bar", Interrupting)
    code, out, _ = run("train", checkpoint_every=2, **flags)
    assert code == 130 and "Stopped before the end" in out and "--resume" in out
    assert read_checkpoint(tmp_path / "net.safetensors").history["converged_epoch"] == 5
    monkeypatch.undo()
    assert refused(run("train", **flags), "unfinished")
    code, out, err = run("train", resume=True, **{**flags, "max_epochs": 6})
    assert refused((code, out, err), "other data, settings")
    # Starting anew is possible, but has to be said; afterwards nothing is unfinished, even if it is stopped early.
    monkeypatch.setattr("CardioScarLib.cli.train.training_bar", Interrupting)
    code, out, _ = run("train", overwrite=True, checkpoint_every=50, **flags)
    assert code == 130 and "--resume" not in out and not (tmp_path / "net.safetensors.unfinished").exists()
    monkeypatch.undo()
    assert run("train", overwrite=True, **{**flags, "max_epochs": 2})[0] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["net.safetensors"]


@pytest.mark.slow
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_real_process_survives_ctrl_c_and_leaves_a_state_when_killed(sent, code, data_file, tmp_path):
    output, state = tmp_path / "net.pth", tmp_path / "net.pth.unfinished"
    flags = {"--training-data": data_file, "--output": output, "--checkpoint-every": 1, "--hidden-size": 8}
    words = ["train", "--cpu", *(str(word) for pair in flags.items() for word in pair)]
    command = [sys.executable, "-m", "CardioScarLib.cli.main", *words]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, preexec_fn=heed_ctrl_c)
    wait_until(lambda: state.exists() or process.poll() is not None)
    process.send_signal(sent)
    out = process.communicate(timeout=60)[0]
    assert process.returncode == code
    assert output.exists() == (code == 130) == ("the best network so far was kept" in out)
    assert read_tensors(state, "unfinished training")[1]["epoch"] >= 1  # never half of one


def test_a_training_that_is_stopped_before_its_first_epoch_writes_nothing(run, data_file, tmp_path, monkeypatch):
    def interrupted(*arguments, **keywords):
        raise KeyboardInterrupt

    monkeypatch.setattr("CardioScarLib.reconstruction.dropout.train._Run.epoch", interrupted)
    code, out, err = run("train", training_data=data_file, output=tmp_path / "net.safetensors", cpu=True)
    assert (code, out) == (130, "") and "nothing was written" in err and not list(tmp_path.iterdir())


# --- fine-tune


def test_freezing_stages_keeps_exactly_the_layers_it_names(tmp_path):
    data, parent = read_training_data(FILES / "prepare_image.npz"), read_checkpoint(LAYOUT_1)
    settings = fine_tuning_settings(parent, device="cpu", epochs=2)
    for stages in range(5):
        result = fine_tune(data, parent, LAYOUT_1, settings, stages).checkpoint
        layers = Architecture.from_state(parent.state).layers
        kept = [np.array_equal(result.state[f"{layer}.weight"], parent.state[f"{layer}.weight"]) for layer in layers]
        assert kept == [True] * stages + [False] * (5 - stages)  # four hidden layers and the output, which is never frozen
        assert (result.freeze_stages, result.fine_tuned_from) == (stages, "gen1_script_train.pth")
    for stages in (-1, 5):
        with pytest.raises(BadSettings, match="cannot be frozen"):
            fine_tune(data, parent, LAYOUT_1, settings, stages)


def test_a_patient_is_taken_into_the_checkpoints_frame(tmp_path):
    data, parent = read_training_data(FILES / "prepare_image.npz"), read_checkpoint(LAYOUT_2)
    patient = shifted(data, [10.0, 0, 0])
    assert np.allclose(patient.coordinates, data.coordinates)  # in its own box it looks the same
    groups, _ = grouped(patient, frame_of(parent))
    there, _ = grouped(data, frame_of(parent))
    moved = (groups.points - there.points) * (parent.origin + 1 / np.diag(parent.matrix) - parent.origin)
    assert np.allclose(moved, [10.0, 0, 0])
    result = fine_tune(patient, parent, LAYOUT_2, fine_tuning_settings(parent, device="cpu", epochs=1))
    outside = int(frame_of(parent).outside(patient.points).sum())
    assert 0 < outside < len(data.group)
    assert any(f"{outside} of 3655 nodes of the training data" in note and "extrapolated" in note for note in result.notes)
    assert np.array_equal(result.checkpoint.origin, parent.origin) and np.array_equal(result.checkpoint.matrix, parent.matrix)
    with pytest.raises(OutsideTrainingBox, match="register the patient"):
        fine_tune(shifted(data, [0, 200.0, 0]), parent, LAYOUT_2, fine_tuning_settings(parent, device="cpu", epochs=1))
    here = fine_tune(data, parent, LAYOUT_2, fine_tuning_settings(parent, device="cpu", epochs=1))
    assert not any("outside" in note for note in here.notes)


def test_fine_tuning_goes_on_from_where_the_checkpoint_was(run, data_file, tmp_path):
    flags = {"checkpoint": LAYOUT_2, "training_data": data_file, "max_epochs": 2, "cpu": True}
    code, out, err = run("fine-tune", output=tmp_path / "fine.pth", **flags)
    assert code == 0 and "recipe original" in out
    fine, parent = read_checkpoint(tmp_path / "fine.pth"), read_checkpoint(LAYOUT_2)
    assert fine.history["losses"][0] < 2 * parent.history["losses"][-1] < 0.3 * parent.history["losses"][0]
    assert fine.fine_tuned_from == "gen2_cli_train.pth"
    assert "groups hold different values" in err  # what the original prepares from an image
    code, out, _ = run("fine-tune", **{**flags, "output": tmp_path / "modern.safetensors", "max_lr": 5e-4})
    assert code == 0 and read_checkpoint(tmp_path / "modern.safetensors").settings["max_lr"] == 5e-4
    assert refused(run("fine-tune", output=tmp_path / "x.pth", **{**flags, "freeze_stages": 5}), "5 hidden layers")
    assert refused(run("fine-tune", output=tmp_path / "x.pth", **{**flags, "checkpoint": data_file}), "not a checkpoint")
    assert refused(run("fine-tune", output=tmp_path / "x.pth", **{**flags, "base_lr": 1.0}), "learning rate")


# --- bad input


def test_a_mesh_far_from_the_training_box_is_refused_with_what_would_help(run, tmp_path):
    nodes = results()["nodes"]
    flags = {"model": LAYOUT_2, "output": tmp_path / "map.vtu", "cpu": True}
    answer = run("apply", mesh=write_points(nodes + 500, tmp_path / "far.vtu"), **flags)
    assert refused(answer, "5440 of 5440 nodes .* outside the box", "mm away", "right patient")
    answer = run("apply", mesh=write_points(nodes * [-1, -1, 1], tmp_path / "ras.vtu"), **flags)
    assert refused(answer, "would be inside if the model's x and y were flipped")
    assert not (tmp_path / "map.vtu").exists()
    code, _, err = run("apply", mesh=tmp_path / "ras.vtu", mesh_frame="ras", **flags)
    assert code == 0 and "250 of 5440 nodes of the LV model (4.6 %) lie outside" in err
    found = maps(tmp_path / "map.vtu")["scar_probability"]
    assert np.abs(found - results()["layout_2_probability"]).mean() < 0.02


def test_apply_refuses_settings_out_of_range_and_outputs_it_cannot_write(run, mesh, tmp_path):
    flags = {"model": LAYOUT_2, "mesh": mesh, "output": tmp_path / "map.vtu", "cpu": True}
    assert refused(run("apply", **flags, threshold=1.5), "threshold")
    assert refused(run("apply", **flags, mc_samples=0), "number of samples")
    assert refused(run("apply", **flags, batch_size=0), "batch size")
    assert refused(run("apply", **flags, seed=-1), "Seed")
    assert refused(run("apply", **{**flags, "output": tmp_path / "map.stl"}), "cannot carry arrays")
    assert refused(run("apply", **{**flags, "model": mesh}), "wall.vtu is not a checkpoint")
    assert not list(tmp_path.iterdir())
    code, _, err = run("apply", **flags, mc_samples=1)
    assert code == 0 and "one sample is 0 everywhere" in err
    assert "one sample" not in run("apply", **flags, mc_samples=2, overwrite=True)[2]


def test_bad_training_data_and_settings_are_one_sentence_on_the_command_line(run, data_file, tmp_path):
    with np.load(data_file) as found:
        arrays = dict(found)
    np.savez(tmp_path / "sizes.npz", **{**arrays, "group_sizes": arrays["group_sizes"] + 1})
    out = tmp_path / "net.safetensors"
    assert refused(run("train", training_data=tmp_path / "sizes.npz", output=out, cpu=True), "group sizes in sizes.npz do not fit")
    assert refused(run("train", training_data=LAYOUT_2, output=out, cpu=True), "not training data")
    for flag, words in (
        ({"hidden_size": 0}, "Hidden units"), ({"hidden_layers": 1}, "Hidden layers"), ({"max_epochs": 0}, "Epochs"),
        ({"batch_size": 0}, "Batch size"),
        ({"mc_samples": 0}, "samples"), ({"early_stopping_patience": 0}, "Patience"), ({"seed": -1}, "Seed"),
    ):  # fmt: skip
        assert refused(run("train", training_data=data_file, output=out, cpu=True, **flag), words), flag
    assert not out.exists()


def test_without_torch_the_commands_say_how_to_get_it_and_that_the_field_needs_none(run, mesh, data_file, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    out = tmp_path / "net.safetensors"
    assert refused(run("train", training_data=data_file, output=out), "pip install", "'field'")
    assert refused(run("fine-tune", checkpoint=LAYOUT_2, training_data=data_file, output=out), "pip install", "'field'")
    assert refused(run("apply", model=LAYOUT_2, mesh=mesh, output=tmp_path / "map.vtu"), "pip install", "'field'")
    assert run("prepare", mesh_vtk=mesh, image=FILES / "slices.nii.gz", output=tmp_path / "data.npz")[0] == 0
