"""Training networks that make images: it goes on where it was stopped, stops when it diverges, and refuses what it cannot use."""

import json
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from gan_hearts import write_hearts

from CardioScarLib.cli.main import main
from CardioScarLib.core.errors import BadSettings, BadTrainingData, Cancelled, UnreadableFile
from CardioScarLib.core.synthesis_settings import CycleGanSettings, Pix2PixSettings

pytest.importorskip("monai")
pytest.importorskip("torchmetrics")

SMALL = {"size": 32, "spacing": 2.5, "width": 4, "device": "cpu", "batch_size": 2, "validation": 40.0}
SETTINGS = Pix2PixSettings(steps=4, rounds=2, **SMALL)


def quiet(*_, **__):
    pass


@pytest.fixture(scope="module")
def hearts(tmp_path_factory):
    return write_hearts(tmp_path_factory.mktemp("hearts"))


def trained(folder, output, settings=SETTINGS, progress=quiet, labels="emidec"):
    from CardioScarLib.synthesis.gan.folder_training import pix2pix_on_folder

    return pix2pix_on_folder(folder, output, labels, settings, progress)


def state_of(folder):
    import torch

    return torch.load(folder / "state.pt", weights_only=True)


@pytest.mark.parametrize("recipe", ["default", "original"])
def test_a_run_that_was_stopped_goes_on_and_ends_with_the_same_weights(recipe, hearts, tmp_path):
    settings = replace(SETTINGS, recipe=recipe)
    straight = trained(hearts, tmp_path / "straight", settings)

    def stop(stage, step, steps, loss=None):
        if stage == "train" and step == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        trained(hearts, tmp_path / "stopped", settings, stop)
    assert state_of(tmp_path / "stopped")["step"] == 2
    again = trained(hearts, tmp_path / "stopped", settings)
    assert again.training.step == straight.training.step == 4
    assert again.training.scores == straight.training.scores
    one, other = (state_of(tmp_path / name)["network"] for name in ("stopped", "straight"))
    assert all(np.array_equal(one[key], other[key]) for key in one)
    assert straight.stacks[0] + straight.stacks[1] == 3
    with pytest.raises(BadSettings, match="other settings"):
        trained(hearts, tmp_path / "stopped", replace(settings, rate=1e-3))


def test_the_generator_that_is_kept_forgets_the_random_weights_it_began_with():
    import torch

    from CardioScarLib.synthesis.gan.pix2pix import _mean

    began, learned = torch.tensor(1.0), torch.tensor(0.0)
    share = began
    for count in range(1, 400):
        share = _mean(share, learned, count)
    assert share < 1e-6  # a constant share of .995 would leave .135 of it
    assert _mean(began, learned, torch.tensor(100_000)) == pytest.approx(0.995)


def test_a_training_that_diverges_stops_and_says_when(hearts, tmp_path, monkeypatch):
    from CardioScarLib.synthesis.gan import losses

    adversarial, asked = losses.of_generator, []

    def exploding(recipe, made):
        asked.append(1)
        return adversarial(recipe, made) * (float("inf") if len(asked) == 3 else 1.0)

    monkeypatch.setattr(losses, "of_generator", exploding)
    with pytest.raises(BadTrainingData, match=r"diverged at step 3 of 4.*lower rate"):
        trained(hearts, tmp_path, replace(SETTINGS, rounds=4))
    assert state_of(tmp_path)["step"] == 2  # what was good is kept
    assert (tmp_path / "best.safetensors").is_file()


