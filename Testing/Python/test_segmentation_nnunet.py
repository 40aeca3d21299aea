"""nnU-Net's data sets and predictions."""

import json

import numpy as np
import pytest
import SimpleITK as sitk
from segmented_hearts import ring_heart, rotation
from test_segment_commands import volume_of

from CardioScarLib.core.errors import BadStack, UnwritableOutput
from CardioScarLib.core.segmentation_settings import SegmentSettings
from CardioScarLib.segmentation.nnunet import export_dataset, import_prediction


def quiet(*_):
    pass


def test_a_folder_becomes_a_data_set_with_five_classes_and_folds_by_patient(tmp_path):
    for number in range(6):
        image, labels = ring_heart(number, slices=3, size=(50, 60))
        name = f"p{number // 2}_frame{number % 2}"
        sitk.WriteImage(volume_of(image), str(tmp_path / f"{name}.nrrd"))
        swapped = labels.with_pixels([np.array([0, 2, 1, 3])[one.pixels.astype(int)] for one in labels])
        sitk.WriteImage(sitk.Cast(volume_of(swapped), sitk.sitkUInt8), str(tmp_path / f"{name}_gt.nrrd"))
    output = tmp_path / "Dataset501_LGE"
    found = export_dataset(tmp_path, output, "scarnet", quiet)
    assert found.cases == 6
    description = json.loads((output / "dataset.json").read_text())
    assert description["labels"] == {"background": 0, "cavity": 1, "myocardium": 2, "scar": 3, "no-reflow": 4}
    assert description["numTraining"] == 6 and description["file_ending"] == ".nii.gz"
    written = sitk.GetArrayFromImage(sitk.ReadImage(str(output / "labelsTr" / "case_0000.nii.gz")))
    assert np.array_equal(written, np.stack([one.pixels for one in ring_heart(0, slices=3, size=(50, 60))[1]]))
    assert len(list((output / "imagesTr").glob("case_000?_0000.nii.gz"))) == 6
    folds = json.loads((output / "splits_final.json").read_text())
    for fold in folds:
        patients = [{int(name[-1]) // 2 for name in fold[side]} for side in ("train", "val")]
        assert patients[0] & patients[1] == set()
    assert sorted(name for fold in folds for name in fold["val"]) == [f"case_000{number}" for number in range(6)]
    with pytest.raises(UnwritableOutput, match="not empty"):
        export_dataset(tmp_path, output, "scarnet", quiet)
    with pytest.raises(UnwritableOutput, match="Dataset501_LGE"):
        export_dataset(tmp_path, tmp_path / "mine", "scarnet", quiet)


def test_a_prediction_comes_back_on_the_slices_of_the_image_in_whatever_order_they_are(tmp_path):
    image, labels = ring_heart(frame=rotation(), slices=4, noise=0)
    path = tmp_path / "case_0001.nii.gz"
    sitk.WriteImage(sitk.Cast(volume_of(labels), sitk.sitkUInt8), str(path))
    found = import_prediction(image, path, SegmentSettings())
    for one, other in zip(found.labels, labels, strict=True):
        assert np.array_equal(one.pixels, other.pixels)
    assert found.probabilities[2][3].max() == 1

    chances = np.full((5, 4, *labels.slices[0].pixels.shape), 0.05, dtype=np.float32)
    for number, one in enumerate(labels):
        np.put_along_axis(chances[:, number], one.pixels.astype(int)[None], 0.8, axis=0)
    np.savez(tmp_path / "case_0001.npz", probabilities=chances)
    found = import_prediction(image, path, SegmentSettings())
    assert found.probabilities[2][3].max() == pytest.approx(0.8)
    assert np.array_equal(found.probabilities[3].argmax(axis=0), labels.slices[3].pixels)

    np.savez(tmp_path / "case_0001.npz", probabilities=chances[:, :3])
    with pytest.raises(BadStack, match="probabilities in case_0001.npz"):
        import_prediction(image, path, SegmentSettings())
