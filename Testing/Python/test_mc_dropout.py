"""The coordinate network with Monte Carlo dropout: its layers, its passes, what it is trained on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from bodies import the_phantom

from CardioScarLib.core.case import Case
from CardioScarLib.core.errors import BadEvidence, BadSettings, MissingPackage, OutOfMemory, UnreadableFile
from CardioScarLib.core.evidence import Evidence
from CardioScarLib.core.settings import ModelSettings, NetworkSettings, ReconstructionSettings
from CardioScarLib.geometry.operator import slice_operator
from CardioScarLib.pipeline import reconstruct
from CardioScarLib.reconstruction.dropout import predict as predict_module
from CardioScarLib.reconstruction.dropout.architecture import FREQUENCIES, Architecture
from CardioScarLib.reconstruction.dropout.batches import make_batches, runs
from CardioScarLib.reconstruction.dropout.coordinates import NetworkFrame
from CardioScarLib.reconstruction.dropout.groups import GroupedPoints
from CardioScarLib.reconstruction.dropout.predict import predict, predict_samples, predict_without_dropout
from CardioScarLib.reconstruction.dropout.recipes import recipe_of

torch = pytest.importorskip("torch", reason="the network needs torch, which comes with the network extra")
ROOT = Path(__file__).parents[2]


def a_state(architecture: Architecture, seed: int = 0) -> dict[str, np.ndarray]:
    """Larger than initial weights, so that predictions spread over 0 to 1."""
    state = architecture.initial(seed, length=0.5)
    return {key: values * (1 if key == FREQUENCIES else 3) for key, values in state.items()}


def some_points(count: int = 300) -> np.ndarray:
    return np.random.default_rng(1).uniform(0, 1, (count, 3))


def by_hand(state: dict[str, np.ndarray], points: np.ndarray, masks: dict[str, np.ndarray]) -> np.ndarray:
    """A forward pass in double precision that knows nothing but the state. masks: by layer name, applied after its ReLU."""
    layer = points
    if FREQUENCIES in state:
        phase = points @ state[FREQUENCIES].T.astype(float)
        layer = np.hstack([np.cos(phase), np.sin(phase)]) * 2**0.5
    names = sorted({key.rpartition(".")[0] for key in state} - {"features"}, key=lambda name: int(name.partition(".")[2]))
    for name in names:
        layer = layer @ state[f"{name}.weight"].T.astype(float) + state[f"{name}.bias"]
        if name != names[-1]:
            layer = np.maximum(layer, 0) * masks.get(name, 1.0)
    return 1 / (1 + np.exp(-layer[:, 0]))


# Layers and their names


@pytest.mark.parametrize(
    ("layout", "places", "dropout_layers"),
    [(1, (0, 2, 5, 7, 10), (2, 4)), (2, (0, 2, 4, 7, 9), (3,))],
)
def test_the_layers_are_named_as_in_the_originals_checkpoints(layout, places, dropout_layers):
    architecture = Architecture(layout=layout)
    assert architecture.layers == tuple(f"network.{place}" for place in places)
    assert architecture.dropout_layers == dropout_layers
    assert architecture.shapes()["network.0.weight"] == (128, 3) and architecture.shapes()[f"network.{places[-1]}.bias"] == (1,)
    # 50,177 weights: what the original's 4 x 128 network has.
    assert sum(np.prod(shape) for shape in architecture.shapes().values()) == 50_177


def test_without_being_told_the_network_has_two_dropout_layers():
    assert Architecture() == Architecture(128, 4, 0.1, layout=1, frequencies=0)
    assert len(Architecture().dropout_layers) == 2


@pytest.mark.parametrize("layout", [1, 2])
@pytest.mark.parametrize(("width", "depth", "frequencies"), [(128, 4, 0), (64, 4, 0), (8, 2, 0), (16, 7, 5)])
def test_the_architecture_is_seen_in_the_tensors(width, depth, layout, frequencies):
    architecture = Architecture(width, depth, 0.3, layout, frequencies)
    assert Architecture.from_state(architecture.initial(0), dropout=0.3) == architecture


def broken(**changes):
    state = Architecture(8, 4).initial(0)
    for key, value in changes.items():
        key = key.replace("_", ".")
        if value is None:
            del state[key]
        else:
            state[key] = value
    return state


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ({}, "not a checkpoint"),
        ({"conv1.weight": np.zeros((3, 3))}, "not a checkpoint"),
        (broken(network_5_bias=None), "lacks network.5.bias"),
        (broken(network_5_weight=None), "numbered"),
        (broken(network_99_weight=np.zeros((8, 8))), "numbered"),
        (broken(network_11_bias=np.zeros(8)), "unknown network.11.bias"),
        (broken(network_5_weight=np.zeros((8, 9))), "shape"),
        (broken(network_0_weight=np.zeros((10**6, 3))), "shape"),
        (broken(network_0_weight=np.zeros(8)), "shape"),
        (broken(network_0_bias=np.full(8, np.nan)), "not finite"),
        (broken(features_frequencies=np.zeros((4, 3))), "shape"),
    ],
)
def test_what_is_not_such_a_network_is_refused_in_one_sentence(state, says):
    with pytest.raises(UnreadableFile, match=says) as refused:
        Architecture.from_state(state)
    assert len(str(refused.value)) < 250


def test_start_weights_are_those_torch_gives_the_originals_layers():
    torch.manual_seed(42)
    layers = [torch.nn.Linear(3, 128), *(torch.nn.Linear(128, 128) for _ in range(3)), torch.nn.Linear(128, 1)]
    ours = Architecture(layout=2).initial(42)
    for name, layer in zip(Architecture(layout=2).layers, layers, strict=True):
        assert np.array_equal(ours[f"{name}.weight"], layer.weight.detach().numpy())
        assert np.array_equal(ours[f"{name}.bias"], layer.bias.detach().numpy())
    assert not np.array_equal(Architecture().initial(1)["network.0.weight"], Architecture().initial(42)["network.0.weight"])


def test_drawing_start_weights_leaves_other_random_numbers_alone():
    torch.manual_seed(3)
    undisturbed = torch.rand(1)
    torch.manual_seed(3)
    Architecture().initial(5)
    assert torch.rand(1) == undisturbed


# Passes


@pytest.mark.parametrize("architecture", [Architecture(), Architecture(layout=2), Architecture(32, 3, frequencies=6)])
def test_the_pass_without_dropout_is_that_of_an_independent_one(architecture):
    state, points = a_state(architecture), some_points()
    ours = predict_without_dropout(state, architecture, points)
    assert ours == pytest.approx(by_hand(state, points, {}), abs=1e-5)
    assert np.ptp(ours) > 0.1


@pytest.mark.parametrize("layout", [1, 2])
def test_a_sample_has_one_mask_for_all_points(layout):
    architecture = Architecture(16, 4, dropout=0.4, layout=layout)
    state, points = a_state(architecture), some_points()
    from CardioScarLib.reconstruction.dropout.forward import field_masks

    masks = field_masks(architecture, range(3), 7, torch.device("cpu"))
    names = {number: architecture.layers[number - 1] for number in architecture.dropout_layers}
    for sample, ours in enumerate(predict_samples(state, architecture, points, samples=3, seed=7)):
        units = {names[number]: mask[sample, 0].numpy() for number, mask in masks.items()}
        assert all(set(np.unique(unit)) == {0, np.float32(1 / 0.6)} for unit in units.values())
        assert ours == pytest.approx(by_hand(state, points, units), abs=1e-5)


def test_dropout_drops_its_share_of_units():
    from CardioScarLib.reconstruction.dropout.forward import field_masks

    masks = field_masks(Architecture(dropout=0.25), range(200), 0, torch.device("cpu"))
    for mask in masks.values():
        assert (mask == 0).float().mean().item() == pytest.approx(0.25, abs=0.01)
        assert mask.mean().item() == pytest.approx(1.0, abs=0.02)


def test_mean_and_deviation_are_those_of_the_samples():
    architecture = Architecture(32, dropout=0.3)
    state, points = a_state(architecture), some_points()
    mean, deviation = predict(state, architecture, points, samples=12, seed=3)
    samples = predict_samples(state, architecture, points, samples=12, seed=3)
    assert mean == pytest.approx(samples.mean(axis=0), abs=1e-6)
    assert deviation == pytest.approx(np.sqrt(((samples - samples.mean(axis=0)) ** 2).mean(axis=0)), abs=1e-6)
    assert deviation.min() > 0


def test_a_sample_is_the_same_field_in_every_call_and_in_any_batches():
    architecture = Architecture(32)
    state, points = a_state(architecture), some_points()
    whole = predict_samples(state, architecture, points, samples=6, seed=3)
    assert predict_samples(state, architecture, points, samples=3, seed=3) == pytest.approx(whole[:3], abs=1e-6)
    # One node left over is a batch too: the original fails on it.
    for size in (1, 299, 77):
        assert predict_samples(state, architecture, points, samples=6, seed=3, batch_size=size) == pytest.approx(whole, abs=1e-6)
    assert predict_samples(state, architecture, points[::-1], samples=6, seed=3)[:, ::-1] == pytest.approx(whole, abs=1e-6)
    assert np.abs(predict_samples(state, architecture, points, samples=6, seed=4) - whole).max() > 0.01


def test_a_network_without_dropout_layers_has_no_spread():
    architecture = Architecture(16, depth=2, layout=2)
    mean, deviation = predict(a_state(architecture), architecture, some_points(), samples=3)
    assert mean == pytest.approx(predict_without_dropout(a_state(architecture), architecture, some_points()), abs=1e-6)
    assert deviation == pytest.approx(0, abs=1e-9)


def memory_for(points: int, monkeypatch):
    """A device that holds so many points."""
    there = predict_module.trunk

    def trunk(tensors, architecture, inputs):
        if len(inputs) > points:
            raise torch.OutOfMemoryError
        return there(tensors, architecture, inputs)

    monkeypatch.setattr(predict_module, "trunk", trunk)


def test_batches_shrink_when_memory_is_short(monkeypatch):
    architecture = Architecture(16)
    state, points = a_state(architecture), some_points()
    plenty = predict(state, architecture, points, samples=4)
    memory_for(50, monkeypatch)
    assert np.array(predict(state, architecture, points, samples=4)) == pytest.approx(np.array(plenty), abs=1e-6)


def test_no_memory_at_all_is_said(monkeypatch):
    memory_for(0, monkeypatch)
    with pytest.raises(OutOfMemory, match="'cpu'"):
        predict(a_state(Architecture(16)), Architecture(16), some_points(), samples=2)


# What it is trained on


@pytest.fixture(scope="module")
def a_case():
    return the_phantom("I2", pixel=2.6)


@pytest.fixture(scope="module")
def its_operator(a_case):
    return slice_operator(a_case.wall, a_case.stack)


def test_groups_average_as_the_slice_operator_does(its_operator):
    count = len(its_operator.pixels)
    weights = np.where(np.arange(count) % 3 == 0, 0.0, 0.5)
    groups = GroupedPoints.from_operator(its_operator, Evidence(np.linspace(0, 1, count), weights))
    assert np.array_equal(groups.target, np.linspace(0, 1, count)[weights > 0])
    assert np.all(groups.confidence == 0.5)
    for field in (lambda points: points[:, 0], lambda points: points @ [1.0, -2.0, 3.0]):
        means = np.bincount(groups.group, groups.weight * field(groups.points))
        assert means == pytest.approx((its_operator.matrix @ field(its_operator.points))[weights > 0])


def test_a_frame_leads_from_the_patient_to_the_network_and_back(its_operator, a_case):
    nodes = a_case.wall.nodes
    everything = Evidence(np.zeros(len(its_operator.pixels)), np.ones(len(its_operator.pixels)))
    in_patient = its_operator.frame.from_frame(its_operator.points)
    box = NetworkFrame.unit_box(in_patient.min(axis=0), in_patient.max(axis=0))
    for frame in (box, NetworkFrame.in_millimeters(its_operator)):
        assert frame.from_network(frame.to_network(nodes)) == pytest.approx(nodes, abs=1e-9)
        groups = GroupedPoints.from_operator(its_operator, everything, frame)
        assert groups.points.min(axis=0) == pytest.approx(frame.low, abs=1e-9)
        assert groups.points.max(axis=0) == pytest.approx(frame.high, abs=1e-9)
        assert not frame.outside(in_patient).any()
        assert frame.outside(in_patient + [0, 0, 300.0]).all()
    assert box.to_network(in_patient).min() == pytest.approx(0, abs=1e-9) and box.to_network(in_patient).max() == pytest.approx(1, abs=1e-9)
    steps = np.diff(NetworkFrame.in_millimeters(its_operator).to_network(nodes[:50]), axis=0)
    assert np.linalg.norm(steps, axis=1) == pytest.approx(np.linalg.norm(np.diff(nodes[:50], axis=0), axis=1))


def test_a_flat_box_moves_the_flat_axis_only():
    frame = NetworkFrame.unit_box([0, 0, 5], [2, 4, 5])
    assert frame.to_network(np.array([[1.0, 1.0, 8.0]])) == pytest.approx(np.array([[0.5, 0.25, 3.0]]))


def groups_with(**changes):
    points = {"points": np.zeros((4, 3)), "group": np.array([0, 0, 1, 1]), "weight": np.full(4, 0.5)}
    return GroupedPoints(**{**points, "target": np.array([0.0, 1.0]), "confidence": np.ones(2), **changes})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"points": np.full((4, 3), np.nan)}, "12 of the training data's coordinates are not finite"),
        ({"target": np.array([0.0, np.inf])}, "1 of the training data's targets are not finite"),
        ({"target": np.array([0.0, 1.2])}, "between 0 and 1.2"),
        ({"group": np.array([0, 0, 2, 2])}, "without gaps"),
        ({"group": np.array([1, 1, 0, 0])}, "in order"),
        ({"weight": np.full(4, 1.0)}, "sum to 1"),
        ({"weight": np.full(3, 1.0)}, "numbers differ"),
        ({"confidence": np.zeros(2)}, "No group counts"),
        ({"points": np.zeros((1, 3)), "group": np.zeros(1, int), "weight": np.ones(1), "target": np.ones(1)}, "1 points in 1 groups"),
        ({"group": np.zeros(4, int), "weight": np.full(4, 0.25), "target": np.ones(1), "confidence": np.ones(1)}, "4 points in 1 groups"),
    ],
)
def test_training_data_that_make_no_sense_are_refused(changes, says):
    groups_with()
    with pytest.raises(BadEvidence, match=says):
        groups_with(**changes)


def test_batches_hold_whole_groups():
    assert runs(np.array([2, 2, 5, 1, 2]), 4) == [slice(0, 2), slice(2, 3), slice(3, 5)]
    assert runs(np.array([2, 2]), 100) == [slice(0, 2)]
    assert runs(np.array([7]), 3) == [slice(0, 1)]


def test_every_group_is_in_one_batch_with_its_own_points():
    random = np.random.default_rng(0)
    sizes = random.integers(1, 6, 40)
    group = np.repeat(np.arange(40), sizes)
    weight = random.random(len(group))
    weight /= np.bincount(group, weight)[group]
    groups = GroupedPoints(random.random((len(group), 3)), group, weight, random.random(40), random.random(40) + 0.1)
    order = random.permutation(40)[:30]
    batches = make_batches(groups, order, 12, torch.device("cpu"))
    assert all(len(batch.points) <= 12 for batch in batches)
    means = torch.cat([batch.means(batch.points[:, 1]) for batch in batches]).numpy()
    assert means == pytest.approx(np.bincount(group, weight * groups.points[:, 1])[order], abs=1e-6)
    assert torch.cat([batch.target for batch in batches]).numpy() == pytest.approx(groups.target[order])
    assert torch.cat([batch.confidence for batch in batches]).numpy() == pytest.approx(groups.confidence[order])


# Settings and devices


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"recipe": "old"}, "modern, original"),
        ({"device": "gpu"}, "auto, cpu, cuda"),
        ({"width": 0}, "Hidden units"),
        ({"depth": 1}, "Hidden layers"),
        ({"dropout": 0.0}, "Dropout rate"),
        ({"epochs": 0}, "Epochs"),
        ({"lowest_rate": 2.0}, "Lowest learning rate"),
    ],
)
def test_settings_out_of_range_are_refused(changes, says):
    with pytest.raises(BadSettings, match=says):
        NetworkSettings(**changes)


@pytest.mark.parametrize("rates", [{"lowest_rate": 1e-2, "highest_rate": 1e-3}, {"lowest_rate": 0.02}, {"highest_rate": 1e-5}])
def test_a_lowest_rate_above_the_highest_is_refused(rates):
    with pytest.raises(BadSettings, match="above the highest"):
        recipe_of(NetworkSettings(**rates))
    assert recipe_of(NetworkSettings(lowest_rate=1e-3, highest_rate=1e-2)).lowest_rate == 1e-3


def test_the_device_is_named():
    from CardioScarLib.reconstruction.dropout.device import choose_device

    device, found = choose_device("cpu")
    assert (device.type, found) == ("cpu", "CPU")
    device, found = choose_device("auto")
    assert found.startswith("GPU: ") if device.type == "cuda" else "no usable NVIDIA GPU" in found or "built for the CPU only" in found


def test_of_several_gpus_the_one_with_the_most_free_memory_is_taken(monkeypatch):
    from CardioScarLib.reconstruction.dropout.device import choose_device

    free = [3 * 2**30, 20 * 2**30, 7 * 2**30]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(free))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda index: (free[index], 24 * 2**30))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: f"Model {index}")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: SimpleNamespace(total_memory=24 * 2**30))
    device, found = choose_device("auto")
    assert (device.type, device.index) == ("cuda", 1)
    assert found == "GPU 1 of 0 to 2, the one with the most free memory: Model 1, 24 GiB"


def test_a_gpu_that_is_not_there_is_missed_in_one_sentence():
    from CardioScarLib.reconstruction.dropout.device import choose_device

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU: would check what is said without one")
    with pytest.raises(BadSettings, match="'auto' or 'cpu'"):
        choose_device("cuda")


@pytest.mark.slow
def test_without_torch_the_network_says_how_to_get_it_and_the_field_does_without(tmp_path):
    script = """