def test_the_original_has_its_published_shape_and_its_weights_land_on_their_pixels():
    import torch

    from CardioScarLib.synthesis.gan import losses
    from CardioScarLib.synthesis.gan.networks import discriminator_of, generator_of
    from CardioScarLib.synthesis.gan.recipes import RECIPES, gan_recipe

    recipe = gan_recipe(Pix2PixSettings(recipe="original"))
    assert recipe == RECIPES["original"] and (recipe.size, recipe.width) == (128, 64)
    small = replace(recipe, width=4, critic=4)
    network = generator_of(small)
    assert [one[0].out_channels for one in network.down] == [4, 8, 16, 32, 32, 32]
    assert sum(isinstance(one, torch.nn.Dropout) for one in network.modules()) == 2
    assert discriminator_of(small)(torch.zeros(1, 2, 128, 128))[-1].shape == (1, 1, 30, 30)

    labels = torch.tensor([[[0, 1], [3, 4]]])
    found, true = torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2)
    found[0, 0, 1, 0] = 1.0  # the error lies on the infarct alone
    assert losses.weighted_l1(found, true, labels, losses.ORIGINAL_WEIGHTS).item() == pytest.approx(26 / 4)
    found[0, 0, 1, 1] = 0.5
    assert losses.weighted_l1(found, true, labels, losses.ORIGINAL_WEIGHTS).item() == pytest.approx((26 + 45) / 4)


@pytest.mark.parametrize("name", ["default", "unet", "original", "cyclegan"])
def test_all_of_every_generator_and_discriminator_learns(name):
    import torch

    from CardioScarLib.synthesis.gan.batches import planes_of
    from CardioScarLib.synthesis.gan.networks import discriminator_of, generator_of
    from CardioScarLib.synthesis.gan.recipes import RECIPES

    recipe = replace(RECIPES[name], size=32, width=4, critic=4)
    generator, critic = generator_of(recipe), discriminator_of(recipe)
    planes = planes_of(recipe)
    given = torch.randn(1, max(planes, 1), 32, 32)
    made = generator(given)
    assert made.shape == (1, 1, 32, 32) and made.abs().max() <= 1
    judged = critic(torch.cat([given, made], 1) if planes else made)
    (judged[-1].square().mean() + made.square().mean()).backward()
    for network in (generator, critic):
        assert [key for key, value in network.named_parameters() if value.grad is None] == []


def test_what_a_network_is_told_names_classes_missing_neighbors_height_and_look():
    import torch

    from CardioScarLib.synthesis.gan.batches import planes_of, told
    from CardioScarLib.synthesis.gan.recipes import RECIPES

    labels = torch.zeros(1, 3, 32, 32, dtype=torch.long)
    labels[0, 0] = -1
    labels[0, 1, 3, 4] = 3
    look = torch.tensor([[0.5, -0.5, 0.9, -0.2, 0.3]])
    found = told(RECIPES["default"], labels, torch.tensor([1.0]), look)[0]
    assert len(found) == planes_of(RECIPES["default"])
    assert found[0].min() == 1 and found[5].max() == 0  # no slice toward the apex; the slice itself is there
    assert found[8, 3, 4] == 1 and found[8].sum() == 1  # scar of the slice itself
    assert found[15, 0, 0] == 1 and torch.allclose(found[16:, 0, 0], look[0])
    original = told(RECIPES["original"], labels, torch.tensor([1.0]), look)[0]
    assert original.shape == (1, 32, 32) and original[0, 3, 4] == pytest.approx(0.5) and original[0, 0, 0] == -1


def test_cyclegan_learns_without_pairs_and_without_label_maps_and_goes_on(tmp_path, monkeypatch):
    from CardioScarLib.synthesis.gan import sources
    from CardioScarLib.synthesis.gan.folder_training import cyclegan_on_folders
    from CardioScarLib.synthesis.gan.weights import TO_CINE, TO_LGE, read_generators

    lge = write_hearts(tmp_path / "lge", count=2)
    cine = write_hearts(tmp_path / "cine", count=2, kind="cine", first=7, labels=False, invert=True)
    looked = []
    monkeypatch.setattr(sources, "heart_of", lambda image, device: looked.append(1) or np.mean([one.center for one in image], axis=0))
    settings = CycleGanSettings(steps=2, rounds=1, **{**SMALL, "batch_size": 1})
    report = cyclegan_on_folders(cine, lge, tmp_path / "run", ("acdc", "emidec"), settings, quiet)
    assert len(looked) == 2 and report.stacks == (2, 2)
    assert set(report.training.scores) == {"frechet_segmentation_features", "cycle_error"}  # no labels of cine, no mask to compare
    assert set(read_generators(report.training.weights).networks) == {TO_LGE, TO_CINE}
    assert cyclegan_on_folders(cine, lge, tmp_path / "run", ("acdc", "emidec"), settings, quiet).training.step == 2

    labeled = write_hearts(tmp_path / "labeled", count=2, kind="cine", first=7, invert=True)
    report = cyclegan_on_folders(labeled, lge, tmp_path / "other", ("emidec", "emidec"), settings, quiet)
    assert "dice_of_cine_wall_found_in_lge" in report.training.scores


