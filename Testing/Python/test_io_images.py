"""Reading slices: geometry, thickness, and everything that is not a usable image."""

from __future__ import annotations

import gzip
import os
import shutil
import struct
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from CardioScarLib.core.errors import BadSettings, BadStack, UnreadableFile
from CardioScarLib.io.images import read_stack

DATA = Path(__file__).resolve().parents[1] / "Data"
CINE = DATA / "cine_short_axis_dicom"


@pytest.fixture
def an_oblique_image():
    """(k, j, i) = (4, 5, 6) voxels of 1.5 x 2 x 8 mm, turned by 30 degrees about x and then z; every voxel its own value."""
    turn_x = np.array([[1, 0, 0], [0, np.cos(0.5), -np.sin(0.5)], [0, np.sin(0.5), np.cos(0.5)]])
    turn_z = np.array([[np.cos(0.3), -np.sin(0.3), 0], [np.sin(0.3), np.cos(0.3), 0], [0, 0, 1]])
    image = sitk.GetImageFromArray(np.arange(120, dtype=np.float32).reshape(4, 5, 6))
    image.SetSpacing((1.5, 2.0, 8.0))
    image.SetOrigin((-20.0, 35.0, 12.0))
    image.SetDirection((turn_z @ turn_x).ravel())
    return image


def place_in_file(image, number, row, column, slice_axis="z"):
    """Where ITK puts a pixel of slice `number`."""
    index = {"z": (column, row, number), "y": (column, number, row), "x": (number, column, row)}[slice_axis]
    return image.TransformIndexToPhysicalPoint(index)


def copy_dicom(source, target, **changes):
    dataset = pydicom.dcmread(source)
    for name, value in changes.items():
        if value is None:
            delattr(dataset, name)
        else:
            setattr(dataset, name, value)
    dataset.save_as(target)


# Volumes


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha", ".mhd"])
@pytest.mark.parametrize("slice_axis", ["x", "y", "z"])
def test_every_pixel_of_an_oblique_volume_keeps_its_place(an_oblique_image, tmp_path, suffix, slice_axis):
    sitk.WriteImage(an_oblique_image, str(tmp_path / f"lge{suffix}"))
    stack = read_stack([tmp_path / f"lge{suffix}"], slice_axis=slice_axis, thickness=6.0)
    assert len(stack) == {"x": 6, "y": 5, "z": 4}[slice_axis]
    array = sitk.GetArrayFromImage(an_oblique_image)
    one = stack.slices[2]
    for row, column in ((0, 0), (3, 1), (1, 3)):
        expected = place_in_file(an_oblique_image, 2, row, column, slice_axis)
        # NIfTI keeps its matrix in single precision.
        assert one.to_points(np.array([row]), np.array([column]))[0] == pytest.approx(expected, abs=1e-4)
        assert one.pixels[row, column] == {"z": array[2, row, column], "y": array[row, 2, column], "x": array[row, column, 2]}[slice_axis]
    assert all(one.thickness == 6.0 for one in stack)


def test_a_left_handed_volume_keeps_its_places(an_oblique_image, tmp_path):
    direction = np.array(an_oblique_image.GetDirection()).reshape(3, 3) @ np.diag([1, 1, -1])
    an_oblique_image.SetDirection(direction.ravel())
    assert np.linalg.det(direction) < 0
    sitk.WriteImage(an_oblique_image, str(tmp_path / "left.nrrd"))
    stack = read_stack([tmp_path / "left.nrrd"], thickness=8)
    for number, one in enumerate(stack):
        expected = place_in_file(an_oblique_image, number, 4, 5)
        assert one.to_points(np.array([4]), np.array([5]))[0] == pytest.approx(expected, abs=1e-9)


