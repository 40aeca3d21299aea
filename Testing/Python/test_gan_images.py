"""Images that networks make: where they lie, what they were made of, how they are scored, and whether they are copies."""

import json
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from gan_hearts import write_hearts
from segmented_hearts import ring_heart, rotation

from CardioScarLib.cli.main import main
from CardioScarLib.core.errors import BadSettings, BadTrainingData

pytest.importorskip("monai")
pytest.importorskip("torchmetrics")

LOOKS = [[0.2, -0.6, 0.6, -0.4, 0.3], [0.4, -0.7, 0.9, -0.5, 0.2]]


def generators(name="default", **changes):
    import torch

    from CardioScarLib.synthesis.gan.networks import generator_of
    from CardioScarLib.synthesis.gan.recipes import RECIPES
    from CardioScarLib.synthesis.gan.weights import OF_LABELS, TO_CINE, TO_LGE, Generators

    torch.manual_seed(0)
    recipe = replace(RECIPES[name], **{"size": 32, "spacing": 2.5, "width": 4, "critic": 4, **changes})
    names = (OF_LABELS,) if recipe.makes_of_labels else (TO_LGE, TO_CINE)
    return Generators({one: generator_of(recipe) for one in names}, recipe, {"looks": LOOKS}, "f" * 64)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    from CardioScarLib.synthesis.gan.weights import write_generators

    folder = tmp_path_factory.mktemp("weights")
    paths = {}
    for name in ("default", "original", "cyclegan"):
        made = generators(name)
        paths[name] = write_generators(made.networks, made.recipe, {"looks": LOOKS}, folder / f"{name}.safetensors")
    return paths


@pytest.fixture(scope="module")
def hearts(tmp_path_factory):
    return write_hearts(tmp_path_factory.mktemp("hearts") / "real")


def made_folder(weights, source, output, *more):
    return main(["synthesize", "apply", str(weights), str(source), "-o", str(output), "--labels", "emidec", "--device", "cpu", *more])


def test_an_image_lies_where_its_label_map_lies_in_an_oblique_stack():
    from CardioScarLib.synthesis.gan.making import lge_of_labels

    _, classes = ring_heart(1, slices=4, frame=rotation(), spacing=1.5)
    made = lge_of_labels(classes, generators(size=64, spacing=1.5), seed=3, device="cpu")
    again = lge_of_labels(classes, generators(size=64, spacing=1.5), seed=3, device="cpu")
    other = lge_of_labels(classes, generators(size=64, spacing=1.5), seed=4, device="cpu")
    assert all(np.array_equal(one.pixels, two.pixels) for one, two in zip(made.image, again.image, strict=True))
    assert made.look != other.look and made.look == again.look
    assert len(made.image) == 4 and made.image.slices[0].spacing == pytest.approx((1.5, 1.5))
    for one in made.labels:  # every labeled pixel is labeled so in the source at the same place
        source = min(classes, key=lambda each: abs((each.center - one.center) @ one.normal))
        assert abs((source.center - one.center) @ one.normal) < 1e-6
        rows, columns = np.nonzero(one.pixels)
        index = source.to_index(one.to_points(rows, columns))
        there = np.rint(index[:, :2]).astype(int)
        assert np.mean(source.pixels[tuple(there.T)] == one.pixels[rows, columns]) > 0.99
    volume = sum((one.pixels == 1).sum() for one in classes), sum((one.pixels == 1).sum() for one in made.labels)
    assert volume[1] == pytest.approx(volume[0], rel=0.02)  # mm are kept: nothing is stretched


def test_contrast_can_be_chosen_and_is_told():
    from CardioScarLib.synthesis.gan.looks import chosen, drawn_look, look_of
    from CardioScarLib.synthesis.gan.making import lge_of_labels

    _, classes = ring_heart(1, slices=3, spacing=2.0, size=(44, 46))
    made = lge_of_labels(classes, generators(), contrast="scar=1, myocardium=0.25", device="cpu")
    assert made.look["scar"] == 1.0 and made.look["myocardium"] == -0.5
    between = [drawn_look(LOOKS, np.random.default_rng(seed)) for seed in range(20)]
    low, high = np.min(LOOKS, axis=0), np.max(LOOKS, axis=0)
    assert all((low - 1e-6 <= one).all() and (one <= high + 1e-6).all() for one in between)
    for words in ("scar=2", "liver=0.5", "scar", "scar=nan"):
        with pytest.raises(BadSettings, match="is no contrast"):
            chosen(np.zeros(5), words)
    with pytest.raises(BadSettings, match="takes no contrast"):
        lge_of_labels(classes, generators("original"), contrast="scar=1", device="cpu")
    images = np.array([[[0.5, -0.25], [-1.0, -0.5]]])
    assert look_of(images, np.array([[[1, 2], [0, 0]]])).tolist() == [0.5, -0.25, 0.5, -0.75, 0.25]  # no scar: as the cavity


