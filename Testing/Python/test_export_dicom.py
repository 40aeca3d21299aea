"""`cardioscar export --format dicom`: every object is read back by pydicom, images by SimpleITK, too."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from dicom_files import ENHANCED_MR
from exported import CASE

import CardioScarLib as cs
from CardioScarLib.cli.main import main
from CardioScarLib.core.quantity import Quantity
from CardioScarLib.core.slices import SliceSource, SliceStack
from CardioScarLib.io.images import read_stack
from CardioScarLib.quantification.numbers import Numbers

pytest.importorskip("highdicom", reason="highdicom, which makes DICOM objects, is not installed")

from CardioScarLib.io.dicom_export.maps import parametric_map, tissue_segmentation
from CardioScarLib.io.dicom_export.sources import source_groups

NAMES = ("scar_probability", "scar_uncertainty", "scar_fraction_segmentation", "scar_core_and_border_zone", "scar_measurements")


def exported(*words) -> int:
    return main(["export", *map(str, words), "--format", "dicom", "--samples", "4"])


@pytest.fixture(scope="module")
def objects(maps_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("objects")
    assert exported(maps_folder / "map.vtu", "--output", folder) == 0
    return {name: pydicom.dcmread(folder / f"{name}.dcm") for name in NAMES}


def float_frames(one) -> np.ndarray:
    return np.frombuffer(one.FloatPixelData, "<f4").reshape(one.NumberOfFrames, one.Rows, one.Columns)


def places_of(one) -> np.ndarray:
    return np.array([frame.PlanePositionSequence[0].ImagePositionPatient for frame in one.PerFrameFunctionalGroupsSequence], dtype=float)


def everything(dataset) -> list:
    return [element for element in dataset.iterall()]


def test_maps_have_the_values_of_the_field_in_the_places_of_the_pixels(objects, maps_folder):
    result = cs.read_result(maps_folder / "map.vtu")
    for name, of_field in (("scar_probability", result.posterior.mean), ("scar_uncertainty", result.posterior.sd)):
        one = objects[name]
        frames, shared = float_frames(one), one.SharedFunctionalGroupsSequence[0]
        spacing = np.array(shared.PixelMeasuresSequence[0].PixelSpacing, dtype=float)
        along_row, along_column = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, dtype=float).reshape(2, 3)
        assert float(shared.PixelMeasuresSequence[0].SliceThickness) == 8.0
        number, row, column = np.nonzero(frames)
        assert len(number) > 500
        points = places_of(one)[number] + np.outer(row * spacing[0], along_column) + np.outer(column * spacing[1], along_row)
        np.testing.assert_allclose(frames[number, row, column], of_field(points), atol=1e-4)
    source = {tuple(np.round(slice_.origin, 3)) for slice_ in result.case.stack}
    assert {tuple(one) for one in np.round(places_of(objects["scar_probability"]), 3)} == source


def test_each_frame_names_the_image_in_its_place(objects, maps_folder):
    images = [pydicom.dcmread(path) for path in sorted((maps_folder / "images").iterdir())]
    uids = {str(one.SOPInstanceUID): np.array(one.ImagePositionPatient, dtype=float) for one in images}
    for name in NAMES[:4]:
        one = objects[name]
        for frame, place in zip(one.PerFrameFunctionalGroupsSequence, places_of(one), strict=True):
            (reference,) = frame.DerivationImageSequence[0].SourceImageSequence
            np.testing.assert_allclose(uids[reference.ReferencedSOPInstanceUID], place, atol=1e-3)
            assert "ReferencedFrameNumber" not in reference
        (series,) = one.ReferencedSeriesSequence
        assert series.SeriesInstanceUID == "1.2.3.7"
        assert {each.ReferencedSOPInstanceUID for each in series.ReferencedInstanceSequence} == set(uids)
        assert (one.StudyInstanceUID, one.FrameOfReferenceUID) == ("1.2.3", "1.2.3.4")
    evidence = objects["scar_measurements"].CurrentRequestedProcedureEvidenceSequence
    named = {
        one.ReferencedSOPInstanceUID
        for study in evidence
        for series in study.ReferencedSeriesSequence
        for one in series.ReferencedSOPSequence
    }
    assert named == set(uids) | {objects[name].SOPInstanceUID for name in NAMES[:4]}


def test_segmentations_are_the_map_in_other_steps(objects, tmp_path):
    probability = float_frames(objects["scar_probability"])
    fractional, tissue = objects["scar_fraction_segmentation"], objects["scar_core_and_border_zone"]
    np.testing.assert_allclose(fractional.pixel_array / fractional.MaximumFractionalValue, probability, atol=0.5 / 255 + 1e-6)
    assert [one.SegmentLabel for one in tissue.SegmentSequence] == ["Scar core", "Scar border zone"]
    numbers = [one.SegmentIdentificationSequence[0].ReferencedSegmentNumber for one in tissue.PerFrameFunctionalGroupsSequence]
    order = {tuple(place): number for number, place in enumerate(places_of(objects["scar_probability"]))}
    expected = {1: probability >= 0.6, 2: (probability >= 0.4) & (probability < 0.6)}
    assert expected[1].any() and expected[2].any()
    for pixels, segment, place in zip(tissue.pixel_array, numbers, places_of(tissue), strict=True):
        np.testing.assert_array_equal(pixels.astype(bool), expected[segment][order[tuple(place)]])


@pytest.mark.parametrize("name", NAMES[:4])
def test_frames_run_along_the_normal_since_readers_take_them_so(name, objects):
    one = objects[name]
    along_row, along_column = np.array(one.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient).reshape(
        2, 3
    )
    height = places_of(one).astype(float) @ np.cross(along_row.astype(float), along_column.astype(float))
    count = len(CASE.stack)
    assert np.all(np.diff(height.reshape(-1, count), axis=1) > 0)
    indices = [np.atleast_1d(frame.FrameContentSequence[0].DimensionIndexValues).tolist() for frame in one.PerFrameFunctionalGroupsSequence]
    assert indices == sorted(indices) and [each[-1] for each in indices[:count]] == list(range(1, count + 1))


def test_simpleitk_reads_the_fractions_where_the_field_has_them(objects, maps_folder, tmp_path):
    objects["scar_fraction_segmentation"].save_as(tmp_path / "one.dcm", enforce_file_format=True)
    image = sitk.ReadImage(str(tmp_path / "one.dcm"))
    pixels = sitk.GetArrayFromImage(image)
    found = np.argwhere(pixels)
    assert len(found) > 100
    points = np.array([image.TransformIndexToPhysicalPoint([int(each) for each in one[::-1]]) for one in found])
    field = cs.read_result(maps_folder / "map.vtu").posterior
    np.testing.assert_allclose(pixels[tuple(found.T)] / 255, field.mean(points), atol=0.5 / 255 + 1e-3)


def test_simpleitk_reads_the_pixels_of_two_segments(objects, tmp_path):
    objects["scar_core_and_border_zone"].save_as(tmp_path / "one.dcm", enforce_file_format=True)
    image = sitk.ReadImage(str(tmp_path / "one.dcm"))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image) > 0, objects["scar_core_and_border_zone"].pixel_array > 0)


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (Debian package dicom3tools) is not installed")
@pytest.mark.parametrize("name", NAMES)
def test_dciodvfy_finds_no_error(name, objects, tmp_path):
    objects[name].save_as(tmp_path / "one.dcm", enforce_file_format=True)
    said = subprocess.run(["dciodvfy", str(tmp_path / "one.dcm")], capture_output=True, text=True).stderr
    assert [line for line in said.splitlines() if line.startswith("Error")] == []


def test_parametric_maps_tell_what_readers_look_for(objects):
    for name in NAMES[:2]:
        shared = objects[name].SharedFunctionalGroupsSequence[0]
        assert shared.FrameAnatomySequence[0].AnatomicRegionSequence[0].CodeMeaning == "Left ventricle", "dcmqi crashes without"
        assert objects[name].ContentCreatorName
        mapping = shared.RealWorldValueMappingSequence[0]
        assert (mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept) == (1, 0)


def test_the_report_has_every_number_with_its_interval_in_its_unit(objects, maps_folder, capsys):
    assert main(["quantify", str(maps_folder / "map.vtu"), "--samples", "4", "--json"]) == 0
    expected = json.loads(capsys.readouterr().out)["quantities"]
    report = objects["scar_measurements"]
    assert report.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    groups = [one for one in report.ContentSequence if one.ConceptNameCodeSequence[0].CodeMeaning == "Imaging Measurements"]
    (whole, *_) = [one for part in groups for one in part.ContentSequence]
    found = {}
    for item in (one for one in whole.ContentSequence if one.ValueType == "NUM"):
        concept = item.ConceptNameCodeSequence[0]
        found[concept.get("CodeValue") or concept.LongCodeValue] = item
    assert set(found) == set(expected)
    for name, one in expected.items():
        measured = found[name].MeasuredValueSequence[0]
        assert float(measured.NumericValue) == pytest.approx(one["value"], rel=1e-6, abs=1e-9)
        unit = measured.MeasurementUnitsCodeSequence[0].CodeValue
        reach = {
            each.ConceptNameCodeSequence[0].CodeValue: each.MeasuredValueSequence[0]
            for each in found[name].get("ContentSequence", ())
            if each.ValueType == "NUM"
        }
        assert (one["low"] is not None) == bool(reach)
        if reach:
            upper, lower = reach["371886008"], reach["371885007"]
            assert {each.MeasurementUnitsCodeSequence[0].CodeValue for each in (upper, lower)} == {unit}
            assert float(upper.NumericValue) == pytest.approx(max(one["high"] - one["value"], 0), rel=1e-5, abs=1e-9)
            assert float(lower.NumericValue) == pytest.approx(max(one["value"] - one["low"], 0), rel=1e-5, abs=1e-9)
    texts = [one.value for one in everything(report) if one.keyword == "TextValue"]
    assert any("holds the true value with probability 0.9" in one for one in texts)
    assert any("intervals of core and border zone hold how soft" in one for one in texts), "what the report says, too"
    assert any(one == "threshold: 0.6 on the local scar fraction" for one in texts)


def test_no_object_has_the_patient_unless_asked_and_all_have_one_pseudonym(objects):
    assert len({one.PatientID for one in objects.values()}) == 1
    for one in objects.values():
        assert one.PatientID.startswith("cardioscar-") and one.PatientIdentityRemoved == "YES"
        words = {str(element.value) for element in everything(one) if element.VR not in ("SQ", "OB", "OW", "OF", "UI")}
        assert not words & {"4711", "19510102", "20260102"} and not any("Doe" in each or "Jane" in each for each in words)


@pytest.fixture
def one_number(monkeypatch):
    """A report of one number, which takes no time."""
    found = Numbers((Quantity("scar_mass_g", "Scar mass", 7.0, "g", "made up", 6.0, 9.0, 0.9),))
    monkeypatch.setattr("CardioScarLib.pipeline.quantify", lambda *_, **__: found)


def test_the_patient_comes_from_the_source_images_when_asked(maps_folder, tmp_path, one_number):
    (tmp_path / "r.pdf").write_bytes(b"%PDF-1.4 odd")
    words = ("--identity-from", maps_folder / "images", "--pdf", tmp_path / "r.pdf")
    assert exported(maps_folder / "map.vtu", "--output", tmp_path / "out", *words) == 0
    files = sorted((tmp_path / "out").iterdir())
    assert len(files) == 6
    for path in files:
        one = pydicom.dcmread(path)
        assert (one.PatientName, one.PatientID, one.PatientSex, one.PatientBirthDate) == ("Doe^Jane", "4711", "F", "19510102")
        assert one.StudyDate == "20260102" and "PatientIdentityRemoved" not in one
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    wrapped = pydicom.dcmread(tmp_path / "out" / "scar_report.dcm")
    assert wrapped.EncapsulatedDocument[: wrapped.EncapsulatedDocumentLength] == b"%PDF-1.4 odd"


def test_source_images_that_are_gone_are_named_and_nothing_is_written(maps_folder, tmp_path, capsys):
    some = tmp_path / "some"
    some.mkdir()
    for path in sorted((maps_folder / "images").iterdir())[2:]:
        (some / path.name).write_bytes(path.read_bytes())
    assert exported(maps_folder / "map.vtu", "--output", tmp_path / "out", "--identity-from", some) == 2
    assert f"2 of the {len(CASE.stack)} source images of the map are not in that folder" in capsys.readouterr().err
    assert not list((tmp_path / "out").iterdir())


def test_objects_of_a_map_from_other_images_say_so_and_reference_none(maps_folder, tmp_path, capsys, one_number):
    assert exported(maps_folder / "nearest.vtu", "--output", tmp_path / "out") == 0
    assert "not DICOM" in capsys.readouterr().err
    objects = {path.stem: pydicom.dcmread(path) for path in (tmp_path / "out").iterdir()}
    assert set(objects) == set(NAMES) - {"scar_uncertainty"}
    of_export = {one.SOPInstanceUID for one in objects.values()}
    for name, one in objects.items():
        referenced = {element.value for element in everything(one) if element.keyword == "ReferencedSOPInstanceUID"}
        assert referenced <= of_export, "no image that does not exist"
        said = one.get("ImageComments") or " ".join(str(each.value) for each in everything(one) if each.keyword == "CodeMeaning")
        assert "The source images are not DICOM, so none is referenced." in said, name
    assert exported(maps_folder / "nearest.vtu", "--output", tmp_path / "no", "--identity-from", maps_folder / "images") == 2
    assert "was not made from DICOM images" in capsys.readouterr().err


def a_stack(maps_folder, class_uid: str, series: list[str], instance: list[str], frames: list[int]) -> SliceStack:
    stack = read_stack([maps_folder / "slices.nrrd"], thickness=8.0)
    sources = [
        SliceSource("1.2.3", one, class_uid, uid, "1.2.3.4", frame) for one, uid, frame in zip(series, instance, frames, strict=True)
    ]
    return replace(
        stack, slices=tuple(replace(one, source=source) for one, source in zip(stack.slices[: len(sources)], sources, strict=True))
    )


def test_frames_of_one_enhanced_file_are_referenced_by_their_numbers(maps_folder):
    stack = a_stack(maps_folder, ENHANCED_MR, ["1.2.9"] * 3, ["1.2.9.1"] * 3, [3, 1, 2])
    (group,) = source_groups(stack, None)
    made = parametric_map(group, [np.full(one.pixels.shape, 0.5) for one in stack], "Scar probability", 0)
    references = [one.DerivationImageSequence[0].SourceImageSequence[0] for one in made.PerFrameFunctionalGroupsSequence]
    assert {one.ReferencedSOPInstanceUID for one in references} == {"1.2.9.1"}
    frames = {tuple(np.round(place, 2)): int(one.ReferencedFrameNumber) for place, one in zip(places_of(made), references, strict=True)}
    assert frames == {tuple(np.round(one.origin, 2)): one.source.frame for one in stack}
    assert len(made.ReferencedSeriesSequence[0].ReferencedInstanceSequence) == 1


def test_a_breath_hold_per_series_is_referenced_by_its_series(maps_folder):
    stack = a_stack(maps_folder, "1.2.840.10008.5.1.4.1.1.4", ["1.2.9.1", "1.2.9.2"], ["1.2.9.1.5", "1.2.9.2.5"], [1, 1])
    (group,) = source_groups(stack, None)
    empty = [np.zeros(one.pixels.shape, dtype=bool) for one in stack]
    made = tissue_segmentation(group, empty, empty, (0.4, 0.6), 0)
    listed = {one.SeriesInstanceUID: one.ReferencedInstanceSequence[0].ReferencedSOPInstanceUID for one in made.ReferencedSeriesSequence}
    assert listed == {"1.2.9.1": "1.2.9.1.5", "1.2.9.2": "1.2.9.2.5"}


def test_planes_of_several_orientations_or_studies_make_several_objects(maps_folder):
    stack = a_stack(maps_folder, "1.2.840.10008.5.1.4.1.1.4", ["1.2.9.1"] * 3, ["1.2.9.1.5", "1.2.9.1.6", "1.2.9.1.7"], [1, 1, 1])
    turned = replace(stack.slices[2], row_step=stack.slices[2].column_step, column_step=stack.slices[2].row_step)
    other = replace(stack.slices[1], source=replace(deepcopy(stack.slices[1].source), study_uid="1.2.4"))
    groups = source_groups(replace(stack, slices=(stack.slices[0], other, turned)), None)
    assert sorted(one.members for one in groups) == [(0,), (1,), (2,)]


def test_objects_that_exist_are_kept_and_no_number_is_computed_first(maps_folder, tmp_path, capsys, monkeypatch):
    (tmp_path / "scar_measurements.dcm").write_bytes(b"mine")
    monkeypatch.setattr("CardioScarLib.pipeline.quantify", lambda *_, **__: pytest.fail("too early"))
    assert exported(maps_folder / "map.vtu", "--output", tmp_path) == 2
    assert "scar_measurements.dcm already exists" in capsys.readouterr().err
    assert (tmp_path / "scar_measurements.dcm").read_bytes() == b"mine"


def test_a_file_that_is_no_pdf_is_refused(maps_folder, tmp_path, capsys):
    (tmp_path / "r.pdf").write_text("words")
    assert exported(maps_folder / "map.vtu", "--output", tmp_path / "out", "--pdf", tmp_path / "r.pdf") == 2
    assert "r.pdf is not a PDF" in capsys.readouterr().err
