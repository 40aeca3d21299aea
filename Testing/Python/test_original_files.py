"""The original cardioscar's files are read without trusting them, and written so that it reads them."""

from __future__ import annotations

import json
import pickle
import pickletools
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from original_files import BROKEN, FILES, LAYOUT_1, LAYOUT_2, forward, results

from CardioScarLib.core.errors import BadEvidence, BadTrainingData, CardioScarError, UnreadableFile, UnwritableOutput
from CardioScarLib.core.wall import Wall
from CardioScarLib.io.checkpoints import read_checkpoint, write_checkpoint
from CardioScarLib.io.tensor_files import read_tensors, write_tensors
from CardioScarLib.io.torch_files import read_torch
from CardioScarLib.io.training_data import TrainingData, read_training_data, write_training_data
from CardioScarLib.original.apply import apply
from CardioScarLib.original.box import frame_of
from CardioScarLib.reconstruction.dropout.architecture import Architecture
from CardioScarLib.reconstruction.dropout.predict import predict_without_dropout

torch = pytest.importorskip("torch", reason="checkpoints of the original are files of torch")
pytest.importorskip("safetensors", reason="our checkpoints are safetensors files")


def arrays_of(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as found:
        return dict(found)


def one_sentence(problem) -> bool:
    text = str(problem.value)
    return text.endswith(".") and "\n" not in text and len(text) < 400


# --- training data


def test_training_data_come_back_as_the_original_wrote_them(tmp_path):
    theirs = arrays_of(FILES / "prepare_image.npz")
    data = read_training_data(FILES / "prepare_image.npz")
    assert np.allclose(data.points, theirs["coordinates"] * (theirs["scaler_max"] - theirs["scaler_min"]) + theirs["scaler_min"], atol=1e-4)
    ours = arrays_of(write_training_data(data, tmp_path / "again.npz"))
    assert list(ours) == list(theirs)
    for key in ("coordinates", "intensities", "group_ids", "group_sizes"):
        assert ours[key].dtype == theirs[key].dtype and np.array_equal(ours[key], theirs[key])
    assert [ours[key].dtype for key in ("scaler_min", "scaler_max")] == [np.float64, np.float64]
    assert np.array_equal(ours["scaler_max"], theirs["scaler_max"])


def test_the_older_table_is_training_data_in_millimeters(tmp_path):
    table = np.array([[10, 0, 5, 0.0, 7], [10, 4, 5, 0.0, 7], [30, 2, 5, 1.0, 9]], dtype=np.float32)
    np.save(tmp_path / "Intersect_data.npy", table)
    data = read_training_data(tmp_path / "Intersect_data.npy")
    assert np.allclose(data.points, table[:, :3])
    assert data.coordinates.tolist() == [[0, 0, 0], [0, 1, 0], [1, 0.5, 0]]  # no extent along z: nothing is divided by it
    assert data.group.tolist() == [7, 7, 9] and data.group_sizes.tolist() == [2, 1] and data.values.tolist() == [0, 0, 1]


def test_values_beyond_0_to_1_are_stretched_only_when_asked_for(tmp_path):
    arrays = arrays_of(FILES / "prepare_gridlayers.npz")
    np.savez(tmp_path / "raw.npz", **{**arrays, "intensities": 273 * arrays["intensities"]})
    with pytest.raises(BadEvidence, match="from 27.3 to 251.8.*--normalize minmax") as problem:
        read_training_data(tmp_path / "raw.npz")
    assert one_sentence(problem)
    values = read_training_data(tmp_path / "raw.npz", "minmax").values
    assert values.min() == 0 and values.max() == 1
    as_they_are = read_training_data(FILES / "prepare_gridlayers.npz").values
    assert (as_they_are.min(), as_they_are.max()) == pytest.approx((0.1, 0.9224), abs=1e-4)


GOOD = {
    "coordinates": np.array([[0, 0, 0], [1, 1, 1], [0.5, 0.5, 0.5]], np.float32),
    "intensities": np.array([[0.0], [0.0], [1.0]], np.float32),
    "group_ids": np.array([0, 0, 1], np.int32),
    "group_sizes": np.array([2, 1], np.int32),
    "scaler_min": np.zeros(3),
    "scaler_max": np.full(3, 10.0),
}
BAD = {
    "group sizes that are not those of its groups": ({"group_sizes": np.array([1, 2])}, "group 0 has 2 nodes and 1 are stated"),
    "sizes of more groups than there are": ({"group_sizes": np.array([1, 1, 1])}, "sizes of 3 groups, but its nodes belong to 2"),
    "NaN among the coordinates": ({"coordinates": np.full((3, 3), np.nan, np.float32)}, "9 numbers of the coordinates .* not finite"),
    "NaN among the values": ({"intensities": np.array([0, np.nan, 1.0])}, "1 numbers of the intensities"),
    "one group": ({"group_ids": np.zeros(3, np.int32), "group_sizes": np.array([3])}, "3 nodes in one group"),
    "one node": ({key: GOOD[key][:1] for key in ("coordinates", "intensities", "group_ids")} | {"group_sizes": np.array([1])}, "one node"),
    "no node": ({key: GOOD[key][:0] for key in GOOD if "scaler" not in key}, "no nodes"),
    "values of other nodes": ({"intensities": np.zeros((2, 1))}, r"intensities .* \(2, 1\) for 3 coordinates"),
    "flat coordinates": ({"coordinates": np.zeros((3, 2))}, r"\(3, 2\)"),
    "coordinates in mm": ({"coordinates": np.array([[0, 0, 0], [1, 1, 1], [0.5, 0.5, 40]])}, "run from 0 to 40; .* scaled to 0-1"),
    "broken group numbers": ({"group_ids": np.array([0, 0.5, 1])}, "not whole numbers"),
    "words": ({"group_ids": np.array(["a", "b", "c"])}, "not numbers"),
    "a box upside down": ({"scaler_min": np.full(3, 20.0)}, "two corners"),
}


@pytest.mark.parametrize("what", BAD)
def test_training_data_are_refused_with(what, tmp_path):
    changes, words = BAD[what]
    np.savez(tmp_path / "bad.npz", **{**GOOD, **changes})
    with pytest.raises(BadTrainingData, match=words) as problem:
        read_training_data(tmp_path / "bad.npz")
    assert one_sentence(problem) and "bad.npz" in str(problem.value)


def test_good_training_data_are_not_refused(tmp_path):
    np.savez(tmp_path / "good.npz", **GOOD)
    assert read_training_data(tmp_path / "good.npz").values.tolist() == [0, 0, 1]


def test_what_is_no_training_data_is_refused(tmp_path):
    np.savez(tmp_path / "other.npz", **{key: GOOD[key] for key in ("coordinates", "group_ids")})
    np.save(tmp_path / "image.npy", np.zeros((4, 4, 4)))
    (tmp_path / "text.npz").write_text("hello")
    (tmp_path / "cut.npz").write_bytes((FILES / "prepare_image.npz").read_bytes()[:20_000])
    with zipfile.ZipFile(tmp_path / "zip.npz", "w") as file:
        for key in GOOD:
            file.writestr(key, b"not an array")
    np.save(tmp_path / "table.npy", np.zeros((4, 5)))
    header = (tmp_path / "table.npy").read_bytes()
    (tmp_path / "table.npy").write_bytes(header.replace(b"), }", b"), (", 1))  # a header that never ends
    locked = bytearray((FILES / "prepare_image.npz").read_bytes())
    for signature, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        locked[locked.index(signature) + flags] |= 1  # says that it is encrypted
    (tmp_path / "locked.npz").write_bytes(locked)
    for name in ("other.npz", "image.npy", "text.npz", "cut.npz", "zip.npz", "table.npy", "locked.npz", "not_there.npz"):
        with pytest.raises(CardioScarError, match=name) as problem:
            read_training_data(tmp_path / name)
        assert one_sentence(problem)
    with pytest.raises(UnwritableOutput, match="use .npz"):
        write_training_data(read_training_data(FILES / "prepare_image.npz"), tmp_path / "data.txt")


# --- files that want to do harm


class Harm:
    """Unpickling this makes a file, as a stand-in for anything else a program can do."""

    def __init__(self, trace: Path):
        self.trace = trace

    def __reduce__(self):
        return Path.touch, (self.trace,)


def harmful(kind: str, folder: Path, trace: Path) -> Path:
    path = folder / f"harm{kind}"
    if kind == ".npz":
        np.savez(path, **{**GOOD, "coordinates": np.array([[Harm(trace)] * 3] * 3, dtype=object)})
    elif kind == ".npy":
        np.save(path, np.array([Harm(trace)], dtype=object))
    elif kind == ".pth":
        torch.save({"model_state_dict": Harm(trace), "hyperparameters": {}, "dataset_info": {}}, path)
    else:  # a bare pickle under a trusted name
        path.write_bytes(pickle.dumps(Harm(trace)))
    return path


@pytest.mark.parametrize("kind", [".npz", ".npy", ".pth", ".pickle.pth", ".pickle.npz", ".pickle.safetensors"])
def test_a_malicious_file_is_not_executed(kind, tmp_path):
    trace = tmp_path / "trace"
    path = harmful(kind, tmp_path, trace)
    assert not trace.exists()
    with pytest.raises(UnreadableFile) as problem:
        (read_training_data if "np" in kind else read_checkpoint)(path)
    assert not trace.exists()
    assert one_sentence(problem)


def test_the_same_files_would_do_harm_if_they_were_trusted(tmp_path):
    """Without this, the test above could pass because its files are harmless. Their pickles are taken apart, and not executed."""
    for kind in (".npy", ".pickle.pth"):
        with harmful(kind, tmp_path, tmp_path / "trace").open("rb") as file:
            if kind == ".npy":
                np.lib.format.read_magic(file)
                np.lib.format.read_array_header_1_0(file)
            steps = [(step.name, given) for step, given, _ in pickletools.genops(file.read())]
        told = [given for _, given in steps]
        call = next(number for number, given in enumerate(told) if given == "Path.touch")
        assert ("STACK_GLOBAL", None) in steps[call : call + 3] and ("REDUCE", None) in steps[call:]


def test_a_numpy_array_of_objects_inside_a_checkpoint_is_not_executed(tmp_path):
    trace = tmp_path / "trace"
    content = {
        "model_state_dict": {},
        "hyperparameters": {"dropout_rate": 0.1},
        "dataset_info": {"scaler_min": np.array([Harm(trace)], object)},
    }
    torch.save(content, tmp_path / "objects.pth")
    with pytest.raises(UnreadableFile):
        read_checkpoint(tmp_path / "objects.pth")
    assert not trace.exists()


# --- checkpoints


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (LAYOUT_1, Architecture(128, 4, 0.1, layout=1)),
        (LAYOUT_2, Architecture(128, 4, 0.1, layout=2)),
        (BROKEN, Architecture(64, 4, 0.1, layout=2)),
    ],
)
def test_checkpoints_of_the_original_are_understood_by_their_tensors(path, expected):
    found = read_checkpoint(path)
    assert Architecture.from_state(found.state, found.dropout) == expected
    assert (found.nodes, found.groups) == (3655, 3113)
    box = arrays_of(FILES / "prepare_image.npz")
    assert np.allclose(frame_of(found).to_network(np.array([box["scaler_min"], box["scaler_max"]])), [[0, 0, 0], [1, 1, 1]])
    assert len(found.history["losses"]) == {LAYOUT_1: 2, LAYOUT_2: 150, BROKEN: 1}[path]
    assert found.fine_tuned_from == ("m256.pth" if path == BROKEN else None)


