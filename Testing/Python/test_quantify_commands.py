"""`cardioscar quantify` and its sisters on a map in files."""

from __future__ import annotations

import json
import re
import shutil

import numpy as np
import pytest
import SimpleITK as sitk

import CardioScarLib as cs
from CardioScarLib.cli.main import main
from CardioScarLib.cli.phantom_files import write_phantom
from CardioScarLib.core.packing import pack, unpack
from CardioScarLib.core.settings import QuantifySettings
from CardioScarLib.io.maps import point_arrays
from CardioScarLib.io.meshes import read_wall
from CardioScarLib.phantom import phantom_case
from CardioScarLib.quantification.numbers import Numbers
from CardioScarLib.tasks.quantify import QuantifyTask

CASE = phantom_case("W", seed=4, nodes=1500, pixel=4.0)


@pytest.fixture(scope="module")
def a_folder(tmp_path_factory):
    """A map of a phantom, `map.vtu`, with the files beside it; one of a model without samples, `nearest.vtu`."""
    folder = tmp_path_factory.mktemp("quantify")
    write_phantom(CASE, folder, overwrite=False)
    given = [
        "--mesh-vtk",
        str(folder / "wall.vtu"),
        "--image",
        str(folder / "slices.nrrd"),
        "--evidence",
        "values",
        "--slice-thickness",
        "8",
    ]
    assert (
        main(["reconstruct", *given, "--preset", "preview", "--samples", "8", "--interval", "80", "--output", str(folder / "map.vtu")]) == 0
    )
    assert main(["reconstruct", *given, "--model", "nearest", "--output", str(folder / "nearest.vtu")]) == 0
    return folder


