"""Names of files in any script and any encoding, and texts as programs of Windows save them."""

from __future__ import annotations

import codecs
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from CardioScarLib.cli.main import main
from CardioScarLib.cli.phantom_files import write_phantom
from CardioScarLib.cohort import Study, find_cases, run_study
from CardioScarLib.core.settings import ModelSettings, ReconstructionSettings
from CardioScarLib.io.names import is_plain, openable
from CardioScarLib.io.texts import read_text
from CardioScarLib.phantom import phantom_case
from CardioScarLib.tasks.case_settings import CaseSettings, ReconstructStep

ROOT = Path(__file__).parents[2]
ODD = os.fsdecode(b"Ren\xe9")  # as an old archive has it
only_posix = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are Unicode here")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_phantom(phantom_case("W", seed=3, nodes=1000, pixel=5.0), tmp_path_factory.mktemp("inputs"))


def words(mesh, image, output):
    found = {"--mesh-vtk": mesh, "--image": image, "--output": output, "--evidence": "values", "--slice-thickness": 8, "--model": "nearest"}
    return ["reconstruct", *(str(word) for pair in found.items() for word in pair)]


@only_posix
def test_files_whose_names_are_no_utf8_are_read(files, tmp_path, capsys):
    mesh, image = tmp_path / f"{ODD}.vtu", tmp_path / ODD / "lge.nrrd"
    image.parent.mkdir()
    shutil.copy(files.mesh, mesh)
    shutil.copy(files.image, image)
    assert main([*words(mesh, image, tmp_path / "map.vtu"), "--keep-names"]) == 0
    record = json.loads((tmp_path / "map.vtu.json").read_text(encoding="utf-8"))
    assert [one["name"] for one in record["provenance"]["inputs"]] == ["file-1.vtu", "lge.nrrd"]
    assert main(["info", str(mesh), str(image)]) == 0
    capsys.readouterr()
    assert main(words(files.mesh, files.image, tmp_path / ODD / "map.vtu")) == 2
    assert "is not in UTF-8; choose another" in capsys.readouterr().err


@only_posix
def test_a_folder_of_a_case_whose_name_is_no_utf8_stops_nothing(files, tmp_path):
    for name in ("a", ODD):
        (tmp_path / "cases" / name).mkdir(parents=True)
        shutil.copy(files.mesh, tmp_path / "cases" / name)
        shutil.copy(files.image, tmp_path / "cases" / name)
    settings = ReconstructionSettings(model=ModelSettings("nearest")).with_evidence(method="values")
    said = []
    study = Study(tuple(find_cases(tmp_path / "cases")), settings=CaseSettings(reconstruct=ReconstructStep(**vars(settings))))
    outcomes = run_study(study, tmp_path / "out", say=said.append)
    assert [one.state for one in outcomes] == ["done", "done"]
    assert all(is_plain(path) for path in (tmp_path / "out").rglob("*"))


@only_posix
def test_a_link_stands_for_a_name_that_is_no_utf8(tmp_path):
    path = tmp_path / ODD
    assert openable(path) == path and openable(tmp_path) == tmp_path
    path.write_text("something")
    assert openable(path).read_text() == "something" and is_plain(openable(path)) and openable(path) == openable(path)


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_every_script_can_be_printed_on_a_windows_console(files, tmp_path, flags):
    folder = tmp_path / "\u5fc3"
    folder.mkdir()
    command = [sys.executable, "-m", "CardioScarLib.cli.main", *words(files.mesh, files.image, folder / "map.vtu"), *flags]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONIOENCODING": "cp1252"}, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert b"\\u5fc3" in done.stdout and (folder / "map.vtu").exists()


@pytest.mark.parametrize(
    "content",
    [
        codecs.BOM_UTF8 + "a\r\n\u00e4".encode(),
        codecs.BOM_UTF16_LE + "a\n\u00e4".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "a\n\u00e4".encode("utf-16-be"),
        "a\n\u00e4".encode(),
    ],
)
def test_texts_are_read_with_and_without_a_byte_order_mark(tmp_path, content):
    (tmp_path / "text").write_bytes(content)
    assert read_text(tmp_path / "text") == "a\n\u00e4"


def test_other_bytes_are_no_text(tmp_path):
    (tmp_path / "text").write_bytes(b"\xff\x00\xfe")
    with pytest.raises(UnicodeDecodeError):
        read_text(tmp_path / "text")