def test_the_spacing_of_a_volume_is_not_silently_taken_for_the_thickness(an_oblique_image, tmp_path):
    sitk.WriteImage(an_oblique_image, str(tmp_path / "lge.nrrd"))
    assumed = read_stack([tmp_path / "lge.nrrd"])
    assert assumed.slices[0].thickness == pytest.approx(8.0)
    assert any("thickness of lge.nrrd" in note and "8 mm" in note and "--slice-thickness" in note for note in assumed.notes)
    given = read_stack([tmp_path / "lge.nrrd"], thickness=5.0)
    assert given.slices[0].thickness == 5.0
    assert not given.notes


def test_what_is_assumed_of_many_files_is_said_once(an_oblique_image, tmp_path):
    paths = [tmp_path / f"slice_{number}.nrrd" for number in range(4)]
    for number, path in enumerate(paths):
        sitk.WriteImage(an_oblique_image[:, :, number : number + 1], str(path))
    (note,) = read_stack(paths).notes
    assert note.startswith("The slice thickness of slice_0.nrrd and 3 other files is not in the file; it was taken equal to")
    image = an_oblique_image[:, :, 3:4]
    image.SetSpacing((1.5, 2.0, 4.0))
    sitk.WriteImage(image, str(paths[3]))
    assert [note.count("and 2 other files") for note in read_stack(paths).notes] == [1, 0]


def test_a_thickness_in_an_nrrd_header_is_believed(an_oblique_image, tmp_path):
    path = tmp_path / "lge.nrrd"
    sitk.WriteImage(an_oblique_image, str(path))
    path.write_bytes(path.read_bytes().replace(b"endian:", b"thicknesses: NaN NaN 6.5\nendian:", 1))
    stack = read_stack([path])
    assert stack.slices[0].thickness == 6.5
    assert not stack.notes


def test_slices_along_another_axis_are_suspected_and_said(an_oblique_image, tmp_path):
    an_oblique_image.SetSpacing((8.0, 1.5, 1.5))
    sitk.WriteImage(an_oblique_image, str(tmp_path / "lge.nrrd"))
    assert any("--slice-axis x" in note for note in read_stack([tmp_path / "lge.nrrd"], thickness=8).notes)
    assert not read_stack([tmp_path / "lge.nrrd"], slice_axis="z", thickness=8).notes


def test_a_nifti_with_unit_sform_and_real_pixdim_gets_its_physical_size(tmp_path):
    image = sitk.GetImageFromArray(np.zeros((4, 5, 6), dtype=np.float32))
    image.SetSpacing((1.5, 1.5, 8.0))
    plain = tmp_path / "plain.nii"
    sitk.WriteImage(image, str(plain))
    content = bytearray(plain.read_bytes())
    struct.pack_into("<12f", content, 280, -1, 0, 0, 10, 0, -1, 0, 20, 0, 0, 1, 30)
    (tmp_path / "unit.nii.gz").write_bytes(gzip.compress(bytes(content)))
    stack = read_stack([tmp_path / "unit.nii.gz"], thickness=8)
    assert stack.slices[0].spacing == pytest.approx((1.5, 1.5))
    assert stack.slices[3].origin - stack.slices[0].origin == pytest.approx([0, 0, 24])
    assert any("sform" in note and "1.5 x 1.5 x 8" in note for note in stack.notes)
    assert not read_stack([plain], thickness=8).notes


def with_header(path, target, qform_code=1, sform_code=1, sform=None):
    """A copy of a NIfTI file with other codes, and other rows of its sform."""
    content = bytearray(path.read_bytes())
    struct.pack_into("<2h", content, 252, qform_code, sform_code)
    if sform is not None:
        struct.pack_into("<12f", content, 280, *np.asarray(sform)[:3].ravel())
    target.write_bytes(content)
    return target


