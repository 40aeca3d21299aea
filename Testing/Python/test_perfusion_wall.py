"""Finding the wall: the result is on the grid of the scan, steps can be switched, weights are checked, training goes on."""

import json
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from perfusion_phantoms import a_grid, a_scan, a_threshold_network

pytest.importorskip("torch")
pytest.importorskip("monai")

from CardioScarLib.cli.main import main
from CardioScarLib.core.errors import BadSettings, BadStack, UnreadableFile
from CardioScarLib.core.perfusion_settings import SpectSettings, SpectTrainingSettings, TidySettings
from CardioScarLib.perfusion import weights as perfusion_weights
from CardioScarLib.perfusion.canonical import back, canonical_grid, onto
from CardioScarLib.perfusion.find_wall import find_wall, labels_image
from CardioScarLib.perfusion.networks import build
from CardioScarLib.perfusion.phantom_heart import PhantomHeart
from CardioScarLib.perfusion.phantom_images import image_on
from CardioScarLib.perfusion.phantom_scan import wall_fraction
from CardioScarLib.perfusion.refine import EDGE, Refiner, around, read_refiner, spoiled, train_refiner, write_refiner
from CardioScarLib.perfusion.samples import SpectBatches, SpectSamples
from CardioScarLib.perfusion.threshold_wall import threshold_wall
from CardioScarLib.perfusion.tidy import tidied
from CardioScarLib.perfusion.training import train_spect
from CardioScarLib.perfusion.weights import SpectNetwork

NOTHING = TidySettings(smallest=0, largest_only=False, largest_hole=0, closing=0, median=0, gaussian=0.0)
OBLIQUE = np.array([[0.8, -0.6, 0.0], [0.48, 0.64, 0.6], [-0.36, -0.48, 0.8]]).T
LEFT_HANDED = OBLIQUE @ np.diag([1.0, 1.0, -1.0])


def dice(one, other) -> float:
    return 2 * np.count_nonzero(one & other) / (np.count_nonzero(one) + np.count_nonzero(other))


@pytest.mark.parametrize("directions", (np.eye(3), LEFT_HANDED), ids=("plain", "oblique and left-handed"))
def test_the_wall_is_labeled_on_exactly_the_grid_of_the_scan(directions):
    scan = a_scan(grid=a_grid(voxel=6.0, directions=directions))
    image = image_on(scan.counts, scan.grid)
    found = labels_image(find_wall(image, a_threshold_network(), SpectSettings(views=2, tidy=NOTHING)))
    assert found.GetSize() == image.GetSize() and found.GetSpacing() == image.GetSpacing()
    assert found.GetOrigin() == image.GetOrigin() and found.GetDirection() == image.GetDirection()
    assert dice(sitk.GetArrayFromImage(found) > 0, scan.wall) > 0.75


def test_shares_come_back_from_the_networks_grid_to_where_they_were():
    scan = a_scan(grid=a_grid(voxel=8.0, directions=LEFT_HANDED))
    fine = a_scan(grid=a_grid(voxel=4.0, size=(64, 64, 56)))
    grid = image_on(fine.fraction, fine.grid)
    returned = back(fine.fraction, grid, image_on(scan.counts, scan.grid))
    assert returned.sum() * 8**3 == pytest.approx(fine.fraction.sum() * 4**3, rel=0.02)
    assert np.abs(returned - scan.fraction).mean() < 0.02 and dice(returned >= 0.5, scan.wall) > 0.9


def test_a_scan_without_a_heart_is_refused():
    values = np.random.default_rng(0).poisson(5, (32, 32, 32)).astype(np.float32)
    grid = a_grid()
    flat = image_on(values + 100, grid)
    with pytest.raises(BadStack, match="none was found|No left ventricle"):
        find_wall(flat, a_threshold_network(), SpectSettings(views=1, tidy=NOTHING))


