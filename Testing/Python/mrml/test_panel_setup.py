"""Opening the panel, what it needs, and reading its code again."""

import ast
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import qt
import slicer
from CardioScarMRML import addPhantomNodes
from CardioScarPanel import dependencies
from conftest import HERE, ROOT
from panels import choose, chosen, click, wait_for

from CardioScar import CardioScarWidget
from CardioScarLib.core.errors import MissingPackage, OutOfMemory


def environment() -> dict[str, str]:
    """Of a process that finds the module, the stand-ins and what helps tests."""
    folders = [ROOT, ROOT / "CardioScar", HERE.parent / "stubs", HERE.parent, HERE]
    return os.environ | {"PYTHONPATH": os.pathsep.join(map(str, folders)), "QT_QPA_PLATFORM": "offscreen"}


@pytest.fixture(scope="module")
def opened():
    """The panel, opened in a process of its own."""
    done = subprocess.run([sys.executable, HERE / "open_panel.py"], env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_panel_opens_without_heavy_packages_and_looks_at_its_nodes_once(opened):
    assert opened["heavy"] == []
    assert opened["calls"] == {"stackFromVolumeNode": 1, "wallFromModelNode": 1, "check_geometry": 1, "slice_views": 1}
    assert opened["read"] == [] and opened["started"] == []
    assert opened["lines"] < 500_000  # 240,000 and no loop over nodes or pixels


def test_an_older_slicer_is_told_so_in_one_sentence(a_scene, a_parent, monkeypatch):
    monkeypatch.setattr(slicer.app, "majorVersion", 5, raising=False)
    monkeypatch.setattr(slicer.app, "minorVersion", 10, raising=False)
    before = a_scene.GetNumberOfNodes()
    widget = CardioScarWidget(a_parent)
    widget.setup()
    widget.enter()
    shown = [child.text for child in a_parent.findChildren(type(a_parent.layout().itemAt(0).widget()))]
    assert shown == ["CardioScar needs 3D Slicer 5.12 or later; this is 5.10. Install a newer Slicer to use it."]
    widget.exit()
    widget.cleanup()
    assert a_scene.GetNumberOfNodes() == before
    monkeypatch.setattr(slicer.app, "minorVersion", 12, raising=False)
    assert dependencies.slicerIsTooOld() == ""


def test_the_python_of_an_older_slicer_gets_as_far_as_that_sentence(opened):
    """Slicer 5.8 has Python 3.9: what is read before the sentence must do without what is newer."""
    assert len(opened["own"]) > 30
    for path in map(Path, opened["own"]):
        tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        assert not any(alias.name == "pairwise" for node in imports for alias in node.names), path
        if any(node.module == "__future__" for node in imports):
            continue
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        kinds = [node.annotation for node in ast.walk(tree) if isinstance(node, (ast.arg, ast.AnnAssign)) and node.annotation]
        kinds += [function.returns for function in functions if function.returns]
        assert not any(isinstance(part, ast.BinOp) for kind in kinds for part in ast.walk(kind)), path  # as in X | None


def test_what_slicer_reads_at_its_start_needs_nothing_that_python_3_9_lacks(opened):
    """Slicer reads `CardioScar.py` whenever it starts, an older one, too; the panel says that it is too old when it is opened."""
    code = "import sys, CardioScar; print(*[one.__file__ for name, one in sys.modules.items() if name.startswith('CardioScar')], sep='\\n')"
    read = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True)
    assert read.returncode == 0, read.stderr
    paths = read.stdout.splitlines()
    assert 20 < len(paths) < len(opened["own"])
    newer = {"NoneType", "UnionType", "TypeAlias", "ParamSpec"}
    for path in map(Path, paths):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
        calls = [call for call in ast.walk(tree) if isinstance(call, ast.Call) and "dataclass" in ast.unparse(call.func)]
        keywords = {word.arg for call in calls for word in call.keywords}
        assert not imported & newer and not keywords & {"kw_only", "slots"}, path
    assert not any(path.endswith("parameter_node.py") for path in paths)  # reads types such as float | None


# --- PyTorch -------------------------------------------------------------------------------------------------------


@pytest.fixture
def without_torch(monkeypatch):
    """torch is not there; `extension()` makes the PyTorch extension appear, `installed` keeps what it was asked."""
    find_spec, found = importlib.util.find_spec, SimpleNamespace(modules=set(), asked=[], answer=True, installed=[])

    def find(name, *package):
        if name in ("torch", "PyTorchUtils"):
            return name if name in found.modules else None
        return find_spec(name, *package)

    monkeypatch.setattr(importlib.util, "find_spec", find)

    def ask(text, windowTitle=None):
        found.asked.append(text)
        return found.answer

    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", ask, raising=False)

    class PyTorchUtilsLogic:
        def installTorch(self, askConfirmation=False, forceComputationBackend=None, torchVersionRequirement=None):
            found.installed.append((askConfirmation, torchVersionRequirement))
            if found.answer == "broken":
                return None
            if found.answer == "offline":
                raise RuntimeError("Could not reach pypi.org")
            found.modules.add("torch")
            return object()

    def extension():
        module = ModuleType("PyTorchUtils")
        module.PyTorchUtilsLogic = PyTorchUtilsLogic
        monkeypatch.setitem(sys.modules, "PyTorchUtils", module)
        found.modules.add("PyTorchUtils")

    found.extension = extension
    return found


def test_torch_is_asked_for_once_and_installed_by_its_extension(without_torch):
    without_torch.extension()
    assert "you will be asked" in dependencies.torchInWords()
    assert dependencies.ensureTorch()
    assert len(without_torch.asked) == 1 and without_torch.installed == [(False, ">=2.13,<3")]
    assert dependencies.ensureTorch() and len(without_torch.asked) == 1