import sys
class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            raise ImportError(name)
sys.meta_path.insert(0, NoTorch())
sys.path.insert(0, "Testing/Python")
from bodies import reconstructed, the_phantom
from CardioScarLib.core.errors import MissingPackage
case = the_phantom("W", pixel=3.0, nodes=1500)
print(reconstructed(case).arrays["scar_probability"].max())
try:
    reconstructed(case, model="network")
except MissingPackage as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    highest, sentence = done.stdout.splitlines()
    assert float(highest) > 0.5
    assert "pip install" in sentence and "'field'" in sentence


@pytest.mark.slow
def test_a_missing_torch_or_gpu_is_said_before_the_long_work(monkeypatch):
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU: would check what is said without one")
    case, stages = the_phantom("W", pixel=3.0, nodes=1500), []

    def run(model, device):
        settings = ReconstructionSettings(model=ModelSettings(model, network=NetworkSettings(device=device)))
        return reconstruct(Case(case.stack, case.wall), settings, lambda stage, step, steps, **detail: stages.append(stage))

    with pytest.raises(BadSettings, match="CUDA was asked for"):
        run("network", "cuda")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingPackage, match="pip install"):
        run("network", "auto")
    assert not stages
    run("nearest", "cuda")  # another model does not mind
    assert stages