def numbers_of(capsys, *words) -> dict:
    assert main(["quantify", *map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_map_itself_carries_intervals_in_its_numbers_and_per_point(a_folder):
    record = json.loads((a_folder / "map.vtu.json").read_text())
    mass = record["quantities"]["scar_mass_g"]
    assert mass["low"] < mass["value"] < mass["high"] and mass["level"] == 0.8
    assert record["quantities"]["lv_mass_g"]["low"] is None, "the wall is given, not estimated"
    arrays = point_arrays(read_wall(a_folder / "map.vtu"))
    assert np.all(arrays["scar_lower"] <= arrays["scar_upper"]) and np.mean(arrays["scar_upper"] - arrays["scar_lower"]) > 0.001
    nearest = json.loads((a_folder / "nearest.vtu.json").read_text())["quantities"]["scar_mass_g"]
    assert nearest["low"] is None and nearest["level"] is None


def test_every_number_has_its_interval_method_and_unit(a_folder, capsys):
    found = numbers_of(capsys, a_folder / "map.vtu", "--samples", 8, "--interval", 95)
    assert any("intervals of core and border zone hold how soft" in note for note in found["notes"])
    assert found["schema"] == "cardioscar-numbers 1"
    assert {"scar_burden_percent", "scar_volume_ml", "scar_mass_g", "lv_mass_g", "core_mass_g", "border_zone_mass_g"} <= set(
        found["quantities"]
    )
    for name, one in found["quantities"].items():
        assert set(one) == {"label", "value", "low", "high", "level", "unit", "method", "threshold", "parts"} and one["method"], name
    assert found["quantities"]["core_mass_g"]["level"] == 0.95 and found["quantities"]["core_mass_g"]["threshold"] == 0.6
    assert found["provenance"]["settings"]["quantify"]["interval"] == 95
    true = CASE.truth @ CASE.wall.node_measure * 1.05e-3
    assert found["quantities"]["scar_mass_g"]["value"] == pytest.approx(true, rel=0.15)


def test_insertions_make_segments_on_a_mesh(a_folder, capsys, tmp_path):
    local = np.array([[30.0, 0, 0], [-15, 26, 0], [-15, -26, 0]])
    points = [",".join(f"{x:.2f}" for x in one) for one in local @ CASE.pose[:3, :3].T + CASE.pose[:3, 3]]
    swapped = main(["quantify", str(a_folder / "map.vtu"), "--rv-insertion", points[0], "--rv-insertion", points[1], "--samples", "4"])
    message = capsys.readouterr().err
    order = [points[0], points[2]] if swapped else points[:2]
    assert not swapped or "give the anterior one first" in message
    words = (a_folder / "map.vtu", "--rv-insertion", order[0], "--rv-insertion", order[1], "--samples", 4, "--mesh", tmp_path / "n.vtu")
    found = numbers_of(capsys, *words)
    assert [key for key in found["sectors"] if key.startswith("aha")] == [f"aha_{number:02}" for number in range(1, 18)]
    arrays = point_arrays(read_wall(tmp_path / "n.vtu"))
    assert set(np.unique(arrays["aha_segment"])) == set(range(1, 18)) and {"channel_probability", "scar_lower"} <= set(arrays)


def test_without_its_field_the_numbers_come_without_intervals_and_that_is_said(a_folder, tmp_path, capsys):
    shutil.copy(a_folder / "map.vtu", tmp_path / "alone.vtu")
    alone, whole = numbers_of(capsys, tmp_path / "alone.vtu"), numbers_of(capsys, a_folder / "map.vtu", "--samples", 4)
    assert alone["quantities"]["scar_mass_g"]["value"] == pytest.approx(whole["quantities"]["scar_mass_g"]["value"])
    assert alone["quantities"]["scar_mass_g"]["low"] is None and "without intervals" in alone["missing"]["intervals"]
    assert any("alone.vtu.field.npz" in note for note in alone["notes"])


def test_the_slices_are_not_needed(a_folder, tmp_path, capsys):
    for name in ("map.vtu", "map.vtu.field.npz"):
        shutil.copy(a_folder / name, tmp_path / name)
    assert numbers_of(capsys, tmp_path / "map.vtu", "--samples", 4)["quantities"]["scar_mass_g"]["low"] is not None


def test_a_field_of_another_map_is_not_used(a_folder, tmp_path, capsys):
    shutil.copy(a_folder / "map.vtu", tmp_path / "map.vtu")
    shutil.copy(a_folder / "nearest.vtu.field.npz", tmp_path / "map.vtu.field.npz")
    found = numbers_of(capsys, tmp_path / "map.vtu")
    assert found["quantities"]["scar_mass_g"]["low"] is None and any("belongs to another map" in note for note in found["notes"])


def test_coordinates_can_be_given_and_another_mesh_is_refused(a_folder, tmp_path, capsys):
    assert main(["coordinates", str(a_folder / "map.vtu"), "--output", str(tmp_path / "uvc.vtu")]) == 0
    capsys.readouterr()
    given = numbers_of(capsys, a_folder / "map.vtu", "--coordinates", tmp_path / "uvc.vtu", "--samples", 4)
    computed = numbers_of(capsys, a_folder / "map.vtu", "--samples", 4)
    for key in computed["sectors"]:
        ours, theirs = (one["sectors"][key]["quantities"]["transmurality_mean_percent"]["value"] for one in (given, computed))
        assert ours == pytest.approx(theirs, abs=0.5)
    other = phantom_case("W", seed=5, nodes=1500, pixel=8.0)
    (tmp_path / "other").mkdir()
    write_phantom(other, tmp_path / "other", overwrite=False)
    assert main(["quantify", str(a_folder / "map.vtu"), "--coordinates", str(tmp_path / "other" / "wall.vtu")]) == 2
    assert "no point array wall_transmural" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words, message",
    [
        (("--thresholds", "0.6,0.4"), "border zone first"),
        (("--thresholds", "core"), "list of numbers"),
        (("--rv-insertion", "1,2"), "--rv-insertion is '1,2'"),
        (("--rv-insertion", "900,0,0"), "mm away from the wall"),
        (("--rv-insertion", "0,0,0") * 3, "at most twice"),
        (("--rv-labels", "3"), "together with --rv-labels"),
        (("--interval", "20"), "between 50 and 99.9"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(words, message, a_folder, capsys):
    assert main(["quantify", str(a_folder / "map.vtu"), *words]) == 2
    captured = capsys.readouterr()
    assert message in captured.err and captured.out == ""


def test_a_mesh_that_is_no_map_is_refused(a_folder, capsys):
    assert main(["quantify", str(a_folder / "wall.vtu")]) == 2
    assert "not a map" in capsys.readouterr().err


def test_the_text_tells_rings_and_why_there_are_no_segments(a_folder, capsys):
    assert main(["quantify", str(a_folder / "map.vtu"), "--samples", "4"]) == 0
    captured = capsys.readouterr()
    assert "ring basal" in captured.out and "Border zone mass" in captured.out and "90 % interval" in captured.out
    assert "rotation of the AHA segments is unknown" in " ".join(captured.err.split())


def test_a_model_without_samples_has_no_interval_to_write(a_folder, tmp_path, capsys):
    given = ["--mesh-vtk", str(a_folder / "wall.vtu"), "--image", str(a_folder / "slices.nrrd"), "--output", str(tmp_path / "n.vtu")]
    assert main(["reconstruct", *given, "--model", "linear", "--interval", "95"]) == 2
    assert "gives no interval" in capsys.readouterr().err and not (tmp_path / "n.vtu").exists()


def test_samples_are_joint_fields_in_files_whatever_their_format(a_folder, tmp_path, capsys):
    for kind in ("vtu", "dat"):
        assert main(["samples", str(a_folder / "map.vtu"), "--count", "3", "--output", str(tmp_path / kind), "--format", kind]) == 0
    read = [point_arrays(read_wall(tmp_path / "vtu" / f"sample_{number:04}.vtu")) for number in range(3)]
    assert all(list(one) == ["scar_fraction"] for one in read), "nothing else of the map goes along"
    plain = [np.loadtxt(tmp_path / "dat" / f"sample_{number:04}.dat", dtype=np.float32) for number in range(3)]
    assert all(np.array_equal(one["scar_fraction"], other) for one, other in zip(read, plain, strict=True))
    amounts = np.array(plain) @ CASE.wall.node_measure
    assert np.ptp(amounts) > 0 and amounts == pytest.approx(amounts.mean(), rel=0.3)
    again = tmp_path / "more"
    assert main(["samples", str(a_folder / "map.vtu"), "--count", "1", "--output", str(again), "--format", "dat"]) == 0
    assert np.array_equal(np.loadtxt(again / "sample_0000.dat", dtype=np.float32), plain[0]), "sample 0 is sample 0 whatever the count"


def test_a_map_without_samples_has_none_to_write(a_folder, tmp_path, capsys):
    assert main(["samples", str(a_folder / "nearest.vtu"), "--output", str(tmp_path / "s")]) == 2
    assert "no joint samples" in capsys.readouterr().err and not (tmp_path / "s").exists()


def test_layers_are_surfaces_with_the_map_on_them(a_folder, tmp_path, capsys):
    assert main(["layers", str(a_folder / "map.vtu"), "--output", str(tmp_path), "--depths", "10,90"]) == 0
    inner, outer = (read_wall(tmp_path / f"layer_{depth}.vtp") for depth in (10, 90))
    assert inner.wall.kind == "shell" and inner.wall.areas.sum() < outer.wall.areas.sum()
    scar = point_arrays(inner)["scar_probability"]
    assert np.median(np.abs(scar - CASE.truth_at(inner.wall.nodes))) < 0.1 and {"scar_uncertainty", "scar_lower"} <= set(
        point_arrays(inner)
    )
    assert scar.mean() > 2 * point_arrays(outer)["scar_probability"].mean(), "the infarct is subendocardial"
    assert main(["layers", str(a_folder / "map.vtu"), "--output", str(tmp_path / "x"), "--depths", "0,50"]) == 2
    assert main(["layers", str(a_folder / "map.vtu"), "--output", str(tmp_path), "--depths", "10"]) == 2, "it exists"


def test_two_maps_are_compared_by_one_library(a_folder, tmp_path, capsys):
    assert main(["compare", str(a_folder / "map.vtu"), str(a_folder / "map.vtu"), "--json"]) == 0
    same = next(iter(json.loads(capsys.readouterr().out)["maps"].values()))
    assert same["dice_percent"]["value"] == 100 and same["hd95_mm"]["value"] == 0 and same["volume_difference_ml"]["value"] == 0
    assert main(["compare", str(a_folder / "map.vtu"), str(a_folder / "nearest.vtu"), "--json"]) == 0
    other = next(iter(json.loads(capsys.readouterr().out)["maps"].values()))
    assert 20 < other["dice_percent"]["value"] < 100 and 0 < other["assd_mm"]["value"] < other["hd95_mm"]["value"]
    volumes = [other[f"{which}_scar_volume_ml"]["value"] for which in ("first", "second")]
    assert other["volume_difference_ml"]["value"] == pytest.approx(volumes[1] - volumes[0])


def test_folders_of_maps_are_compared_pair_by_pair(a_folder, tmp_path, capsys):
    for folder, names in (("a", ("map", "nearest")), ("b", ("nearest", "map"))):
        (tmp_path / folder).mkdir()
        for name, source in zip(("one", "two"), names, strict=True):
            shutil.copy(a_folder / f"{source}.vtu", tmp_path / folder / f"{name}.vtu")
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    difference = found["maps"]["one.vtu"]["volume_difference_ml"]["value"]
    limits = found["agreement"]["volume_difference_ml"]
    assert limits["value"] == pytest.approx(0, abs=1e-9) and limits["high"] == pytest.approx(1.96 * np.sqrt(2) * abs(difference))
    assert main(["compare", str(tmp_path / "a"), str(a_folder / "map.vtu")]) == 2


def test_the_bulls_eye_is_a_picture_and_needs_segments(a_folder, tmp_path, capsys):
    point = ",".join(f"{x:.2f}" for x in CASE.pose[:3, :3] @ [30.0, 0, 0] + CASE.pose[:3, 3])
    words = ["quantify", str(a_folder / "map.vtu"), "--samples", "4", "--bulls-eye"]
    assert main([*words, str(tmp_path / "eye.svg"), "--rv-insertion", point]) == 0
    assert (tmp_path / "eye.svg").read_text().startswith("<?xml") and "AHA" in (tmp_path / "eye.svg").read_text()
    assert main([*words, str(tmp_path / "eye.png")]) == 2 and main([*words, str(tmp_path / "eye.docx"), "--rv-insertion", point]) == 2


def test_a_label_map_of_the_right_ventricle_gives_the_segments(a_folder, tmp_path, capsys):
    image = sitk.ReadImage(str(a_folder / "slices.nrrd"))
    z, y, x = np.indices(image.GetSize()[::-1])
    index = np.column_stack([one.ravel() for one in (x, y, z)]).astype(float)
    matrix = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    local = (index @ matrix.T + image.GetOrigin() - CASE.pose[:3, 3]) @ CASE.pose[:3, :3]
    radius, angle = np.hypot(*local[:, :2].T), np.arctan2(local[:, 1], local[:, 0])
    outer = CASE.heart.epi[0] * np.sqrt(np.maximum(1 - (local[:, 2] / CASE.heart.epi[1]) ** 2, 0.05))
    crescent = (radius > outer) & (radius < outer + 8) & (np.abs(angle) < np.radians(60))
    mask = sitk.GetImageFromArray(np.where(crescent, 3, 0).reshape(z.shape).astype(np.uint8))
    mask.CopyInformation(image)
    sitk.WriteImage(mask, str(tmp_path / "rv.nrrd"))
    words = (a_folder / "map.vtu", "--samples", 2, "--rv-mask", tmp_path / "rv.nrrd", "--rv-labels")
    found = numbers_of(capsys, *words, 3)
    assert "aha_01" in found["sectors"] and "segments" not in found["missing"]
    assert main(["quantify", *map(str, words), "4"]) == 2 and "no pixel with the label 4" in capsys.readouterr().err


def test_a_report_is_a_page_that_needs_no_other_file_and_names_nobody(a_folder, tmp_path, capsys):
    named = tmp_path / "JANE_DOE"
    named.mkdir()
    for name in ("map.vtu", "map.vtu.field.npz", "map.vtu.case.npz", "map.vtu.json"):
        shutil.copy(a_folder / name, named / f"JANE_DOE{name[3:]}")
    output = tmp_path / "report"
    assert main(["report", str(named / "JANE_DOE.vtu"), "--output", str(output), "--samples", "4"]) == 0
    page, record = (output / "report.html").read_text(), json.loads((output / "numbers.json").read_text())
    assert "research use only" in page and "rotation of the AHA segments is unknown" in page and "not audited" in page
    assert "intervals of core and border zone hold how soft" in page
    mass = record["quantities"]["scar_mass_g"]
    assert f"{mass['value']:.1f} g" in page and f"[{mass['low']:.1f}, {mass['high']:.1f}]" in page, "every number is in both"
    assert not re.search(r"(src|href)=.(?!data:)", page), "nothing is loaded"
    assert (output / "report.pdf").read_bytes().startswith(b"%PDF")
    for text in (page, (output / "numbers.json").read_text(), (output / "report.pdf").read_bytes().decode("latin-1")):
        assert "JANE" not in text and "slices.nrrd" not in text and "wall.vtu" not in text
    assert main(["report", str(named / "JANE_DOE.vtu"), "--output", str(output)]) == 2, "it exists"


def test_a_report_says_what_was_noted_of_the_images_and_calls_slices_by_number(a_folder, tmp_path, capsys):
    image = sitk.ReadImage(str(a_folder / "slices.nrrd"))
    values = 100 + 900 * sitk.GetArrayFromImage(image)
    values[4] = 7.0
    lost = sitk.GetImageFromArray(values)
    lost.CopyInformation(image)
    sitk.WriteImage(lost, str(tmp_path / "JANE_DOE.nrrd"))
    given = ["--mesh-vtk", str(a_folder / "wall.vtu"), "--image", str(tmp_path / "JANE_DOE.nrrd"), "--slice-thickness", "8"]
    given += ["--evidence", "nsd", "--model", "nearest", "--keep-names"]
    assert main(["reconstruct", *given, "--output", str(tmp_path / "map.vtu")]) == 0
    assert "JANE_DOE.nrrd slice 4 (7)" in (tmp_path / "map.vtu.json").read_text(), "the record keeps names on request"
    assert main(["report", str(tmp_path / "map.vtu"), "--output", str(tmp_path / "report")]) == 0
    page, record = (tmp_path / "report" / "report.html").read_text(), (tmp_path / "report" / "numbers.json").read_text()
    for text in (page, record):
        assert "were left out: slice" in text and "slice 5 (7)" in text and "JANE" not in text
    assert "method nsd, magnitude images" in page and "by other methods: spatial" in page


def test_arrays_of_an_earlier_map_do_not_lie_beside_a_new_one(a_folder, tmp_path, capsys):
    given = ["--image", str(a_folder / "slices.nrrd"), "--evidence", "values", "--slice-thickness", "8", "--model", "nearest"]
    words = ["reconstruct", "--mesh-vtk", str(a_folder / "map.vtu"), *given, "--output", str(tmp_path / "new.vtu")]
    assert main(words) == 0
    assert set(point_arrays(read_wall(tmp_path / "new.vtu"))) == {"scar_probability", "scar_observed"}
    assert "scar_lower" in point_arrays(read_wall(a_folder / "map.vtu")), "the earlier one keeps its own"


def test_the_task_gives_what_the_command_gives_and_its_answer_travels(a_folder, capsys):
    told = numbers_of(capsys, a_folder / "map.vtu", "--samples", 4)
    task = QuantifyTask(cs.read_result(a_folder / "map.vtu"), quantify=QuantifySettings(samples=4))
    found = task.run(lambda stage, step, steps, **detail: None)
    back = unpack(Numbers, *pack(found, task.variants), task.variants)
    assert back.as_dict() == found.as_dict() and sorted(back.arrays) == sorted(found.arrays)
    assert found.as_dict()["quantities"] == told["quantities"] and found.as_dict()["sectors"] == told["sectors"]
