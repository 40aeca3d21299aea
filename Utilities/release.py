"""Check that a release can be made, date it, and print the git commands that make it; RELEASING.md says when and how.

    python Utilities/release.py          # the version in CardioScarLib/core/version.py, dated today

Nothing is committed, tagged or sent anywhere.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIBRARY, CITATION, CHANGELOG = "CardioScarLib/core/version.py", "CITATION.cff", "CHANGELOG.md"
VERSIONS = {
    LIBRARY: r'^__version__ = "([^"]+)"$',
    CITATION: r"^version: (\S+)$",
    CHANGELOG: r"\A# Changelog\n+## (\S+)",
}
UNRELEASED = "(unreleased)"


def versions(root: Path) -> dict[str, str]:
    """The version each file names, by file; an empty one where it names none."""
    found = {name: re.search(pattern, (root / name).read_text(encoding="utf-8"), re.MULTILINE) for name, pattern in VERSIONS.items()}
    return {name: match[1] if match else "" for name, match in found.items()}


def git(root: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(root), *words], check=True, capture_output=True, text=True).stdout


def problems(root: Path) -> list[str]:
    """Why this cannot be released, one sentence each."""
    found = []
    named = versions(root)
    version = named[LIBRARY]
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        found.append(f'{LIBRARY} names the version "{version}"; three numbers such as 1.2.3 are needed.')
    for name in (CITATION, CHANGELOG):
        if named[name] != version:
            found.append(f'{name} names the version "{named[name]}" and {LIBRARY} "{version}"; they must be the same.')
    if f"## {version} {UNRELEASED}\n" not in (root / CHANGELOG).read_text(encoding="utf-8"):
        found.append(f'{CHANGELOG} has no heading "## {version} {UNRELEASED}".')
    if changed := git(root, "status", "--porcelain").splitlines():
        found.append(f"Files that are not committed: {len(changed)}, the first is {changed[0][3:]}. Commit or remove them.")
    if git(root, "tag", "--list", f"v{version}").strip():
        found.append(f"The tag v{version} exists already; choose the next version.")
    return found


def set_date(root: Path, day: date) -> None:
    """Write the day of the release into the changelog and the citation."""
    version = versions(root)[LIBRARY]
    changelog, citation = root / CHANGELOG, root / CITATION
    text = changelog.read_text(encoding="utf-8")
    changelog.write_text(text.replace(f"## {version} {UNRELEASED}\n", f"## {version} ({day})\n", 1), encoding="utf-8")
    text = re.sub(r"^date-released: .*\n", "", citation.read_text(encoding="utf-8"), flags=re.MULTILINE)
    text = re.sub(VERSIONS[CITATION], rf"\g<0>\ndate-released: {day}", text, flags=re.MULTILINE)
    citation.write_text(text, encoding="utf-8")


def commands(version: str) -> list[str]:
    return [
        f'git commit --all --message "ENH: Release {version}"',
        f'git tag --annotate v{version} --message "CardioScar {version}"',
        f"git push origin HEAD v{version}",
    ]


def says_yes(question: str) -> bool:
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def main(words: list[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--date", type=date.fromisoformat, default=date.today(), help="day of the release, such as 2026-12-31")
    day = parser.parse_args(words).date
    if found := problems(root):
        print("\n".join(found), file=sys.stderr)
        return 1
    for task in ("make lint", "make test"):
        if not says_yes(f"Did `{task}` pass on this commit?"):
            print(f"Run `{task}` first.", file=sys.stderr)
            return 1
    set_date(root, day)
    print(f"{CHANGELOG} and {CITATION} are dated {day}. Read the changes (git diff), then:")
    print("\n".join(f"    {line}" for line in commands(versions(root)[LIBRARY])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