@pytest.fixture
def a_nifti(tmp_path):
    """Its sform: 1.5 x 1.5 x 8 mm, and its origin at (-10, -20, 30) RAS mm."""
    image = sitk.GetImageFromArray(np.arange(120, dtype=np.float32).reshape(4, 5, 6))
    image.SetSpacing((1.5, 1.5, 8.0))
    image.SetOrigin((10.0, 20.0, 30.0))
    sitk.WriteImage(image, str(tmp_path / "plain.nii"))
    sform = np.diag([-1.5, -1.5, 8.0, 1.0])
    sform[:3, 3] = -10, -20, 30
    return tmp_path / "plain.nii", sform


@pytest.mark.parametrize(("codes", "taken"), [((1, 1), "sform"), ((1, 2), "qform"), ((2, 1), "sform")])
@pytest.mark.parametrize("difference", ["place", "rotation"])
def test_two_places_in_one_nifti_header_are_said_with_the_one_that_was_taken(a_nifti, tmp_path, codes, taken, difference):
    plain, sform = a_nifti
    if difference == "place":
        sform[0, 3] -= 12
    else:
        sform[:2, :2] = -1.5 * np.array([[0.8, -0.6], [0.6, 0.8]])
    path = with_header(plain, tmp_path / "apart.nii", *codes, sform)
    stack = read_stack([path], thickness=8)
    (note,) = stack.notes
    assert f"the {taken} was used" in note and (difference == "rotation" or "up to 12 mm apart" in note)
    place = stack.slices[0].to_points(np.array([4]), np.array([5]))[0]
    lps = np.diag([-1, -1, 1]) @ (sform if taken == "sform" else a_nifti[1] * 1)[:3] @ [5, 4, 0, 1]
    if taken == "sform":
        assert place == pytest.approx(lps, abs=1e-4)
    else:
        assert place == pytest.approx([17.5, 26, 30], abs=1e-4)


def test_a_nifti_header_that_tells_its_place_once_or_twice_alike_has_no_note(a_nifti, tmp_path):
    for codes in ((1, 1), (0, 1), (1, 0)):
        assert not read_stack([with_header(a_nifti[0], tmp_path / "fine.nii", *codes)], thickness=8).notes
    (note,) = read_stack([with_header(a_nifti[0], tmp_path / "nowhere.nii", 0, 0)], thickness=8).notes
    assert "does not tell where in the patient" in note


@pytest.mark.parametrize("codes", [(0, 1), (1, 1)])
def test_slices_that_slide_along_their_axis_are_read_where_the_header_puts_them(a_nifti, tmp_path, codes):
    plain, sform = a_nifti
    sform[0, 2] = 0.9
    stack = read_stack([with_header(plain, tmp_path / "sheared.nii", *codes, sform)], thickness=8)
    for number, one in enumerate(stack):
        assert one.to_points(np.array([3]), np.array([2]))[0] == pytest.approx(
            np.diag([-1, -1, 1]) @ sform[:3] @ [2, 3, number, 1], abs=1e-4
        )
    assert "ITK_NIFTI_SFORM_PERMISSIVE" not in os.environ


def test_a_small_shear_of_rows_and_columns_is_squared_and_said_and_a_large_one_refused(a_nifti, tmp_path):
    plain, sform = a_nifti
    sform[0, 1] = 0.009  # a cosine of 0.006
    stack = read_stack([with_header(plain, tmp_path / "sheared.nii", 0, 1, sform)], thickness=8)
    assert "not quite perpendicular (cosine -0.006)" in stack.notes[-1]
    one = stack.slices[0]
    assert one.center == pytest.approx(np.diag([-1, -1, 1]) @ sform[:3] @ [2.5, 2, 0, 1], abs=1e-4)
    assert one.spacing == pytest.approx((1.5, 1.5), abs=1e-4) and abs(one.row_step @ one.column_step) < 1e-4
    sform[0, 1] = 0.3
    with pytest.raises(BadStack, match="not perpendicular"):
        read_stack([with_header(plain, tmp_path / "sheared.nii", 0, 1, sform)], thickness=8)