@pytest.mark.parametrize("path", [LAYOUT_1, LAYOUT_2, BROKEN])
def test_the_deterministic_pass_is_that_of_an_independent_one(path):
    found = read_checkpoint(path)
    local = frame_of(found).to_network(results()["nodes"])
    ours = predict_without_dropout(found.state, Architecture.from_state(found.state), local, device="cpu")
    assert np.abs(ours - forward(found.state, local)).max() < 1e-5
    assert np.ptp(ours) > 0.002  # a constant would agree with a constant


@pytest.mark.parametrize(("path", "name"), [(LAYOUT_1, "layout_1"), (LAYOUT_2, "layout_2")])
def test_applying_agrees_with_the_originals_own_results(path, name):
    wall = Wall(results()["nodes"], np.empty((0, 4)), np.empty((0, 3)), "points")
    arrays = apply(read_checkpoint(path), wall, device="cpu").arrays
    difference = np.abs(arrays["scar_probability"] - results()[f"{name}_probability"])
    # Two means of ten passes; the original draws anew for each node, here a draw is one field.
    assert difference.mean() < 0.02 and difference.mean() < 1.5 * results()[f"{name}_uncertainty"].mean()
    assert arrays["scar_uncertainty"].mean() == pytest.approx(results()[f"{name}_uncertainty"].mean(), rel=0.5)
    other = read_checkpoint(LAYOUT_1 if path == LAYOUT_2 else LAYOUT_2)
    wrong = apply(other, wall, device="cpu").arrays["scar_probability"]
    assert np.abs(wrong - results()[f"{name}_probability"]).mean() > 0.3


