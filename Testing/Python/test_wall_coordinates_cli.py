"""`cardioscar coordinates`: meshes of any origin, in files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from CardioScarLib.cli.main import main
from CardioScarLib.core.wall import Wall
from CardioScarLib.io.meshes import MeshFile, read_mesh, write_mesh
from CardioScarLib.io.vtk_files import grid_from, points_of
from CardioScarLib.phantom.ellipsoid import Ellipsoids
from CardioScarLib.wall.surfaces import ENDO, EPI, wall_surfaces

BODY = Ellipsoids()


@pytest.fixture(scope="module")
def a_wall() -> Wall:
    return Wall.from_tetrahedra(*BODY.mesh(2000, seed=1))


@pytest.fixture(scope="module")
def a_file(a_wall, tmp_path_factory) -> Path:
    return written(a_wall, tmp_path_factory.mktemp("inputs") / "wall.vtu")


def written(wall: Wall, path: Path, **arrays) -> Path:
    cells = wall.tetrahedra
    grid = grid_from(wall.nodes, np.full(len(cells), 10), np.arange(0, cells.size + 1, 4), cells.ravel())
    fiber = numpy_to_vtk(np.ones((len(wall.nodes), 3)), deep=True)
    fiber.SetName("fiber")
    grid.GetPointData().AddArray(fiber)
    write_mesh(MeshFile(path, grid, wall, "lps", "mm"), arrays, path)
    return path


def coordinates(*words) -> int:
    return main(["coordinates", *(str(word) for word in words)])


def array_of(path: Path, name: str) -> np.ndarray:
    return vtk_to_numpy(read_mesh(path).GetPointData().GetArray(name))


def test_a_mesh_gets_its_coordinates_and_keeps_what_it_has(a_wall, a_file, tmp_path, capsys):
    assert coordinates(a_file, "--output", tmp_path / "out.vtu") == 0
    out = tmp_path / "out.vtu"
    assert np.abs(array_of(out, "wall_transmural") - BODY.coordinates(a_wall.nodes)[0]).mean() < 0.005
    assert array_of(out, "wall_apicobasal")[np.argmin(a_wall.nodes[:, 2])] < 0.05 and array_of(out, "fiber").shape == (len(a_wall.nodes), 3)
    assert np.median(array_of(out, "wall_thickness")) == pytest.approx(8.8, abs=0.3)
    assert np.array_equal(points_of(read_mesh(out)), points_of(read_mesh(a_file)))
    said = capsys.readouterr()
    assert "no inverted cell; surface closed and manifold." in said.out and str(out) in said.out
    assert "starts where it faces the patient's right" in said.err
    record = json.loads((tmp_path / "out.vtu.json").read_text())
    assert record["provenance"]["inputs"][0]["name"].startswith("input-") and record["summary"]["quality"]["nodes"] == len(a_wall.nodes)


def test_the_angle_starts_where_it_is_told_to(a_wall, a_file, tmp_path, capsys):
    node = int(np.argmax(a_wall.nodes[:, 1]))
    place = ",".join(f"{one:.3f}" for one in a_wall.nodes[node])
    assert coordinates(a_file, "--output", tmp_path / "out.vtk", "--start", place, "--json") == 0
    said = capsys.readouterr()
    assert np.cos(array_of(tmp_path / "out.vtk", "wall_circumferential")[node]) > 0.999
    assert json.loads(said.out)["outputs"][0] == str(tmp_path / "out.vtk")
    assert "patient's right" not in said.err
    assert coordinates(a_file, "--output", tmp_path / "none.vtu", "--start", "1,2") == 2
    assert "three numbers" in capsys.readouterr().err
    assert coordinates(a_file, "--output", tmp_path / "none.vtu", "--start", "900,0,0") == 2
    assert "mm away from the wall" in capsys.readouterr().err
    assert not (tmp_path / "none.vtu").exists()


def test_regions_in_the_file_are_believed(a_wall, tmp_path, capsys):
    surfaces = wall_surfaces(a_wall)
    region = np.zeros(len(a_wall.nodes), dtype=np.uint8)
    region[surfaces.part_nodes(EPI)], region[surfaces.part_nodes(ENDO)] = ENDO, EPI  # the wrong way round, on purpose
    written(a_wall, tmp_path / "labeled.vtu", wall_region=region)
    assert coordinates(tmp_path / "labeled.vtu", "--output", tmp_path / "out.vtu") == 0
    turned = array_of(tmp_path / "out.vtu", "wall_transmural")
    assert np.corrcoef(turned, BODY.coordinates(a_wall.nodes)[0])[0, 1] < -0.95
    assert coordinates(tmp_path / "labeled.vtu", "--output", tmp_path / "other.vtu", "--regions", "zones") == 2
    assert "has no point array zones" in capsys.readouterr().err


def test_what_cannot_be_done_is_said_and_nothing_is_written(a_file, tmp_path, capsys):
    solid = Wall.from_tetrahedra(np.array([[0, 0, 0], [20, 0, 0], [0, 20, 0], [0, 0, 20.0]]), [[0, 1, 2, 3]])
    assert coordinates(written(solid, tmp_path / "solid.vtu"), "--output", tmp_path / "out.vtu") == 2
    assert "cannot be distinguished" in capsys.readouterr().err
    (tmp_path / "there.vtu").write_text("kept")
    assert coordinates(a_file, "--output", tmp_path / "there.vtu") == 2
    assert "--overwrite" in capsys.readouterr().err and (tmp_path / "there.vtu").read_text() == "kept"
    assert coordinates(a_file, "--output", a_file, "--overwrite") == 2
    assert "is one of the files that are read" in capsys.readouterr().err
    assert coordinates(tmp_path / "missing.vtu", "--output", tmp_path / "out.vtu") == 2
    assert coordinates(a_file, "--output", tmp_path / "out.stl") == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["solid.vtu", "there.vtu"]
