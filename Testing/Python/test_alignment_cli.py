"""Shifts of slices on the command line: shown by align, used by reconstruct, and only when asked for."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from CardioScarLib.alignment import find_shifts
from CardioScarLib.benchmark import make_case
from CardioScarLib.cli.main import main
from CardioScarLib.io.meshes import MeshFile, write_mesh
from CardioScarLib.io.vtk_files import grid_from

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
import sunnybrook_psir  # noqa: E402

TETRAHEDRON = 10
"""As VTK numbers its cells."""


def as_volume(stack, pixel_type) -> sitk.Image:
    first, step = stack.slices[0], stack.slices[1].origin - stack.slices[0].origin
    image = sitk.GetImageFromArray(np.stack([one.pixels for one in stack]).astype(pixel_type))
    axes = [first.column_step, first.row_step, step]
    image.SetSpacing([float(np.linalg.norm(axis)) for axis in axes])
    image.SetOrigin(first.origin.tolist())
    image.SetDirection(np.column_stack([axis / np.linalg.norm(axis) for axis in axes]).ravel().tolist())
    return image


@pytest.fixture(scope="module")
def a_case():
    return make_case("X", 101, nodes=4000)


@pytest.fixture(scope="module")
def files(a_case, tmp_path_factory):
    """--mesh-vtk and --image of the case; the mask lies beside them."""
    folder = tmp_path_factory.mktemp("case")
    sitk.WriteImage(as_volume(a_case.stack, np.float32), str(folder / "slices.nrrd"))
    sitk.WriteImage(as_volume(a_case.myocardium, np.uint8), str(folder / "mask.nrrd"))
    cells = a_case.wall.tetrahedra
    grid = grid_from(a_case.wall.nodes, np.full(len(cells), TETRAHEDRON), np.arange(0, cells.size + 1, 4), cells.ravel())
    write_mesh(MeshFile(folder / "wall.vtu", grid, a_case.wall, "lps", "mm"), {}, folder / "wall.vtu")
    return folder


def words(files: Path, *more) -> list[str]:
    given = ("--mesh-vtk", files / "wall.vtu", "--image", files / "slices.nrrd", "--slice-thickness", 8, *more)
    return [str(word) for word in given]


@pytest.mark.slow
def test_align_says_what_the_library_finds_and_writes_nothing(a_case, files, capsys):
    before = sorted(files.iterdir())
    assert main(["align", *words(files, "--align", "mask", "--align-from", files / "mask.nrrd", "--json")]) == 0
    said = json.loads(capsys.readouterr().out)
    expected = find_shifts(a_case.stack, a_case.wall, "mask", mask=a_case.myocardium)
    assert [one["shift"] for one in said["slices"]] == [pytest.approx(one.shift, abs=0.01) for one in expected.slices]
    assert main(["align", *words(files, "--align", "mask", "--align-from", files / "mask.nrrd")]) == 0
    table = capsys.readouterr().out
    assert table.count("\n") == 1 + len(a_case.stack) and "The middle plane of the slice misses the LV wall." in table
    assert sorted(files.iterdir()) == before


@pytest.mark.slow
def test_reconstruct_moves_slices_only_when_asked_and_keeps_the_shifts(files, tmp_path, capsys):
    quick = ("--preset", "preview", "--keep-names", "--json")
    asked = ("--align", "mask", "--align-from", files / "mask.nrrd")
    assert main(["reconstruct", *words(files, "--output", tmp_path / "moved.vtu", *asked, *quick)]) == 0
    moved = json.loads(capsys.readouterr().out)
    assert moved["summary"]["alignment"]["source"] == "mask"
    assert len(moved["summary"]["alignment"]["slices"]) == moved["summary"]["slices"]
    assert [one["name"] for one in moved["provenance"]["inputs"]] == ["wall.vtu", "slices.nrrd", "mask.nrrd"]
    assert "The slices were moved by these shifts." in moved["provenance"]["notes"]
    assert json.loads((tmp_path / "moved.vtu.json").read_text())["summary"]["alignment"] == moved["summary"]["alignment"]
    assert main(["reconstruct", *words(files, "--output", tmp_path / "as_is.vtu", *quick)]) == 0
    as_is = json.loads(capsys.readouterr().out)
    assert as_is["summary"]["alignment"] is None and not any("moved" in note for note in as_is["provenance"]["notes"])


@pytest.mark.parametrize(
    "flags, sentence",
    [
        (("--align-from", "mask.nrrd"), "add --align mask or --align contours"),
        (("--align", "mask"), "needs the label map of the myocardium after --align-from"),
        (("--align", "contours"), "needs the contour files"),
        (("--align", "image", "--align-from", "mask.nrrd"), "uses the slices themselves"),
        (("--align", "image"), "is blank around the myocardium|not clearly brighter than myocardium"),
        (("--align", "mask", "--align-from", "mask.nrrd", "--largest-shift", "0"), "Maximum shift: 0 is out of range"),
        (("--align", "mask", "--align-from", "mask.nrrd", "--wall-labels", "5"), "No pixel of the mask has the label 5"),
    ],
)
def test_flags_that_make_no_sense_are_answered_in_one_sentence(files, tmp_path, capsys, flags, sentence):
    flags = [files / word if word.endswith(".nrrd") else word for word in flags]
    assert main(["reconstruct", *words(files, "--output", tmp_path / "out.vtu", *flags)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("Error: ") and said.count("\n") == 1
    assert any(part in said for part in sentence.split("|"))
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_real_image_whose_wall_is_in_place_hardly_moves():
    stack = sunnybrook_psir.load_stack()
    found = find_shifts(stack, sunnybrook_psir.hand_placed_wall(stack), "image")
    assert max(one.distance for one in found.slices) < 0.5
    assert found.common == (0.0, 0.0, 0.0)
