"""Foundation data, the functions of the original's README, and what `info` says of its files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from original_commands import maps, refused, shifted
from original_files import BROKEN, FILES, LAYERS, LAYOUT_1, LAYOUT_2, forward, results

import CardioScarLib.original as original
from CardioScarLib.cli.main import main
from CardioScarLib.core.errors import BadSettings, UnwritableOutput
from CardioScarLib.core.settings import NetworkSettings
from CardioScarLib.core.wall import Wall
from CardioScarLib.io.checkpoints import read_checkpoint, write_checkpoint
from CardioScarLib.io.training_data import TrainingData, read_training_data, write_training_data
from CardioScarLib.original.apply import apply
from CardioScarLib.original.box import frame_of
from CardioScarLib.original.foundation import Split, joined
from CardioScarLib.original.training import grouped, train
from CardioScarLib.reconstruction.dropout.architecture import Architecture

pytest.importorskip("torch", reason="the network needs torch")
pytest.importorskip("safetensors", reason="our checkpoints are safetensors files")
pytest_plugins = ["original_commands"]


# --- foundation data


def subset(number: int, data: TrainingData, folder: Path) -> None:
    write_training_data(data, folder / f"subset_{number:03}_n10_f2_s3.0_xy2p0mm_z8p0mm_training.npz")


def test_foundation_data_are_what_the_original_makes(run, tmp_path, monkeypatch):
    data = read_training_data(FILES / "prepare_image.npz")
    monkeypatch.chdir(tmp_path)
    Path("fd").mkdir()
    subset(0, data, Path("fd"))
    Path("fd/subset_001_n10_f2_s3.0_xy2p0mm_z8p0mm.nii.gz_training.npz").write_bytes(next(Path("fd").iterdir()).read_bytes())
    Path("fd/other.npz").write_bytes(b"")
    flags = {"input_dir": "fd", "output_dir": "fo", "expected_subsets": 2, "finetune_subsets": 0, "test_subsets": 0}
    code, out, err = run("foundation", train_subsets=2, **flags)
    assert code == 0 and "2 files, 7310 nodes in 6226 pixels" in out and "other.npz" in err
    assert json.loads(Path("fo/split_manifest.json").read_text()) == json.loads((FILES / "split_manifest.json").read_text())
    joint = read_training_data(Path("fo/foundation_training.npz"))
    assert np.array_equal(joint.coordinates, np.vstack([data.coordinates, data.coordinates]))
    assert np.array_equal(joint.group, np.concatenate([data.group, data.group + data.group.max() + 1]))
    assert refused(run("foundation", train_subsets=2, **flags), "already exists")
    assert refused(run("foundation", train_subsets=3, **flags), "3 subsets were asked for", "there are 2")
    # Nothing is left of one that fails, and an existing result is noticed before the data are read.
    Path("fd/subset_002_n10_f2_s3.0_xy2p0mm_z8p0mm_training.npz").write_text("no training data")
    assert refused(run("foundation", train_subsets=3, **{**flags, "output_dir": "new/fo"}), "subset_002")
    assert not Path("new").exists()
    assert refused(run("foundation", train_subsets=3, **flags), "already exists")
    assert refused(run("foundation", train_subsets=2, seed=1, **{**flags, "output_dir": "fd/other.npz"}), "other.npz")


def test_subsets_are_drawn_as_the_original_draws_them():
    subsets = [0, 1, 2, 4, 5, 7, 8, 9]
    drawn = list(subsets)
    np.random.default_rng(42).shuffle(drawn)
    parts = Split(train=4, finetune=1, test=2, seed=42).of(subsets)
    assert parts == {"train": sorted(drawn[:4]), "finetune": drawn[4:5], "test": sorted(drawn[5:7]), "unallocated": drawn[7:]}
    assert Split(train=4, finetune=1, test=2, seed=43).of(subsets) != parts


def test_hearts_with_other_boxes_keep_their_places_in_one_box():
    data = read_training_data(FILES / "prepare_image.npz")
    joint = joined([data, shifted(data, [30.0, 0, 0])])
    assert np.allclose(joint.points, np.vstack([data.points, data.points + [30.0, 0, 0]]))
    assert joint.coordinates.min() == 0 and joint.coordinates.max() == 1 and any("one box" in note for note in joint.notes)


def test_a_coordinate_network_learns_the_average_of_different_scars_and_not_one_of_them():
    # Two hearts at one place, scar on the left in one and on the right in the other.
    x = np.linspace(0, 40, 300)
    points = np.column_stack([x, np.sin(x), np.cos(x)])
    left, right = (TrainingData.from_points(points, values.astype(float), np.arange(300)) for values in (x < 20, x >= 20))
    settings = NetworkSettings("modern", "cpu", width=32)
    both = train(joined([left, right]), settings).checkpoint
    alone = train(left, settings).checkpoint
    groups, _ = grouped(left, frame_of(both))

    def predicted(checkpoint):
        from CardioScarLib.reconstruction.dropout.predict import predict_without_dropout

        architecture = Architecture.from_state(checkpoint.state)
        return predict_without_dropout(checkpoint.state, architecture, frame_of(checkpoint).to_network(points), device="cpu")

    assert np.abs(predicted(both) - 0.5).mean() < 0.1
    uncertainty = apply(both, Wall(points, np.empty((0, 4)), np.empty((0, 3)), "points"), device="cpu").arrays["scar_uncertainty"]
    assert uncertainty.mean() < 0.3  # which is not the spread of the two hearts, 0.5
    assert np.abs(predicted(alone) - left.values).mean() < 0.1


# --- the functions


def test_a_script_of_the_original_needs_a_changed_import_and_little_else(mesh, tmp_path, caplog):
    from CardioScarLib.original import (
        FineTuneConfig,
        PreprocessingRequest,
        TrainingConfig,
        apply_scar_model,
        fine_tune_scar_model,
        prepare_training_data,
        save_inference_result,
        save_preprocessing_result,
        save_trained_model,
        train_scar_model,
    )

    request = PreprocessingRequest(mesh_path=mesh, image_path=FILES / "slices.nii.gz", slice_axis="z", exclude_zero_intensity=True)
    result = prepare_training_data(request)
    assert (result.n_nodes, result.n_groups) == (4004, 3176) == (len(result.coordinates), len(result.group_sizes))
    save_preprocessing_result(result, tmp_path / "data" / "training.npz")
    config = TrainingConfig(max_epochs=4, early_stopping_patience=500, hidden_size=16)
    checkpoint = train_scar_model(tmp_path / "data" / "training.npz", config, device="cpu")
    assert len(checkpoint["history"]["losses"]) == 4 and checkpoint["hyperparameters"]["hidden_size"] == 16
    assert checkpoint["history"]["best_loss"] == checkpoint["history"]["losses"][checkpoint["history"]["best_epoch"]]
    save_trained_model(checkpoint, tmp_path / "patient_001.pth")
    tuned = fine_tune_scar_model(
        tmp_path / "data" / "training.npz", tmp_path / "patient_001.pth", FineTuneConfig(TrainingConfig(max_epochs=1), freeze_stages=2)
    )
    assert tuned["fine_tuned_from"] == "patient_001.pth" and tuned["freeze_stages"] == 2
    assert np.array_equal(tuned["model_state_dict"]["network.2.weight"], checkpoint["model_state_dict"]["network.2.weight"])
    assert not np.array_equal(tuned["model_state_dict"]["network.4.weight"], checkpoint["model_state_dict"]["network.4.weight"])
    inference = apply_scar_model(model_checkpoint_path=tmp_path / "patient_001.pth", mesh_path=mesh, mc_samples=20, threshold=0.2)
    found = read_checkpoint(tmp_path / "patient_001.pth")
    expected = forward(found.state, frame_of(found).to_network(results()["nodes"]))
    assert np.abs(inference.mean_predictions - expected).mean() < 0.02
    assert inference.mean_scar_probability == pytest.approx(expected.mean(), abs=0.02) and inference.n_nodes == 5440
    assert np.array_equal(inference.binary_predictions == 1, inference.mean_predictions >= 0.2)
    save_inference_result(inference, mesh, tmp_path / "results" / "scar.vtk")
    assert np.array_equal(maps(tmp_path / "results" / "scar.vtk")["scar_probability"], inference.mean_predictions)
    with pytest.raises(UnwritableOutput):
        save_inference_result(inference, mesh, tmp_path / "results" / "scar.vtk")
    assert any("outside the box" in message for message in caplog.messages)


def test_the_originals_configs_are_checked():
    with pytest.raises(BadSettings, match="vtk_grid_paths or as image_path"):
        original.PreprocessingRequest(mesh_path=Path("mesh.vtk"))
    with pytest.raises(ValueError, match="Epochs"):
        original.TrainingConfig(max_epochs=0)
    layers = original.prepare_training_data(original.PreprocessingRequest(FILES / "slice_04.vtk", vtk_grid_paths=LAYERS[1:2]))
    assert layers.n_nodes > 0  # a layer's own points, as a mesh: they lie inside it


def test_a_checkpoint_of_layout_1_goes_through_every_door(run, mesh, data_file, tmp_path):
    assert run("apply", model=LAYOUT_1, mesh=mesh, output=tmp_path / "map.vtu", cpu=True)[0] == 0
    write_checkpoint(read_checkpoint(LAYOUT_1), tmp_path / "ours.safetensors")
    assert run("apply", model=tmp_path / "ours.safetensors", mesh=mesh, output=tmp_path / "ours.vtu", cpu=True)[0] == 0
    assert np.array_equal(maps(tmp_path / "map.vtu")["scar_probability"], maps(tmp_path / "ours.vtu")["scar_probability"])
    fine = tmp_path / "fine.safetensors"
    assert run("fine-tune", checkpoint=LAYOUT_1, training_data=data_file, output=fine, max_epochs=1, cpu=True)[0] == 0
    assert Architecture.from_state(read_checkpoint(fine).state).layout == 1
    for parent, said in ((LAYOUT_1, True), (LAYOUT_2, False)):
        flags = {"checkpoint": parent, "training_data": data_file, "max_epochs": 1, "cpu": True}
        code, _, err = run("fine-tune", output=tmp_path / f"{parent.stem}.pth", **flags)
        assert code == 0 and ("but not its command line" in err) == said


# --- cardioscar info


def test_info_describes_networks_and_training_data(run, data_file, mesh, tmp_path, capsys):
    def told(*files):
        assert main(["info", *map(str, files), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    network = told(BROKEN)["files"][0]
    assert (network["kind"], network["hidden_layers"], network["hidden_size"], network["dropout_layers"]) == ("network", 4, 64, [3])
    assert (network["nodes"], network["groups"], network["epochs"], network["fine_tuned_from"]) == (3655, 3113, 1, "m256.pth")
    data = told(FILES / "prepare_image.npz")["files"][0]
    assert (data["kind"], data["nodes"], data["groups"]) == ("training data", 3655, 3113)
    assert data["bounds_lps_mm"] == network["bounds_lps_mm"] and data["bounds_lps_mm"][0] == [53.47, 15.6, 6.24]
    assert data["nodes_per_group"]["mean"] == pytest.approx(3655 / 3113) and 0 <= data["values"]["min"] < data["values"]["max"] <= 1
    assert told(BROKEN, mesh)["overlap"] is None
    assert run("train", training_data=data_file, output=tmp_path / "net.safetensors", max_epochs=2, cpu=True)[0] == 0
    ours = told(tmp_path / "net.safetensors")["files"][0]
    assert (ours["recipe"], ours["epochs"], ours["dropout_layers"], ours["fourier_frequencies"]) == ("modern", 2, [2, 4], 48)
    box = read_training_data(data_file)
    assert np.allclose(ours["bounds_lps_mm"], [box.minimum, box.maximum], atol=0.01)


def test_info_describes_training_data_that_cannot_be_trained_on_and_refuses_other_files(capsys, tmp_path):
    table = np.array([[0.0, 0, 0, 12, 3], [5, 1, 2, 273, 3]])
    np.save(tmp_path / "old.npy", table)
    assert main(["info", str(tmp_path / "old.npy"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["files"][0]
    assert (told["groups"], told["values"]["max"], told["bounds_lps_mm"]) == (1, 273, [[0, 0, 0], [5, 1, 2]])
    for name in ("net.pth", "net.safetensors", "data.npz", "data.npy"):
        (tmp_path / name).write_bytes(b"something else")
        assert main(["info", str(tmp_path / name)]) == 2
        assert name in capsys.readouterr().err
