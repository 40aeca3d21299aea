"""SPECT as it comes: DICOM of nuclear medicine, PhysioNet's layout, the original program's configuration, and what is refused."""

import re
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from dicom_files import an_image, item, save
from perfusion_phantoms import a_threshold_network

from CardioScarLib.cli.main import main
from CardioScarLib.core.errors import BadSettings, BadStack, BadTrainingData, UnreadableFile
from CardioScarLib.io.nuclear import read_nuclear
from CardioScarLib.io.spect import read_spect
from CardioScarLib.perfusion.config import FIND, NAMES, TRAIN, flags_from
from CardioScarLib.perfusion.evaluation import read_mask
from CardioScarLib.perfusion.layout import find_studies

NUCLEAR = "1.2.840.10008.5.1.4.1.1.20"
COUNTS = np.arange(4 * 6 * 5).reshape(4, 6, 5)


def nuclear(kind="RECON TOMO", pixels=COUNTS, orientation=(1, 0, 0, 0, 1, 0), **elements):
    detector = item(ImageOrientationPatient=list(map(float, orientation)), ImagePositionPatient=[-10.0, -20.0, 30.0])
    return an_image(
        pixels,
        NUCLEAR,
        **{
            "Modality": "NM",
            "ImageType": ["ORIGINAL", "PRIMARY", kind, "EMISSION"],
            "NumberOfFrames": len(pixels),
            "PixelSpacing": [4.0, 5.0],
            "SpacingBetweenSlices": 6.0,
            "SliceVector": list(range(1, len(pixels) + 1)),
            "DetectorInformationSequence": detector,
            **elements,
        },
    )


def a_volume(folder: Path, name: str, values: np.ndarray, spacing=(4.0, 4.0, 4.0), direction=None) -> Path:
    image = sitk.GetImageFromArray(values)
    image.SetSpacing(spacing)
    if direction is not None:
        image.SetDirection(direction)
    sitk.WriteImage(image, str(folder / name))
    return folder / name


def counts(size=(6, 5, 5), seed=0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 100, size).astype(np.float32)


@pytest.mark.parametrize("between", (6.0, -6.0))
def test_slices_of_nuclear_medicine_lie_behind_the_first_one_or_in_front_of_it(tmp_path, between):
    found = read_spect(save(nuclear(SpacingBetweenSlices=between), tmp_path / "a.dcm")).image
    assert found.GetSize() == (5, 6, 4) and found.GetSpacing() == (5.0, 4.0, 6.0)
    assert found.TransformIndexToPhysicalPoint((0, 0, 3)) == pytest.approx((-10, -20, 30 + 3 * between))
    assert found.TransformIndexToPhysicalPoint((4, 0, 0))[0] == pytest.approx(10)
    assert found[4, 5, 2] == COUNTS[2, 5, 4]


def test_short_axis_slices_keep_their_directions_and_counts_are_rescaled(tmp_path):
    short_axis = (0.6, 0.8, 0.0, 0.0, 0.0, -1.0)
    found = read_spect(save(nuclear(orientation=short_axis, RescaleSlope=2.0, RescaleIntercept=1.0), tmp_path / "a.dcm")).image
    assert np.array(found.GetDirection()).reshape(3, 3).T == pytest.approx(np.array([[0.6, 0.8, 0], [0, 0, -1], [-0.8, 0.6, 0]]))
    assert found[1, 0, 0] == 2 * COUNTS[0, 0, 1] + 1


def test_gated_frames_are_sorted_by_what_they_say_of_themselves(tmp_path):
    slices, gates = [1, 1, 2, 2], [2, 1, 2, 1]
    one = nuclear("RECON GATED TOMO", SliceVector=slices, TimeSlotVector=gates)
    found = read_spect(save(one, tmp_path / "a.dcm"))
    assert len(found.gates) == 2
    assert found.gates[0][0, 0, 0] == COUNTS[1, 0, 0] and found.gates[1][0, 0, 1] == COUNTS[2, 0, 0]
    assert found.image[0, 0, 1] == COUNTS[2, 0, 0] + COUNTS[3, 0, 0]


@pytest.mark.parametrize(
    "elements, words",
    (
        ({"kind": "TOMO"}, "reconstruct the projections first"),
        ({"kind": "STATIC"}, "not reconstructed slices"),
        ({"SliceVector": [1, 1, 2, 2]}, "one for each slice and gate"),
        ({"PixelSpacing": None}, "size of its voxels"),
    ),
)
def test_frames_that_are_no_slices_are_refused(tmp_path, elements, words):
    with pytest.raises(BadStack, match=words):
        read_nuclear(save(nuclear(**elements), tmp_path / "a.dcm"))


