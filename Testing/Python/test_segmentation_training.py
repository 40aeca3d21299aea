"""Training a segmentation network: it goes on where it was stopped, keeps the best weights, and reads them back checked."""

from dataclasses import replace

import numpy as np
import pytest
from segmented_hearts import ring_heart, rotation

from CardioScarLib.core.errors import BadSettings, BadTrainingData, Cancelled, UnreadableFile
from CardioScarLib.core.segmentation_settings import SegmentTrainingSettings
from CardioScarLib.segmentation.recipes import RECIPES
from CardioScarLib.segmentation.samples import Samples, samples_of

pytest.importorskip("monai")

SETTINGS = SegmentTrainingSettings(steps=4, rounds=2, batch_size=2, device="cpu")


def quiet(*_, **__):
    pass


@pytest.fixture(scope="module")
def samples():
    hearts = [ring_heart(seed, slices=3, frame=rotation(), noise=0.02) for seed in range(3)]
    made = [samples_of(*heart, RECIPES["default"]) for heart in hearts]
    return Samples.joined(made[:2]), made[2]


def trained(samples, folder, settings=SETTINGS, progress=quiet):
    from CardioScarLib.segmentation.training import train

    folder.mkdir(exist_ok=True)
    return train(*samples, folder, settings, {"cases": [2, 1]}, progress)


def state_of(folder):
    import torch

    return torch.load(folder / "state.pt", weights_only=True)


def test_a_run_that_was_stopped_goes_on_and_ends_with_the_same_weights(samples, tmp_path):
    straight = trained(samples, tmp_path / "straight")

    def stop(stage, step, steps, loss=None):
        if step == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        trained(samples, tmp_path / "stopped", progress=stop)
    assert state_of(tmp_path / "stopped")["step"] == 2
    seen = []
    report = trained(samples, tmp_path / "stopped", progress=lambda stage, step, steps, loss=None: seen.append(step))
    assert seen == [3, 4]
    assert report.step == straight.step == 4 and report.dice == straight.dice
    one, other = (state_of(tmp_path / name)["network"] for name in ("stopped", "straight"))
    assert all(np.array_equal(one[key], other[key]) for key in one)
    assert list((tmp_path / "stopped" / "curves").iterdir())  # for TensorBoard

    with pytest.raises(BadSettings, match="other settings"):
        trained(samples, tmp_path / "stopped", replace(SETTINGS, rate=1e-4))


def test_weights_come_back_as_they_were_in_half_precision_and_are_small(samples, tmp_path):
    from CardioScarLib.segmentation.networks import build
    from CardioScarLib.segmentation.weights import read_weights, write_weights

    network = build(RECIPES["default"])
    path = write_weights(network, RECIPES["default"], {"share_spread": 0.25}, tmp_path / "w.safetensors")
    found = read_weights(path)
    assert found.record["share_spread"] == 0.25 and found.recipe == RECIPES["default"]
    own, theirs = network.state_dict(), found.network.state_dict()
    assert all(np.allclose(own[key], theirs[key], rtol=1e-3, atol=1e-4) for key in own)
    assert path.stat().st_size < 3.5e6

    content = bytearray(path.read_bytes())
    content[-1000] ^= 1
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match="damaged"):
        read_weights(path)
    with pytest.raises(UnreadableFile, match="There is no file"):
        read_weights(tmp_path / "none.safetensors")


def test_weights_of_another_architecture_are_refused(tmp_path):
    from CardioScarLib.segmentation.networks import build
    from CardioScarLib.segmentation.weights import read_weights, write_weights

    path = write_weights(build(RECIPES["finder"]), RECIPES["default"], {}, tmp_path / "w.safetensors")
    with pytest.raises(UnreadableFile, match="another architecture"):
        read_weights(path)


@pytest.mark.parametrize("name", ["attention-resunet", "attention-resunet-2.5d", "scarnet"])
def test_every_network_gives_each_class_a_number_at_each_pixel_and_all_of_it_learns(name):
    import torch

    from CardioScarLib.segmentation.losses import loss_of
    from CardioScarLib.segmentation.networks import build

    recipe = RECIPES[name]
    network = build(recipe)
    logits = network(torch.randn(1, recipe.channels, recipe.size, recipe.size))
    assert logits.shape == (1, 5, recipe.size, recipe.size)
    loss = loss_of(recipe)
    loss(logits, torch.ones(1, 1, recipe.size, recipe.size)).backward()
    assert [key for key, value in network.named_parameters() if value.grad is None] == []


def test_alpha_weighs_false_alarms_and_beta_misses_in_the_loss_of_scarnet():
    import torch

    from CardioScarLib.segmentation.losses import of_scarnet

    truth = torch.zeros(1, 1, 16, 16)
    truth[..., 4:8, 4:12] = 3

    def loss(rows, *weights):
        logits = torch.zeros(1, 5, 16, 16)
        logits[:, 0] = 6.0
        logits[:, 3, rows, 4:12] = 12.0
        return float(of_scarnet(*weights)(logits, truth))

    half, double = slice(4, 6), slice(4, 12)  # 16 pixels missed; 32 pixels too many
    assert loss(half, 0.3, 0.7) > loss(double, 0.3, 0.7)
    assert loss(half, 0.7, 0.3) < loss(double, 0.7, 0.3)
    assert loss(half) == loss(half, 0.5, 0.5)
    assert loss(slice(4, 8)) < 0.6 * loss(half)


def test_the_best_weights_are_kept_and_not_the_last(samples, tmp_path, monkeypatch):
    from CardioScarLib.segmentation import training
    from CardioScarLib.segmentation.weights import read_weights

    rounds = iter([0.6, 0.2])
    monkeypatch.setattr(training, "pooled_dice", lambda *_: {"cavity": next(rounds)})
    assert trained(samples, tmp_path / "run").dice == {"cavity": 0.6}
    assert read_weights(tmp_path / "run" / "best.safetensors").record["step"] == 2


