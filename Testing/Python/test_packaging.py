"""What Slicer's build and its extension index need to know is typed by hand; this says when it is out of date."""

import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("CardioScar", "CardioScarLib")
NOT_FOR_SLICER = ("benchmark/", "web/")
"""Of CardioScarLib: for Python installations only."""
PACKAGED = {".py", ".ui", ".png", ".svg", ".txt", ".csv", ".json", ".gz", ".typed", ".nrrd", ".vtu", ".md", ".safetensors"}


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
    assert set(listed) == {name for name in files_of(package) if not (package == "CardioScarLib" and name.startswith(NOT_FOR_SLICER))}


@pytest.mark.slow
def test_cmake_configures_the_extension_and_installs_what_is_listed(tmp_path):
    """With a stand-in for Slicer's build system; as in Slicer, the module and its library end up beside each other."""
    if not shutil.which("cmake") or not (shutil.which("cc") and shutil.which("c++")):
        pytest.skip("cmake and a compiler are not installed")
    build, installed = tmp_path / "build", tmp_path / "installed"
    configured = subprocess.run(
        ["cmake", "-S", ROOT, "-B", build, f"-DSlicer_DIR={ROOT / 'Testing' / 'CMake'}", "-DBUILD_TESTING=ON"],
        capture_output=True,
        text=True,
    )
    assert configured.returncode == 0, configured.stderr
    assert "Packed: CardioScar" in configured.stdout and "Warning" not in configured.stderr
    subprocess.run(["cmake", "--install", build, "--prefix", installed], check=True, capture_output=True)
    modules = installed / "lib" / "Slicer-5.13" / "qt-scripted-modules"
    found = {path.relative_to(modules).as_posix() for path in modules.rglob("*") if path.is_file()}
    assert found == {*listed_in_cmake("CardioScar"), *(f"CardioScarLib/{name}" for name in listed_in_cmake("CardioScarLib"))}
    assert (modules / "CardioScar.py").is_file() and (modules / "CardioScarLib" / "front_door.py").is_file()


def test_the_benchmark_and_the_browser_front_end_are_installed_by_pip_and_not_with_the_extension():
    assert not [name for name in listed_in_cmake("CardioScarLib") if name.startswith(NOT_FOR_SLICER)]
    text = (ROOT / "pyproject.toml").read_text()
    assert 'include = ["CardioScarLib*"]' in text
    for room, data in re.findall(r'"CardioScarLib\.(benchmark|web)" = \[(.*)\]', text):
        patterns = re.findall(r'"([^"]+)"', data)
        others = [path.relative_to(ROOT / "CardioScarLib" / room) for path in (ROOT / "CardioScarLib" / room).rglob("*.*")]
        others = {one.as_posix() for one in others if one.suffix not in (".py", ".pyc")}
        assert others == {path.relative_to(ROOT / "CardioScarLib" / room).as_posix() for one in patterns for path in globbed(room, one)}


def globbed(room: str, pattern: str) -> list[Path]:
    return [path for path in (ROOT / "CardioScarLib" / room).glob(pattern) if path.is_file()]


@pytest.mark.parametrize("room", ["benchmark", "web"])
def test_only_its_command_knows_of_what_the_extension_does_not_have(room):
    scripts = [name for name in listed_in_cmake("CardioScarLib") if name.endswith(".py")]
    knowing = [name for name in scripts if f"CardioScarLib.{room}" in (ROOT / "CardioScarLib" / name).read_text()]
    assert knowing == [f"cli/{room}.py"]


