"""Cases of a batch as Slicer scenes, made by a process that has neither an application nor a window."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import slicer
from CardioScarMRML import CardioScarCase, batch, case_scene, stackFromVolumeNode, wallFromModelNode
from CardioScarMRML.audits import auditIsAbout, auditOf
from node_values import map_on

from CardioScar import CardioScarLogic
from CardioScarLib.batch import find_cases
from CardioScarLib.cli.phantom_files import write_phantom
from CardioScarLib.phantom import phantom_case
from CardioScarLib.settings import ReconstructionSettings

SCRIPT = Path(batch.__file__)


@pytest.fixture(scope="module")
def a_phantom_on_disk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cases") / "P1"
    folder.mkdir()
    phantom = phantom_case("B", seed=0, nodes=1200)
    write_phantom(phantom, folder)
    (folder / "truth.vtu").unlink()
    return folder.parent, phantom


@pytest.fixture(scope="module")
def a_batch(a_phantom_on_disk, tmp_path_factory):
    """Run as at night; the folder of the results."""
    output = tmp_path_factory.mktemp("results")
    command = [sys.executable, str(SCRIPT), str(a_phantom_on_disk[0]), "--output", str(output), "--model", "nearest", "--scene"]
    environment = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return output


def test_the_scene_of_a_case_opens_with_its_map_colors_table_and_slices(a_scene, a_batch, a_phantom_on_disk):
    phantom = a_phantom_on_disk[1]
    assert a_scene.ReadFromMRB(str(a_batch / "P1" / "P1.mrb"), True)
    model, volume = a_scene.GetFirstNodeByName("P1 LV wall"), a_scene.GetFirstNodeByName("P1 LGE")
    assert np.allclose(wallFromModelNode(model).nodes, phantom.wall.nodes, atol=1e-3)
    stack = stackFromVolumeNode(volume)
    assert len(stack) == len(phantom.stack) and np.allclose(stack.slices[3].pixels, phantom.stack.slices[3].pixels, atol=1e-5)
    assert np.allclose(stack.slices[3].origin, phantom.stack.slices[3].origin, atol=1e-3)
    assert 0 < map_on(model).max() <= 1
    display = model.GetDisplayNode()
    assert display.GetColorNode().GetName() == "CardioScar Probability" and display.GetScalarRange() == (0.0, 1.0)
    assert json.loads(model.GetAttribute("CardioScar.Run"))["inputs"][0]["name"] == "wall.vtu"
    burden = float(model.GetNodeReference("CardioScar.Results").GetTable().GetColumnByName("Scar burden").GetVariantValue(0).ToString())
    report = json.loads((a_batch / "P1" / "report.json").read_text())
    assert burden == pytest.approx(report["scar"]["scar_percent"], rel=1e-4)


def test_a_scene_that_is_up_to_date_is_not_made_again_and_a_missing_one_is(a_scene, a_batch, a_phantom_on_disk):
    scene_file = a_batch / "P1" / "P1.mrb"
    before = scene_file.stat().st_mtime_ns
    words = [str(a_phantom_on_disk[0]), "--output", str(a_batch), "--model", "nearest", "--scene"]
    assert batch.main(words) == 0
    assert scene_file.stat().st_mtime_ns == before
    scene_file.unlink()
    assert batch.main(words) == 0
    assert scene_file.is_file() and not list(scene_file.parent.glob(".cardioscar-*"))


def test_the_audit_of_a_case_is_in_its_scene_and_is_about_what_the_panel_would_choose(a_scene, a_batch, a_phantom_on_disk):
    found = {"light": "green", "sentence": "The slices predict each other well.", "claims": [], "suspects": [], "slices": []}
    case, folder = find_cases(a_phantom_on_disk[0])[0], a_batch / "P1"
    assert a_scene.ReadFromMRB(str(folder / "P1.mrb"), True)
    assert auditOf(a_scene.GetFirstNodeByName("P1 LV wall")) is None
    report, scene_file = json.loads((folder / "report.json").read_text()), (folder / "P1.mrb").read_bytes()
    (folder / "report.json").write_text(json.dumps(report | {"summary": report["summary"] | {"audit": found}}))
    try:
        (folder / "P1.mrb").unlink()
        case_scene.saveCaseScene(case, folder)
        assert a_scene.ReadFromMRB(str(folder / "P1.mrb"), True)
    finally:
        (folder / "report.json").write_text(json.dumps(report))
        (folder / "P1.mrb").write_bytes(scene_file)
    model, volume = a_scene.GetFirstNodeByName("P1 LV wall"), a_scene.GetFirstNodeByName("P1 LGE")
    assert auditOf(model) == found
    logic, settings = CardioScarLogic(), ReconstructionSettings.from_dict(report["settings"])
    assert auditIsAbout(model, logic.auditWouldBeAbout(CardioScarCase(volume, model), settings=settings))
    assert not auditIsAbout(model, logic.auditWouldBeAbout(CardioScarCase(volume, model, sliceIndices=[2, 3]), settings=settings))


def test_slices_that_are_no_volume_are_left_out_of_the_scene(a_phantom_on_disk):
    stack = a_phantom_on_disk[1].stack
    assert case_scene._isRegular(stack)
    assert not case_scene._isRegular(stack.select([0, 1, 3]))
    assert not case_scene._isRegular(stack.select([0]))


def test_inside_slicer_the_application_is_told_the_exit_code(monkeypatch):
    told = []
    monkeypatch.setattr(slicer.util, "exit", told.append)
    monkeypatch.setattr(slicer, "app", object(), raising=False)
    batch._exit(1)
    assert told == [1]
    monkeypatch.delattr(slicer, "app")
    with pytest.raises(SystemExit) as ended:
        batch._exit(1)
    assert ended.value.code == 1 and told == [1]


def test_a_fault_of_ours_ends_slicer_too(monkeypatch, capsys, tmp_path):
    def broken(folder):
        raise ZeroDivisionError("a fault of ours")

    told = []
    monkeypatch.setattr(slicer.util, "exit", told.append)
    monkeypatch.setattr(slicer, "app", object(), raising=False)
    monkeypatch.setattr("CardioScarLib.batch.find_cases", broken)
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), str(tmp_path), "--output", str(tmp_path / "results")])
    monkeypatch.setattr(sys, "path", list(sys.path))
    runpy.run_path(str(SCRIPT), run_name="__main__")  # as --python-script does
    assert told == [1] and "a fault of ours" in capsys.readouterr().err