def test_a_nuclear_image_without_a_place_says_so(tmp_path):
    one = nuclear()
    del one.DetectorInformationSequence
    assert len(read_nuclear(save(one, tmp_path / "a.dcm")).notes) == 2


def test_a_truncated_or_foreign_dicom_file_is_refused(tmp_path):
    path = save(nuclear(), tmp_path / "a.dcm")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UnreadableFile):
        read_nuclear(path)
    with pytest.raises(UnreadableFile, match="nuclear medicine"):
        read_nuclear(save(an_image(COUNTS, "1.2.840.10008.5.1.4.1.1.4", NumberOfFrames=4), tmp_path / "b.dcm"))


@pytest.mark.parametrize(
    "values, words",
    (
        (np.zeros((6, 5, 5), np.float32), "is empty"),
        (np.full((6, 5, 5), 3, np.float32), "is empty"),
        ((counts() > 50).astype(np.uint8), "is a mask"),
        (np.where(counts() > 50, np.nan, 1).astype(np.float32), "no finite numbers"),
        (counts((5, 5, 4)), "store the slices along the third axis"),
    ),
)
def test_volumes_that_are_no_counts_are_refused(tmp_path, values, words):
    with pytest.raises(BadStack, match=words):
        read_spect(a_volume(tmp_path, "a.nrrd", values))  # ITK reads NaN in NIfTI as 0


def test_a_mask_is_taken_for_a_volume_only_when_asked_aloud(tmp_path):
    path = a_volume(tmp_path, "a.nii.gz", (counts() > 50).astype(np.uint8))
    assert read_spect(path, allow_mask=True).counts.max() == 1


def test_axes_in_another_order_are_fine_where_the_header_says_so(tmp_path):
    permuted = (0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0)
    assert read_spect(a_volume(tmp_path, "a.nii.gz", counts((5, 5, 4)), direction=permuted)).image.GetSize() == (4, 5, 5)


def test_gates_of_a_volume_with_four_dimensions_are_read(tmp_path):
    gates = [sitk.GetImageFromArray(counts(seed=number)) for number in range(3)]
    sitk.WriteImage(sitk.JoinSeries(gates), str(tmp_path / "gated_rest.nii.gz"))
    found = read_spect(tmp_path / "gated_rest.nii.gz")
    assert len(found.gates) == 3 and found.study == "rest"
    assert found.counts == pytest.approx(sum(counts(seed=number) for number in range(3)))


def test_a_damaged_or_endless_series_is_refused_by_its_reader(tmp_path):
    gates = [sitk.GetImageFromArray(counts(seed=number)) for number in range(65)]
    path = tmp_path / "gated.nii.gz"
    sitk.WriteImage(sitk.JoinSeries(gates), str(path))
    with pytest.raises(UnreadableFile, match=r"65 volumes.*64 volumes at most"):
        read_spect(path)
    plain = tmp_path / "gated.nii"
    sitk.WriteImage(sitk.JoinSeries(gates[:8]), str(plain))
    plain.write_bytes(plain.read_bytes()[:-2000])
    with pytest.raises(UnreadableFile, match="truncated"):
        read_spect(plain)


def test_gates_are_read_in_the_child_process_and_not_here(tmp_path, monkeypatch):
    path = tmp_path / "gated.nii.gz"
    sitk.WriteImage(sitk.JoinSeries([sitk.GetImageFromArray(counts(seed=number)) for number in range(4)]), str(path))
    monkeypatch.setattr(sitk.ImageFileReader, "Execute", lambda self: pytest.fail("read by this process"))
    assert len(read_spect(path).gates) == 4