def test_short_and_long_axis_volumes_become_one_stack(an_oblique_image, tmp_path):
    sitk.WriteImage(an_oblique_image, str(tmp_path / "sax.nrrd"))
    long_axis = sitk.GetImageFromArray(np.ones((1, 7, 9), dtype=np.float32))
    long_axis.SetDirection((1, 0, 0, 0, 0, -1, 0, 1, 0))
    long_axis.SetSpacing((1, 1, 6))
    sitk.WriteImage(long_axis, str(tmp_path / "lax.nrrd"))
    stack = read_stack([tmp_path / "sax.nrrd", tmp_path / "lax.nrrd"])
    assert [one.pixels.shape for one in stack] == [(5, 6)] * 4 + [(7, 9)]
    assert [one.thickness for one in stack] == pytest.approx([8, 8, 8, 8, 6])
    assert len(stack.parallel_groups()) == 2


def test_slice_indices_pick_slices_and_refuse_others(an_oblique_image, tmp_path):
    sitk.WriteImage(an_oblique_image, str(tmp_path / "lge.nrrd"))
    chosen = read_stack([tmp_path / "lge.nrrd"], slice_indices=(3, 1), thickness=8)
    assert [one.pixels[0, 0] for one in chosen] == [90.0, 30.0]
    with pytest.raises(BadStack, match="Slice 4 .* slices 0 to 3"):
        read_stack([tmp_path / "lge.nrrd"], slice_indices=(1, 4), thickness=8)


def test_a_4d_file_with_one_volume_is_a_volume(an_oblique_image, tmp_path):
    sitk.WriteImage(sitk.JoinSeries([an_oblique_image]), str(tmp_path / "one.nrrd"))
    assert len(read_stack([tmp_path / "one.nrrd"], thickness=8)) == 4


def test_a_label_map_has_whole_numbers(an_oblique_image, tmp_path):
    sitk.WriteImage(an_oblique_image, str(tmp_path / "labels.nrrd"))
    assert read_stack([tmp_path / "labels.nrrd"], thickness=8, label_map=True).slices[1].pixels[0, 0] == 30
    sitk.WriteImage(an_oblique_image * 0.5, str(tmp_path / "values.nrrd"))
    with pytest.raises(BadStack, match="not a label map"):
        read_stack([tmp_path / "values.nrrd"], thickness=8, label_map=True)


# DICOM


def test_a_dicom_series_with_a_missing_slice_keeps_the_gap():
    stack = read_stack([CINE])
    assert len(stack) == 3
    positions = [one.center @ stack.slices[0].normal for one in stack]
    # Slices 4, 2, 1 of a stack with 5 mm between slices; slice 3 is missing.
    assert np.diff(positions) == pytest.approx([10.0, 5.0], abs=0.01)
    assert [one.thickness for one in stack] == [5.0, 5.0, 5.0]
    assert not any("thickness" in note for note in stack.notes)


def test_dicom_pixels_lie_where_itk_puts_them():
    stack = read_stack([CINE / "I0021.dcm"])
    image = sitk.ReadImage(str(CINE / "I0021.dcm"))
    for row, column in ((0, 0), (17, 203)):
        expected = image.TransformIndexToPhysicalPoint((column, row, 0))
        # ITK makes the directions in the file, which have six digits, exactly perpendicular.
        assert stack.slices[0].to_points(np.array([row]), np.array([column]))[0] == pytest.approx(expected, abs=2e-3)
        assert stack.slices[0].pixels[row, column] == image.GetPixel(column, row, 0)


def test_single_dicom_files_and_their_folder_are_the_same_stack():
    folder = read_stack([CINE])
    files = read_stack([CINE / "I0001.dcm", CINE / "I0061.dcm", CINE / "I0021.dcm"])
    for one, other in zip(folder, files, strict=True):
        assert np.array_equal(one.origin, other.origin)
        assert np.array_equal(one.pixels, other.pixels)


