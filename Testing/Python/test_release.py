"""The script that prepares a release, on a small repository that could be released."""

import importlib.util
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DAY = date(2026, 12, 31)

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed here")


def load_release():
    spec = importlib.util.spec_from_file_location("release", ROOT / "Utilities" / "release.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


release = load_release()


def git(root: Path, *words: str) -> None:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false")
    subprocess.run(["git", *who, "-C", str(root), *words], check=True, capture_output=True)


@pytest.fixture
def ready(tmp_path):
    (tmp_path / "CardioScarLib" / "core").mkdir(parents=True)
    (tmp_path / release.LIBRARY).write_text('"""A library."""\n\n__version__ = "1.2.3"\n')
    (tmp_path / release.CITATION).write_text("cff-version: 1.2.0\nversion: 1.2.3\nlicense: MIT\n")
    (tmp_path / release.CHANGELOG).write_text("# Changelog\n\n## 1.2.3 (unreleased)\n\n- New.\n\n## 1.2.2 (2026-01-01)\n\n- Old.\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "ENH: All")
    return tmp_path


def change(root: Path, name: str, old: str, new: str) -> None:
    text = (root / name).read_text()
    assert old in text
    (root / name).write_text(text.replace(old, new))
    git(root, "commit", "--quiet", "--all", "--message", "ENH: Change")


def answer(monkeypatch, *answers: str) -> list[str]:
    asked = []
    remaining = iter(answers)
    monkeypatch.setattr("builtins.input", lambda question: (asked.append(question), next(remaining))[1])
    return asked


def test_files_of_this_repository_name_one_version():
    named = release.versions(ROOT)
    assert set(named) == {"CardioScarLib/core/version.py", "CITATION.cff", "CHANGELOG.md"}
    assert len(set(named.values())) == 1 and all(named.values())


def test_a_tree_that_is_ready_is_dated_and_the_commands_are_printed(ready, monkeypatch, capsys):
    asked = answer(monkeypatch, "y", "yes")
    assert release.problems(ready) == []
    assert release.main(["--date", "2026-12-31"], ready) == 0
    assert ["make lint" in asked[0], "make test" in asked[1], len(asked)] == [True, True, 2]
    assert (ready / release.CHANGELOG).read_text().startswith("# Changelog\n\n## 1.2.3 (2026-12-31)\n\n- New.\n\n## 1.2.2 (2026-01-01)\n")
    assert (ready / release.CITATION).read_text() == "cff-version: 1.2.0\nversion: 1.2.3\ndate-released: 2026-12-31\nlicense: MIT\n"
    out = capsys.readouterr().out
    assert out.index("git commit --all") < out.index("git tag --annotate v1.2.3") < out.index("git push origin HEAD v1.2.3")


def test_the_day_of_an_earlier_release_is_replaced(ready):
    change(ready, release.CITATION, "version: 1.2.3\n", "version: 1.2.3\ndate-released: 2026-01-01\n")
    release.set_date(ready, DAY)
    assert (ready / release.CITATION).read_text() == "cff-version: 1.2.0\nversion: 1.2.3\ndate-released: 2026-12-31\nlicense: MIT\n"


@pytest.mark.parametrize(("answers", "missing"), [(["n"], "make lint"), (["y", ""], "make test")])
def test_nothing_is_dated_before_lint_and_tests_have_passed(ready, monkeypatch, capsys, answers, missing):
    before = [(ready / name).read_text() for name in release.VERSIONS]
    answer(monkeypatch, *answers)
    assert release.main(["--date", "2026-12-31"], ready) == 1
    assert capsys.readouterr().err == f"Run `{missing}` first.\n"
    assert [(ready / name).read_text() for name in release.VERSIONS] == before


def test_versions_that_differ_are_told(ready):
    change(ready, release.CITATION, "version: 1.2.3", "version: 1.2.2")
    assert release.problems(ready) == [
        'CITATION.cff names the version "1.2.2" and CardioScarLib/core/version.py "1.2.3"; they must be the same.'
    ]


def test_a_version_that_is_not_three_numbers_is_refused(ready):
    for name in release.VERSIONS:
        change(ready, name, "1.2.3", "1.2.dev0")
    assert release.problems(ready) == [
        'CardioScarLib/core/version.py names the version "1.2.dev0"; three numbers such as 1.2.3 are needed.'
    ]


def test_a_changelog_without_the_version_on_top_is_told(ready):
    change(ready, release.CHANGELOG, "## 1.2.3 (unreleased)\n\n- New.\n\n", "")
    said = release.problems(ready)
    assert said == [
        'CHANGELOG.md names the version "1.2.2" and CardioScarLib/core/version.py "1.2.3"; they must be the same.',
        'CHANGELOG.md has no heading "## 1.2.3 (unreleased)".',
    ]


def test_a_version_that_was_released_is_not_released_again(ready):
    git(ready, "tag", "v1.2.3")
    change(ready, release.CHANGELOG, "1.2.3 (unreleased)", "1.2.3 (2026-02-02)")
    assert release.problems(ready) == [
        'CHANGELOG.md has no heading "## 1.2.3 (unreleased)".',
        "The tag v1.2.3 exists already; choose the next version.",
    ]


def test_files_that_are_not_committed_stop_a_release_and_nothing_is_asked(ready, monkeypatch, capsys):
    (ready / "new.txt").write_text("new")
    asked = answer(monkeypatch)
    assert release.main([], ready) == 1 and asked == []
    assert capsys.readouterr().err == "Files that are not committed: 1, the first is new.txt. Commit or remove them.\n"
