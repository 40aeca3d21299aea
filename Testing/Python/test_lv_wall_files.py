"""Walls from files: contour files of a real heart, and `cardioscar wall` as a person uses it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from test_lv_wall_labels import PIXEL, SPACING, painted
from vtk.util.numpy_support import vtk_to_numpy

from CardioScarLib.cli.main import main
from CardioScarLib.core.errors import UnreadableFile
from CardioScarLib.core.slices import SliceStack
from CardioScarLib.io.contours import read_contours, read_drawn_contours
from CardioScarLib.io.images import read_stack
from CardioScarLib.io.meshes import read_mesh, read_wall
from CardioScarLib.wall import build_wall, shape_from_contours
from CardioScarLib.wall.finished import finished_wall

SAMPLE = next(path for path in Path(__file__).resolve().parents[2].glob("**/SampleData/SunnybrookContours"))
PIXEL_OF_SAMPLE = 0.82


@pytest.fixture(scope="module")
def real_contours():
    return read_contours([SAMPLE / "contours"], [SAMPLE / "images"])


@pytest.fixture
def a_label_map(tmp_path) -> Path:
    image = sitk.GetImageFromArray(np.array([one.pixels for one in painted()]).astype(np.uint8))
    image.SetSpacing([PIXEL, PIXEL, SPACING])
    sitk.WriteImage(image, str(tmp_path / "labels.nrrd"))
    return tmp_path / "labels.nrrd"


def run(capsys, *words) -> tuple[int, str, str]:
    code = main([str(word) for word in words])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_contour_files_find_their_images_by_number(real_contours):
    slices, notes = real_contours
    assert [one.label for one in slices] == [f"slice {number}" for number in range(121, 362, 20)]
    assert any(note.startswith("6 contoured slices have no image") for note in notes)
    image = read_stack([SAMPLE / "images" / "I0161.dcm"]).slices[0]
    column, row = np.loadtxt(SAMPLE / "contours" / "IM-0001-0161-ocontour-auto.txt").T
    index = image.to_index(slices[2].epi)
    assert np.allclose(index, np.column_stack([row, column, np.zeros(len(row))]), atol=0.01)  # the file rounds its directions
    apart = np.diff([one.center @ slices[0].normal for one in slices])
    assert np.allclose(np.abs(apart), 5.0, atol=0.01)


@pytest.mark.slow
def test_the_wall_of_a_real_heart_passes_through_its_contours(real_contours):
    finished = finished_wall(build_wall(shape_from_contours(real_contours[0])), coordinates=False)
    assert finished.distance.mean < 0.5 * PIXEL_OF_SAMPLE
    assert finished.distance.most < PIXEL_OF_SAMPLE
    assert finished.quality.closed and finished.quality.manifold
    assert finished.quality.slivers == 0 and finished.quality.inverted == 0


def test_a_few_points_are_joined_by_a_smooth_closed_curve(tmp_path):
    stack = SliceStack.from_volume(np.zeros((3, 60, 60)), np.diag([2.0, 2.0, 5.0, 1.0]), 5.0)
    angle = 2 * np.pi * np.arange(8) / 8

    def points(radius):
        return np.column_stack([30 + radius * np.cos(angle), 25 + radius * np.sin(angle)]).tolist()

    file = tmp_path / "contours.json"
    file.write_text(json.dumps({"contours": [{"slice": 2, "endo": points(10), "epi": points(15)}]}))
    (one,) = read_drawn_contours(file, stack)
    assert one.label == "slice 2" and one.thickness == 5.0
    for curve, radius in ((one.endo, 20.0), (one.epi, 30.0)):  # a column is x, a row is y, 2 mm each
        assert np.hypot(curve[:, 0] - 60, curve[:, 1] - 50) == pytest.approx(np.full(len(curve), radius), rel=0.01)
        assert np.all(curve[:, 2] == 10.0) and np.linalg.norm(np.diff(curve, axis=0), axis=1).max() < 2.5


@pytest.mark.parametrize(
    "text", ['{"contours": [{"slice": 3, "endo": [[1, 1]], "epi": []}]}', '{"contours": [{"slice": 0}]}', "{}", "contours", "[1]"]
)
def test_points_that_are_no_contours_of_the_stack_are_refused(text, tmp_path):
    stack = SliceStack.from_volume(np.zeros((3, 60, 60)), np.eye(4), 5.0)
    (tmp_path / "contours.json").write_text(text)
    with pytest.raises(UnreadableFile, match="contours.json does not hold contours of this stack of 3 slices"):
        read_drawn_contours(tmp_path / "contours.json", stack)


def test_files_that_hold_no_contour_are_refused(tmp_path):
    images = [SAMPLE / "images"]

    def refused(name: str, text: str, match: str):
        (tmp_path / name).write_text(text)
        with pytest.raises(UnreadableFile, match=match):
            read_contours([tmp_path / name], images)

    refused("contour.txt", "1 2\n3 4\n5 6\n", "does not show which contour")
    refused("0121-icontour.txt", "1 2 3\n4 5 6\n", "not a contour: each line")
    refused("0141-icontour.txt", "one two\n", "not a contour: each line")
    refused("0161-icontour.txt", "500 20\n510 20\n510 30\n", "extends beyond its image of 256 x 256 pixels")
    refused("0401-icontour.txt", "50 20\n51 20\n51 30\n", "has no image: the images have the numbers 121 to 361")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnreadableFile, match="no contour file in empty"):
        read_contours([tmp_path / "empty"], images)


def test_contours_on_a_volume_are_counted_from_zero(tmp_path, a_label_map):
    angle = 2 * np.pi * np.arange(60) / 60
    for number in (2, 3, 4):
        for kind, radius in (("endo", 6), ("epi", 11)):
            np.savetxt(tmp_path / f"slice_{number:02}_{kind}.txt", 19.5 + radius * np.column_stack([np.cos(angle), np.sin(angle)]))
    slices, _ = read_contours([tmp_path], [a_label_map])
    assert [one.epi[:, 2].mean() for one in slices] == pytest.approx([16, 24, 32])
    assert np.allclose(np.hypot(*(slices[0].epi[:, :2] - 39).T), 22)


def test_the_command_makes_a_wall_that_can_be_read_back(tmp_path, a_label_map, capsys):
    output, surface = tmp_path / "wall.vtu", tmp_path / "wall.vtp"
    code, out, err = run(capsys, "wall", a_label_map, "--labels", "emidec", "--edge-length", 4, "--output", output, "--surface", surface)
    assert code == 0 and "no inverted cell; surface closed and manifold" in out and "Contours to the wall" in out
    assert "Note: The apex was closed" in err
    mesh = read_wall(output)
    assert mesh.wall.kind == "volume" and mesh.frame == "lps" and not any("frame" in note for note in mesh.wall.notes)
    region = mesh.dataset.GetPointData().GetArray("wall_region")
    assert region.GetRange() == (0.0, 3.0)
    assert read_wall(surface).wall.kind == "closed_surface"
    assert read_mesh(surface).GetCellData().GetArray("wall_region").GetRange() == (1.0, 3.0)
    record = json.loads((tmp_path / "wall.vtu.json").read_text())
    made = record["provenance"]
    assert made["settings"]["wall"]["edge_length"] == 4.0 and made["inputs"][0]["name"].startswith("input-")
    code, _, err = run(capsys, "wall", a_label_map, "--labels", "emidec", "--output", output)
    assert code == 2 and "already exists and was kept" in err


def test_the_command_answers_with_json_and_coordinates(tmp_path, a_label_map, capsys):
    output = tmp_path / "wall.vtk"
    code, out, _ = run(
        capsys, "wall", a_label_map, "--labels", "cavity=1,myocardium=2", "--edge-length", 4, "--coordinates", "--json", "--output", output
    )
    record = json.loads(out)
    assert code == 0 and record["outputs"] == [str(output), f"{output}.json"]
    assert record["summary"]["quality"]["inverted"] == 0
    arrays = read_mesh(output).GetPointData()
    assert arrays.GetArray("wall_transmural").GetRange() == pytest.approx((0, 1))


def test_base_and_start_of_the_angle_can_be_given(tmp_path, a_label_map, capsys):
    output = tmp_path / "wall.vtu"
    last = 6 * SPACING
    code, _, err = run(
        capsys, "wall", a_label_map, "--labels", "emidec", "--edge-length", 4, "--base-at", 2, "--output", output,
        "--coordinates", "--start", "39,70,30",
    )  # fmt: skip
    assert code == 0 and "patient's right" not in err
    nodes = read_wall(output).wall.nodes
    assert nodes[:, 2].max() == pytest.approx(last + 2, abs=0.01)
    angle = vtk_to_numpy(read_mesh(output).GetPointData().GetArray("wall_circumferential"))
    assert np.cos(angle[np.argmin(np.linalg.norm(nodes - (39, 70, 30), axis=1))]) > 0.98


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--output", "wall.vtu"], "no input for a wall"),
        (["--endo", "endo.stl", "--output", "wall.vtu"], "belong together"),
        (["labels.nrrd", "--output", "wall.stl"], "not a name for a wall of tetrahedra"),
        (["labels.nrrd", "--output", "wall.vtu", "--surface", "wall.stl"], "not a name for a surface"),
        (["labels.nrrd", "--output", "wall.vtu", "--edge-length", "0.1"], "between 0.5 and 5"),
        (["labels.nrrd", "--output", "wall.vtu"], "which has no name; it would fit the orders emidec"),
        (["labels.nrrd", "--labels", "acdc", "--output", "wall.vtu"], "in another order"),
        (["labels.nrrd", "--labels", "emidec", "--contours", "folder", "--output", "wall.vtu"], "give one of the two"),
        (["labels.nrrd", "--labels", "emidec", "--output", "wall.vtu", "--start", "1,2,3"], "add --coordinates"),
        (["labels.nrrd", "--labels", "emidec", "--output", "wall.vtu", "--coordinates", "--start", "1,2,nan"], "three numbers"),
        (["labels.nrrd", "--contours", "nowhere", "--output", "wall.vtu"], "no file nowhere"),
        (["--endo", "labels.nrrd", "--epi", "epi.stl", "--mesh-unit", "inch", "--output", "wall.vtu"], "inch"),
        (["missing.nrrd", "--labels", "emidec", "--output", "wall.vtu"], "no file missing.nrrd"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence_and_nothing_is_written(words, sentence, tmp_path, a_label_map, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, "wall", *words)
    assert code == 2 and sentence in err and out == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["labels.nrrd"]