def test_one_series_per_slice_and_spacing_that_varies_in_the_last_digit_are_one_stack(tmp_path):
    for number, name in enumerate(("I0001", "I0021", "I0061")):
        copy_dicom(
            CINE / f"{name}.dcm",
            tmp_path / f"{name}.dcm",
            SeriesInstanceUID=f"1.2.3.{number}",
            PixelSpacing=[0.8203 + 1e-4 * number, 0.8203],
            SliceThickness=5 + 1e-4 * number,
        )
    stack = read_stack([tmp_path])
    assert len(stack) == 3
    assert len(stack.parallel_groups()) == 1
    assert sorted(one.spacing[0] for one in stack) == pytest.approx([0.8203, 0.8204, 0.8205])


def test_row_spacing_comes_first_in_dicom(tmp_path):
    copy_dicom(CINE / "I0001.dcm", tmp_path / "a.dcm", PixelSpacing=[1.25, 0.5])
    assert read_stack([tmp_path / "a.dcm"]).slices[0].spacing == pytest.approx((1.25, 0.5))


def test_the_rescale_slope_is_applied(tmp_path):
    copy_dicom(CINE / "I0001.dcm", tmp_path / "a.dcm", RescaleSlope=2, RescaleIntercept=-100)
    before, after = read_stack([CINE / "I0001.dcm"]).slices[0], read_stack([tmp_path / "a.dcm"]).slices[0]
    assert np.array_equal(after.pixels, 2 * before.pixels - 100)


def test_dicom_without_thickness_says_what_it_took(tmp_path):
    for name in ("I0001", "I0021"):
        copy_dicom(CINE / f"{name}.dcm", tmp_path / f"{name}.dcm", SliceThickness=None)
    stack = read_stack([tmp_path])
    assert stack.slices[0].thickness == pytest.approx(5.0, abs=0.01)
    assert any("thickness" in note and "--slice-thickness" in note for note in stack.notes)
    with pytest.raises(BadStack, match="no parallel neighbor"):
        read_stack([tmp_path / "I0001.dcm"])


def test_a_thickness_that_was_given_beats_the_one_in_the_file():
    assert all(one.thickness == 8.0 for one in read_stack([CINE], thickness=8.0))


def test_other_files_in_a_dicom_folder_are_left_out_and_said(tmp_path):
    shutil.copytree(CINE, tmp_path / "study")
    stack = read_stack([tmp_path / "study"])
    assert len(stack) == 3
    # README.md and LICENSE lie beside the images.
    assert any(note.startswith("2 files of the folder study") for note in stack.notes)


