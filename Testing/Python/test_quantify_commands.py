"""`cardioscar quantify` and its sisters on a map in files."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from CardioScarLib.cli.main import main
from CardioScarLib.cli.phantom_files import write_phantom
from CardioScarLib.io.maps import point_arrays
from CardioScarLib.io.meshes import read_wall
from CardioScarLib.phantom import phantom_case

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
    assert found["schema"] == "cardioscar-numbers 1"
    assert {"scar_burden_percent", "scar_volume_ml", "scar_mass_g", "lv_mass_g", "core_mass_g", "border_zone_mass_g"} <= set(
        found["quantities"]
    )
    for name, one in found["quantities"].items():
        assert set(one) == {"label", "value", "low", "high", "level", "unit", "method", "threshold"} and one["method"], name
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