def test_files_are_a_pair_in_patient_geometry_and_several_looks_are_one_patient(weights, hearts, tmp_path, capsys):
    from CardioScarLib.segmentation.cases import find_pairs

    out = tmp_path / "made"
    assert made_folder(weights["default"], hearts, out, "--looks", "2", "--sheet", str(tmp_path / "sheet.png")) == 0
    assert (tmp_path / "sheet.png").stat().st_size > 1000
    pairs, alone = find_pairs(out)
    assert len(pairs) == 6 and not alone and {one.patient for one in pairs} == {"p0", "p1", "p2"}
    image, labels = (sitk.ReadImage(str(path)) for path in (pairs[0].image, pairs[0].labels))
    assert image.GetSize() == labels.GetSize() == (32, 32, 3) and image.GetOrigin() == labels.GetOrigin()
    assert image.GetSpacing() == pytest.approx((2.5, 2.5, 9.0))
    values = sitk.GetArrayFromImage(image)
    assert 0 <= values.min() < values.max() <= 1000
    about = json.loads((out / "p0_look1_about.json").read_text())
    assert about["synthesized"] is True and about["recipe"] == "default" and set(about["look"]) >= {"cavity", "scar"}
    assert made_folder(weights["default"], hearts, out, "--looks", "2") == 2  # nothing is replaced unasked
    assert "p0_look1_lge.nii.gz" in capsys.readouterr().err


def test_cyclegan_hands_labels_on_and_makes_either_kind(weights, tmp_path, capsys, monkeypatch):
    from CardioScarLib.synthesis.gan import sources

    cine = write_hearts(tmp_path / "cine", count=1, kind="cine")
    assert made_folder(weights["cyclegan"], cine, tmp_path / "lge") == 0
    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "lge" / "p0_labels.nii.gz")))
    assert set(np.unique(labels)) == {0, 1, 2, 3}
    assert made_folder(weights["cyclegan"], cine, tmp_path / "back", "--to", "cine") == 0
    assert (tmp_path / "back" / "p0_cine.nii.gz").is_file()
    (cine / "p0_labels.nii.gz").unlink()
    monkeypatch.setattr(sources, "heart_of", lambda image, device: np.mean([one.center for one in image], axis=0))
    assert made_folder(weights["cyclegan"], cine, tmp_path / "bare") == 0
    assert not (tmp_path / "bare" / "p0_labels.nii.gz").exists()  # nobody knows them
    for words, said in (
        (("--contrast", "scar=1"), "omit --contrast"),
        (("--looks", "3"), "and --looks"),
    ):
        assert made_folder(weights["cyclegan"], cine, tmp_path / "none", *words) == 2
        assert said in capsys.readouterr().err
    assert made_folder(weights["default"], cine, tmp_path / "none", "--to", "cine") == 2
    assert "--to cine is for weights of CycleGAN" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_bad_input_of_apply_ends_in_one_sentence(weights, hearts, tmp_path, capsys):
    empty = tmp_path / "empty_labels.nii.gz"
    sitk.WriteImage(sitk.Image(20, 20, 3, sitk.sitkUInt8), str(empty))
    odd = tmp_path / "odd_labels.nii.gz"
    sitk.WriteImage(sitk.Image(20, 20, 3, sitk.sitkUInt8) + 7, str(odd))
    (tmp_path / "nothing").mkdir()
    for source, said in (
        (empty, "labels nothing"),
        (odd, "has the value 7, which none of the labels has"),
        (tmp_path / "nothing", "holds no label maps"),
        (tmp_path / "absent_labels.nii.gz", "There is no file"),
    ):
        assert made_folder(weights["default"], source, tmp_path / "out") == 2
        error = capsys.readouterr().err.strip().splitlines()
        assert error[-1].startswith("Error: ") and said in error[-1]
    assert list((tmp_path / "out").glob("*")) == []
    labels = sorted(hearts.glob("*_labels.nii.gz"))[0]
    assert made_folder(weights["default"], labels, tmp_path / "out", str(labels)) == 2
    assert "Two inputs would both become" in capsys.readouterr().err


def test_real_images_scored_against_themselves_are_perfect_copies_and_noise_is_neither(hearts, tmp_path, capsys):
    other = write_hearts(tmp_path / "learned", count=3, first=20)
    words = ["synthesize", "evaluate", str(hearts), str(hearts), "--labels", "emidec", "--device", "cpu", "--json"]
    assert main([*words, "--training", str(hearts)]) == 0  # the "made" images are those that were learned from
    same = json.loads(capsys.readouterr().out)
    assert same["psnr"] is None and same["frechet"] == pytest.approx(0, abs=1e-4) and same["ssim"]["mean"] == pytest.approx(1, abs=1e-4)
    assert same["memorized"] == same["images"]["made"][1] == 9 and len(same["copies"]) == 3
    assert all(one["ratio"] in (1.0, None) for one in same["dice"].values())
    assert main([*words, "--training", str(other)]) == 0
    apart = json.loads(capsys.readouterr().out)
    assert apart["memory"]["pixels"]["made"] > 0 and apart["memory"]["pixels"]["made"] == apart["memory"]["pixels"]["held_out"]

    noise = write_hearts(tmp_path / "noise")
    random = np.random.default_rng(0)
    for path in noise.glob("*_lge.nii.gz"):
        image = sitk.ReadImage(str(path))
        values = sitk.GetImageFromArray(random.normal(size=image.GetSize()[::-1]).astype(np.float32))
        values.CopyInformation(image)
        sitk.WriteImage(values, str(path))
    words[2] = str(noise)
    assert main([*words, "--training", str(other)]) == 0
    bad = json.loads(capsys.readouterr().out)
    assert bad["frechet"] > 10 * max(same["frechet"], 1e-3) and bad["ssim"]["mean"] < 0.2 and bad["memorized"] == 0
    assert bad["coherence"]["made"]["mean"] < 0.2
    assert same["variety"]["made"] == same["variety"]["real"] > 0
    assert bad["variety"]["real"] == pytest.approx(same["variety"]["real"]) and bad["variety"]["made"] != same["variety"]["made"]


