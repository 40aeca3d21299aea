"""A scene saved as .mrb and opened by another process."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import slicer
from CardioScarMRML import CardioScarCase
from node_values import map_on

from CardioScar import CardioScarLogic
from CardioScarLib.report.colors import NOT_OBSERVED

READER = Path(__file__).with_name("read_scene.py")


@pytest.fixture
def reopened(a_scene, a_case, a_fake_reconstruct, tmp_path):
    """Saves the scene, opens it in a fresh process, and returns what that process sees as a dict."""

    def save_and_open():
        logic = CardioScarLogic(a_fake_reconstruct)
        parameters = logic.getParameterNode()
        parameters.lgeVolume, parameters.lvModel = a_case
        parameters.model.preset = "fine"
        logic.reconstruct(CardioScarCase(*a_case))
        path = tmp_path / "case.mrb"
        assert a_scene.WriteToMRB(str(path))
        read = subprocess.run([sys.executable, str(READER), str(path)], capture_output=True, text=True, timeout=120)
        assert read.returncode == 0, read.stderr
        return json.loads(read.stdout.strip().splitlines()[-1])

    return save_and_open


@pytest.mark.slow
def test_a_saved_scene_opens_as_it_was(reopened, a_case, a_phantom, a_fake_reconstruct):
    a_fake_reconstruct.observed[:50] = 0
    seen = reopened()
    assert np.allclose(seen["arrays"]["scar_probability"], map_on(a_case[1]))
    assert np.allclose(seen["arrays"]["scar_uncertainty"], 0.1)
    assert seen["arrays"]["scar_observed"] == a_fake_reconstruct.observed.tolist()
    assert np.allclose(seen["points"], slicer.util.arrayFromModelPoints(a_case[1]), atol=1e-4)
    assert seen["active"] == "scar_shown"
    assert seen["range"] == [0.0, 1.0] and seen["range_is_manual"]
    assert seen["scalars_visible"]
    assert seen["color_node"] == "CardioScar Probability (partly observed)"
    assert np.allclose(seen["first_color"], NOT_OBSERVED, atol=0.01)
    assert np.allclose(seen["last_color"], [0.992, 0.906, 0.145], atol=0.01)
    assert seen["legend"] == ["Scar probability\n(gray: unseen)", 6, "%.1f", True]


@pytest.mark.slow
def test_provenance_and_choices_survive(reopened, a_case):
    seen = reopened()
    for name in ("Provenance", "Summary", "Quantities", "Arrays"):
        assert seen["attributes"][f"CardioScar.{name}"] == a_case[1].GetAttribute(f"CardioScar.{name}")
    assert json.loads(seen["attributes"]["CardioScar.Provenance"])["settings"]["model"]["seed"] == 0
    assert seen["thickness"] == a_case[0].GetAttribute("CardioScar.SliceThickness")
    assert seen["parameters"] == {"model": "field", "preset": "fine", "lgeVolume": a_case[0].GetName(), "lvModel": a_case[1].GetName()}


@pytest.mark.slow
def test_a_run_in_the_reopened_scene_makes_no_second_color_table(reopened):
    assert reopened()["color_tables_after_another_run"] == 1