def test_a_turned_view_and_its_labels_stay_together(samples):
    """Where a batch shows scar, its intensity is that of scar, whatever was done to it."""
    import torch

    from CardioScarLib.segmentation.augment import Variety, placed

    learning = samples[0]
    images = torch.from_numpy(learning.images[:, None].astype(np.float32))
    valid = torch.from_numpy(learning.valid[:, None])
    labels = torch.from_numpy(learning.labels[:, None].astype(np.int64))
    seen, inside, drawn = placed(images, valid, labels, RECIPES["attention-resunet"], 0.75, Variety(), torch.Generator().manual_seed(1))
    assert drawn.shape[-1] == RECIPES["attention-resunet"].size
    assert (drawn == 3).sum() > 50
    means = [float(seen[(drawn == value) & inside].mean()) for value in range(4)]
    assert means[3] > means[1] > means[0] > means[2]


def test_a_wall_is_made_thicker_inward_and_the_heart_stays_as_large(samples):
    import torch
    from torch.nn import functional

    from CardioScarLib.segmentation.augment import _thickened

    labels = torch.from_numpy(samples[0].labels.astype(np.int64))[1:2]
    size = labels.shape[1]
    grid = functional.affine_grid(torch.eye(2, 3)[None], [1, 1, size, size], align_corners=False)[:, None]

    def drawn(exponent):
        places = _thickened(grid, labels, torch.tensor([exponent]))[:, 0]
        return functional.grid_sample(labels[:, None].float(), places, "nearest", align_corners=False)[0, 0]

    assert torch.equal(drawn(1.0), labels[0].float())
    thick, thin, plain = drawn(0.5), drawn(1.3), labels[0]
    assert (thick > 0).sum() == pytest.approx(int((plain > 0).sum()), rel=0.02)
    assert (thick == 1).sum() < 0.7 * (plain == 1).sum()
    assert (thin == 1).sum() > 1.1 * (plain == 1).sum()


def test_intensities_are_normalized_in_any_unit_and_what_is_missing_is_zero():
    import torch

    from CardioScarLib.segmentation.normalized import normalized

    images = torch.randn(2, 3, 32, 32)
    valid = torch.ones_like(images) > 0
    valid[0, 0] = False
    valid[:, :, :5] = False
    once = normalized(images, valid)
    assert torch.allclose(normalized(4000 * images - 9000, valid), once, atol=2e-3)
    assert not once[0, 0].any() and not once[:, :, :5].any()
    inside = once[1, 1][valid[1, 1]]
    assert abs(float(inside.mean())) < 1e-4 and abs(float(inside.std()) - 1) < 0.01
    assert not normalized(torch.full((1, 1, 8, 8), 7.0), torch.ones(1, 1, 8, 8) > 0).any()


def test_the_spread_is_the_error_of_the_share_of_scar_in_log_odds(samples):
    """A network that finds the true wall, and takes each pixel of it for scar with one probability."""
    import torch
    from torch import nn

    from CardioScarLib.segmentation.training_batches import in_order
    from CardioScarLib.segmentation.validation import share_spread

    drawn = iter([labels for _, labels, _ in in_order(samples[1], RECIPES["default"], 2)])

    class Even(nn.Module):
        def forward(self, images):
            wall = next(drawn)[:, 0] >= 2
            chances = torch.stack([~wall, 0 * wall, 0.8 * wall, 0.2 * wall, 0 * wall], 1).float()
            return (chances + 1e-9).log()

    true = np.mean(samples[1].labels[samples[1].labels >= 2] == 3)
    expected = abs(np.log(true / (1 - true)) - np.log(0.2 / 0.8))
    assert share_spread(Even(), samples[1], RECIPES["default"], 2, torch.device("cpu")) == pytest.approx(expected, abs=0.03)


def test_synthetic_images_are_drawn_in_their_share_and_never_validated_with(samples, tmp_path):
    from gan_hearts import write_hearts

    from CardioScarLib.segmentation.augment import NONE
    from CardioScarLib.segmentation.folder_training import train_on_folder
    from CardioScarLib.segmentation.training_batches import Batches
    from CardioScarLib.segmentation.weights import read_weights

    real = samples[0]
    mixed = Samples.joined([real, replace(samples[1], synthetic=np.ones(len(samples[1]), dtype=bool))])
    for share in (0.0, 0.3, 1.0):
        chances = Batches(mixed, RECIPES["default"], NONE, 2, 0, share).chances.numpy()
        assert chances[mixed.synthetic].sum() == pytest.approx(share) and chances.sum() == pytest.approx(1)
    alone = Batches(real, RECIPES["default"], NONE, 2, 0, 0.3).chances.numpy()
    assert alone.sum() == pytest.approx(1)  # without synthetic images, the share means nothing

    hearts, made = write_hearts(tmp_path / "real", count=2), write_hearts(tmp_path / "made", count=3, first=10)
    settings = replace(SETTINGS, steps=1, rounds=1, validation=40.0)
    report = train_on_folder(hearts, tmp_path / "run", "emidec", settings, quiet, synthetic=[made])
    assert report.patients == (1, 1) and report.synthetic == 3
    record = read_weights(report.training.weights).record
    assert record["synthetic_cases"] == 3 and record["slices"][1] == 3  # validated with the one real patient kept apart
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadTrainingData, match="empty holds no images"):
        train_on_folder(hearts, tmp_path / "none", "emidec", settings, quiet, synthetic=[tmp_path / "empty"])
    assert not (tmp_path / "none").exists()