def test_each_step_of_tidying_can_be_switched():
    wall = np.zeros((20, 20, 20), dtype=bool)
    wall[4:14, 4:14, 4:14] = True
    wall[6:12, 6:12, 6:12] = False  # a cavity of 216 voxels
    wall[5, 5, 5] = False  # a hole
    wall[17, 17, 17] = True  # a speck
    wall[10, 10, 15:19] = True  # a small piece
    assert np.array_equal(tidied(wall, NOTHING), wall)

    def only(**step):
        return tidied(wall, TidySettings(**{**vars(NOTHING), **step}))

    assert not only(smallest=2)[17, 17, 17] and only(smallest=2)[10, 10, 16]
    assert not only(largest_only=True)[10, 10, 16]
    assert only(largest_hole=100)[5, 5, 5] and not only(largest_hole=100)[8, 8, 8]
    assert only(largest_hole=300)[8, 8, 8]
    assert only(closing=1)[5, 5, 5] and not only(closing=1)[9, 9, 9]
    assert not only(median=3)[17, 17, 17]
    assert not only(gaussian=1.0)[17, 17, 17]


def test_the_threshold_finds_most_of_an_even_wall():
    scan = a_scan()
    assert dice(threshold_wall(scan.counts, scan.wall, tuple(scan.grid.spacing)), scan.wall) > 0.6


def test_the_original_network_has_its_size_and_its_weights_are_read(tmp_path):
    import torch

    torch.manual_seed(1)
    network = build("original").eval()
    assert sum(one.numel() for one in network.parameters()) == 1_356_001
    state = network.state_dict()
    assert "encoder1.0.weight" in state and "conv_last.bias" in state
    torch.save(state, tmp_path / "unet3d_weights.pth")
    read = perfusion_weights.read_spect_weights(tmp_path / "unet3d_weights.pth")
    volume = torch.rand(1, 1, 8, 8, 8)
    with torch.inference_mode():
        assert read.name == "original" and torch.equal(read.network(volume), network(volume))
    torch.save({"model": state}, tmp_path / "wrapped.pth")
    with pytest.raises(UnreadableFile, match="weights"):
        perfusion_weights.read_spect_weights(tmp_path / "wrapped.pth")


def test_weights_that_are_not_those_that_were_shipped_are_refused(tmp_path, monkeypatch):
    path = perfusion_weights.write_spect_weights(build("spect-default"), "spect-default", {}, tmp_path / "spect-default.safetensors")
    assert path.stat().st_size < 6e6
    monkeypatch.setattr(perfusion_weights, "SHIPPED", tmp_path)
    monkeypatch.setattr(perfusion_weights, "SHIPPED_SHA256", {"spect-default": "0" * 64})
    with pytest.raises(UnreadableFile, match="install it again"):
        perfusion_weights.read_spect_weights("spect-default")


def test_what_is_shipped_is_what_was_measured():
    network = perfusion_weights.read_spect_weights("spect-default")
    assert network.name == "spect-default" and network.record["validation_dice"] == pytest.approx(0.9, abs=1e-3)
    assert "Not for clinical use" in (perfusion_weights.SHIPPED / "MODEL_CARD.md").read_text(encoding="utf-8")
    with pytest.raises(UnreadableFile, match="No trained weights 'original'"):
        perfusion_weights.read_spect_weights("original")


def some_samples(count: int) -> SpectSamples:
    random = np.random.default_rng(0)
    fraction = np.zeros((count, 40, 40, 40), dtype=np.float32)
    fraction[:, 15:25, 15:25, 15:25] = 1
    return SpectSamples.of(fraction + random.normal(0, 0.1, fraction.shape), fraction, [f"p{number}" for number in range(count)])


def test_training_that_was_stopped_goes_on_with_the_same_batches(tmp_path):
    samples = some_samples(2)
    first, second = (SpectBatches(samples, 2, 5, whole=False) for _ in range(2))
    next(first)
    second.resume(first.state())
    assert np.array_equal(next(first)[0].numpy(), next(second)[0].numpy())
    settings = SpectTrainingSettings(steps=2, batch_size=1, rounds=2, device="cpu")
    report = train_spect(samples, samples, tmp_path, settings, {}, lambda *args, **named: None)
    again = train_spect(samples, samples, tmp_path, settings, {}, lambda *args, **named: pytest.fail("a finished run has no steps left"))
    assert report.step == again.step == 2 and again.dice == report.dice
    with pytest.raises(BadSettings, match="other settings"):
        train_spect(samples, samples, tmp_path, SpectTrainingSettings(steps=3, batch_size=1), {}, lambda *args, **named: None)


def test_patients_are_never_on_both_sides():
    samples = SpectSamples.joined([some_samples(2), some_samples(2)])
    assert len(samples.only({"p1"})) == 2 and set(samples.only({"p1"}).patients) == {"p1"}


