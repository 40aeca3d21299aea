"""The documentation: the site builds without a warning, and its commands and Python exist."""

from __future__ import annotations

import ast
import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from CardioScarLib.cli.main import cardioscar

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
ELSEWHERE = re.compile(r'<(?:script|img|iframe)[^>]+src="(?:https?:)?//[^"]*|<link[^>]+href="(?:https?:)?//[^"]*')
CONFIGURATION = "import sys; sys.path.insert(0, r'{extensions}')\nextensions = ['myst_parser', 'settings_tables']\n"


def blocks(path: Path, *languages: str) -> list[str]:
    return [text for language, text in FENCE.findall(path.read_text(encoding="utf-8")) if language in languages]


def unknown_words(line: str) -> list[str]:
    """Commands and flags of a line of a shell that `cardioscar` does not have; none for lines of other programs."""
    words = shlex.split(line, comments=True)
    if not words or Path(words[0]).name != "cardioscar" or words[1:] == ["--version"]:
        return []
    command = cardioscar.commands.get(words[1]) if len(words) > 1 else None
    if command is None:
        return words[:2]
    commands = [command]
    for each in commands:  # groups of groups, too
        commands.extend(getattr(each, "commands", {}).values())
    options = [one for each in commands for one in each.params if isinstance(one, click.Option)]
    flags = {flag for one in options for flag in (*one.opts, *one.secondary_opts)}
    return [word for word in words[2:] if word.startswith("--") and word.partition("=")[0] not in flags]


def build(source: Path, output: Path) -> subprocess.CompletedProcess:
    # Without objects in the tables of contents, whose copying on every page is a third of the time; warnings do not depend on them.
    words = ["-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "-D", "toc_object_entries=0", str(source), str(output)]
    return subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True)


@pytest.fixture
def small_site(tmp_path):
    """A site of one page, with this project's own directives; returns a function that builds it."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "conf.py").write_text(CONFIGURATION.format(extensions=ROOT / "docs" / "_extensions"))

    def make(text: str) -> tuple[subprocess.CompletedProcess, str]:
        (source / "index.md").write_text(text)
        done = build(source, tmp_path / "site")
        page = tmp_path / "site" / "index.html"
        return done, page.read_text(encoding="utf-8") if page.exists() else ""

    return make


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_loads_nothing_from_other_hosts(tmp_path):
    done = build(ROOT / "docs", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    text = (tmp_path / "reference" / "command_line.html").read_text(encoding="utf-8")
    assert all(f'id="cardioscar-{name}"' in text for name in cardioscar.commands)
    assert "slice_operator" in (tmp_path / "genindex.html").read_text(encoding="utf-8")
    for page in tmp_path.rglob("*.html"):
        assert not ELSEWHERE.findall(page.read_text(encoding="utf-8")), page.name


def test_a_broken_link_stops_the_build(small_site):
    done, _ = small_site("# Page\n\n[elsewhere](nowhere.md)\n")
    assert done.returncode == 1 and "nowhere.md" in done.stderr


SETTINGS = '''
from dataclasses import dataclass, field
from types import SimpleNamespace

WIDTH = SimpleNamespace(label="Width of it", help="How wide.", options=None, limits=(1.0, 9.5), unit="mm", flag="--width")
KIND = SimpleNamespace(label="Kind", help="Which.", options={"a": ("A", "The first."), "b": ("B", "")}, limits=None, unit="", flag=None)

@dataclass(frozen=True)
class Choices:
    """What can be chosen.

    old: said in the docstring,
        on two lines.
    """

    old: int = 3
    width: float = field(default=2.5, metadata={"choice": WIDTH})
    kind: str = field(default="b", metadata={"choice": KIND})
'''


def test_the_settings_are_tables_of_the_classes_themselves(small_site, tmp_path, monkeypatch):
    (tmp_path / "choices_of_a_test.py").write_text(SETTINGS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    done, page = small_site("# Page\n\n```{settings-tables} choices_of_a_test\n```\n")
    assert (done.returncode, done.stderr) == (0, "")
    table = [[re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<td.*?</td>", row)] for row in page.split("<tr")]
    assert table[-3:] == [
        ["old", "", "3", "", "said in the docstring, on two lines."],
        ["width (Width of it)", "--width", "2.5", "from 1 to 9.5 mm", "How wide."],
        ["kind (Kind)", "", "b", "a, b", "Which. a: The first."],
    ]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_on_the_page_exist_with_their_flags(path):
    lines = [line for text in blocks(path, "sh") for line in text.splitlines()]
    assert [line for line in lines if unknown_words(line)] == []


def test_a_flag_or_a_command_that_does_not_exist_is_found():
    assert unknown_words("cardioscar info wall.vtu --jason") == ["--jason"]
    assert unknown_words(".venv/bin/cardioscar inform wall.vtu") == [".venv/bin/cardioscar", "inform"]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_python_on_the_page_is_python(path):
    for text in blocks(path, "python"):
        compile(text, str(path), "exec")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_the_page_imports_from_the_library_is_there(path):
    for text in blocks(path, "python"):
        for statement in ast.walk(ast.parse(text)):
            if isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith("CardioScarLib"):
                module = importlib.import_module(statement.module)
                for name in statement.names:
                    # `from package import module` need not be an attribute before it is imported.
                    assert hasattr(module, name.name) or importlib.util.find_spec(f"{statement.module}.{name.name}")