@pytest.mark.parametrize(
    "values, words",
    (
        (np.zeros((6, 5, 5), np.float32), "is empty"),
        ((counts() > 50).astype(np.uint8), "is a mask and no volume of counts"),
        (counts((5, 5, 4)), "store the slices along the third axis"),
        (np.random.default_rng(0).uniform(90, 100, (24, 24, 24)).astype(np.float32), "left ventricle|none was found"),
    ),
    ids=("empty", "mask", "axes", "no ventricle"),
)
def test_each_bad_input_is_one_sentence_and_exit_code_2(tmp_path, capsys, monkeypatch, values, words):
    if words.startswith("left"):
        pytest.importorskip("monai")
    monkeypatch.setattr("CardioScarLib.perfusion.weights.read_spect_weights", lambda *names: a_threshold_network())
    path = a_volume(tmp_path, "scan.nrrd", values, spacing=(6.0, 6.0, 6.0))
    assert main(["spect", "predict", str(path), "-o", str(tmp_path / "wall.nrrd"), "--views", "1"]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert re.search(words, said) and said.endswith(".") and not (tmp_path / "wall.nrrd").exists()


def test_masks_alone_and_projections_are_one_sentence_and_exit_code_2(tmp_path, capsys):
    a_volume(tmp_path, "1_mask.nii.gz", np.ones((6, 5, 5), np.uint8))
    assert main(["spect", "train", str(tmp_path), "-o", str(tmp_path / "out")]) == 2
    assert "1 masks without their volumes" in capsys.readouterr().err
    path = save(nuclear("TOMO"), tmp_path / "p.dcm")
    assert main(["spect", "predict", str(path), "-o", str(tmp_path / "wall.nrrd")]) == 2
    assert "reconstruct the projections first" in capsys.readouterr().err


def test_physionets_layout_is_found_with_its_patients(tmp_path):
    folder = tmp_path / "NIfTI"
    folder.mkdir()
    for name in ("1.2.840.1", "1.2.840.2", "3-rest"):
        a_volume(folder, f"{name}.nii.gz", counts())
    for name in ("1.2.840.1_mask", "7_mask"):
        a_volume(folder, f"{name}.nii.gz", np.ones((6, 5, 5), np.uint8))
    (tmp_path / "demographics.csv").write_text("UID,Patient ID,Age\n1.2.840.1,p9,60\n1.2.840.2,p9,60\n", encoding="utf-8")
    studies, alone = find_studies(tmp_path)
    assert [(one.name, one.patient, one.mask is not None) for one in studies] == [
        ("1.2.840.1", "p9", True),
        ("1.2.840.2", "p9", False),
        ("3-rest", "3", False),
    ]
    assert alone == ["7_mask was left out: it has no volume."]
    assert "7" in [one.name for one in find_studies(tmp_path, allow_mask=True)[0]]


def test_masks_without_volumes_are_no_training_data(tmp_path):
    a_volume(tmp_path, "1_mask.nii.gz", np.ones((6, 5, 5), np.uint8))
    with pytest.raises(BadTrainingData, match="1 masks without their volumes"):
        find_studies(tmp_path)


def test_a_mask_must_be_on_the_grid_of_its_volume_and_label_the_wall(tmp_path):
    image = sitk.ReadImage(str(a_volume(tmp_path, "v.nii.gz", counts())))
    labels = np.zeros((6, 5, 5), np.uint8)
    labels[1, 2, 3], labels[2, 2, 2] = 1, 2
    assert np.argwhere(read_mask(a_volume(tmp_path, "m.nii.gz", labels), image)).tolist() == [[1, 2, 3]]
    assert read_mask(a_volume(tmp_path, "t.nii.gz", 7 * (labels == 1)), image).sum() == 1
    for values, spacing, words in (
        (labels, (5.0, 4.0, 4.0), "mm from its volume"),
        (labels[:5], (4.0,) * 3, "voxels and its volume"),
        (0 * labels, (4.0,) * 3, "labels nothing"),
        (labels + 5 * (labels > 0), (4.0,) * 3, "must be 1"),
    ):
        with pytest.raises(BadStack, match=words):
            read_mask(a_volume(tmp_path, "b.nii.gz", values.astype(np.uint8), spacing), image)


def test_the_original_configuration_is_honored(tmp_path):
    path = tmp_path / "default.yaml"
    path.write_text(
        "train: {batch_size: 5, lr: 1.0e-3, val_size: 0.2}\ntest: {threshold: 0.4}\ndata: {mask_suffix: _seg}\n"
        "postprocess: {enable: true, closing_structure_radius: 2, keep_largest_only: false}\nviz: {viz_out: x}\n",
        encoding="utf-8",
    )
    trained, notes = flags_from(path, {**TRAIN, **NAMES})
    assert trained == {"settings_batch_size": 5, "settings_rate": 1e-3, "settings_validation": 20.0, "mask_suffix": "_seg"}
    assert "viz: viz_out" in notes[0] and "train" not in notes[0]
    found, _ = flags_from(path, FIND)
    assert found == {"settings_threshold": 0.4, "settings_tidy_closing": 2, "settings_tidy_largest_only": False}


@pytest.mark.parametrize("text", ("preprocess: {target_shape: [96, 96, 96]}", "dae: {enable: true}", "train: {loss: Dice}", "train: 3"))
def test_values_of_the_configuration_that_would_have_no_effect_are_refused(tmp_path, text):
    path = tmp_path / "a.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadSettings):
        flags_from(path, {**TRAIN, **FIND, **NAMES})


def test_post_processing_can_be_switched_off_as_a_whole(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("postprocess: {enable: false, closing_structure_radius: 1}", encoding="utf-8")
    found, _ = flags_from(path, FIND)
    assert found["settings_tidy_closing"] == 0 and found["settings_tidy_largest_only"] is False