def test_another_network_can_find_the_labels_again_but_not_one_that_knows_no_scar(hearts):
    import torch

    from CardioScarLib.segmentation.networks import build
    from CardioScarLib.segmentation.recipes import RECIPES
    from CardioScarLib.segmentation.weights import Trained, read_weights
    from CardioScarLib.synthesis.gan.evaluation import evaluate_made

    torch.manual_seed(0)
    other = Trained(build(RECIPES["attention-resunet"]), RECIPES["attention-resunet"], {}, "0" * 64)
    one, two = (evaluate_made(hearts, hearts, "emidec", judge, device="cpu") for judge in (read_weights("default"), other))
    assert one.kernel == two.kernel  # features are always the shipped network's
    assert two.dice["cavity"]["real"].mean < one.dice["cavity"]["real"].mean  # an untrained network finds nothing
    with pytest.raises(BadSettings, match="does not tell scar"):
        evaluate_made(hearts, hearts, "emidec", read_weights("finder"), device="cpu")


def test_the_nearest_image_is_found_and_patients_are_kept_apart():
    from CardioScarLib.synthesis.gan.memory import Points, nearest

    learned = Points(np.array([[0.0, 0], [0.1, 0], [4, 0], [8, 0]]), np.array(["a", "a", "b", "c"]))
    made = Points(np.array([[0.5, 0], [2.0, 0], [4.0, 4.5]]), np.array(["d", "d", "e"]))
    found, copies = nearest(made, Points(np.array([[100.0, 0]]), np.array(["d"])), learned)
    assert found.between == pytest.approx(3.9)  # not .1, which is between slices of one patient
    assert copies.tolist() == [True, True, False] and found.copies == 2 and found.held_out_copies == 0
    assert found.made == pytest.approx(1.9)
    assert found.copies_interval == pytest.approx((0.0943, 0.9916), abs=1e-4)  # 2 of 3, Clopper and Pearson's
    assert found.held_out_copies_interval == pytest.approx((0.0, 0.975), abs=1e-4)  # 0 of 1: 1 - .025


def test_copies_lie_nearer_to_what_was_learned_from_than_unseen_images_and_new_ones_do_not():
    from CardioScarLib.synthesis.gan.memory import chance_nearer

    patients = np.repeat(np.arange(16), 9)
    random = np.random.default_rng(0)
    of_heart = random.normal(size=16)[patients]  # slices of one heart are alike
    unseen = of_heart + random.normal(size=144)
    fresh = chance_nearer(of_heart + random.normal(size=144), unseen, patients, patients)
    assert fresh.low < 0.5 < fresh.high and fresh.count == 16
    some = chance_nearer(of_heart - 1.5 + random.normal(size=144), unseen, patients, patients)
    assert some.low > 0.6
    assert chance_nearer(np.zeros(4), np.ones(4), np.arange(4), np.arange(4)).low == 1.0
    assert chance_nearer(np.ones(4), np.ones(4), np.arange(4), np.arange(4) + 4).mean == 0.5  # ties are halves
    apart = chance_nearer(
        np.repeat([0.0, 1, 2, 3], 9), np.repeat([0.5, 1.5, 2.5, 3.5], 9), np.repeat(np.arange(4), 9), np.repeat(np.arange(4) + 4, 9)
    )
    alone = chance_nearer(np.array([0.0, 1, 2, 3]), np.array([0.5, 1.5, 2.5, 3.5]), np.arange(4), np.arange(4) + 4)
    assert (apart.mean, apart.low, apart.high) == pytest.approx(
        (alone.mean, alone.low, alone.high)
    )  # nine slices alike tell no more than one


def test_images_that_are_no_squares_are_refused(hearts, tmp_path):
    from CardioScarLib.segmentation.weights import read_weights
    from CardioScarLib.synthesis.gan.evaluation import evaluate_made

    wide = write_hearts(tmp_path / "wide", size=(44, 48))
    with pytest.raises(BadTrainingData, match="different sizes"):
        evaluate_made(wide, hearts, "emidec", read_weights("default"), device="cpu")