def bayesian_nn(hidden_size: int, n_hidden_layers: int):
    """The original's network of today (layout 2), from its documented layers."""
    from torch import nn

    layers = [nn.Linear(3, hidden_size), nn.ReLU()]
    for number in range(1, n_hidden_layers):
        layers += [nn.Linear(hidden_size, hidden_size), *([nn.Dropout(0.1)] if number % 2 == 0 else []), nn.ReLU()]
    model = nn.Module()
    model.network = nn.Sequential(*layers, nn.Linear(hidden_size, 1), nn.Sigmoid())
    return model


@pytest.mark.parametrize("path", [LAYOUT_2, BROKEN])
def test_a_pth_of_ours_holds_what_the_original_looks_for(path, tmp_path):
    content = read_torch(write_checkpoint(read_checkpoint(path), tmp_path / "ours.pth"))
    info, hyper, history = (content[key] for key in ("dataset_info", "hyperparameters", "history"))
    for key in ("scaler_min", "scaler_max"):
        assert type(info[key]) is np.ndarray and info[key].dtype == np.float64 and info[key].shape == (3,)
    assert {"n_nodes", "n_groups"} <= set(info) and 0 < hyper["dropout_rate"] < 1
    assert {"losses", "lrs", "best_loss", "best_epoch", "converged_epoch"} <= set(history)
    assert "fine_tuned_from" in content if path == BROKEN else "fine_tuned_from" not in content
    # As its load_checkpoint does it, which the file it wrote itself (BROKEN) does not survive: it lacks hidden_size.
    model = bayesian_nn(hyper.get("hidden_size", 128), hyper.get("n_hidden_layers", 4))
    model.load_state_dict({name: torch.from_numpy(values) for name, values in content["model_state_dict"].items()})
    scaled = (results()["nodes"] - info["scaler_min"]) * (1.0 / (info["scaler_max"] - info["scaler_min"]))
    with torch.no_grad():
        theirs = model.eval().network(torch.from_numpy(scaled).float()).numpy()[:, 0]
    found = read_checkpoint(path)
    assert np.abs(theirs - forward(found.state, frame_of(found).to_network(results()["nodes"]))).max() < 1e-5


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("path", [LAYOUT_1, LAYOUT_2, BROKEN])
def test_a_checkpoint_survives_being_written(path, suffix, tmp_path):
    before = replace(read_checkpoint(path), freeze_stages=2, fine_tuned_from="parent.pth")
    after = read_checkpoint(write_checkpoint(before, tmp_path / f"again{suffix}"))
    assert list(after.state) == list(before.state)
    assert all(np.array_equal(after.state[name], before.state[name]) for name in before.state)
    for name in ("origin", "matrix", "low", "high"):
        assert np.allclose(getattr(after, name), getattr(before, name), rtol=1e-12)
    for name in ("dropout", "nodes", "groups", "fine_tuned_from", "freeze_stages"):
        assert getattr(after, name) == getattr(before, name)
    assert after.history["losses"] == before.history["losses"] and before.settings.items() <= after.settings.items()
    with pytest.raises(UnwritableOutput, match="already exists"):
        write_checkpoint(before, tmp_path / f"again{suffix}")


