"""DICOM as it comes: enhanced files, and folders of a patient with many series."""

from __future__ import annotations

import json

import numpy as np
import pytest
from dicom_files import CAPTURE, MR, a_series, an_enhanced_image, an_image, save

from CardioScarLib.cli.main import main
from CardioScarLib.core.errors import BadSettings, BadStack, UnreadableFile
from CardioScarLib.io.dicom import list_series
from CardioScarLib.io.images import read_stack

HEIGHTS = (0, 8, 16, 24, 32)


def value_of(stack) -> float:
    return float(np.unique([one.pixels for one in stack])[0])


# Enhanced files


def test_an_enhanced_file_is_a_stack_of_its_frames(tmp_path):
    pixels = np.arange(3 * 4 * 5).reshape(3, 4, 5)
    save(an_enhanced_image(pixels, [(1, 2, 20), (1, 2, 0), (1, 2, 10)]), tmp_path / "a.dcm")
    stack = read_stack([tmp_path / "a.dcm"])
    assert [one.origin.tolist() for one in stack] == [[1, 2, 0], [1, 2, 10], [1, 2, 20]]
    assert [one.pixels[0, 0] for one in stack] == [20, 40, 0]
    assert stack.slices[0].spacing == (1.5, 2.0) and {one.thickness for one in stack} == {8.0}
    assert [one.source.frame for one in stack] == [2, 3, 1] and stack.slices[0].source.sop_instance_uid
    assert not stack.notes


def test_every_frame_of_an_enhanced_file_has_its_own_rescale(tmp_path):
    pixels = np.arange(3 * 64 * 64).reshape(3, 64, 64) % 4000
    rescale = [(2.0, 10.0), (3.0, -5.0), (0.5, 7.0)]
    save(an_enhanced_image(pixels, [(0, 0, 0), (0, 0, 10), (0, 0, 20)], rescale), tmp_path / "a.dcm")
    for one, raw, (slope, intercept) in zip(read_stack([tmp_path / "a.dcm"]), pixels, rescale, strict=True):
        assert one.pixels == pytest.approx(slope * raw + intercept)


def test_one_enhanced_file_per_frame_is_a_stack(tmp_path):
    for number, height in enumerate(HEIGHTS):
        image = an_enhanced_image(np.full((1, 4, 5), number), [(0, 0, height)], SeriesInstanceUID="1.2.3.4")
        save(image, tmp_path / f"{number}.dcm")
    stack = read_stack([tmp_path])
    assert [one.pixels[0, 0] for one in stack] == [0, 1, 2, 3, 4] and [one.origin[2] for one in stack] == list(HEIGHTS)


def test_magnitude_and_phase_sensitive_frames_of_one_enhanced_file_are_told_apart(tmp_path):
    pixels = np.repeat([1, 2], 5)[:, None, None] * np.ones((10, 4, 5), dtype=int)
    types = 5 * [["ORIGINAL", "PRIMARY", "M", "IR"]] + 5 * [["ORIGINAL", "PRIMARY", "R", "IR"]]
    save(an_enhanced_image(pixels, [(0, 0, height) for height in 2 * HEIGHTS], types=types), tmp_path / "folder" / "a.dcm")
    stack = read_stack([tmp_path / "folder"])
    assert len(stack) == 5 and value_of(stack) == 2
    with pytest.raises(BadStack, match="show the same place"):
        read_stack([tmp_path / "folder" / "a.dcm"])


def test_enhanced_files_that_contradict_themselves_are_refused(tmp_path):
    image = an_enhanced_image(np.zeros((2, 4, 5)), [(0, 0, 0), (0, 0, 8)])
    image.NumberOfFrames = 3
    with pytest.raises(UnreadableFile, match="announces 3 frames and describes 2"):
        read_stack([save(image, tmp_path / "a.dcm")])
    image = an_enhanced_image(np.zeros((2, 4, 5)), [(0, 0, 0), (0, 0, 8)])
    image.PixelData = image.PixelData[:-20]
    with pytest.raises(UnreadableFile, match="a.dcm is a damaged or truncated"):
        read_stack([save(image, tmp_path / "a.dcm")])


