"""Numbers, reports and exports of a result in Python, and as tasks for the panel: what the command line gives."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from vtkmodules.util.numpy_support import numpy_to_vtk

import CardioScarLib as cs
from CardioScarLib.core.errors import BadSettings, UnwritableOutput
from CardioScarLib.core.packing import pack, unpack
from CardioScarLib.core.settings import ModelSettings, QuantifySettings
from CardioScarLib.io.maps import point_arrays
from CardioScarLib.io.meshes import mesh_of_wall, read_wall, write_mesh
from CardioScarLib.phantom import phantom_case
from CardioScarLib.tasks.export import ExportTask
from CardioScarLib.tasks.report import ReportTask
from CardioScarLib.tasks.sources import Written

CASE = phantom_case("W", seed=4, nodes=1000, pixel=4.0)


@pytest.fixture(scope="module")
def a_result():
    settings = replace(CASE.settings, model=ModelSettings(preset="preview", samples=8))
    return cs.reconstruct(cs.Case(CASE.stack, CASE.wall), settings)


def quietly(*_what, **_detail) -> None:
    """For tasks, which tell how far they are."""


def test_a_result_and_its_file_have_the_same_numbers(a_result, tmp_path):
    a_result.write(tmp_path / "map.vtu")
    few = QuantifySettings(samples=8)
    here, there = (cs.quantify(one, few).as_dict()["quantities"] for one in (a_result, tmp_path / "map.vtu"))
    assert here == there and here["core_mass_g"]["value"] > 0


def test_a_report_of_a_result_that_was_never_written(a_result, tmp_path):
    written = cs.write_report(a_result, tmp_path / "r", QuantifySettings(samples=4))
    assert [one.name for one in written.files] == ["report.html", "report.pdf", "numbers.json"]
    numbers = json.loads((tmp_path / "r" / "numbers.json").read_text())
    mass = cs.quantify(a_result, QuantifySettings(samples=4)).as_dict()["quantities"]["scar_mass_g"]
    assert numbers["quantities"]["scar_mass_g"] == mass
    assert (tmp_path / "r" / "report.pdf").read_bytes().startswith(b"%PDF-")
    with pytest.raises(UnwritableOutput):
        cs.write_report(a_result, tmp_path / "r", QuantifySettings(samples=4))


def test_an_export_of_a_result_that_was_never_written(a_result, tmp_path):
    written = cs.export(a_result, tmp_path / "e", ["mesh", "opencarp", "nrrd"])
    assert {one.name for one in written.files} >= {"scar_map.vtu", "scar.pts", "scar.elem", "scar_probability.nrrd"}
    arrays = point_arrays(read_wall(tmp_path / "e" / "scar_map.vtu"))
    np.testing.assert_array_equal(arrays["scar_probability"], a_result.arrays["scar_probability"])
    tags = [int(line.split()[-1]) for line in (tmp_path / "e" / "scar.elem").read_text().splitlines()[1:]]
    fraction = a_result.arrays["scar_probability"][CASE.wall.tetrahedra].astype(float).mean(axis=1)
    assert tags == np.where(fraction < 0.4, 1, np.where(fraction < 0.6, 2, 3)).tolist()


def test_an_unknown_format_is_refused_before_anything_is_written(a_result, tmp_path):
    with pytest.raises(BadSettings, match="no format 'carto'"):
        cs.export(a_result, tmp_path / "e", ["mesh", "carto"])
    assert not (tmp_path / "e").exists()


def test_tasks_come_back_from_a_child_as_they_went(a_result, tmp_path):
    """The mesh that travels beside the result brings the fibers that its case does not know."""
    mesh = mesh_of_wall(CASE.wall, tmp_path / "wall.vtu")
    directions = np.tile([0.0, 0.0, 2.0], (len(CASE.wall.tetrahedra), 1))
    array = numpy_to_vtk(directions, deep=True)
    array.SetName("fiber")
    mesh.dataset.GetCellData().AddArray(array)
    write_mesh(mesh, {"mine": np.arange(len(CASE.wall.nodes), dtype=float)}, tmp_path / "wall.vtu")
    task = ExportTask(a_result, folder=tmp_path / "e", kinds=("mesh", "opencarp"), mesh=tmp_path / "wall.vtu")
    back = unpack(ExportTask, *pack(task, task.variants), task.variants)
    written = back.run(quietly)
    assert unpack(Written, *pack(written)) == written
    arrays = point_arrays(read_wall(tmp_path / "e" / "scar_map.vtu"))
    assert arrays["mine"][7] == 7.0 and "scar_probability" in arrays
    assert (tmp_path / "e" / "scar.lon").read_text().splitlines()[1].split() == ["0", "0", "1"]
    task = ReportTask(a_result, folder=tmp_path / "r", quantify=QuantifySettings(samples=4))
    assert len(unpack(ReportTask, *pack(task, task.variants), task.variants).run(quietly).files) == 3