def a_modern_checkpoint(tmp_path):
    architecture = Architecture(8, 2, 0.1, frequencies=4)
    parent = read_checkpoint(BROKEN)
    matrix = np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    return replace(parent, state=architecture.initial(0), matrix=matrix, training_data="ab" * 32)


def test_our_container_says_frame_unit_shapes_and_hashes_in_plain_json(tmp_path):
    path = write_checkpoint(a_modern_checkpoint(tmp_path), tmp_path / "net.safetensors")
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["cardioscar"])
    assert header["frame"]["space"] == "LPS" and header["frame"]["unit"] == "mm"
    assert header["shapes"]["features.frequencies"] == [4, 3]
    assert header["training_data_sha256"] == "ab" * 32 and len(header["tensors_sha256"]) == 64
    assert header["settings"]["dropout_rate"] == 0.1 and header["history"]["converged_epoch"] == 1
    assert read_checkpoint(path).matrix.tolist() == [[0, 1, 0], [-1, 0, 0], [0, 0, 1]]


def test_a_network_with_fourier_features_does_not_fit_into_a_pth(tmp_path):
    with pytest.raises(UnwritableOutput, match="Fourier features.*safetensors") as problem:
        write_checkpoint(a_modern_checkpoint(tmp_path), tmp_path / "net.pth")
    assert one_sentence(problem)
    assert not list(tmp_path.iterdir())