# The folder of a patient


@pytest.fixture
def a_patient(tmp_path):
    """Localizer, cine, LGE of the short axis as magnitude and phase-sensitive, inversion scout, map, screenshot, report."""
    folder = tmp_path / "patient"
    a_series(folder / "a", (0, 8), 1, 1, SeriesDescription="Localizer", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    a_series(folder / "a", HEIGHTS, 2, 200, images=10, SeriesDescription="cine_sax")
    a_series(folder / "b" / "c", (0,), 3, 300, images=6, SeriesDescription="TI scout")
    a_series(folder / "b", HEIGHTS, 4, 400, SeriesDescription="LGE_sax_MAG")
    a_series(folder / "b", HEIGHTS, 5, 500, SeriesDescription="LGE_sax_PSIR", ImageType=["DERIVED", "PRIMARY", "PSIR"])
    a_series(folder / "b", (4,), 6, 600, SeriesDescription="T1map_MOLLI")
    capture = an_image(np.zeros((12, 10)), CAPTURE, SeriesInstanceUID="1.2.3.7", SeriesNumber=7, SeriesDescription="report page")
    save(capture, folder / "capture.dcm")
    (folder / "report.pdf").write_bytes(b"%PDF")
    (folder / "DICOMDIR").write_bytes(128 * b"\0" + b"DICM")
    return folder


def test_of_a_patients_folder_phase_sensitive_lge_of_the_short_axis_is_read_and_said(a_patient):
    for path in (a_patient, a_patient / "DICOMDIR"):
        stack = read_stack([path])
        assert len(stack) == 5 and value_of(stack) == 500
    assert any("number 5 was used (LGE, phase-sensitive, short axis, 5 slices); --series" in note for note in stack.notes)
    assert not any(word in note for word in ("Jane", "4711", "sax_PSIR") for note in stack.notes)


def test_the_series_of_a_folder_are_listed_with_what_they_show(a_patient):
    series, notes = list_series(a_patient)
    assert [(one.name, one.kind, one.places, len(one.passes)) for one in series] == [
        ("1", "localizer", 2, 1),
        ("2", "cine", 5, 10),
        ("3", "inversion scout", 1, 6),
        ("4", "LGE", 5, 1),
        ("5", "LGE", 5, 1),
        ("6", "parameter map", 1, 1),
        ("7", "screenshot", 1, 1),
    ]
    assert [one.part for one in series[3:5]] == ["magnitude", "phase-sensitive"]
    assert notes == ["1 files of the folder patient are not DICOM images and were left out."]


def test_info_lists_the_series_and_proposes_one(a_patient, capsys):
    assert main(["info", str(a_patient)]) == 0
    said = capsys.readouterr().out
    assert "5  LGE, phase-sensitive, short axis, 5 slices, proposed: LGE_sax_PSIR" in said
    assert "2  cine, magnitude, short axis, 5 slices x 10 images (--series 2.1 and so on): cine_sax" in said
    assert main(["info", str(a_patient), "--json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)["files"]
    assert [one["number"] for one in answer["series"] if one["proposed"]] == ["5"] and answer["slices"] == 5


@pytest.mark.parametrize(("name", "value", "count"), [("4", 400, 5), ("2.1", 209, 5), ("2.10", 200, 5), ("3.2", 304, 1)])
def test_a_series_is_chosen_by_its_number_and_an_image_of_each_place_by_its_time(a_patient, name, value, count):
    stack = read_stack([a_patient], series=name)
    assert value_of(stack) == value and len(stack) == count


def test_several_series_are_joined_and_wrong_numbers_are_told(a_patient):
    assert len(read_stack([a_patient], series="5,6")) == 6
    with pytest.raises(BadStack, match="show the same place"):
        read_stack([a_patient], series="4,5")
    with pytest.raises(BadSettings, match="no series 9; it has 1, 2, 3"):
        read_stack([a_patient], series="9")
    with pytest.raises(BadSettings, match="10 images of each place; choose one as 2.1 to 2.10"):
        read_stack([a_patient], series="2")
    with pytest.raises(BadSettings, match="no folder of DICOM images"):
        read_stack([next((a_patient / "b").glob("*.dcm"))], series="4")


def test_a_folder_without_clear_lge_is_refused_with_its_series_and_still_described(tmp_path, capsys):
    a_series(tmp_path / "cine", HEIGHTS, 2, 200, images=10, SeriesDescription="Jane")
    with pytest.raises(BadStack, match="2: cine, magnitude, parallel planes, 5 slices x 10 images.*--series 2.1") as problem:
        read_stack([tmp_path / "cine"])
    assert "Jane" not in str(problem.value)
    assert main(["info", str(tmp_path / "cine")]) == 0
    assert "2  cine" in capsys.readouterr().out


def test_one_phase_of_a_cine_is_read_with_a_warning_and_lge_without(tmp_path):
    """Several phases of a cine are refused, as above."""
    a_series(tmp_path / "one", HEIGHTS, 2, 200, SeriesDescription="SSFP-CINE SAx")
    a_series(tmp_path / "lge", HEIGHTS, 3, 300, SeriesDescription="LGE SAx")
    notes = read_stack([tmp_path / "one"]).notes
    assert any("the folder one holds a cine, on which scar does not show" in note for note in notes)
    assert not any("cine" in note for note in read_stack([tmp_path / "lge"]).notes)


def test_series_of_one_slice_each_and_long_axis_slices_of_the_same_kind_are_one_stack(tmp_path):
    for number, height in enumerate(HEIGHTS):
        a_series(tmp_path, (height,), 10 + number, 100, SeriesDescription="LGE psir sax")
    a_series(tmp_path, (100,), 20, 100, SeriesDescription="LGE psir 4ch")
    a_series(tmp_path, (200,), 21, 1, SeriesDescription="Localizer")
    stack = read_stack([tmp_path])
    assert len(stack) == 6 and value_of(stack) == 100
    assert stack.notes[-1].startswith("1 series of the folder")
    assert [(one.name, one.places) for one in list_series(tmp_path)[0]] == [("10", 5), ("20", 1), ("21", 1)]


def test_series_without_usable_numbers_are_counted(tmp_path):
    a_series(tmp_path / "a", HEIGHTS, 3, 100, SeriesDescription="LGE", SeriesInstanceUID="1.1")
    a_series(tmp_path / "b", HEIGHTS, 3, 200, SeriesDescription="LGE PSIR", SeriesInstanceUID="1.2")
    assert [one.name for one in list_series(tmp_path)[0]] == ["1", "2"]
    assert value_of(read_stack([tmp_path])) == 200


def test_the_magnitude_images_of_a_phase_sensitive_acquisition_are_recognized_by_their_places(tmp_path):
    a_series(tmp_path, HEIGHTS, 1, 100)
    a_series(tmp_path, HEIGHTS, 2, 200, ImageType=["ORIGINAL", "PRIMARY", "PS"])
    a_series(tmp_path, (100, 108), 3, 300)
    assert [(one.kind, one.part) for one in list_series(tmp_path)[0]] == [
        ("LGE", "magnitude"),
        ("LGE", "phase-sensitive"),
        ("unknown", "magnitude"),
    ]
    assert value_of(read_stack([tmp_path])) == 200


def test_a_segmentation_object_and_a_file_without_preamble(tmp_path):
    a_series(tmp_path, HEIGHTS, 1)
    save(an_image(np.zeros((12, 10)), "1.2.840.10008.5.1.4.1.1.66.4"), tmp_path / "seg.dcm")
    path = tmp_path / "01_00_00.dcm"
    content = path.read_bytes()
    start = content.index(b"\x08\x00\x16\x00UI")
    path.write_bytes(content[start:])
    with pytest.raises(UnreadableFile, match="seg.dcm is a DICOM file without an image"):
        read_stack([tmp_path / "seg.dcm"])
    assert MR in content.decode("latin-1")
    assert len(list_series(tmp_path)[0][0].passes[0]) == 5