def refused(capsys, *words):
    assert main([str(word) for word in words]) == 2
    text = capsys.readouterr().err.strip()
    assert text.splitlines()[-1].startswith("Error: ") and "Traceback" not in text
    return text


def test_bad_input_ends_in_one_sentence(hearts, tmp_path, capsys):
    train = ("synthesize", "train")
    flags = ("--labels", "emidec", "--size", "32", "--pixel", "2.5", "--width", "4", "--steps", "1", "--device", "cpu")
    run = ("-o", tmp_path / "run")

    alone = write_hearts(tmp_path / "alone", labels=False)
    assert "none has a label map" in refused(capsys, *train, "pix2pix", alone, *run, *flags)

    odd = write_hearts(tmp_path / "odd")
    for path in odd.glob("*_labels.nii.gz"):
        values = sitk.ReadImage(str(path))
        sitk.WriteImage(sitk.Cast(values * 9, sitk.sitkUInt8), str(path))
    assert "has the value 9, which none of the labels has" in refused(capsys, *train, "pix2pix", odd, *run, *flags)

    sizes = write_hearts(tmp_path / "sizes")
    for path in sizes.glob("*_labels.nii.gz"):
        sitk.WriteImage(sitk.ReadImage(str(path))[2:, :, :], str(path))
    assert "44 x 44" in (text := refused(capsys, *train, "pix2pix", sizes, *run, *flags)) or "same grid" in text

    holes = write_hearts(tmp_path / "holes")
    for path in holes.glob("*_lge.nii.gz"):
        values = sitk.GetArrayFromImage(image := sitk.ReadImage(str(path)))
        values[0, 0, 0] = np.nan
        broken = sitk.GetImageFromArray(values)
        broken.CopyInformation(image)
        sitk.WriteImage(broken, str(path))
    assert "NaN" in (text := refused(capsys, *train, "pix2pix", holes, *run, *flags)) or "finite" in text

    (tmp_path / "nothing").mkdir()
    assert "nothing holds no images" in refused(capsys, *train, "cyclegan", tmp_path / "nothing", hearts, *run, "--device", "cpu")
    assert "one folder" in refused(capsys, *train, "cyclegan", hearts, hearts, *run, "--device", "cpu")
    assert "multiple of 16" in refused(capsys, *train, "pix2pix", hearts, *run, "--labels", "emidec", "--size", "40")
    assert not (tmp_path / "run").exists()


def test_weights_that_are_damaged_or_of_another_kind_are_refused(hearts, tmp_path):
    from CardioScarLib.synthesis.gan.weights import read_generators

    path = trained(hearts, tmp_path / "run", replace(SETTINGS, steps=1, rounds=1)).training.weights
    found = read_generators(path)
    assert found.recipe.size == 32 and len(found.record["looks"]) == found.record["stacks"][0]
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match="damaged"):
        read_generators(path)
    from CardioScarLib.segmentation.weights import SHIPPED

    with pytest.raises(UnreadableFile, match="not a image generator|not an image generator"):
        read_generators(SHIPPED / "default.safetensors")


def test_the_command_trains_and_tells_in_json(hearts, tmp_path, capsys):
    words = ["synthesize", "train", "pix2pix", str(hearts), "-o", str(tmp_path / "run"), "--labels", "emidec", "--size", "32", "--pixel"]
    words += ["2.5", "--width", "4", "--steps", "1", "--rounds", "1", "--batch-size", "1", "--device", "cpu", "--validation", "40"]
    words.append("--json")
    assert main(words) == 0
    report = json.loads(capsys.readouterr().out)
    assert set(report["training"]["scores"]) == {"frechet_segmentation_features", "absolute_error"}
