"""Cases of a batch as Slicer scenes, made by a process that has neither an application nor a window."""

import json
import os
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import slicer
from CardioScarMRML import CardioScarCase, batch, case_scene, stackFromVolumeNode, wallFromModelNode
from CardioScarMRML.audits import auditIsAbout, auditOf
from CardioScarMRML.choices import describedChoices
from CardioScarMRML.fields import resultFor
from node_values import map_on

from CardioScarLib.cli.phantom_files import write_phantom
from CardioScarLib.cli.reconstruct import reconstruct
from CardioScarLib.cohort import find_cases
from CardioScarLib.core.settings import ModelSettings, ReadingSettings, ReconstructionSettings
from CardioScarLib.io.results import Targets, read_result, write_result
from CardioScarLib.phantom import phantom_case
from CardioScarLib.reconstruction.posteriors import POSTERIORS
from CardioScarLib.self_audit import Audit

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
    choices = ["--output", str(output), "--model", "nearest", "--scene", "--keep-names"]
    command = [sys.executable, str(SCRIPT), str(a_phantom_on_disk[0]), *choices]
    environment = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return output


@pytest.mark.slow
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
    assert json.loads(model.GetAttribute("CardioScar.Provenance"))["inputs"][0]["name"] == "wall.vtu"
    burden = float(model.GetNodeReference("CardioScar.Results").GetTable().GetColumnByName("Scar burden").GetVariantValue(0).ToString())
    record = json.loads((a_batch / "P1" / "P1.vtu.json").read_text())
    assert burden == pytest.approx(record["quantities"]["scar_burden_percent"]["value"], rel=1e-4)


def test_a_scene_that_is_up_to_date_is_not_made_again_and_a_missing_one_is(a_scene, a_batch, a_phantom_on_disk):
    scene_file = a_batch / "P1" / "P1.mrb"
    before = scene_file.stat().st_mtime_ns
    words = [str(a_phantom_on_disk[0]), "--output", str(a_batch), "--model", "nearest", "--scene", "--keep-names"]
    assert batch.main(words) == 0
    assert scene_file.stat().st_mtime_ns == before
    scene_file.unlink()
    assert batch.main(words) == 0
    assert scene_file.is_file() and not list(scene_file.parent.glob(".cardioscar-*"))


def test_in_the_scene_of_a_case_audit_and_advice_need_no_fit(a_scene, a_phantom_on_disk, tmp_path):
    """And an audit that the batch has made is about what the panel would choose."""
    words = [str(a_phantom_on_disk[0]), "--output", str(tmp_path), "--preset", "preview", "--samples", "4", "--scene", "--keep-names"]
    assert batch.main(words) == 0
    assert a_scene.ReadFromMRB(str(tmp_path / "P1" / "P1.mrb"), True)
    model, volume = a_scene.GetFirstNodeByName("P1 LV wall"), a_scene.GetFirstNodeByName("P1 LGE")
    assert auditOf(model) is None
    result = read_result(tmp_path / "P1" / "P1.vtu", POSTERIORS)
    case, settings = CardioScarCase(volume, model), result.settings
    assert resultFor(model, case.read(), settings).quantities == result.quantities
    assert resultFor(model, case.read(), replace(settings, model=ModelSettings())) is None

    found = Audit("green", "The slices predict each other well.", ())
    write_result(replace(result, audit=found), Targets(tmp_path / "P1" / "P1.vtu"), POSTERIORS, overwrite=True)
    (tmp_path / "P1" / "P1.mrb").unlink()
    case_scene.saveCaseScene(find_cases(a_phantom_on_disk[0])[0], tmp_path / "P1" / "P1.vtu")
    assert a_scene.ReadFromMRB(str(tmp_path / "P1" / "P1.mrb"), True)
    case = CardioScarCase(a_scene.GetFirstNodeByName("P1 LGE"), a_scene.GetFirstNodeByName("P1 LV wall"))
    assert auditOf(case.lvModelNode) == found
    assert auditIsAbout(case.lvModelNode, case.about(settings))
    assert not auditIsAbout(case.lvModelNode, replace(case, sliceIndices=[2, 3]).about(settings))


def test_every_choice_of_the_command_line_is_one_of_the_batch(tmp_path):
    """As `cardioscar reconstruct` has them."""
    of_batch = {flag for action in batch._parser()._actions for flag in action.option_strings}
    of_command = {flag for option in reconstruct.params for flag in option.opts if flag.startswith("--")}
    described = {one.description.flag for kind in batch.CHOICES for _, _, one in describedChoices(((kind, ""),))} - {None}
    assert described <= of_batch and described & of_command > {"--scar-labels", "--slice-thickness", "--preset", "--device"}
    assert not (described & of_command) - of_batch


def test_choices_reach_the_settings_and_what_is_not_allowed_is_one_sentence(a_phantom_on_disk, tmp_path, capsys):
    words = [str(a_phantom_on_disk[0]), "--output", str(tmp_path), "--scar-labels", "3,4", "--mesh-unit", "um", "--pixel-support", "prism"]
    arguments = batch._parser().parse_args(words)
    settings = batch._settings(arguments, ReconstructionSettings)
    assert settings.evidence.scar_labels == (3, 4) and settings.operator.pixel_support == "prism"
    assert settings == replace(ReconstructionSettings(), evidence=settings.evidence, operator=settings.operator) and batch._settings(
        arguments, ReadingSettings
    ) == ReadingSettings(mesh_unit="um")
    assert batch.main([*words, "--threshold", "2"]) == 2
    assert capsys.readouterr().err == "Error: Threshold: 2 is out of range; it must be between 0.01 and 0.99.\n"
    assert batch.main([*words[:3], "--scar-labels", "3;4"]) == 2 and "--scar-labels" in capsys.readouterr().err


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
    monkeypatch.setattr("CardioScarLib.cohort.find_cases", broken)
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), str(tmp_path), "--output", str(tmp_path / "results")])
    monkeypatch.setattr(sys, "path", list(sys.path))
    runpy.run_path(str(SCRIPT), run_name="__main__")  # as --python-script does
    assert told == [1] and "a fault of ours" in capsys.readouterr().err
