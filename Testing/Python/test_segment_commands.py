"""`cardioscar segment`: files in, files out on the same grid."""

import json

import numpy as np
import pytest
import SimpleITK as sitk
from segmented_hearts import finder_of_bright_discs, network_that_knows_directions, ring_heart, rotation

from CardioScarLib.cli.main import main
from CardioScarLib.segmentation import weights
from CardioScarLib.segmentation.robustness import noisy

pytest.importorskip("torch")


@pytest.fixture
def networks(monkeypatch):
    """Stand-ins for the weights that are shipped."""
    named = {"default": network_that_knows_directions(), "finder": finder_of_bright_discs()}
    monkeypatch.setattr(weights, "read_weights", lambda name: named[str(name)])


def volume_of(stack, left_handed=False):
    """The SimpleITK image of a stack from `ring_heart`."""
    first, second = stack.slices[:2]
    axes = np.column_stack([first.column_step, first.row_step, second.origin - first.origin])
    array = np.stack([one.pixels for one in stack])
    origin = first.origin
    if left_handed:
        array, origin = array[:, :, ::-1], origin + (array.shape[2] - 1) * axes[:, 0]
        axes[:, 0] *= -1
    spacing = np.linalg.norm(axes, axis=0)
    image = sitk.GetImageFromArray(np.ascontiguousarray(array))
    image.SetSpacing(spacing.tolist())
    image.SetDirection((axes / spacing).ravel().tolist())
    image.SetOrigin(origin.tolist())
    return image


@pytest.mark.parametrize("left_handed", [False, True])
@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd"])
def test_labels_probabilities_and_uncertainty_lie_on_the_grid_of_an_oblique_image(networks, tmp_path, suffix, left_handed):
    image, path = volume_of(ring_heart(frame=rotation())[0], left_handed), tmp_path / f"lge{suffix}"
    sitk.WriteImage(image, str(path))
    output = tmp_path / f"labels{suffix}"
    assert main(["segment", "predict", str(path), "-o", str(output), "--probabilities", "--uncertainty", "--views", "1"]) == 0
    labels, chances, uncertain = (
        sitk.ReadImage(str(tmp_path / f"labels{kind}{suffix}")) for kind in ("", ".probabilities", ".uncertainty")
    )
    read = sitk.ReadImage(str(path))
    for one in (labels, uncertain):
        assert one.GetSize() == read.GetSize()
        for of in ("GetSpacing", "GetOrigin", "GetDirection"):
            assert np.allclose(getattr(one, of)(), getattr(read, of)(), atol=1e-4)
    each = sitk.GetArrayFromImage(chances)
    assert each.shape == (5, *sitk.GetArrayFromImage(labels).shape)
    assert np.allclose(each.sum(axis=0), 1, atol=1e-4)
    assert set(np.unique(sitk.GetArrayFromImage(labels))) >= {0, 1, 2}
    record = json.loads((tmp_path / f"labels{suffix}.json").read_text())
    assert record["summary"]["slices"] == 6 and record["provenance"]["settings"]["network"] == "default"
    assert "lge" not in json.dumps(record)  # the name of a file may be a patient's


def test_a_left_handed_image_gets_the_same_labels_in_the_same_places(networks, tmp_path):
    found = []
    for left_handed in (False, True):
        path, output = tmp_path / f"lge{left_handed}.nrrd", tmp_path / f"labels{left_handed}.nrrd"
        sitk.WriteImage(volume_of(ring_heart(frame=rotation())[0], left_handed), str(path))
        assert main(["segment", "predict", str(path), "-o", str(output), "--views", "1"]) == 0
        found.append(sitk.GetArrayFromImage(sitk.ReadImage(str(output))))
    assert np.array_equal(found[0], found[1][:, :, ::-1])


def test_results_that_exist_are_kept_and_other_names_are_refused(networks, tmp_path, capsys):
    path = tmp_path / "lge.nrrd"
    sitk.WriteImage(volume_of(ring_heart()[0]), str(path))
    (tmp_path / "labels.nrrd").write_text("mine")
    assert main(["segment", "predict", str(path), "-o", str(tmp_path / "labels.nrrd")]) == 2
    assert "labels.nrrd already exists" in capsys.readouterr().err
    assert main(["segment", "predict", str(path), "-o", str(tmp_path / "labels.png")]) == 2
    assert "not a name for a volume" in capsys.readouterr().err


def test_weights_that_are_none_are_refused_in_a_sentence(tmp_path, capsys):
    pytest.importorskip("monai")
    path = tmp_path / "lge.nrrd"
    sitk.WriteImage(volume_of(ring_heart()[0]), str(path))
    (tmp_path / "w.safetensors").write_bytes(b"nothing of that kind")
    given = ["segment", "predict", str(path), "-o", str(tmp_path / "labels.nrrd"), "--weights", str(tmp_path / "w.safetensors")]
    assert main(given) == 2
    assert "w.safetensors cannot be read as a safetensors file" in capsys.readouterr().err


