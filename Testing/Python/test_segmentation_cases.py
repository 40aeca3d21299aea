"""Labeled cases in folders: what belongs together, what is skipped, and what labels mean."""

import numpy as np
import pytest
import SimpleITK as sitk
from segmented_hearts import ring_heart

from CardioScarLib.core.errors import BadContours, BadSettings, BadTrainingData, UnreadableFile
from CardioScarLib.segmentation.cases import find_pairs, first_by_lot, read_pair, read_pairs, split
from CardioScarLib.segmentation.classes import class_map, has_scar_labels


def write(path, pixels=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    image, labels = ring_heart(slices=3, size=(40, 40))
    pixels = np.stack([one.pixels for one in image]) if pixels is None else pixels
    sitk.WriteImage(sitk.GetImageFromArray(pixels), str(path))


LABELS = np.stack([one.pixels for one in ring_heart(slices=3, size=(40, 40))[1]]).astype(np.uint8)


@pytest.mark.parametrize(
    "image, labels, name, patient",
    [
        ("Case_P001/Images/Case_P001.nii.gz", "Case_P001/Contours/Case_P001.nii.gz", "Case_P001/Case_P001", "Case_P001/Case_P001"),
        ("imagesTr/lge_7_0000.nii.gz", "labelsTr/lge_7.nii.gz", "lge_7", "lge_7"),
        (
            "patient101/patient101_frame01.nii.gz",
            "patient101/patient101_frame01_gt.nii.gz",
            "patient101/patient101_frame01",
            "patient101/patient101",
        ),
        ("a_image.nrrd", "a_labels.nrrd", "a", "a"),
        ("myops_training_101_DE.nii.gz", "myops_training_101_gd.nii.gz", "myops_training_101", "myops_training_101"),
    ],
)
def test_image_and_label_map_are_found_in_the_layouts_of_known_data_sets(tmp_path, image, labels, name, patient):
    write(tmp_path / image)
    write(tmp_path / labels, LABELS)
    (pair,), alone = find_pairs(tmp_path)
    assert (pair.image, pair.labels) == (tmp_path / image, tmp_path / labels)
    assert (pair.name, pair.patient) == (name, patient)
    assert alone == []


def test_two_frames_of_one_patient_stay_on_one_side(tmp_path):
    for frame in ("01", "14"):
        write(tmp_path / f"p1_frame{frame}.nii.gz")
        write(tmp_path / f"p1_frame{frame}_gt.nii.gz", LABELS)
    pairs, _ = find_pairs(tmp_path)
    assert [pair.patient for pair in pairs] == ["p1", "p1"]


def test_patients_are_split_by_name_alone_so_that_more_of_them_move_no_other():
    few, many = ([f"p{number}" for number in range(count)] for count in (40, 80))
    learning, validating = split(few, 20, seed=0)
    assert learning & validating == set() and learning | validating == set(few)
    assert 2 <= len(validating) <= 16  # about 8
    assert validating <= split(many, 20, seed=0)[1]
    assert split(few, 20, seed=1)[1] != validating


def test_a_learning_curve_adds_patients_and_takes_none_away():
    learning = split([f"p{number}" for number in range(40)], 20, seed=0)[0]
    few, more = (first_by_lot(learning, count, seed=0) for count in (5, 12))
    assert len(few) == 5 and len(more) == 12 and few < more < learning


def test_one_patient_cannot_be_split():
    with pytest.raises(BadSettings, match="two patients"):
        split(["p1", "p1"], 20, seed=0)


def test_a_folder_without_pairs_says_what_it_holds(tmp_path):
    with pytest.raises(BadTrainingData, match="no images"):
        find_pairs(tmp_path)
    write(tmp_path / "a.nii.gz")
    with pytest.raises(BadTrainingData, match="1 images, but none has a label map"):
        find_pairs(tmp_path)
    with pytest.raises(UnreadableFile, match="no folder"):
        find_pairs(tmp_path / "none")


def test_a_broken_case_is_skipped_and_named(tmp_path):
    for name in ("a", "b", "c"):
        write(tmp_path / f"{name}.nii.gz")
        write(tmp_path / f"{name}_gt.nii.gz", LABELS if name != "c" else 0 * LABELS)
    (tmp_path / "b.nii.gz").write_bytes(b"not an image")
    pairs, _ = find_pairs(tmp_path)
    skipped = []
    assert [case.name for case in read_pairs(pairs, "emidec", skipped)] == ["a"]
    assert [line.split(" was skipped: ")[0] for line in skipped] == ["b", "c"]


def test_labels_on_another_grid_are_refused(tmp_path):
    write(tmp_path / "a.nii.gz")
    write(tmp_path / "a_gt.nii.gz", LABELS[:, :30])
    pairs, _ = find_pairs(tmp_path)
    skipped = []
    assert list(read_pairs(pairs, "emidec", skipped)) == []
    assert "same grid" in skipped[0]


@pytest.mark.parametrize(
    "order, values, classes",
    [
        ("emidec", (0, 1, 2, 3, 4), (0, 1, 2, 3, 4)),
        ("scarnet", (0, 1, 2, 3), (0, 2, 1, 3)),
        ("myops", (0, 200, 500, 600, 1220, 2221), (0, 2, 1, 0, 2, 3)),
        ("acdc", (0, 1, 2, 3), (0, 0, 2, 1)),
        ("monai", (0, 1, 2, 3), (0, 1, 2, 0)),
        ("cavity=7,myocardium=2+9,scar=5", (0, 2, 5, 7, 9), (0, 2, 3, 1, 2)),
    ],
)
def test_labels_of_every_source_become_the_same_classes(order, values, classes):
    assert class_map(np.array(values, dtype=float), order).tolist() == list(classes)


def test_a_value_without_a_name_is_refused_because_it_may_be_scar():
    with pytest.raises(BadContours, match="x.nii has the value 4.*emidec"):
        class_map(np.array([0.0, 1, 2, 3, 4]), "scarnet", "x.nii")


def test_it_is_known_which_sources_tell_scar():
    assert [has_scar_labels(order) for order in ("emidec", "myops", "acdc", "monai")] == [True, True, False, False]


def test_scarnet_files_are_read_and_need_a_pixel_spacing(tmp_path):
    h5py = pytest.importorskip("h5py")
    image, labels = ring_heart(slices=1, size=(48, 40))
    for number in (1, 2):
        for folder, name, one in (("Mag_image", "image_mag", image), ("4layer_mask", "mask", labels)):
            place = tmp_path / f"patient{number}" / folder
            place.mkdir(parents=True)
            with h5py.File(place / "slice_1.h5", "w") as file:
                file[name] = one.slices[0].pixels.astype(np.float32)
    pairs, _ = find_pairs(tmp_path)
    assert [pair.patient for pair in pairs] == ["patient1", "patient2"]
    with pytest.raises(BadSettings, match="pixel spacing"):
        read_pair(pairs[0], "scarnet")
    case = read_pair(pairs[0], "emidec", pixel_spacing=1.5)
    assert case.image.slices[0].spacing == (1.5, 1.5)
    assert np.array_equal(case.classes.slices[0].pixels, labels.slices[0].pixels)