def test_a_changed_or_foreign_container_is_refused(tmp_path):
    path = write_checkpoint(read_checkpoint(BROKEN), tmp_path / "net.safetensors")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    (tmp_path / "changed.safetensors").write_bytes(content)
    (tmp_path / "cut.safetensors").write_bytes(content[:-100])
    (tmp_path / "text.safetensors").write_text("hello")
    state, header = read_tensors(path, "coordinate network")
    write_tensors(state, {}, "something else", tmp_path / "foreign.safetensors")
    del header["frame"]
    write_tensors(state, header, "coordinate network", tmp_path / "homeless.safetensors")
    for name, words in (("changed", "damaged"), ("cut", "truncated"), ("text", "truncated"), ("foreign", "not a"), ("homeless", "frame")):
        with pytest.raises(UnreadableFile, match=words) as problem:
            read_checkpoint(tmp_path / f"{name}.safetensors")
        assert one_sentence(problem)
    assert read_checkpoint(path).nodes == 3655


def stored(path: Path, **changes) -> dict:
    """The content of a checkpoint as torch has it, with changes to its parts; a part that is None is left out."""
    content = read_torch(path)
    content["model_state_dict"] = {name: torch.from_numpy(values.copy()) for name, values in content["model_state_dict"].items()}
    for part, change in changes.items():
        content[part] = {**content[part], **change} if isinstance(change, dict) else change
    return {part: value for part, value in content.items() if value is not None}