def test_scores_of_two_folders_are_printed_and_written(tmp_path, capsys):
    pytest.importorskip("surface_distance")
    for folder in ("found", "truth"):
        (tmp_path / folder).mkdir()
    for number in range(3):
        labels = volume_of(ring_heart(number)[1])
        sitk.WriteImage(sitk.Cast(labels, sitk.sitkUInt8), str(tmp_path / "truth" / f"case{number}_gt.nrrd"))
        moved = sitk.GetImageFromArray(np.roll(sitk.GetArrayFromImage(labels), number, axis=2).astype(np.uint8))
        moved.CopyInformation(labels)
        sitk.WriteImage(moved, str(tmp_path / "found" / f"case{number}.nrrd"))
    output = tmp_path / "scores.json"
    assert main(["segment", "evaluate", str(tmp_path / "found"), str(tmp_path / "truth"), "--output", str(output)]) == 0
    assert "3 cases" in capsys.readouterr().out
    scores = json.loads(output.read_text())
    dice = [scores["cases"][f"case{number}"]["cavity"]["dice"] for number in range(3)]
    assert dice[0] == 1 and dice[0] > dice[1] > dice[2] > 0.8
    distances = [scores["cases"][f"case{number}"]["cavity"]["hd95"] for number in range(3)]
    assert distances[2] == pytest.approx(2 * 1.6, rel=0.2)  # moved by two pixels of 1.6 mm
    summary = scores["summary"]["cavity"]
    assert summary["dice"]["low"] <= summary["dice"]["mean"] <= summary["dice"]["high"]
    assert summary["bland_altman_ml"]["bias"]["mean"] == pytest.approx(0, abs=1e-9)  # moving keeps the volume
    assert scores["summary"]["no-reflow"]["dice"] is None


def test_training_on_a_folder_names_what_was_skipped(tmp_path, capsys):
    pytest.importorskip("monai")
    for number in range(3):
        image, labels = ring_heart(number, slices=3)
        sitk.WriteImage(volume_of(image), str(tmp_path / f"p{number}.nrrd"))
        sitk.WriteImage(sitk.Cast(volume_of(labels), sitk.sitkUInt8), str(tmp_path / f"p{number}_gt.nrrd"))
    (tmp_path / "p3.nrrd").write_bytes(b"broken")
    (tmp_path / "p3_gt.nrrd").write_bytes(b"broken")
    given = ["segment", "train", str(tmp_path), "-o", str(tmp_path / "out"), "--labels", "emidec", "--steps", "1", "--rounds", "1"]
    assert main([*given, "--batch-size", "1", "--device", "cpu", "--network", "finder", "--validation", "40"]) == 0
    said = capsys.readouterr()
    assert "p3 was skipped" in said.err
    assert (tmp_path / "out" / "best.safetensors").stat().st_size < 2e6
    assert "cavity+myocardium+scar+no-reflow" in said.out


def test_noise_is_a_share_of_the_range_of_the_stack_and_of_the_same_pattern_at_every_level():
    stack = ring_heart(noise=0)[0]
    added = [np.stack([one.pixels - other.pixels for one, other in zip(noisy(stack, level), stack, strict=True)]) for level in (0.1, 0.3)]
    assert added[0].std() == pytest.approx(0.1 * 700, rel=0.02)  # from wall, 100, to blood, 800; scar is fewer than 1 % of the pixels
    assert np.allclose(added[1], 3 * added[0])


def test_without_noise_the_scores_are_those_of_the_network_and_noise_changes_them(networks, tmp_path, capsys):
    pytest.importorskip("surface_distance")
    image, labels = ring_heart(frame=rotation())
    sitk.WriteImage(volume_of(image), str(tmp_path / "p1.nrrd"))
    sitk.WriteImage(sitk.Cast(volume_of(labels), sitk.sitkUInt8), str(tmp_path / "p1_gt.nrrd"))
    assert main(["segment", "noise", str(tmp_path), "--labels", "emidec", "--levels", "0,0.1,5", "--views", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    dice = [found[level]["cases"]["p1"]["cavity"]["dice"] for level in ("0", "0.1", "5")]
    assert len(set(dice)) == 3
    assert main(["segment", "predict", str(tmp_path / "p1.nrrd"), "-o", str(tmp_path / "found.nrrd"), "--views", "1"]) == 0
    capsys.readouterr()
    assert main(["segment", "evaluate", str(tmp_path / "found.nrrd"), str(tmp_path / "p1_gt.nrrd"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["cases"]["p1"]["cavity"]["dice"] == pytest.approx(dice[0])