def test_a_person_may_decline(without_torch):
    without_torch.extension()
    without_torch.answer = False
    assert not dependencies.ensureTorch() and not without_torch.installed


def test_why_an_installation_failed_is_said(without_torch):
    without_torch.extension()
    without_torch.answer = "offline"
    with pytest.raises(MissingPackage, match="Could not reach pypi.org"):
        dependencies.ensureTorch()


@pytest.mark.parametrize("what", ["no extension", "a broken installation"])
def test_what_cannot_be_installed_is_said_in_one_sentence(without_torch, what):
    if what != "no extension":
        without_torch.extension()
        without_torch.answer = "broken"
    assert ("you will be asked" in dependencies.torchInWords()) == (what != "no extension")
    assert ("Extensions Manager" in dependencies.torchInWords()) == (what == "no extension")
    with pytest.raises(MissingPackage) as error:
        dependencies.ensureTorch()
    assert "PyTorch" in str(error.value) and "'Field'" in str(error.value)


def test_only_the_network_needs_torch(a_panel, a_scene, a_phantom, a_fake_reconstruct, without_torch):
    addPhantomNodes(a_scene, a_phantom)
    a_panel.enter()
    click(a_panel.ui.applyButton)
    assert len(a_fake_reconstruct.calls) == 1 and not without_torch.asked
    choose(a_panel.ui.modelComboBox, "network")
    assert "not installed" in a_panel.ui.deviceLabel.text
    click(a_panel.ui.applyButton)
    assert "extension 'PyTorch'" in a_panel.ui.statusLabel.text
    assert "Extensions Manager" in a_panel.ui.deviceLabel.text and "Extensions Manager" in a_panel.ui.statusLabel.text
    without_torch.extension()
    without_torch.answer = False
    click(a_panel.ui.applyButton)
    assert a_panel.ui.statusLabel.text == "" and a_panel.ui.applyButton.text == "Apply"
    assert len(a_fake_reconstruct.calls) == 1
    without_torch.answer = True
    click(a_panel.ui.applyButton)
    assert len(a_fake_reconstruct.calls) == 2 and a_fake_reconstruct.calls[1][2].model.model == "network"


@pytest.mark.slow
def test_what_the_network_would_run_on_is_looked_up_in_the_background(a_panel):
    pytest.importorskip("torch")
    label = a_panel.ui.deviceLabel
    assert label.text == ""
    choose(a_panel.ui.modelComboBox, "network")
    assert label.text == "Looking for a GPU..."
    wait_for(lambda: label.text != "Looking for a GPU...", 60)
    assert "CPU" in label.text or "GPU" in label.text
    found = label.text
    choose(a_panel.ui.modelComboBox, "field")
    choose(a_panel.ui.modelComboBox, "network")
    assert label.text == found


# --- developer mode ------------------------------------------------------------------------------------------------


def test_reload_reads_the_library_again_too(a_panel, a_parent, a_scene, a_phantom, monkeypatch):
    """Slicer's part of it as in slicer.util.reloadScriptedModule: the file is run again, then the panel is made anew."""
    packages = ("CardioScar", "CardioScarLib", "CardioScarMRML", "CardioScarPanel")
    own = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in packages}
    new = []

    def reloadScriptedModule(name):
        spec = importlib.util.spec_from_file_location(name, ROOT / "CardioScar" / "CardioScar.py")
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
        a_panel.cleanup()
        new.append(sys.modules[name].CardioScarWidget(a_parent))
        new[0].setup()
        new[0].enter()

    monkeypatch.setattr(slicer.util, "reloadScriptedModule", reloadScriptedModule)
    addPhantomNodes(a_scene, a_phantom)
    choose(a_panel.ui.presetComboBox, "fine")
    try:
        a_panel.onReload()
        for name in ("CardioScarLib.core.errors", "CardioScarMRML.logic", "CardioScarPanel.words"):
            assert sys.modules[name] is not own[name]
        assert new[0].ui.applyButton.enabled and chosen(new[0].ui.presetComboBox) == "fine"
        choose(new[0].ui.presetComboBox, "preview")
        assert chosen(a_panel.ui.presetComboBox) == "fine"  # the old one is let go of
        new[0].cleanup()
    finally:
        sys.modules.update(own)


# --- a GPU that is too small ---------------------------------------------------------------------------------------


def test_a_run_that_filled_the_gpu_is_repeated_on_the_cpu_by_one_click(a_panel, a_scene, a_phantom, a_fake_reconstruct, without_torch):
    without_torch.modules.add("torch")
    addPhantomNodes(a_scene, a_phantom)
    a_panel.enter()
    qt.QApplication.processEvents()
    ui = a_panel.ui
    choose(ui.modelComboBox, "network")
    a_fake_reconstruct.error = OutOfMemory("The GPU's memory does not hold even the smallest batch.")
    click(ui.applyButton)
    assert ui.retryButton.isVisible() and "GPU's memory" in ui.statusLabel.text
    a_fake_reconstruct.error = None
    click(ui.retryButton)
    assert ui.statusLabel.text.startswith("Done.") and not ui.retryButton.isVisible()
    assert a_fake_reconstruct.calls[-1][2].model.network.device == "cpu"
    a_fake_reconstruct.error = MissingPackage("The model 'network' needs PyTorch: `pip install torch`.")
    click(ui.applyButton)
    assert "pip install" not in ui.statusLabel.text and "PyTorch Util" in ui.statusLabel.text and not ui.retryButton.isVisible()
