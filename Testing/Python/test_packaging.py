"""What Slicer's build and its extension index need to know is typed by hand; this says when it is out of date."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("CardioScar", "CardioScarLib")
PACKAGED = {".py", ".ui", ".png", ".svg", ".txt", ".csv", ".json", ".gz"}


def files_of(package: str) -> set[str]:
    folder = ROOT / package
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.as_posix() for path in files if path.suffix in PACKAGED and path.name != "CMakeLists.txt"}


def listed_in_cmake(package: str) -> list[str]:
    text = (ROOT / package / "CMakeLists.txt").read_text()
    blocks = re.findall(r"set\(MODULE_PYTHON_(?:SCRIPTS|RESOURCES)\s(.*?)\)", text, re.DOTALL)
    return " ".join(blocks).replace("${MODULE_NAME}", package).split()


@pytest.mark.parametrize("package", PACKAGES)
def test_every_file_is_listed_once_and_every_listed_file_exists(package):
    listed = listed_in_cmake(package)
    assert len(listed) == len(set(listed))
    assert set(listed) == files_of(package)


def test_the_module_file_is_the_only_script_beside_itself():
    assert [path.name for path in (ROOT / "CardioScar").glob("*.py")] == ["CardioScar.py"]


def test_the_library_is_installed_as_a_folder_beside_the_module():
    assert "WITH_SUBDIR" in (ROOT / "CardioScarLib" / "CMakeLists.txt").read_text()
    assert "WITH_SUBDIR" not in (ROOT / "CardioScar" / "CMakeLists.txt").read_text()


def test_the_extension_describes_itself_in_literals_as_the_module_does():
    text = (ROOT / "CMakeLists.txt").read_text()
    assert re.search(r"^project\(CardioScar\)$", text, re.MULTILINE)
    found = dict(re.findall(r'^set\(EXTENSION_(\w+) "([^"$]+)"\)', text, re.MULTILINE))
    assert set(found) >= {"HOMEPAGE", "CATEGORY", "CONTRIBUTORS", "DESCRIPTION", "ICONURL", "SCREENSHOTURLS", "DEPENDS"}
    module = (ROOT / "CardioScar" / "CardioScar.py").read_text(encoding="utf-8")
    assert re.search(r'categories = \[translate\("\w+", "(\w+)"\)\]', module)[1] == found["CATEGORY"]
    asked_for = (ROOT / "CardioScar" / "CardioScarPanel" / "dependencies.py").read_text(encoding="utf-8")
    assert re.search(r"needs the extension '(\w+)'", asked_for)[1] == found["DEPENDS"]
    for address in [found["ICONURL"], *found["SCREENSHOTURLS"].split()]:
        picture = re.fullmatch(r"https://\S+?/main/(\S+\.png)", address)
        assert (ROOT / picture[1]).is_file()
    assert "research use only" in found["DESCRIPTION"].lower()
    for folder in PACKAGES:
        assert f"add_subdirectory({folder})" in text
    order = [text.index(part) for part in ("find_package(Slicer", "Slicer_USE_FILE", "NEXT_MODULE", "GENERATE_CONFIG", "EXTENSION_CPACK")]
    assert order == sorted(order)


def test_the_self_test_and_the_generic_tests_are_registered():
    text = (ROOT / "CardioScar" / "CMakeLists.txt").read_text()
    assert "WITH_GENERIC_TESTS" in text and "slicer_add_python_unittest(SCRIPT ${MODULE_NAME}.py)" in text


@pytest.mark.parametrize("path", ["Resources/CardioScar.png", "CardioScar/Resources/Icons/CardioScar.png"])
def test_icons_are_128_pixels_square(path):
    header = (ROOT / path).read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    assert (int.from_bytes(header[16:20], "big"), int.from_bytes(header[20:24], "big")) == (128, 128)


def test_the_panel_hands_its_scene_to_every_node_selector():
    tree = ElementTree.parse(ROOT / "CardioScar/Resources/UI/CardioScar.ui")
    top = tree.find("widget")
    assert top.get("class") == "qMRMLWidget"
    selectors = {widget.get("name") for widget in tree.iter("widget") if widget.get("class") == "qMRMLNodeComboBox"}
    wires = {
        wire.findtext("receiver")
        for wire in tree.iter("connection")
        if (wire.findtext("sender"), wire.findtext("signal")) == (top.get("name"), "mrmlSceneChanged(vtkMRMLScene*)")
    }
    assert selectors and wires == selectors


def test_the_library_knows_nothing_of_slicer():
    forbidden = re.compile(r"^\s*(?:import|from)\s+(slicer|qt|ctk|CardioScarMRML)\b", re.MULTILINE)
    scripts = [ROOT / "CardioScarLib" / name for name in files_of("CardioScarLib") if name.endswith(".py")]
    guilty = [path.name for path in scripts if forbidden.search(path.read_text())]
    assert not guilty