@pytest.fixture(scope="module")
def as_slicer_has_it(tmp_path_factory):
    """A folder with the library's files that Slicer installs; runs Python there, without this repository."""
    folder = tmp_path_factory.mktemp("extension")
    for name in listed_in_cmake("CardioScarLib"):
        place = folder / "CardioScarLib" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "CardioScarLib" / name, place)

    def run(script: str) -> subprocess.CompletedProcess:
        # An editable installation would find what is missing here.
        script = "import sys; sys.meta_path = [one for one in sys.meta_path if 'editable' not in str(one).lower()]\n" + script
        environment = {**os.environ, "PYTHONPATH": str(folder)}
        return subprocess.run([sys.executable, "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False)

    return run


def test_without_the_benchmark_every_module_is_imported_and_its_command_says_what_is_missing(as_slicer_has_it):
    modules = [
        name.removesuffix(".py").replace("/", ".")
        for name in listed_in_cmake("CardioScarLib")
        if name.endswith(".py") and "child" not in name
    ]
    names = [f"CardioScarLib.{name}".removesuffix(".__init__") for name in modules if not name.startswith("report.offscreen")]
    done = as_slicer_has_it(f"import importlib; print({{importlib.import_module(name).__file__ for name in {names}}})")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("extension") == len(names) and str(ROOT) not in done.stdout
    for words in (["benchmark"], ["benchmark", "--list"], ["benchmark", "published", "--quick"]):
        done = as_slicer_has_it(f"from CardioScarLib.cli.main import main; sys.exit(main({words}))")
        assert done.returncode == 2 and done.stdout == ""
        assert done.stderr.startswith("Error: The benchmark is not installed with the Slicer extension;") and done.stderr.count("\n") == 1
    done = as_slicer_has_it("from CardioScarLib.cli.main import main; sys.exit(main(['web']))")
    assert done.returncode == 2 and done.stderr.startswith("Error: The browser front end needs ") and done.stderr.count("\n") == 1
    assert as_slicer_has_it("from CardioScarLib.cli.main import main; sys.exit(main(['--help']))").returncode == 0


def test_the_module_file_is_the_only_script_beside_itself():
    assert [path.name for path in (ROOT / "CardioScar").glob("*.py")] == ["CardioScar.py"]


def test_the_library_is_installed_as_a_folder_beside_the_module():
    assert "WITH_SUBDIR" in (ROOT / "CardioScarLib" / "CMakeLists.txt").read_text()
    assert "WITH_SUBDIR" not in (ROOT / "CardioScar" / "CMakeLists.txt").read_text()


def test_the_extension_describes_itself_in_literals_as_the_module_does():
    text = (ROOT / "CMakeLists.txt").read_text()
    assert re.search(r"^project\(CardioScar\)$", text, re.MULTILINE)
    found = extension_metadata()
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


def extension_metadata() -> dict[str, str]:
    """What the extension says about itself in its CMakeLists.txt."""
    return dict(re.findall(r'^set\(EXTENSION_(\w+) "([^"$]+)"\)', (ROOT / "CMakeLists.txt").read_text(), re.MULTILINE))


def test_the_entry_for_the_extension_index_is_what_its_schema_allows_and_says_what_cmake_says():
    """The rules of slicer-extension-catalog-entry-schema-v1.0.2.json, and of the index's own check."""
    text = (ROOT / "CardioScar.json").read_bytes()
    entry, cmake = json.loads(text), extension_metadata()
    assert b"\r" not in text
    texts = {"$schema", "category", "scm_url", "scm_revision", "scm_type", "build_subdirectory", "dicom_support_rule"}
    assert {"$schema", "category", "scm_url"} <= set(entry) <= texts | {"build_dependencies", "enabled", "tier"}
    assert all(isinstance(entry[name], str) and entry[name] for name in texts & set(entry))
    assert entry["$schema"].startswith("https://raw.githubusercontent.com/Slicer/Slicer/main/Schemas/")
    assert entry["$schema"].endswith("/slicer-extension-catalog-entry-schema-v1.0.2.json#")
    assert entry["tier"] in range(1, 6) and entry["scm_revision"] == "main"
    assert (entry["category"], entry["build_dependencies"]) == (cmake["CATEGORY"], [cmake["DEPENDS"]])
    assert entry["scm_url"] == cmake["HOMEPAGE"] + ".git"
    repository = cmake["HOMEPAGE"].rpartition("/")[2]
    assert repository.startswith("Slicer") and not "CardioScar".startswith("Slicer")


def test_all_addresses_of_the_project_are_those_of_its_homepage():
    """Until the repository is public its address may have to change: then in all places."""
    home = extension_metadata()["HOMEPAGE"].removeprefix("https://github.com/")
    for name in ("CMakeLists.txt", "CardioScar.json", "CITATION.cff", "CardioScar/CardioScar.py", "pyproject.toml", "README.md"):
        found = re.findall(r"https://(?:github|raw\.githubusercontent)\.com/([\w-]+/Slicer\w*)", (ROOT / name).read_text(encoding="utf-8"))
        assert {one for one in found if one != "Slicer/Slicer"} <= {home}, name


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
