"""The checks for a real Slicer, as far as the stand-ins go: that they pass here, and notice what is broken."""

import importlib.util
from pathlib import Path

import pytest
import qt
import slicer

SCRIPT = Path(__file__).resolve().parents[2] / "Slicer" / "check_in_slicer.py"


@pytest.fixture
def the_script(monkeypatch):
    spec = importlib.util.spec_from_file_location("check_in_slicer", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(slicer.app, "processEvents", qt.QApplication.processEvents, raising=False)
    return module


@pytest.mark.slow
def test_the_checks_of_the_panel_pass_here(a_panel, the_script, tmp_path, capsys, monkeypatch):
    for name in (
        "check08_StackIsAudited",
        "check08b_ANewWallIsSeenInsteadOfTheModelAndItsMap",
        "check08e_LogHasNoErrorOfOurs",
        "check09_SampleDataModuleOffersTheExamples",
        "check10_ReloadKeepsThePanelWorking",
        "check11_SelfTestPasses",
    ):
        monkeypatch.delattr(the_script.Checks, name)  # these need the application, or are tested elsewhere
    monkeypatch.delattr(the_script.Checks, "check01_NothingHeavyWasImported")  # other tests of this process may have
    for name, orientation in (("Red", "Axial"), ("Yellow", "Sagittal"), ("Green", "Coronal")):
        view = a_panel.parent.mrmlScene().AddNewNodeByClass("vtkMRMLSliceNode", name)
        view.SetLayoutName(name)
        view.SetDefaultOrientation(orientation)
    monkeypatch.setattr(a_panel, "logic", type(a_panel.logic)())  # the real one, with a child process
    assert the_script.run(the_script.Checks(a_panel, str(tmp_path))) == 0, capsys.readouterr().out
    assert (tmp_path / "panel.png").stat().st_size > 5000


def test_a_check_that_fails_is_counted_and_named(a_panel, the_script, tmp_path, capsys):
    class Broken(the_script.Checks):
        def __dir__(self):
            return ["check02_ApplySaysWhatIsMissing", "check99_Broken"]

        def check99_Broken(self):
            raise AssertionError("on purpose")

    assert the_script.run(Broken(a_panel, str(tmp_path))) == 1
    out = capsys.readouterr().out
    assert "passed  check02" in out and "FAILED  check99_Broken: AssertionError: on purpose" in out