def test_the_command_writes_labels_on_the_scans_grid(tmp_path, monkeypatch, capsys):
    scan = a_scan(grid=a_grid(voxel=6.0, directions=LEFT_HANDED))
    path = tmp_path / "stress.nii.gz"
    sitk.WriteImage(image_on(scan.counts, scan.grid), str(path))
    monkeypatch.setattr(perfusion_weights, "read_spect_weights", lambda *names: a_threshold_network())
    words = ["spect", "predict", str(path), "-o", str(tmp_path / "wall.nii.gz"), "--views", "1", "--largest-hole", "0", "--median", "0"]
    assert main(words) == 0
    image, labels = (sitk.ReadImage(str(one)) for one in (path, tmp_path / "wall.nii.gz"))
    assert labels.GetSize() == image.GetSize() and labels.GetDirection() == pytest.approx(image.GetDirection(), abs=1e-6)
    assert labels.GetOrigin() == pytest.approx(image.GetOrigin(), abs=1e-4)
    record = json.loads((tmp_path / "wall.nii.gz.json").read_text())
    assert record["settings"]["tidy"]["median"] == 0 and record["settings"]["views"] == 1
    capsys.readouterr()
    sitk.WriteImage(labels, str(tmp_path / "mask.nii.gz"))
    assert main(["spect", "predict", str(tmp_path / "mask.nii.gz"), "-o", str(tmp_path / "b.nii.gz")]) == 2
    assert "is a mask" in capsys.readouterr().err


def test_a_canonical_grid_has_the_networks_size():
    grid = canonical_grid(np.array([1.0, 2.0, 3.0]))
    assert grid.GetSize() == (64, 64, 56) and grid.GetSpacing() == (4.0, 4.0, 4.0)
    assert np.mean([grid.GetOrigin(), grid.TransformIndexToPhysicalPoint((63, 63, 55))], axis=0) == pytest.approx([1, 2, 3])
    assert onto(grid, grid).max() == 0


# --- the autoencoder -----------------------------------------------------------------------------------------------


def a_small_wall() -> np.ndarray:
    """(40, 40, 40) share of the wall of a phantom."""
    return wall_fraction(PhantomHeart(), a_grid(voxel=4.0, size=(EDGE,) * 3)).astype(np.float32)


def test_a_spoiled_wall_is_another_one_and_the_same_every_time():
    wall = a_small_wall()
    first, again = (spoiled(wall, np.random.default_rng(4)) for _ in range(2))
    assert np.array_equal(first, again) and first.shape == wall.shape and 0 <= first.min() < first.max() <= 1
    assert 0.3 < dice(first >= 0.5, wall >= 0.5) < 0.99


def test_an_autoencoder_learns_and_comes_back_from_its_file(tmp_path):
    wall, losses = a_small_wall(), []
    network = train_refiner([wall], 12, 0, lambda stage, step, steps, loss: losses.append(loss))
    assert len(losses) == 12 and losses[-1] < losses[0]
    refiner = read_refiner(write_refiner(network, {}, tmp_path / "dae.safetensors"))
    on_grid = np.zeros((56, 64, 64), dtype=np.float32)
    on_grid[8:48, 12:52, 12:52] = spoiled(wall, np.random.default_rng(1))
    found, at_once = refiner(on_grid), Refiner(network, "")(on_grid)
    assert found.shape == on_grid.shape and found[:4].max() == 0  # nothing far from the wall
    assert found[around(on_grid)].std() > 0 and np.abs(found - at_once).max() < 0.01  # half precision
    assert SpectNetwork(network, "spect-default", {}, "0", refiner).marks["dae_sha256"] == refiner.sha256
    with pytest.raises(UnreadableFile, match="wall refiner"):
        read_refiner(perfusion_weights.write_spect_weights(build("spect-default"), "spect-default", {}, tmp_path / "w.safetensors"))


def test_the_autoencoder_comes_after_the_other_steps():
    scan = a_scan(grid=a_grid(voxel=6.0))
    image, trained = image_on(scan.counts, scan.grid), a_threshold_network()
    fainter = replace(trained, refiner=lambda shares: 0.8 * shares)
    settings = SpectSettings(views=1, tidy=NOTHING)
    plain, mended = (find_wall(image, one, settings) for one in (trained, fainter))
    assert mended.share.max() == pytest.approx(0.8 * plain.share.max(), abs=0.02)
    assert mended.views.max() == pytest.approx(0.8 * plain.views.max(), abs=0.02)