def test_a_truncated_image_in_a_dicom_folder_is_not_left_out(tmp_path):
    shutil.copytree(CINE, tmp_path / "study")
    content = (CINE / "I0021.dcm").read_bytes()
    (tmp_path / "study" / "I0021.dcm").write_bytes(content[: len(content) // 2])
    with pytest.raises(UnreadableFile, match="I0021.dcm .* damaged or truncated"):
        read_stack([tmp_path / "study"])


def test_two_dicom_images_at_one_place_are_refused(tmp_path):
    copy_dicom(CINE / "I0001.dcm", tmp_path / "magnitude.dcm")
    copy_dicom(CINE / "I0001.dcm", tmp_path / "psir.dcm", SeriesInstanceUID="1.2.3")
    with pytest.raises(BadStack, match="several images of one place.*--series 5.1"):
        read_stack([tmp_path])
    with pytest.raises(BadStack, match="show the same place"):
        read_stack([tmp_path / "magnitude.dcm", tmp_path / "psir.dcm"])
    assert len(read_stack([tmp_path], series="5.2")) == 1


@pytest.mark.parametrize("moved", [(0, 0, 0), (0.4, 0.3, 0.5), (40, 0, 0)])
def test_one_place_shown_twice_in_a_list_of_files_is_refused(an_oblique_image, tmp_path, moved):
    larger = sitk.Image([60, 50, 4], sitk.sitkFloat32)
    larger.CopyInformation(sitk.Image(larger))
    larger.SetDirection(an_oblique_image.GetDirection())
    larger.SetSpacing((1.5, 2.0, 8.0))
    sitk.WriteImage(larger, str(tmp_path / "magnitude.nrrd"))
    normal = np.array(an_oblique_image.GetDirection()).reshape(3, 3)
    larger.SetOrigin((normal @ moved).tolist())
    sitk.WriteImage(larger, str(tmp_path / "psir.nii"))
    with pytest.raises(BadStack, match="same place: magnitude.nrrd slice 0 and psir.nii slice 0 .and 3 more pairs"):
        read_stack([tmp_path / "magnitude.nrrd", tmp_path / "psir.nii"], thickness=8)


@pytest.mark.parametrize("moved", [(0, 0, 4.0), (60, 0, 0)])
def test_slices_between_others_and_beside_them_are_other_places(tmp_path, moved):
    image = sitk.Image([60, 50, 4], sitk.sitkFloat32)
    image.SetSpacing((1.5, 2.0, 8.0))
    sitk.WriteImage(image, str(tmp_path / "a.nrrd"))
    image.SetOrigin(moved)
    sitk.WriteImage(image, str(tmp_path / "b.nrrd"))
    assert len(read_stack([tmp_path / "a.nrrd", tmp_path / "b.nrrd"], thickness=8)) == 8


def test_a_dicom_image_without_a_position_is_refused(tmp_path):
    copy_dicom(CINE / "I0001.dcm", tmp_path / "a.dcm", ImagePositionPatient=None)
    with pytest.raises(UnreadableFile, match="its place in the patient is unknown"):
        read_stack([tmp_path / "a.dcm"])


def test_a_multi_frame_dicom_image_is_refused_with_advice(tmp_path):
    dataset = pydicom.dcmread(CINE / "I0001.dcm")
    dataset.NumberOfFrames = 2
    dataset.Rows = 128
    dataset.save_as(tmp_path / "frames.dcm")
    with pytest.raises(UnreadableFile, match="multi-frame"):
        read_stack([tmp_path / "frames.dcm"])


def test_no_patient_is_named_in_a_message(tmp_path):
    patient = {"PatientName": "Doe^Jane", "PatientID": "4711", "SeriesDescription": "Jane"}
    copy_dicom(CINE / "I0001.dcm", tmp_path / "a.dcm", SliceThickness=None, **patient)
    with pytest.raises(BadStack) as problem:
        read_stack([tmp_path])
    assert not any(word in str(problem.value) for word in ("Doe", "Jane", "4711"))


def test_a_slice_axis_makes_no_sense_for_single_slices():
    with pytest.raises(BadSettings, match="single slices"):
        read_stack([CINE], slice_axis="x")
    assert len(read_stack([CINE], slice_axis="z")) == 3


# What cannot be read


def test_what_is_not_there_or_empty_is_said(tmp_path):
    (tmp_path / "empty.nii").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(UnreadableFile, match="no file gone.nii"):
        read_stack([tmp_path / "gone.nii"])
    with pytest.raises(UnreadableFile, match="empty.nii is empty"):
        read_stack([tmp_path / "empty.nii"])
    with pytest.raises(UnreadableFile, match="folder has no files"):
        read_stack([tmp_path / "folder"])
    (tmp_path / "folder" / "notes.txt").write_text("nothing")
    with pytest.raises(UnreadableFile, match="None of the 1 files"):
        read_stack([tmp_path / "folder"])


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha", ".txt", ".gz", ".vtk"])
def test_a_file_of_another_kind_is_refused(tmp_path, suffix):
    path = tmp_path / f"words{suffix}"
    path.write_text("these are words, not an image\n" * 30)
    with pytest.raises(UnreadableFile, match=f"words{suffix}"):
        read_stack([path])


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha"])
@pytest.mark.parametrize("kept", [0.3, 0.9, 0.999])
def test_a_truncated_image_is_refused(tmp_path, suffix, kept):
    noise = np.random.default_rng(0).normal(size=(10, 32, 32)).astype(np.float32)
    sitk.WriteImage(sitk.GetImageFromArray(noise), str(tmp_path / f"whole{suffix}"))
    content = (tmp_path / f"whole{suffix}").read_bytes()
    path = tmp_path / f"part{suffix}"
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(UnreadableFile, match=f"part{suffix}"):
        read_stack([path], thickness=8)
    assert len(read_stack([tmp_path / f"whole{suffix}"], thickness=8)) == 10


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (sitk.Image([4, 4, 4], sitk.sitkVectorUInt8, 3), "color or vector"),
        (sitk.Image([4, 4, 4], sitk.sitkComplexFloat32), "complex"),
        (sitk.Image([4, 4, 4, 2], sitk.sitkFloat32), "4 dimensions"),
        (sitk.Image([4, 4], sitk.sitkFloat32), "2D"),
    ],
)
def test_images_of_other_shapes_are_refused_by_their_name(tmp_path, image, words):
    sitk.WriteImage(image, str(tmp_path / "odd.nii.gz"))
    with pytest.raises(UnreadableFile, match=f"odd.nii.gz .*{words}"):
        read_stack([tmp_path / "odd.nii.gz"])