WRONG = {
    "a bare state dict": (lambda: stored(BROKEN)["model_state_dict"], "lacks model_state_dict"),
    "a tensor": (lambda: torch.zeros(3), "holds a Tensor"),
    "no dataset_info": (lambda: stored(BROKEN, dataset_info=None), "lacks dataset_info"),
    "no state": (lambda: stored(BROKEN, model_state_dict=None), "lacks model_state_dict"),
    "no scaler": (lambda: stored(BROKEN, dataset_info=[("n_nodes", 3)]), "of the wrong types"),
    "a scaler of words": (lambda: stored(BROKEN, dataset_info={"scaler_min": "abc"}), "scaler_min"),
    "a NaN scaler": (lambda: stored(BROKEN, dataset_info={"scaler_min": np.full(3, np.nan)}), "scaler_min"),
    "a box upside down": (lambda: stored(BROKEN, dataset_info={"scaler_min": np.full(3, 1e3)}), "minimum above its maximum"),
    "a dropout of 2": (lambda: stored(BROKEN, hyperparameters={"dropout_rate": 2.0}), "dropout rate"),
    "a dropout of words": (lambda: stored(BROKEN, hyperparameters={"dropout_rate": "much"}), "dropout_rate"),
    "whole numbers": (lambda: stored(BROKEN, model_state_dict={"network.0.bias": torch.ones(64, dtype=torch.int64)}), "not plain numbers"),
    "an absurd shape": (lambda: stored(BROKEN, model_state_dict={"network.2.weight": torch.zeros(1).expand(10**6, 10**6)}), "1,000,0"),
    "a missing layer": (lambda: without(stored(BROKEN), "network.4.weight", "network.4.bias"), "numbered"),
    "a missing bias": (lambda: without(stored(BROKEN), "network.4.bias"), "lacks network.4.bias"),
    "another input": (lambda: stored(BROKEN, model_state_dict={"network.0.weight": torch.zeros(64, 2)}), "shape"),
    "another width inside": (lambda: stored(BROKEN, model_state_dict={"network.4.weight": torch.zeros(64, 32)}), "shape"),
    "another architecture": (lambda: stored(BROKEN, model_state_dict={"encoder.0.weight": torch.zeros(8, 8)}), "unknown"),
    "NaN weights": (lambda: stored(BROKEN, model_state_dict={"network.2.bias": torch.full((64,), torch.nan)}), "finite"),
}


def without(content: dict, *names: str) -> dict:
    return {**content, "model_state_dict": {name: one for name, one in content["model_state_dict"].items() if name not in names}}


@pytest.mark.parametrize("what", WRONG)
def test_a_checkpoint_is_refused_that_has(what, tmp_path):
    make, words = WRONG[what]
    torch.save(make(), tmp_path / "wrong.pth")
    with pytest.raises(UnreadableFile, match=words) as problem:
        found = read_checkpoint(tmp_path / "wrong.pth")
        Architecture.from_state(found.state, found.dropout)
    assert one_sentence(problem)


def test_what_is_no_checkpoint_is_refused(tmp_path):
    (tmp_path / "text.pth").write_text("hello")
    (tmp_path / "empty.pth").touch()
    (tmp_path / "cut.pth").write_bytes(LAYOUT_2.read_bytes()[:100_000])
    (tmp_path / "data.pth").write_bytes((FILES / "prepare_image.npz").read_bytes())
    changed = bytearray(LAYOUT_2.read_bytes())
    changed[100_000] ^= 1  # in the weights
    (tmp_path / "changed.pth").write_bytes(changed)
    with zipfile.ZipFile(LAYOUT_2) as file, zipfile.ZipFile(tmp_path / "script.pth", "w") as program:
        for name in file.namelist():
            program.writestr(name, file.read(name))
        program.writestr("gen2_cli_train/constants.pkl", b"")  # what makes it a TorchScript program to torch
    for name in ("text", "empty", "cut", "data", "changed", "script", "not_there"):
        with pytest.raises(UnreadableFile, match=f"{name}.pth") as problem:
            read_checkpoint(tmp_path / f"{name}.pth")
        assert one_sentence(problem)


def test_a_box_without_extent_is_not_divided_by(tmp_path):
    data = TrainingData.from_points([[0, 0, 5], [10, 10, 5]], [0, 1], [0, 1])
    again = read_training_data(write_training_data(data, tmp_path / "flat.npz"))
    assert np.all(np.isfinite(again.coordinates)) and np.allclose(again.points, [[0, 0, 5], [10, 10, 5]])
    assert np.all(again.maximum > again.minimum)  # the original divides by the difference when it applies


def test_a_container_can_be_read_by_whom_a_new_file_can(tmp_path):
    (tmp_path / "new").touch()
    path = write_checkpoint(read_checkpoint(BROKEN), tmp_path / "net.safetensors")
    assert path.stat().st_mode == (tmp_path / "new").stat().st_mode
