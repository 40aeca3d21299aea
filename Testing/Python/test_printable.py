"""Words from files command no terminal, no spreadsheet and no page."""

import subprocess
import sys

import numpy as np
import pytest

from CardioScarLib.cli.main import main
from CardioScarLib.core.errors import BadSettings
from CardioScarLib.core.printable import markdown_words, one_line, printable, table_cell
from CardioScarLib.core.wall import Wall
from CardioScarLib.io.meshes import mesh_of_wall, write_mesh


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Größe 5 µm\nnext", "Größe 5 µm\nnext"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("\x9b2J", "\\x9b2J"),
        ("a\rb\x07\x08", "a\\rb\\x07\\x08"),
        ("left\u202eright", "left\\u202eright"),
        ("not UTF-8: \udcff", "not UTF-8: \\udcff"),
    ],
)
def test_what_commands_a_terminal_is_shown_as_its_code(text, shown):
    assert printable(text) == shown
    printable(text).encode("utf-8")


def test_a_name_stays_on_its_line():
    assert one_line("a\nError: b") == "a\\nError: b"


def test_a_sentence_that_quotes_a_file_stays_one_line():
    problem = BadSettings("There is no step 'au\n\x1bdit'.")
    assert str(problem) == "There is no step 'au\\n\\x1bdit'."
    assert str(BadSettings(str(problem))) == str(problem) and str(BadSettings("5 µm, größer.")) == "5 µm, größer."


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\n=1", "|x", "%x"])
def test_a_formula_becomes_text(text):
    assert table_cell(text).startswith(("'", "\\"))


def test_numbers_and_words_in_a_table_stay_what_they_are():
    assert [table_cell(text) for text in ("12.3", "patient 7", "", "a=b")] == ["12.3", "patient 7", "", "a=b"]


def test_a_name_begins_no_link_no_cell_and_no_html():
    assert markdown_words("<script>|[x](y)`z`\nw") == "\\<script>\\|\\[x\\](y)\\`z\\` w"


def test_the_name_of_an_array_commands_no_terminal(tmp_path, capsys):
    wall = Wall.from_tetrahedra(np.vstack([np.zeros(3), 10 * np.eye(3)]), np.array([[0, 1, 2, 3]]))
    write_mesh(mesh_of_wall(wall, tmp_path / "a.vtu"), {"evil\x1b[2J\nnote: all is well": np.arange(4.0)}, tmp_path / "a.vtk")
    assert main(["info", str(tmp_path / "a.vtk")]) == 0
    said = capsys.readouterr().out
    assert "evil" in said and "\x1b" not in said and "\nnote: all is well" not in said


@pytest.mark.skipif(sys.platform != "linux", reason="Other systems have no such names.")
def test_a_name_that_is_no_utf8_is_an_error_in_words(tmp_path):
    path = bytes(tmp_path / "x") + b"\xff.vtu"
    done = subprocess.run([sys.executable, "-m", "CardioScarLib.cli.main", "info", path], capture_output=True, check=False)
    assert done.returncode == 2 and b"There is no file x\\udcff.vtu" in done.stderr