def test_nan_and_infinite_pixels_are_counted(an_oblique_image, tmp_path):
    an_oblique_image[1, 2, 3] = float("nan")
    an_oblique_image[2, 2, 3] = float("inf")
    sitk.WriteImage(an_oblique_image, str(tmp_path / "lge.nrrd"))
    with pytest.raises(BadStack, match="2 pixels of lge.nrrd"):
        read_stack([tmp_path / "lge.nrrd"])


def test_a_constant_image_is_read(tmp_path):
    sitk.WriteImage(sitk.Image([4, 4, 4], sitk.sitkUInt8) + 7, str(tmp_path / "flat.nrrd"))
    assert read_stack([tmp_path / "flat.nrrd"], thickness=8).slices[0].pixels.max() == 7


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_nan_in_nifti_is_refused_although_itk_reads_it_as_0(kind, suffix, tmp_path):
    pixels = np.random.default_rng(0).normal(size=(20, 210, 300)).astype(kind)  # more than one block of what is read at once
    pixels[1, 2, 3], pixels[-1, -1, -1] = np.nan, -np.inf
    path = tmp_path / f"image{suffix}"
    sitk.WriteImage(sitk.GetImageFromArray(pixels), str(path))
    assert np.isfinite(sitk.GetArrayFromImage(sitk.ReadImage(str(path)))).all()
    with pytest.raises(BadStack, match=f"2 pixels of image{suffix} are not finite"):
        read_stack([path])
    sitk.WriteImage(sitk.GetImageFromArray(np.nan_to_num(pixels, neginf=-1)), str(path))
    assert len(read_stack([path])) == 20


@pytest.mark.parametrize("thickness", [0.0, -3.0, float("nan")])
def test_a_thickness_has_to_be_positive(thickness):
    with pytest.raises(BadSettings, match="thickness"):
        read_stack([CINE], thickness=thickness)


def test_nothing_is_printed_for_a_broken_file(tmp_path, capfd):
    for name in ("broken.nrrd", "broken.mha", "broken.nii", "broken.vtk", "broken.dcm"):
        (tmp_path / name).write_bytes(b"ObjectType = Image\nNDims = 3\nDimSize = 9 9 9\n" * 20)
        with pytest.raises(UnreadableFile):
            read_stack([tmp_path / name])
    assert capfd.readouterr() == ("", "")
